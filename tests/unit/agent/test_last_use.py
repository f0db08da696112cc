"""When programs were last used: a program and a day, nobody's name, nothing of people's own."""

import codecs
import json
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quitus.v1 import inventory_pb2
from quitus_agent import statement, wire, wiring
from quitus_agent.cli import main
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install
from quitus_agent.registry.export import MemoryKey
from quitus_agent.sources import last_use

PROGRAM_FILES = "{6D809377-6AF0-444B-8957-A3773F02200E}"
SYSTEM = "{1AC14E77-02E7-4E5D-B744-2EB1AE5198B7}"
COUNT = rf"{last_use.USER_ASSIST}\{{CEBFF5CD-ACE2-4F4F-9178-9926F41749EA}}\Count"


def filetime(day: str) -> int:
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return int((at - last_use.FILETIME_EPOCH).total_seconds()) * 10_000_000


def since_windows_7(day: str) -> bytes:
    """An entry of 72 bytes: session, counts and times in focus, the last use, a zero."""
    return struct.pack("<IIII44xQ4x", 0, 7, 3, 60_000, filetime(day) if day else 0)


def a_user(**uses: bytes) -> MemoryKey:
    software = MemoryKey("Software")
    count = software.make(COUNT)
    for program, entry in uses.items():
        count.set(codecs.encode(program, "rot13"), entry)
    return software


def told(installs: object) -> dict[str, str]:
    return {each.identifiers["program"]: each.identifiers["last_used_on"] for each in installs}  # type: ignore[attr-defined]


def test_a_program_of_several_people_is_one_record_with_the_last_day() -> None:
    excel = rf"{PROGRAM_FILES}\Microsoft Office\root\Office16\EXCEL.EXE"
    first = a_user(**{excel: since_windows_7("2026-03-01")})
    second = a_user(**{excel.replace("EXCEL", "Excel"): since_windows_7("2026-09-30")})

    (record,) = last_use.parse([first, second])

    program = r"Microsoft Office\root\Office16\Excel.EXE"
    assert record == Install(
        "Excel.EXE",
        source="last-use",
        identifiers={"program": program, "last_used_on": "2026-09-30"},
        hidden=True,
    )


@pytest.mark.parametrize(
    ("name", "program"),
    [
        (rf"{PROGRAM_FILES}\7-Zip\7zFM.exe", r"7-Zip\7zFM.exe"),
        (r"{7c5a40ef-a0fb-4bfc-874a-c0f2e0b9fa8e}\SAP\saplogon.EXE", r"SAP\saplogon.EXE"),
        (r"D:\Program Files (x86)\Ciel\Compta.exe", r"Ciel\Compta.exe"),
        (r"UEME_RUNPATH:C:\Program Files\Winzip\winzip32.exe", r"Winzip\winzip32.exe"),
        (r"C:\Sage\Paie\Paie.exe", r"Paie\Paie.exe"),
        ("Microsoft.Office.WINWORD.EXE.15", "Microsoft.Office.WINWORD.EXE.15"),
        (
            "Microsoft.WindowsCalculator_8wekyb3d8bbwe!App",
            "Microsoft.WindowsCalculator_8wekyb3d8bbwe!App",
        ),
        (r"C:\Users\zoe\AppData\Local\Zoom\Zoom.exe", ""),
        (r"C:\Users\zoe\Program Files\jeu.exe", ""),
        (r"C:\Documents and Settings\zoe\Bureau\setup.exe", ""),
        (r"\\serveur\perso\zoe\outil.exe", ""),
        (r"E:\zoe\jeu.exe", ""),
        (rf"{SYSTEM}\mmc.exe", ""),
        (rf"{PROGRAM_FILES}\7-Zip\7-zip.chm", ""),
        ("Chrome.UserData.Zoe", ""),
        ("UEME_CTLSESSION", ""),
    ],
)
def test_programs_are_named_without_their_place_and_what_is_personal_is_left_out(
    name: str, program: str
) -> None:
    assert last_use.program_of(name, {r"c:\sage\paie"}) == program


def test_only_folders_that_programs_for_everybody_were_installed_to_count_as_theirs() -> None:
    software = MemoryKey("SOFTWARE")
    for number, location in enumerate(
        ('"C:\\Sage\\Paie\\"', "C:\\", r"C:\Users\zoe\Zoom", r"C:\Windows\x", "", r"D:\Outils")
    ):
        key = software.make(rf"Microsoft\Windows\CurrentVersion\Uninstall\{number}")
        key.set("DisplayName", str(number))
        key.set("InstallLocation", location)

    assert last_use.places(software) == {r"c:\sage\paie", r"d:\outils"}


