"""Office installed by MSI: its suites, each once, however many language rows and twin keys show it.

Product codes are {BRMMmmmm-PPPP-LLLL-p000-D000000FF1CE}: R release type, MM release, PPPP product,
LLLL language, p bitness (Microsoft, "Description of the numbering scheme for product code GUIDs in
Office", for 2007 to 2016). Those of 2003 and XP are {WXYYZZZZ-…}: X release type, YY product, ZZZZ
language; of 2000 {xxYYZZZZ-…} (the same for these, KB832672, KB302663 and KB230848). Edition and
channel of a suite that several editions share stand in its Registration key, in the readable part
of DigitalProductID; the key itself is never read.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quitus_agent.inventory import Install, Source
from quitus_agent.registry import Key, captured, text, uninstall
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "office-msi"
_CODE = re.compile(
    r"\{.(?P<kind>[0-9A-F])(?P<release>\d\d)....-(?P<product>[0-9A-F]{4})-(?P<language>[0-9A-F]{4})"
    r"-(?P<bits>[01])000-.000000FF1CE\}"
)
# Before 2007, by the rest of the code, which is the same for a whole release.
_OLD_CODE = re.compile(
    r"\{[0-9A-F](?P<kind>[0-9A-F])(?P<product>[0-9A-F]{2})(?P<language>[0-9A-F]{4})"
    r"-(?P<family>[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{4}-[0-9A-F]{12})\}"
)
FAMILIES = {
    "6000-11D3-8CFE-0150048383C9": "11",
    "6000-11D3-8CFE-0050048383C9": "10",
    "6D54-11D4-BEE3-00C04F990354": "10",
    "78E1-11D2-B60F-006097C998E7": "9",
}
RELEASES = {
    **{"9": "2000", "10": "XP", "11": "2003"},
    **{"12": "2007", "14": "2010", "15": "2013", "16": "2016"},
}
RELEASE_KINDS = {"0": "volume", "1": "retail", "2": "trial", "5": "download"}
NEUTRAL = "0000"
# What is licensed; every other product number is a part of one of these.
SUITES = {
    "0011": "Microsoft Office Professional Plus",
    "0012": "Microsoft Office Standard",
    "0013": "Microsoft Office Basic",
    "0014": "Microsoft Office Professional",
    "0015": "Microsoft Access",
    "0016": "Microsoft Excel",
    "0017": "Microsoft SharePoint Designer",
    "0018": "Microsoft PowerPoint",
    "0019": "Microsoft Publisher",
    "001A": "Microsoft Outlook",
    "001B": "Microsoft Word",
    "001C": "Microsoft Access Runtime",
    "0026": "Microsoft Expression Web",
    "0029": "Microsoft Excel",
    "002B": "Microsoft Word",
    "002E": "Microsoft Office Ultimate",
    "002F": "Microsoft Office Home and Student",
    "0030": "Microsoft Office Enterprise",
    "0031": "Microsoft Office Professional Hybrid",
    "0033": "Microsoft Office Personal",
    "0035": "Microsoft Office Professional Hybrid",
    "0037": "Microsoft PowerPoint",
    "003A": "Microsoft Project Standard",
    "003B": "Microsoft Project Professional",
    "003D": "Microsoft Office Single Image",
    "0044": "Microsoft InfoPath",
    "0051": "Microsoft Visio Professional",
    "0052": "Microsoft Visio Viewer",
    "0053": "Microsoft Visio Standard",
    "0057": "Microsoft Visio",
    "008B": "Microsoft Office Small Business Basics",
    "00A1": "Microsoft OneNote",
    "00A3": "Microsoft OneNote Home and Student",
    "00A9": "Microsoft Office InterConnect",
    "00AF": "Microsoft PowerPoint Viewer",
    "00BA": "Microsoft Groove",
    "00CA": "Microsoft Office Small Business",
    "00E0": "Microsoft Outlook",
    "011D": "Microsoft Office Professional Plus",
    "012B": "Microsoft Lync",
    "110D": "Microsoft SharePoint Server",
    "110F": "Microsoft Project Server",
}
# The same of the releases before 2007, which have the year in their midst.
OLD_SUITES = {
    "11": {
        "11": "Microsoft Office Professional Edition 2003",
        "12": "Microsoft Office Standard Edition 2003",
        "13": "Microsoft Office Basic Edition 2003",
        "15": "Microsoft Office Access 2003",
        "16": "Microsoft Office Excel 2003",
        "17": "Microsoft Office FrontPage 2003",
        "18": "Microsoft Office PowerPoint 2003",
        "19": "Microsoft Office Publisher 2003",
        "1A": "Microsoft Office Outlook 2003",
        "1B": "Microsoft Office Word 2003",
        "1C": "Microsoft Office Access Runtime 2003",
        "32": "Microsoft Office Project Server 2003",
        "33": "Microsoft Office Personal Edition 2003",
        "3A": "Microsoft Office Project Standard 2003",
        "3B": "Microsoft Office Project Professional 2003",
        "44": "Microsoft Office InfoPath 2003",
        "51": "Microsoft Office Visio Professional 2003",
        "52": "Microsoft Office Visio Viewer 2003",
        "53": "Microsoft Office Visio Standard 2003",
        "55": "Microsoft Office Visio for Enterprise Architects 2003",
        "A1": "Microsoft Office OneNote 2003",
        "CA": "Microsoft Office Small Business Edition 2003",
        "E0": "Microsoft Office Outlook 2003",
        "E3": "Microsoft Office Professional Edition 2003",
    },
    "10": {
        "11": "Microsoft Office XP Professional",
        "12": "Microsoft Office XP Standard",
        "13": "Microsoft Office XP Small Business",
        "15": "Microsoft Access 2002",
        "16": "Microsoft Excel 2002",
        "17": "Microsoft FrontPage 2002",
        "18": "Microsoft PowerPoint 2002",
        "19": "Microsoft Publisher 2002",
        "1A": "Microsoft Outlook 2002",
        "1B": "Microsoft Word 2002",
        "1C": "Microsoft Access Runtime 2002",
        "27": "Microsoft Project 2002",
        "28": "Microsoft Office XP Professional with FrontPage",
        "29": "Microsoft Office XP Professional Subscription",
        "2A": "Microsoft Office XP Small Business Edition Subscription",
        "2B": "Microsoft Publisher 2002",
        "3A": "Microsoft Project Standard 2002",
        "3B": "Microsoft Project Professional 2002",
        "51": "Microsoft Visio Professional 2002",
        "54": "Microsoft Visio Standard 2002",
    },
    "9": {
        "00": "Microsoft Office 2000 Premium",
        "01": "Microsoft Office 2000 Professional",
        "02": "Microsoft Office 2000 Standard",
        "03": "Microsoft Office 2000 Small Business",
        "10": "Microsoft Access 2000",
        "11": "Microsoft Excel 2000",
        "12": "Microsoft FrontPage 2000",
        "13": "Microsoft PowerPoint 2000",
        "14": "Microsoft Publisher 2000",
        "16": "Microsoft Outlook 2000",
        "17": "Microsoft Word 2000",
        "18": "Microsoft Access Runtime 2000",
    },
}
# Installed without any suite and in one language each: the compatibility pack, viewers, and the
# database engine. Their language is none of a suite's.
STANDALONE = frozenset({"0020", "0052", "00AF", "00D1"})
# Numbers that stand for another product in a later release.
RENAMED = {
    ("012B", "16"): "Microsoft Skype for Business",
    **{("0013", each): "Microsoft Office Home and Business" for each in ("14", "15", "16")},
    **{("00BA", each): "Microsoft SharePoint Workspace" for each in ("14", "15", "16")},
}
# Sold in several editions under one product number, whose release type then says nothing. The name
# that people see stands in the twin key, `Office14.SINGLEIMAGE`.
SHARED_SUITES = frozenset({"003D", "0057"})
_TWIN = re.compile(r"Office(?P<release>\d\d)\.(?:SINGLEIMAGE|VISIOR?)", re.IGNORECASE)
# Editions inside a suite that several of them share, by their id without its channel letter.
EDITIONS = {
    "HomeBusiness": "Microsoft Office Home and Business",
    "HomeStudent": "Microsoft Office Home and Student",
    "Personal": "Microsoft Office Personal",
    "Professional": "Microsoft Office Professional",
    "ProPlus": "Microsoft Office Professional Plus",
    "Standard": "Microsoft Office Standard",
    "Starter": "Microsoft Office Starter",
    "VisioStd": "Microsoft Visio Standard",
    "VisioPro": "Microsoft Visio Professional",
    "VisioPrem": "Microsoft Visio Premium",
}
# Languages are Windows' numbers (MS-LCID); these are the ones that name themselves in reports.
LANGUAGES = {
    "0401": "ar-sa",
    "0407": "de-de",
    "0409": "en-us",
    "040C": "fr-fr",
    "0410": "it-it",
    "0413": "nl-nl",
    "0416": "pt-br",
    "0816": "pt-pt",
    "0C0A": "es-es",
}
# Where DigitalProductID (version 4) keeps edition and channel, in UTF-16.
_EDITION_AT, _CHANNEL_AT, _FIELD_BYTES, _DPID4_BYTES = 0x118, 0x3F8, 0x80, 0x4F8


class Code(NamedTuple):
    """What a product code of Office says."""

    kind: str
    release: str
    product: str
    language: str
    bits: str

    @property
    def suite(self) -> "Code":
        """The same in no language: what the rows of one suite have in common."""
        return self._replace(language=NEUTRAL)

    @property
    def name(self) -> str:
        """What is sold under this number; empty for a part of it."""
        if self.release in OLD_SUITES:
            return OLD_SUITES[self.release].get(self.product, "")
        suite = RENAMED.get((self.product, self.release)) or SUITES.get(self.product)
        return f"{suite} {RELEASES[self.release]}" if suite else ""

    @property
    def is_whole(self) -> bool:
        """Whether this is no language of something: what has none, or is in one by itself."""
        is_single = self.product in STANDALONE or self.release in OLD_SUITES
        return is_single or self.language == NEUTRAL

    @property
    def speakers(self) -> tuple[str, str, str]:
        """What has its languages in common: all of a release, and before 2007 each by itself."""
        return self.release, self.bits, self.product if self.release in OLD_SUITES else ""


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    return parse(open_registry(root).software)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a SOFTWARE hive."""
    return parse(captured.software(path))


