"""Whole documents of every form that the agent reads, each with who reads it.

The tests of damaged input and the long runs of tests/soak both start from here.
"""

import json
import plistlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from quitus_agent import device, people, plists, smbios, system
from quitus_agent.errors import SourceError
from quitus_agent.foreign import LISTINGS
from quitus_agent.inventory import Install
from quitus_agent.registry import Key, hive, machine
from quitus_agent.sources import ALL, activation, appx, flatpak, load, office_msi
from tests.makers import regf, rpmdb
from tests.makers import smbios as firmware

CAPTURES = Path(__file__).parents[1] / "captures"
READERS: dict[str, Any] = {each.name: each.read for each in map(load, ALL)}
READERS |= {each.name: each.read for each in LISTINGS}
# More keys and values than any hive of a few kilobytes can hold.
MOST_VISITS = 20_000


class Form(NamedTuple):
    """A form of document: `read` yields what is made of one; `mended` restores its checksum."""

    read: Callable[[Path], Iterator[Any]]
    documents: Callable[[], list[bytes]]
    is_binary: bool = False
    mended: Callable[[bytes], bytes] = bytes


def by(*names: str) -> Callable[[Path], Iterator[Install]]:
    """Reads a file with each of these sources and listings, whatever the others say of it."""

    def read(path: Path) -> Iterator[Install]:
        refusals = []
        for name in names:
            try:
                yield from READERS[name](path)
            except SourceError as error:
                refusals.append(error)
        if refusals:
            raise refusals[0]

    return read


def of_bytes(
    *parsers: Callable[[bytes], Any], then: Callable[[Any], Any] = lambda parsed: parsed
) -> Callable[[Path], Iterator[Any]]:
    """Reads a file with functions that take its bytes, and does something with what they make."""

    def read(path: Path) -> Iterator[Any]:
        content = path.read_bytes()
        for parse in parsers:
            yield then(parse(content))

    return read


# --- Windows ---

UNINSTALL = r"Microsoft\Windows\CurrentVersion\Uninstall"


def nested(tree: dict[str, Any]) -> dict[str, Any]:
    r"""A tree whose keys may be paths like `Microsoft\Office`."""
    found: dict[str, Any] = {}
    for path, held in tree.items():
        *above, last = path.split("\\")
        place = found
        for name in above:
            place = place.setdefault(name, {})
        if isinstance(held, dict):
            place.setdefault(last, {}).update(nested(held))
        else:
            place[last] = held
    return found


def digital_product_id() -> bytes:
    """The readable part of one, of version 4."""
    digital = bytearray(0x4F8)
    for at, text in ((0x118, "HomeBusinessR"), (0x3F8, "Retail")):
        digital[at : at + 2 * len(text)] = text.encode("utf-16-le")
    return bytes(digital)


def software_hive() -> dict[str, Any]:
    """A key for every source that reads HKLM's SOFTWARE."""
    office = "{90140000-003D-0000-1000-0000000FF1CE}"
    appx_key = r"Microsoft\Windows\CurrentVersion\Appx\AppxAllUserStore\Applications"
    edition = {"ProductName": "Windows 10 Pro", "CurrentBuild": "22631", "UBR": 3007}
    configuration = {"ProductReleaseIds": "O365ProPlusRetail,VisioPro2021Volume", "Platform": "x64"}
    setup = {"PatchLevel": "15.0.4261.1", "Edition": "Express Edition", "SqlCluster": 0}
    program = {"DisplayName": "7-Zip é", "DisplayVersion": "23", "InstallDate": "20240102"}
    part = {"DisplayName": "Office", "SystemComponent": 1, "ParentKeyName": "Office14"}
    return nested(
        {
            rf"{UNINSTALL}\7-Zip": program,
            rf"{UNINSTALL}\{office}": part,
            rf"{UNINSTALL}\Ω": {"DisplayName": "Ωμέγα", "EstimatedSize": 1 << 40},
            rf"Wow6432Node\{UNINSTALL}\Npp": {"DisplayName": "Notepad++"},
            r"Microsoft\Windows NT\CurrentVersion": edition,
            r"Microsoft\Office\ClickToRun\Configuration": configuration,
            rf"Microsoft\Office\14.0\Registration\{office}": {
                "DigitalProductID": digital_product_id()
            },
            r"Microsoft\Microsoft SQL Server\MSSQL15.SQLEXPRESS\Setup": setup,
            rf"{appx_key}\Microsoft.Calculator_10.1.0.0_x64__8wekyb3d8bbwe": {"Path": "C:\\x"},
            r"Classes\Long": {"bytes": bytes(range(256)) * 80, "list": ["a", "b"], "": "default"},
        }
    )


