"""Captures of real machines: every stated entry is found, by name and version exactly.

Where a stated expectation follows another rule than ours, the difference is named entry by entry,
with its reason, in DIFFERENCES; anything else that differs fails.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from quitus_agent.foreign import LISTINGS
from quitus_agent.inventory import Install
from quitus_agent.sources import ALL, load
from tests.capabilities import SHARED

pytestmark = pytest.mark.needs("shared")
INVENTORY = SHARED / "inventory"
READERS = {each.name: each.read for each in (*map(load, ALL), *LISTINGS)}

# What each capture is, by the pattern of its path; the first that fits.
FORMS = (
    ("linux/apk-*", "apk"),
    ("linux/dpkg-*", "dpkg"),
    ("linux/glpi-dpkg.txt", "dpkg-query"),
    ("linux/glpi-nix.txt", "nix"),
    ("linux/*rpm*", "rpm"),
    ("linux/rpmdb/*/*", "rpm"),
    ("linux/snap/snap", "snap"),
    ("macos/*", "macos-applications"),
    ("unix/aix-*", "lslpp"),
    ("unix/bsd-*", "pkg_info"),
    ("unix/hpux-*", "swlist"),
    ("unix/solaris-*", "pkginfo"),
    ("windows-appx/*Amcache*", "amcache"),
    ("windows-appx/*UsrClass*", "appx"),
    ("windows-hive/*", "windows-uninstall"),
    ("windows-reg/*Uninstall.reg", "windows-uninstall"),
    ("windows-reg/office_*", "office-msi"),
    ("windows-wmi/*SoftwareLicensingProduct*", "activation"),
    ("windows-wmi/*QuickFixEngineering*", "hotfixes"),
    ("inventories/*", "glpi"),
)


class Difference(NamedTuple):
    """A stated entry that we do not give, or one of ours that is not stated, and why."""

    applies: Callable[[str, str], bool]
    reason: str


def named(*pairs: tuple[str, str]) -> Callable[[str, str], bool]:
    return lambda name, version: (name, version) in pairs


NO_NAME = Difference(lambda name, version: not name, "the record names no software")
# GLPI tells records of one name apart by numbering them.
NUMBERED = "GLPI numbers records of one name; two bundles of one name are two records of it"
MAC_NAMES = (
    *("Adobe AIR Application Installer", "Build Applet", "Front Row", "GarageBand"),
    *("NativeMessagingHost", "Python", "Python Launcher", "Siri", "Spotlight", "WebKitPluginHost"),
    *("Wish", "XCPreviewAgent", "com.microsoft.openxml", "group.is.workflow", "hpdot4d", "wxPerl"),
)
MAC = Difference(
    lambda name, version: re.sub(r"_\d$", "", name) in MAC_NAMES,
    NUMBERED,
)
DRIVERS = Difference(
    lambda name, version: name.startswith("devices."),
    "GLPI leaves AIX drivers out; they are kept and marked hidden",
)
PARTS = Difference(
    lambda name, version: not name.startswith("devices."),
    "GLPI lists a fileset once for each object repository; it is one install",
)
UNNAMED_KEYS = Difference(
    lambda name, version: not version,
    "GLPI calls an Uninstall key without a DisplayName by its own name; Windows shows no such"
    " program",
)
DIFFERENCES: dict[str, dict[str, list[Difference]]] = {
    "macos/sample1.SPApplicationsDataType.txt": {"missing": [MAC], "extra": [MAC]},
    "macos/sample4.SPApplicationsDataType.txt": {"missing": [MAC], "extra": [MAC]},
    "macos/sample5.SPApplicationsDataType.xml": {"missing": [MAC], "extra": [MAC]},
    "unix/aix-aix-6.1b.txt": {"missing": [PARTS], "extra": [DRIVERS]},
    "unix/hpux-hpux1.txt": {
        "extra": [
            Difference(
                named(("PHKL_37755", "1.0"), ("PHSS_37552", "1.0")),
                "GLPI leaves HP-UX patches out; they are kept and marked hidden",
            )
        ]
    },
    "windows-appx/plaso-win10-1607-Amcache.hve.xz": {"missing": [NO_NAME]},
    "windows-hive/plaso-win7-x64-SOFTWARE.xz": {"missing": [NO_NAME]},
    "windows-reg/xp-Uninstall.reg": {"missing": [UNNAMED_KEYS]},
    "windows-reg/mssql-Uninstall.reg": {
        "missing": [
            Difference(
                named(("Microsoft SQL Server 2005 Standard Edition", "10.53.6000.34")),
                "GLPI adds the edition of an instance; ours is a record of the source sql-server",
            )
        ],
        "extra": [
            Difference(named(("Microsoft SQL Server 2005", "10.53.6000.34")), "the same, verbatim")
        ],
    },
}


def captures(key: str) -> list[Path]:
    """The captures whose expectation has this key, relative to the inventory folder."""
    found = sorted(INVENTORY.rglob("*.expected.json")) if INVENTORY.is_dir() else []
    return [
        path.with_name(path.name.removesuffix(".expected.json")).relative_to(INVENTORY)
        for path in found
        if key in json.loads(path.read_text(encoding="utf-8"))
    ]


def form_of(capture: Path) -> str:
    return next(form for pattern, form in FORMS if capture.match(pattern))


def stated(capture: Path, key: str = "packages") -> list[dict[str, str]]:
    file = INVENTORY / capture
    document = json.loads(file.with_name(f"{file.name}.expected.json").read_text(encoding="utf-8"))
    return list(document[key])


def found(capture: Path) -> list[Install]:
    if capture.name == "snap":
        # The list names what is there, `snap info` of each its version and publisher.
        return [
            install
            for path in sorted((INVENTORY / capture).parent.glob("snap_*"))
            for install in READERS["snap"](path)
        ]
    return list(READERS[form_of(capture)](INVENTORY / capture))


def unexplained(
    kind: str, capture: Path, entries: Counter[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    differences = DIFFERENCES.get(str(capture), {}).get(kind, [])
    for name, version in entries.elements():
        if not any(each.applies(name, version) for each in differences):
            yield name, version


@pytest.mark.parametrize("capture", captures("packages") or [Path("none")], ids=str)
def test_every_stated_entry_is_found_by_name_and_version(capture: Path) -> None:
    if form_of(capture) == "appx":
        # This expectation names packages by their full names alone.
        names = {each["package_full_name"] for each in stated(capture)}
        assert {each.identifiers["package_full_name"] for each in found(capture)} == names
        return
    expected = Counter((str(e.get("name", "")), str(e.get("version", ""))) for e in stated(capture))
    ours = Counter((install.name, install.version) for install in found(capture))

    assert list(unexplained("missing", capture, expected - ours)) == []
    assert list(unexplained("extra", capture, ours - expected)) == []


def test_every_named_difference_is_one() -> None:
    """A difference that is mended must leave the list."""
    for name, kinds in DIFFERENCES.items():
        capture = Path(name)
        expected = Counter(
            (str(e.get("name", "")), str(e.get("version", ""))) for e in stated(capture)
        )
        ours = Counter((install.name, install.version) for install in found(capture))
        left = {"missing": expected - ours, "extra": ours - expected}
        for kind, differences in kinds.items():
            for difference in differences:
                assert any(difference.applies(*entry) for entry in left[kind]), (name, difference)


def test_every_expectation_is_checked() -> None:
    everything = {
        path.with_name(path.name.removesuffix(".expected.json")).relative_to(INVENTORY)
        for path in INVENTORY.rglob("*.expected.json")
    }

    assert everything == {*captures("packages"), *captures("licenses")}


def test_publishers_and_architectures_of_packages_are_those_stated() -> None:
    for name in ("linux/dpkg-status-debian12", "linux/rpmdb/cbl-mariner-2.0/rpmdb.sqlite"):
        expected = {(e["name"], e["version"]): e for e in stated(Path(name))}
        for install in found(Path(name)):
            each = expected[install.name, install.version]
            assert (install.architecture, install.publisher) == (each["arch"], each["publisher"])


# --- Licences: what GLPI makes of Office's registration keys and of the licensing service ---


def test_an_office_that_several_editions_share_is_told_by_its_key_id() -> None:
    (licence,) = stated(Path("windows-reg/office_2010_1.reg"), "licenses")
    (office,) = found(Path("windows-reg/office_2010_1.reg"))

    # GLPI calls it "Professional"; its DigitalProductID says HomeBusinessR.
    assert licence["full_name"] == "Microsoft Office Professional 2010"
    assert office.name == "Microsoft Office Home and Business 2010"
    assert office.identifiers["edition_id"] == "HomeBusinessR"
    # And OEM, by a table of its own; the same DigitalProductID says Retail.
    assert licence["oem"] == 1
    assert office.identifiers["channel"] == "Retail"


def test_an_office_that_two_registrations_show_is_one() -> None:
    (licence,) = stated(Path("windows-reg/office_2016_02.reg"), "licenses")
    (office,) = found(Path("windows-reg/office_2016_02.reg"))

    assert office.name == licence["full_name"]


def test_an_activation_record_has_its_id_and_the_last_five_characters() -> None:
    capture = Path("windows-wmi/office_2016_01-SoftwareLicensingProduct.wmi")
    (licence,) = stated(capture, "licenses")
    (record,) = found(capture)

    assert record.name == licence["name"]
    assert record.identifiers["product_key_id"] == licence["product_id"]
    assert record.identifiers["partial_key"] == licence["key_last5"]
    assert record.identifiers["channel"] == "kms-client"
    assert record.hidden


def test_no_capture_gives_away_a_product_key() -> None:
    key = re.compile(r"\b[0-9A-Z]{5}(?:-[0-9A-Z]{5}){4}\b")

    for capture in (*captures("packages"), *captures("licenses")):
        for install in found(capture):
            assert not key.search(repr(install)), (capture, install)


# --- A switched-off Windows 7, laid out from its hives ---


@pytest.fixture
def windows_7(tmp_path: Path) -> Path:
    """The folders that the hives come from."""
    from quitus_agent.captures import unpacked

    places = {
        "plaso-win7-x64-SOFTWARE.xz": "Windows/System32/config/SOFTWARE",
        "plaso-win7-NTUSER.DAT.xz": "Users/nfury/NTUSER.DAT",
    }
    for name, place in places.items():
        (tmp_path / place).parent.mkdir(parents=True)
        with unpacked(INVENTORY / "windows-hive" / name) as hive:
            (tmp_path / place).write_bytes(hive.read())
    return tmp_path


def test_a_switched_off_windows_is_read_from_its_disk(windows_7: Path) -> None:
    from tests.programs import run

    answer = run("quitus-agent", "inventory", "--root", str(windows_7), "--format", "json")

    assert answer.status == 0, answer.err
    document = json.loads(answer.out)
    uninstall = [e for e in document["software"] if e["source"] == "windows-uninstall"]
    assert Counter(e["architecture"] for e in uninstall) == {"x64": 24, "x86": 20}
    office = [e for e in uninstall if e["name"] == "Microsoft Office Home and Business 2010"]
    assert [e["hidden"] for e in office] == [False]
    parts = [e for e in uninstall if " MUI (" in e["name"] or " Proof (" in e["name"]]
    assert len(parts) > 10
    assert all(e["hidden"] for e in parts)
    suites = [e for e in document["software"] if e["source"] == "office-msi"]
    assert [e["name"] for e in suites] == ["Microsoft Office Home and Business 2010"]
    assert suites[0]["identifiers"]["languages"] == "en-us,es-es,fr-fr"
    (edition,) = [e for e in document["software"] if e["source"] == "windows-edition"]
    assert (edition["name"], edition["version"]) == ("Microsoft Windows 7 Ultimate", "6.1.7601")
    users = [e for e in document["software"] if e["source"] == "windows-user-uninstall"]
    assert [(e["name"], e["scope"]) for e in users] == [("Google Chrome", "user")]
    assert "nfury" not in answer.out
    assert document["device"]["cores"] is None
