"""The agent on a Windows that runs: what it reads there is what an export of the registry says.

The registry is filled the two ways that administrators fill it, `reg import` and `reg add`, and
read by the same sources once live, through Windows' Python, and once from what `reg export` wrote.
"""

import codecs
import json
import os
import struct
from pathlib import Path
from typing import Any

import psutil
import pytest

from quitus_agent import device
from quitus_agent.registry import uninstall
from quitus_agent.sources import last_use
from tests.makers import regf
from tests.programs import run
from tests.wine import Windows, windows_path

# One process of several installs Windows.
pytestmark = [pytest.mark.e2e, pytest.mark.needs("wine"), pytest.mark.xdist_group("windows")]

CAPTURE = Path("tests/captures/windows/workstation.reg")
# The account that Wine runs programs as, and one that is not logged in.
SID, UNLOADED = "S-1-5-21-0-0-0-1000", "S-1-5-21-0-0-0-1001"
PERSON = "zoé.noël"
MACHINE, USERS = r"HKLM\SOFTWARE", rf"HKU\{SID}\Software"
CLASSES = rf"HKU\{SID}_Classes"
PACKAGES = r"Local Settings\Software\Microsoft\Windows\CurrentVersion\AppModel\Repository\Packages"
PROFILES = r"Microsoft\Windows NT\CurrentVersion\ProfileList"
EXPORTED = {"machine": MACHINE, "users": USERS, "classes": CLASSES}

Document = dict[str, Any]

# Key, name, value: REG_SZ unless it is a number.
ADDED: list[tuple[str, str, str | int]] = [
    (rf"{MACHINE}\{uninstall.NATIVE}\Sauvegarde", "DisplayName", "Sauvegarde d’été — poste n° 1"),
    (rf"{MACHINE}\{uninstall.NATIVE}\Sauvegarde", "Publisher", "Éditions Œuvre & Cie"),
    (rf"{MACHINE}\{uninstall.NATIVE}\Sauvegarde", "SystemComponent", 1),
    (rf"{USERS}\{uninstall.NATIVE}\Zoom", "DisplayName", "Zoom Workplace"),
    (rf"{USERS}\{uninstall.NATIVE}\Zoom", "InstallLocation", rf"C:\Users\{PERSON}\Zoom"),
    (rf"{CLASSES}\{PACKAGES}\Éditeur.App_1.2.0.0_x64__abc", "PackageRootFolder", "C:\\x"),
    (rf"{MACHINE}\{PROFILES}\{UNLOADED}", "ProfileImagePath", rf"C:\users\{PERSON}"),
]
# An entry of the record of programs that were started, in ROT13: its day is 23 November 2026.
PROGRAM = r"{6D809377-6AF0-444B-8957-A3773F02200E}\Éditeur\éditeur.exe"
USED = struct.pack("<60xQ4x", 134_399_088_000_000_000)
# What `reg add` writes in the view of 32-bit programs.
ADDED_32: list[tuple[str, str, str | int]] = [
    (rf"{MACHINE}\{uninstall.NATIVE}\Ancien", "DisplayName", "Ancien logiciel"),
]
UNLOADED_HIVE: regf.Tree = {
    "Software": {
        "Microsoft": {
            "Windows": {"CurrentVersion": {"Uninstall": {"Teams": {"DisplayName": "Teams é"}}}}
        }
    }
}


def fill(windows: Windows, folder: Path) -> None:
    """Gives the new Windows what a workstation has."""
    # `reg import` takes what is not UTF-16 for the letters of the system's code page.
    imported = folder / "workstation.reg"
    imported.write_text(CAPTURE.read_text(encoding="utf-8"), encoding="utf-16", newline="\r\n")
    windows.ok("reg", "import", windows_path(imported))
    for view, rows in (("64", ADDED), ("32", ADDED_32)):
        for key, name, value in rows:
            kind = "REG_DWORD" if isinstance(value, int) else "REG_SZ"
            given = ("/v", name, "/t", kind, "/d", str(value))
            windows.ok("reg", "add", key, *given, "/f", f"/reg:{view}")
    count = rf"{USERS}\{last_use.USER_ASSIST}\{{CEBFF5CD-ACE2-4F4F-9178-9926F41749EA}}\Count"
    used = ("/v", codecs.encode(PROGRAM, "rot13"), "/t", "REG_BINARY", "/d", USED.hex())
    windows.ok("reg", "add", count, *used, "/f")