def other_hives() -> list[dict[str, Any]]:
    """A person's hive, their classes, Amcache, and SYSTEM."""
    packages = appx.REPOSITORY
    application = {"Name": "Éditeur", "Version": "7", "Publisher": "SA", "Source": "Msi"}
    return [
        nested({rf"Software\{UNINSTALL}\Zoom": {"DisplayName": "Zoom"}}),
        nested({rf"{packages}\Editor.App_2.0.0.0_x64__abcdefghjkmnp": {"DisplayName": "L'app"}}),
        nested({rf"Root\InventoryApplication\{'0' * 40}": application}),
        nested({"Select": {"Current": 1}, "ControlSet001": {}}),
    ]


def hives() -> list[bytes]:
    """Small lists of keys make lists of lists in a small hive."""
    return [
        regf.hive(software_hive()),
        *map(regf.hive, other_hives()),
        regf.hive({f"k{number}": {"": number} for number in range(9)}, list_length=4),
    ]


def read_hive(path: Path) -> Iterator[Any]:
    """What the sources make of a hive, and all that is in it."""
    sources = ("windows-uninstall", "windows-edition", "click-to-run", "office-msi", "sql-server")
    root = hive.open_hive(path)
    refusal: SourceError | None = None
    for visits, key in enumerate(_below(root)):
        yield key.name, [key.value(name) for name in key.value_names()]
        assert visits < MOST_VISITS, "goes round in circles"
    try:
        yield from by(*sources, "windows-user-uninstall", "appx")(path)
    except SourceError as error:
        refusal = error
    try:
        yield from READERS["amcache"](path)
    except SourceError as error:
        refusal = refusal or error
    if refusal:
        raise refusal


def logs_of_hives() -> list[bytes]:
    """What Windows had still to write, in both forms of logs."""
    before, after = (regf.hive({"K": {"n": number}}) for number in (1, 2))
    entries = regf.log_header(7, 4096) + regf.log_entry(7, after) + regf.log_entry(8, before)
    return [entries, regf.log_of_sectors(7, before, after)]


def read_log(path: Path) -> Iterator[Any]:
    """What is in a hive once this log of it is applied."""
    waiting = path.with_name(f"{path.name}-hive")
    if not waiting.exists():
        regf.left_dirty(regf.write(waiting, {"K": {"n": 1}}))
    shutil.copyfile(path, waiting.with_name(f"{waiting.name}.LOG1"))
    for visits, key in enumerate(_below(machine.hive_at(waiting))):
        yield key.name, [key.value(name) for name in key.value_names()]
        assert visits < MOST_VISITS, "goes round in circles"


def _below(key: Key, depth: int = 0) -> Iterator[Key]:
    yield key
    for each in key.subkeys():
        assert depth < 512, "goes round in circles"
        yield from _below(each, depth + 1)


REGISTRY_SOURCES = (
    *("windows-uninstall", "windows-user-uninstall", "windows-edition", "click-to-run"),
    *("office-msi", "sql-server", "appx", "amcache"),
)
ROW = {"Name": "Office 16", "LicenseStatus": 1, "PartialProductKey": "WFG99", "Description": None}
STATE = {
    "installationName": "VisualStudio/17.8.3",
    "installationVersion": "17.8.34330.188",
    "installDate": "2024-01-02T03:04:05Z",
    "installationPath": "C:\\VS",
    "product": {"id": "Microsoft.VisualStudio.Product.Professional", "version": "17.8.3"},
    "catalogInfo": {"productLineVersion": "2022", "productDisplayVersion": "17.8.3 (Jan)"},
}
WMI = (
    "Name=Office 16, ProPlus\r\nApplicationID=0ff1ce15-a989-479d-af46-f275c6370663\r\n"
    "Description=VOLUME_KMSCLIENT channel\r\nLicenseStatus=1\r\nPartialProductKey=WFG99\r\n\r\n"
    "HotFixID=KB5034441\r\nDescription=Security Update\r\n\r\n"
    "Caption=Microsoft Windows 11 Pro\r\nVersion=10.0.22631\r\nOperatingSystemSKU=48\r\n"
)