def parse(software: Key) -> Iterator[Install]:
    """One record for each suite, with its code, languages, edition and channel."""
    rows: defaultdict[Code, list[Install]] = defaultdict(list)
    twins: dict[str, str] = {}
    languages: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for row in uninstall.installs(software, NAME):
        if twin := _TWIN.fullmatch(row.identifiers["registry_key"]):
            twins[twin["release"]] = row.name
        elif code := decode(row.identifiers.get("product_code", "")):
            if code.language != NEUTRAL and code.product not in STANDALONE:
                languages[code.speakers].add(LANGUAGES.get(code.language, code.language))
            if code.name and code.is_whole:
                rows[code.suite if code.release in OLD_SUITES else code].append(row)
    registrations = dict(_registrations(software))
    for code in sorted(rows.keys() | registrations.keys()):
        if code.name:
            said = registrations.get(code, {})
            if code.product in SHARED_SUITES and "edition_id" not in said:
                said = said | {"edition": twins.get(code.release, "")}
            shown = languages[code.speakers]
            if code.product in STANDALONE:
                shown = {LANGUAGES.get(code.language, code.language)} - {NEUTRAL}
            yield _install(code, rows[code], said, shown)


def decode(product_code: str) -> Code | None:
    """The parts of an Office product code; None for any other GUID."""
    if found := _CODE.fullmatch(product_code.upper()):
        code = Code(**found.groupdict())
        return code if code.release in RELEASES and code.release not in OLD_SUITES else None
    old = _OLD_CODE.fullmatch(product_code.upper())
    release = FAMILIES.get(old["family"]) if old else None
    if old is None or release is None:
        return None
    # Of 2000 there is no release type, but a count of service releases.
    kind = old["kind"] if release != "9" else ""
    return Code(kind, release, old["product"], old["language"], "0")