@pytest.fixture(scope="module")
def captured(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What `reg export` writes of the filled registry, and the hive of who is not logged in."""
    folder = tmp_path_factory.mktemp("captured")
    fill(windows, folder)
    files = {name: folder / f"{name}.reg" for name in EXPORTED}
    for name, key in EXPORTED.items():
        windows.ok("reg", "export", key, windows_path(files[name]), "/y")
    unloaded = windows.drive / "users" / PERSON / "NTUSER.DAT"
    return files | {"unloaded": regf.write(unloaded, UNLOADED_HIVE)}


@pytest.fixture(scope="module")
def live(windows: Windows, captured: dict[str, Path]) -> Document:
    """What the agent on that Windows prints."""
    answer = windows.agent("inventory", "--format", "json", QUITUS_AGENT_LAST_USE="true")
    # Wine's PowerShell is an empty shell, so nothing is known of activation there.
    assert answer.err == (
        "quitus-agent: activation could not be read: the licensing service gave no list\n"
    )
    document: Document = json.loads(answer.out)
    return document


def of_source(document: Document, source: str) -> list[Document]:
    return [each for each in document["software"] if each["source"] == source]


def in_file(file: Path, source: str) -> list[Document]:
    answer = run("quitus-agent", "inventory", "--file", str(file), "--as", source, "--format=json")
    assert answer.status == 0, answer
    return of_source(json.loads(answer.out), source)


@pytest.mark.parametrize(
    ("source", "files", "count"),
    [
        ("windows-edition", ["machine"], 1),
        ("windows-uninstall", ["machine"], 9),
        ("windows-user-uninstall", ["users", "unloaded"], 2),
        ("click-to-run", ["machine"], 3),
        ("office-msi", ["machine"], 1),
        ("sql-server", ["machine"], 3),
        ("appx", ["machine", "classes"], 2),
        ("last-use", ["users"], 1),
    ],
)
def test_a_live_registry_gives_the_entries_that_its_export_gives(
    live: Document, captured: dict[str, Path], source: str, files: list[str], count: int
) -> None:
    found = of_source(live, source)

    assert len(found) == count
    assert found == [each for file in files for each in in_file(captured[file], source)]


def test_entries_of_both_views_are_told_apart_and_what_is_hidden_is_kept(live: Document) -> None:
    found = {
        each["name"]: (each["publisher"], each["architecture"], each["hidden"])
        for each in of_source(live, "windows-uninstall")
    }

    assert found["Sauvegarde d’été — poste n° 1"] == ("Éditions Œuvre & Cie", "x64", True)
    assert found["Ancien logiciel"] == (None, "x86", False)
    assert found["Mise à jour de sécurité pour Microsoft Office 2016 (KB4011574) 64 bits"][2]


def test_what_people_have_is_read_whether_they_are_logged_in_or_not_and_names_nobody(
    live: Document,
) -> None:
    found = of_source(live, "windows-user-uninstall")

    assert [each["name"] for each in found] == ["Zoom Workplace", "Teams é"]
    assert {each["scope"] for each in found} == {"user"}
    told = json.dumps(live, ensure_ascii=False)
    assert PERSON not in told
    assert SID not in told


def test_what_was_used_has_a_day_and_no_person(live: Document) -> None:
    (record,) = of_source(live, "last-use")

    assert record["name"] == "éditeur.exe"
    assert record["identifiers"]["last_used_on"] == "2026-11-23"


def test_the_device_is_told_by_the_registry_and_the_firmware(live: Document) -> None:
    assert live["device"]["system"] == "Microsoft Windows 11 Pro"
    assert live["device"]["system_version"] == "10.0.22631.3278"
    assert live["device"]["domain"] == "mercure.example"
    physical, logical = psutil.cpu_count(logical=False) or 0, psutil.cpu_count() or 0
    kind = live["device"]["kind"] or ""
    assert live["device"]["cores"] == device.counted_cores(kind, physical, logical)


def test_a_mounted_disk_is_read_and_not_the_windows_that_runs(
    windows: Windows, tmp_path: Path
) -> None:
    hive = {"Microsoft": {"Windows NT": {"CurrentVersion": {"ProductName": "Windows 7 Pro"}}}}
    regf.write(tmp_path / "Windows/System32/config/SOFTWARE", hive)

    answer = windows.agent("inventory", "--root", windows_path(tmp_path), "--format", "json")

    assert answer.status == 0, answer
    document = json.loads(answer.out)
    assert [each["name"] for each in document["software"]] == ["Microsoft Windows 7 Pro"]
    assert document["device"]["cores"] is None


def test_these_tests_stay_together_in_one_process_of_several(
    request: pytest.FixtureRequest,
) -> None:
    one_of_several = "PYTEST_XDIST_WORKER" in os.environ

    assert request.node.nodeid.endswith("@windows") == one_of_several