# --- macOS ---

INFO = {
    "CFBundleDisplayName": "Microsoft Word",
    "CFBundleIdentifier": "com.microsoft.Word",
    "CFBundleShortVersionString": "16.83",
    "NSHumanReadableCopyright": "Copyright © 2024 Éditeur SA. All rights reserved.",
}
HISTORY = [
    {
        "date": datetime(2024, 1, 2, 3, 4, 5),  # noqa: DTZ001 - property lists know no zones
        "displayName": "Office",
        "displayVersion": "16.83",
        "packageIdentifiers": ["com.microsoft.package.Microsoft_Word.app"],
        "processName": "installer",
    }
]
RECEIPT = {"PackageIdentifier": "com.acme.pkg", "PackageVersion": "1.2", "InstallProcessName": "i"}
PLATFORM = {
    "IOPlatformSerialNumber": "C02ABC",
    "IOPlatformUUID": "4C4C4544-0042-3510-8054-B4C04F4D3632",
    "manufacturer": b"Apple Inc.\0",
    "model": b"MacBookPro18,1\0",
}
ITEM = {
    "_name": "Xcode",
    "arch_kind": "arch_arm_i64",
    "info": "Xcode 15, © 2024 Apple Inc.",
    "lastModified": "2024-01-02T03:04:05Z",
    "obtained_from": "identified_developer",
    "path": "/Applications/Xcode.app",
    "signed_by": ["Developer ID Application: Éditeur SA (ABCDE12345)", "Apple Root CA"],
    "version": "15 . 2",
}
LOGIN_WINDOW = {"lastUserName": "amelie", "SHOWFULLNAME": True, "Retries": 7, "n": 1.5}
PROFILED = (
    "Applications:\n\n    Xcode:\n\n      Version: 15.2\n      Obtained from: Apple\n"
    "      Kind: Universal\n      Signed by: Software Signing, Apple Root CA\n"
    "      Location: /Applications/Xcode.app\n      Get Info String: © 2024 Éditeur SA.\n\n"
)


def property_lists(form: Any) -> list[bytes]:
    """One of each kind that is read; `form` is plistlib's."""
    profile = [{"_dataType": "SPApplicationsDataType", "_items": [ITEM]}]
    given: list[Any] = [INFO, HISTORY, RECEIPT, profile, LOGIN_WINDOW, [PLATFORM]]
    return [plistlib.dumps(each, fmt=form) for each in given]


def read_property_list(path: Path) -> Iterator[Any]:
    """By everything that reads property lists."""
    yield device.parse_ioreg(path.read_bytes(), has_battery=False)
    yield from by("macos-applications", "macos-receipts", "macos-office")(path)
    found = plists.read_dict(path)
    yield [plists.text(found.get(name)) for name in ("lastUserName", "ProductName")]


# --- Linux and others ---