def readable_part(digital_product_id: bytes) -> dict[str, str]:
    """Edition and channel of a DigitalProductID of version 4; nothing of the key itself."""
    if len(digital_product_id) < _DPID4_BYTES - _FIELD_BYTES:
        return {}
    found = {}
    for name, start in (("edition_id", _EDITION_AT), ("channel", _CHANNEL_AT)):
        field = digital_product_id[start : start + _FIELD_BYTES].decode("utf-16-le", "ignore")
        value = field.partition("\0")[0]
        if value and value.isprintable():
            found[name] = value
    return found


def _install(
    code: Code, rows: list[Install], registration: dict[str, str], languages: set[str]
) -> Install:
    edition = EDITIONS.get(registration.get("edition_id", "").rstrip("RVE0123456789"))
    name = f"{edition} {RELEASES[code.release]}" if edition else code.name
    row = rows[0] if rows else Install("")
    shared = code.product in SHARED_SUITES
    identifiers = {
        "product_code": row.identifiers.get("product_code") or registration.get("product_code", ""),
        "office_product": code.product,
        "release_type": "" if shared else RELEASE_KINDS.get(code.kind, ""),
        "languages": ",".join(sorted(languages)),
        **registration,
    }
    return Install(
        name=registration.get("edition") or name,
        version=row.version or registration.get("version", ""),
        publisher="Microsoft Corporation",
        architecture="x64" if code.bits == "1" else "x86",
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
        installed_on=row.installed_on,
        location=row.location,
    )


def _registrations(software: Key) -> Iterator[tuple[Code, dict[str, str]]]:
    """What the Registration keys of each release say, by the suite's code."""
    for view in ("", "Wow6432Node\\"):
        for release in RELEASES:
            key = software.subkey(rf"{view}Microsoft\Office\{release}.0\Registration")
            for product in key.subkeys() if key else ():
                product_code = text(product, "ProductCode") or product.name
                if code := decode(product_code):
                    digital = product.value("DigitalProductID")
                    said = readable_part(digital) if isinstance(digital, bytes) else {}
                    yield code.suite, {"product_code": product_code.upper(), **said}


SOURCE = Source(NAME, is_windows, scan, read)
