"""Office installed by MSI: its suites, each once, however many language rows and twin keys show it.

Product codes are {BRMMmmmm-PPPP-LLLL-p000-D000000FF1CE}: R release type, MM release, PPPP product,
LLLL language, p bitness (Microsoft, "Description of the numbering scheme for product code GUIDs in
Office", for 2007 to 2016). Edition and channel of a suite that several editions share stand in its
Registration key, in the readable part of DigitalProductID; the key itself is never read.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quitus_agent import captures
from quitus_agent.inventory import Install, Source
from quitus_agent.registry import Key, text, uninstall
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "office-msi"
_CODE = re.compile(
    r"\{.(?P<kind>[0-9A-F])(?P<release>\d\d)....-(?P<product>[0-9A-F]{4})-(?P<language>[0-9A-F]{4})"
    r"-(?P<bits>[01])000-.000000FF1CE\}"
)
RELEASES = {"12": "2007", "14": "2010", "15": "2013", "16": "2016"}
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
    "00A1": "Microsoft OneNote",
    "00A3": "Microsoft OneNote Home and Student",
    "00AF": "Microsoft PowerPoint Viewer",
    "00BA": "Microsoft Groove",
    "00CA": "Microsoft Office Small Business",
    "011D": "Microsoft Office Professional Plus",
    "012B": "Microsoft Lync",
}
# Installed without any suite and in one language each: the compatibility pack, viewers, and the
# database engine. Their language is none of a suite's.
STANDALONE = frozenset({"0020", "0052", "00AF", "00D1"})
# What a later release is called.
RENAMED = {("012B", "16"): "Microsoft Skype for Business"}
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


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    return parse(open_registry(root).software)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a SOFTWARE hive."""
    return parse(captures.registry(path).software)


def parse(software: Key) -> Iterator[Install]:
    """One record for each suite, with its code, languages, edition and channel."""
    rows: defaultdict[Code, list[Install]] = defaultdict(list)
    twins: dict[str, str] = {}
    languages: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for row in uninstall.installs(software, NAME):
        if twin := _TWIN.fullmatch(row.identifiers["registry_key"]):
            twins[twin["release"]] = row.name
        elif code := decode(row.identifiers.get("product_code", "")):
            if code.language != NEUTRAL and code.product not in STANDALONE:
                languages[code.release, code.bits].add(LANGUAGES.get(code.language, code.language))
            elif code.product in SUITES:
                rows[code].append(row)
    registrations = dict(_registrations(software))
    for code in rows.keys() | registrations.keys():
        if code.product in SUITES:
            said = registrations.get(code, {})
            if code.product in SHARED_SUITES and "edition_id" not in said:
                said = said | {"edition": twins.get(code.release, "")}
            shown = languages[code.release, code.bits]
            if code.product in STANDALONE:
                shown = {LANGUAGES.get(code.language, code.language)} - {NEUTRAL}
            yield _install(code, rows[code], said, shown)


def decode(product_code: str) -> Code | None:
    """The parts of an Office product code; None for any other GUID."""
    found = _CODE.fullmatch(product_code.upper())
    return Code(**found.groupdict()) if found and found["release"] in RELEASES else None


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
    year = RELEASES[code.release]
    edition = EDITIONS.get(registration.get("edition_id", "").rstrip("RVE0123456789"))
    product = RENAMED.get((code.product, code.release)) or SUITES[code.product]
    name = registration.get("edition") or f"{edition or product} {year}"
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
        name=name,
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