STATUS = (
    "Package: bash\nStatus: install ok installed\nMaintainer: Zoé <zoe@example.org>\n"
    "Architecture: amd64\nSection: shells\nVersion: 5.2-1\nDescription: a shell\n more\n\n"
    "Package: old\nStatus: deinstall ok config-files\nVersion: 1\n"
)
RPMS: list[rpmdb.Package] = [
    {
        **{"name": "bash", "version": "5.1.8", "release": "6.el9", "arch": "x86_64"},
        **{"vendor": "Éditeur SA", "installed_at": 1700000000},
    },
    {"name": "gpg-pubkey", "version": "fd431d51", "release": "4ae0493b"},
    {"name": "java", "version": "17", "release": "1", "epoch": 1, "summary": "long " * 1700},
]
SWID = (
    '<?xml version="1.0" encoding="UTF-8"?><SoftwareIdentity name="ACME Éditeur" tagId="acme-7"'
    ' version="7" xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd">'
    '<Entity name="ACME" regid="acme.example" role="tagCreator softwareCreator"/>'
    '<Meta product="Éditeur" edition="Pro" entitlementDataRequired="true"/></SoftwareIdentity>'
)
METAINFO = (
    "<component><id>org.acme.App</id><developer><name>ACME</name></developer>"
    '<releases><release version="2.1"/><release version="2.0"/></releases></component>'
)
GLPI_JSON = {"content": {"softwares": [{"name": "Éditeur", "version": 7, "arch": None}]}}
GLPI_XML = (
    "<REQUEST><CONTENT><SOFTWARES><NAME>Éditeur</NAME><VERSION>7</VERSION>"
    "<FROM>registry</FROM></SOFTWARES></CONTENT></REQUEST>"
)
LISTED = {
    "dpkg-query": "bash\tamd64\t5.2\t1\tshells\tinstall ok installed\nii  zsh  5.9  amd64  shell\n",
    "nix": f"/nix/store/{'a' * 32}-bash-5.2p15\n",
    "lslpp": "#Path:Fileset\n/usr/lib/objrepos:bos.rte:7.2.0.0::COMMITTED:I:Base:\n",
    "pkg_info": "bash-5.2.15        GNU shell\n",
    "swlist": "# Bundle(s):\n  HPUX11i  B.11.31  HP-UX\n  PHSS_1  1.0  patch\n",
    "pkginfo": "   PKGINST:  SUNWcsr\n   VERSION:  11.10\n    VENDOR:  Oracle\n\n",
}
APK = "P:musl\nV:1.2.4-r2\nA:x86_64\nm:Timo Teräs\nF:lib\n\nP:café\nV:2.0_rc1-r0\n\n"
APK_LIST = (
    "musl-1.2.5-r0 x86_64 {musl} (MIT) [upgradable from: musl-1.2.4-r2]\n"
    "café-2.0_rc1-r0 noarch {café} (GPL AND (MIT OR BSD)) [installed]\n"
)
PACMAN_Q = "bash 5.2-2\nlocal/zsh 1:5.9-1.1 (shells)\n    A shell\n"
HOTFIX_TABLE = (
    "Source  Description      HotFixID   InstalledBy  InstalledOn\n"
    "PC-1    Security Update  KB5034441  SYSTEM       12/03/2024\n"
)
PACMAN_QI = "Nom                : bash\nVersion            : 5.2-2\nArchitecture       : x86_64\n"
DESC = "%NAME%\nbash\n\n%VERSION%\n5.2-2\n\n%ARCH%\nx86_64\n\n%INSTALLDATE%\n1710000000\n"
SNAPS = (
    "name: core22\nversion: '20240111'\ntype: base\n",
    "Name  Version  Rev  Tracking  Publisher  Notes\ncode  1.87  155  stable  vscode✓  classic\n",
    "name:      code\npublisher: vscode✓\nsnap-id:   Ht\ninstalled: 1.87 (155) 316MB classic\n",
)
FLATPAKS = "Application ID\tVersion\tArch\tOrigin\norg.acme.App\t2.1\tx86_64\tflathub\n"
OLD_FLATPAKS = "Ref                     Options\norg.acme.App/x86_64/stable user,current\n"
DEPLOYED = "flathub\0ab\0appdata-version\x002.1\0\0s\0"
FLATPAK_INFO = "ID: org.acme.App\nRef: app/org.acme.App/x86_64/stable\nVersion: 2.1\n"
GNOME = (
    '<application-state><context id=""><application id="code.desktop" score="1" last-seen='
    '"1700000000"/></context></application-state>'
)
SNAPD = {"data": {"snaps": {"code": {"type": "app", "current": "155"}}}}
CPUINFO = "physical id\t: 0\ncore id\t: 1\nflags\t: fpu hypervisor\n\n"
OS_RELEASE = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'


def made(make: Callable[..., Path], *options: Any) -> bytes:
    """The bytes of an rpm database."""
    with tempfile.TemporaryDirectory() as folder:
        return make(Path(folder) / "made", RPMS, *options).read_bytes()


def smbios_table() -> bytes:
    """A system and its enclosure."""
    uuid = "4c4c4544-0042-3510-8054-b4c04f4d3632"
    return (
        firmware.system("Dell Inc.", "Latitude", "B5BTM62", uuid)
        + firmware.enclosure(9)
        + firmware.END
    )


def wtmp() -> bytes:
    """A reboot and two logins."""
    return b"".join(
        people.LOGIN_RECORD.pack(kind, 1, b"pts/0", b"0", user, b"host")
        for kind, user in ((2, b"reboot"), (7, b"amelie"), (7, "zoé".encode()))
    )