@pytest.mark.parametrize(
    ("entry", "days"),
    [
        (since_windows_7("2026-11-23"), ["2026-11-23"]),
        (struct.pack("<IIQ", 1, 6, filetime("2004-05-06")), ["2004-05-06"]),
        (since_windows_7(""), []),
        (b"\xff" * 72, []),
        (b"short", []),
    ],
)
def test_entries_of_every_windows_have_their_day_and_damaged_ones_have_none(
    entry: bytes, days: list[str]
) -> None:
    user = a_user(**{rf"{PROGRAM_FILES}\a\b.exe": entry})

    assert list(told(last_use.parse([user])).values()) == days


# --- GNOME ---

STATE = """\
<?xml version="1.0"?>
<application-state>
  <context id="">
    <application id="org.gimp.GIMP.desktop" score="41.5" last-seen="{gimp}"/>
    <application id="jeu-de-zoe.desktop" score="2" last-seen="1700000000"/>
    <application id="vide.desktop" score="0" last-seen="0"/>
  </context>
</application-state>
"""


@pytest.fixture
def gnome(tmp_path: Path) -> Path:
    """A Linux workstation with GNOME and two people, one of whom has a program of her own."""
    for file in (last_use.GNOME_SHELL, Path("usr/share/applications/org.gimp.GIMP.desktop")):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).touch()
    for person, gimp in (("zoe", 1_700_000_000), ("yann", 1_600_000_000)):
        state = tmp_path / "home" / person / last_use.GNOME_STATE
        state.parent.mkdir(parents=True)
        state.write_text(STATE.format(gimp=gimp))
    (tmp_path / "home/nobody").mkdir()
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("NAME=Debian\n")
    return tmp_path


def test_gnome_tells_of_programs_that_are_there_for_everybody(gnome: Path) -> None:
    assert told(last_use.scan(gnome)) == {"org.gimp.GIMP": "2023-11-14"}


def test_gnome_s_entry_without_a_name_is_no_program() -> None:
    record = (
        '<application-state><application id=".desktop" last-seen="1700000000"/></application-state>'
    )

    assert list(last_use.parse_gnome(record.encode())) == []


def test_a_record_that_is_damaged_is_a_failure_that_names_nobody(gnome: Path) -> None:
    (gnome / "home/zoe" / last_use.GNOME_STATE).write_text("<application-state>")

    with pytest.raises(SourceError, match=r"^home 3: line 1: ") as raised:
        list(last_use.scan(gnome))

    assert "zoe" not in str(raised.value)


# --- As people meet it ---


def of_last_use(printed: str) -> list[dict[str, object]]:
    document = json.loads(printed)
    return [each for each in document["software"] if each["source"] == "last-use"]


def test_it_is_read_only_where_the_company_turned_it_on(
    gnome: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    policy = tmp_path / "agent.toml"
    policy.write_text("last_use = true\n")
    words = ["inventory", "--root", str(gnome), "--format", "json"]

    main(words)
    assert of_last_use(capsys.readouterr().out) == []
    main(["--config", str(policy), *words])
    assert len(of_last_use(capsys.readouterr().out)) == 1
    main(["inventory", "--root", str(gnome)])
    assert "last-use (turned off)" in capsys.readouterr().out


def test_what_leaves_is_a_program_and_a_day_and_nothing_unless_it_is_turned_on(
    gnome: Path,
) -> None:
    def sent(**policy: bool) -> inventory_pb2.Inventory:
        facts, found = wiring.read_device(gnome, **policy)
        return wire.inventory(statement.make(facts, found, datetime.now(UTC)))

    assert [each.source for each in sent().installs] == []
    (record,) = sent(last_use=True).installs
    assert (record.name, record.hidden, record.scope) == (
        "org.gimp.GIMP",
        True,
        inventory_pb2.SCOPE_MACHINE,
    )
    assert dict(record.identifiers) == {"program": "org.gimp.GIMP", "last_used_on": "2023-11-14"}


@pytest.mark.parametrize(
    ("policy", "reason", "notice"),
    [
        ("false", "turned off", "Rien ne dit quand"),
        ("true", "", "le jour où il a servi pour la dernière fois"),
    ],
)
def test_a_preview_says_whether_it_is_turned_on(
    policy: str,
    reason: str,
    notice: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("QUITUS_AGENT_LAST_USE", policy)
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")

    assert main(["preview"]) == 0

    printed = capsys.readouterr()
    assert notice in " ".join(printed.err.split())
    (outcome,) = (e for e in json.loads(printed.out)["sources"] if e["name"] == "last-use")
    assert outcome.get("reason", "") == reason