def texts(*documents: str | list[Any] | dict[str, Any]) -> Callable[[], list[bytes]]:
    """Texts, or what becomes one as JSON."""
    return lambda: [
        (each if isinstance(each, str) else json.dumps(each)).encode() for each in documents
    ]


def export() -> list[bytes]:
    """A registry export in both of Windows' encodings."""
    written = (CAPTURES / "windows/workstation.reg").read_bytes()
    key = rf"[HKEY_LOCAL_MACHINE\SOFTWARE\{UNINSTALL}\Zoom]"
    values = '"DisplayName"="a\nb"\n"h"=hex(7):61,00,\\\n  00,00\n'
    short = f"REGEDIT4\n\n{key}\n{values}"
    return [written, short.encode(), b"\xff\xfe" + short.encode("utf-16-le")]


SPDX_MANIFEST = {
    "rpms": [{"name": "bash", "version": "5.1", "release": "6", "architecture": "x86_64"}]
}
FORMS: dict[str, Form] = {
    "hive": Form(read_hive, hives, True, regf.mended),
    "hive-log": Form(read_log, logs_of_hives, True, regf.mended_log),
    "rpm-sqlite": Form(by("rpm"), lambda: [made(rpmdb.sqlite)], True),
    "rpm-ndb": Form(by("rpm"), lambda: [made(rpmdb.ndb)], True),
    "rpm-berkeley": Form(
        by("rpm"), lambda: [made(rpmdb.berkeley), made(rpmdb.berkeley, ">")], True
    ),
    "plist-binary": Form(
        read_property_list, lambda: property_lists(plistlib.FMT_BINARY), is_binary=True
    ),
    "firmware": Form(
        of_bytes(smbios.parse, office_msi.readable_part, people.parse_wtmp),
        lambda: [smbios_table(), digital_product_id(), wtmp()],
        is_binary=True,
    ),
    "registry-export": Form(by(*REGISTRY_SOURCES), export),
    "plist-xml": Form(read_property_list, lambda: property_lists(plistlib.FMT_XML)),
    "dpkg": Form(by("dpkg"), texts(STATUS)),
    "apk": Form(by("apk"), texts(APK, APK_LIST)),
    "pacman": Form(by("pacman"), texts(DESC, PACMAN_Q, PACMAN_QI)),
    "rpm-listing": Form(by("rpm"), texts("a\tnoarch\t1-1\t1700000000\t1\t(none)\n", SPDX_MANIFEST)),
    "snap": Form(by("snap"), texts(*SNAPS, SNAPD)),
    "flatpak": Form(by("flatpak"), texts(FLATPAKS, OLD_FLATPAKS, FLATPAK_INFO)),
    "flatpak-deployed": Form(of_bytes(flatpak.parse_deploy), texts(DEPLOYED)),
    "hotfix-table": Form(by("hotfixes"), texts(HOTFIX_TABLE)),
    "gnome": Form(by("last-use"), texts(GNOME)),
    "licensing-service": Form(of_bytes(activation.parse_answer, then=list), texts([ROW])),
    "metainfo": Form(of_bytes(flatpak.parse_metainfo), texts(METAINFO)),
    "swid": Form(by("swid"), texts(SWID)),
    "wmi": Form(by("activation", "hotfixes", "windows-edition"), texts(WMI)),
    "system-profiler": Form(
        by("macos-applications"), texts(PROFILED, {"SPApplicationsDataType": [ITEM]})
    ),
    "appx-names": Form(
        of_bytes(lambda content: appx.split(content.decode("latin-1"))),
        texts("Microsoft.Calculator_10.1.0.0_x64__8wekyb3d8bbwe"),
    ),
    "glpi": Form(by("glpi"), texts(GLPI_XML, GLPI_JSON)),
    "visual-studio": Form(by("visual-studio"), texts(STATE)),
    "cpuinfo": Form(
        of_bytes(lambda content: device.parse_cpuinfo(content.decode("latin-1"))), texts(CPUINFO)
    ),
    "os-release": Form(
        of_bytes(lambda content: system.parse_os_release(content.decode("latin-1"))),
        texts(OS_RELEASE),
    ),
    **{name: Form(by(name), texts(listing)) for name, listing in LISTED.items()},
}


@cache
def documents(form: str) -> tuple[bytes, ...]:
    """The whole documents of a form, made once."""
    return tuple(FORMS[form].documents())
