"""The agent's installer on a Windows: installed with properties, enrolled, upgraded, removed.

The tests follow each other as on one workstation. Wine has neither rights of files nor a scheduler
that runs tasks: rights are read in the package, and the task's own command is run by the test.
"""

import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from deploy.windows import installer, tables, tree
from tests.handbook import GUIDE
from tests.programs import Answer, CollectorFolder
from tests.wine import BEYOND_WINE, Windows, windows_path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("wine"),
    pytest.mark.needs("wixl"),
    pytest.mark.xdist_group("windows"),
]

OLD, CANDIDATE, NEW = "0.1.0", "0.2.0rc1", "0.2.0"
# As a shell on Linux sees 1603, "fatal error during installation".
REFUSED = 1603 % 256
SETTINGS, POLICY = r"HKLM\SOFTWARE\Quitus", r"HKLM\SOFTWARE\Policies\Quitus"
UNINSTALL = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall"
WINDOWS = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion"
TOKEN_FILE = r"\\serveur\quitus$\{entity}.txt"
TASK = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


class Collector(NamedTuple):
    """A collector that serves, and the join token of the workstation."""

    folder: CollectorFolder
    address: str
    token: str


class Workstation:
    """What an administrator does to a Windows, and sees of it."""

    def __init__(self, windows: Windows) -> None:
        self.windows = windows
        self.maker = windows.drive / "Program Files/Quitus"
        self.agent, self.state = self.maker / "Agent", self.maker / "state"
        self.task = windows.drive / "windows/system32/tasks" / tables.TASK_NAME

    def msiexec(self, action: str, package: Path, *properties: str) -> int:
        words = ("msiexec", action, windows_path(package), "/qn", *properties)
        status = self.windows.run(*words).status
        (self.agent / BEYOND_WINE).unlink(missing_ok=True)
        return status

    def settings(self, key: str = SETTINGS) -> dict[str, str]:
        """Texts and numbers of a key and the keys below it; nothing where it is not there."""
        listing = self.windows.run("reg", "query", key, "/s").out
        return dict(re.findall(r"(?m)^ {4}(\w+) {4}REG_\w+ {4}(.*)$", listing))

    def set(self, key: str, name: str, kind: str, value: str) -> None:
        self.windows.ok("reg", "add", key, "/v", name, "/t", kind, "/d", value, "/f")

    def scheduled(self) -> Answer:
        """Runs what the task would run; Wine registers it, but not what it runs nor when."""
        action = ET.parse(self.agent / "task.xml").getroot().find("t:Actions/t:Exec", TASK)
        assert action is not None
        command = action.findtext("t:Command", "", TASK)
        arguments = action.findtext("t:Arguments", "", TASK)
        program = command.strip('"').replace("%ProgramFiles%", r"C:\Program Files")
        return self.windows.run(program, *arguments.split())

    def command(self, *words: str) -> Answer:
        """Runs `quitus-agent` as it was installed."""
        python = r"C:\Program Files\Quitus\Agent\python.exe"
        return self.windows.run(python, "-B", "-X", "utf8", "-m", "quitus_agent", *words)

    def entries(self) -> list[str]:
        """The versions that Windows lists of the agent among its programs."""
        listing = self.windows.run("reg", "query", UNINSTALL, "/s").out
        return re.findall(
            rf"DisplayName    REG_SZ    {installer.NAME}\s.*?DisplayVersion    REG_SZ    (\S+)",
            listing,
            re.DOTALL,
        )


def rows(package: Path, table: str) -> list[list[str]]:
    """A table of a package."""
    words = ["msiinfo", "export", package, table]
    exported = subprocess.run(words, capture_output=True, check=True).stdout.decode("cp1252")
    return [line.split("\t") for line in exported.splitlines()[3:]]


def told(start: str) -> list[str]:
    """The words of a line of the guide; both languages have the same, as another test holds."""
    guide = (GUIDE / "fr/windows-gpo.md").read_text("utf-8")
    (line,) = re.findall(rf"(?m)^{re.escape(start)} .*$", guide)
    return list(line.split())


@pytest.fixture(scope="module")
def laid_out(windows: Windows, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("laid-out")
    tree.lay_out(folder, windows.archive, windows.python, OLD)
    return folder


@pytest.fixture(scope="module")
def packages(laid_out: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("packages")
    made = {version: folder / f"{version}.msi" for version in (OLD, CANDIDATE, NEW)}
    for version, package in made.items():
        installer.build(laid_out, version, package)
    # What Windows Installer tells an old version that a new one replaces; Wine tells it nothing.
    for newer in (made[CANDIDATE], made[NEW]):
        told = f"ALL UPGRADINGPRODUCTCODE={dict(rows(newer, 'Property'))['ProductCode']}"
        where = "`ActionProperty`='WIX_UPGRADE_DETECTED'"
        query = f"UPDATE `Upgrade` SET `Remove`='{told}' WHERE {where}"
        subprocess.run(["msibuild", newer, "-q", query], check=True)
    return made


@pytest.fixture(scope="module")
def workstation(windows: Windows) -> Workstation:
    """Windows 11, with a policy that leaves no time to the tests' scheduled runs."""
    machine = Workstation(windows)
    machine.set(WINDOWS, "CurrentBuildNumber", "REG_SZ", "22631")
    machine.set(POLICY, "SpreadMinutes", "REG_DWORD", "0")
    return machine


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    folder = CollectorFolder(tmp_path_factory.mktemp("collector") / "home")
    folder.ok("init")
    token = folder.token_file().read_text().strip()
    with folder.serving() as (port, _):
        yield Collector(folder, f"localhost:{port}", token)


@pytest.fixture(scope="module")
def installed(
    workstation: Workstation, packages: dict[str, Path], serving: Collector
) -> Workstation:
    # The guide's own line, with this collector's address and token.
    _, action, _, quiet, *words = told("msiexec /i")
    words = [each.replace("collecteur.exemple.fr", serving.address) for each in words]
    assert (action, quiet) == ("/i", "/qn")
    assert workstation.msiexec(action, packages[OLD], *words, f"TOKEN={serving.token}") == 0
    return workstation


@pytest.fixture(scope="module")
def reported(installed: Workstation) -> Workstation:
    answer = installed.scheduled()
    # Wine has no licensing service; what is wrong with that is no fault of the report's.
    assert "the collector accepted the report" in answer.out, answer
    return installed


@pytest.fixture(scope="module")
def upgraded(reported: Workstation, packages: dict[str, Path]) -> Workstation:
    """By way of a candidate, which has the release's number."""
    for version in (CANDIDATE, NEW):
        assert reported.msiexec("/i", packages[version]) == 0
        assert reported.entries() == [NEW]
    return reported


@pytest.fixture(scope="module")
def removed(upgraded: Workstation, packages: dict[str, Path]) -> Workstation:
    _, action, _, _ = told("msiexec /x")
    assert upgraded.msiexec(action, packages[NEW]) == 0
    return upgraded


def test_another_python_than_the_pinned_one_is_refused(windows: Windows, tmp_path: Path) -> None:
    words = (sys.executable, "-m", "deploy.windows", "--python", windows.archive, "--out", tmp_path)
    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert re.search(r"is not python-3\.\d+\.\d+-embed-amd64\.zip: its SHA-256 is", done.stderr)
    assert list(tmp_path.iterdir()) == []


def test_the_package_holds_the_agent_and_nothing_of_the_collector(laid_out: Path) -> None:
    own = {path.name for path in (laid_out / "site").iterdir() if path.name.startswith("quitus")}

    assert own == {"quitus_agent", "quitus", f"quitus-{OLD}.dist-info"}
    assert not [path for path in laid_out.rglob("*") if "collector" in path.name]
    assert (laid_out / "site/quitus_agent/cli.py").is_file()


def test_a_version_is_a_product_of_its_own_and_replaces_the_others(
    packages: dict[str, Path],
) -> None:
    found = [dict(rows(package, "Property")) for package in packages.values()]

    assert len({each["ProductCode"] for each in found}) == len(packages)
    assert len({each["UpgradeCode"] for each in found}) == 1
    assert [each["ProductVersion"] for each in found] == [OLD, NEW, NEW]


def test_the_same_content_is_the_same_package_wherever_and_whenever_it_is_made(
    tmp_path: Path,
) -> None:
    made = []
    for place in ("here", "there"):
        folder = tmp_path / place
        (folder / "site").mkdir(parents=True)
        (folder / "site/agent.py").write_text("pass")
        installer.build(folder, OLD, tmp_path / f"{place}.msi")
        made.append(tmp_path / f"{place}.msi")

    assert made[0].read_bytes() == made[1].read_bytes()
    told = subprocess.run(
        ["msiinfo", "suminfo", made[0]], check=True, capture_output=True, text=True
    ).stdout
    assert told.count("Jan  1 00:00:00 2026") == 2


def test_properties_reach_an_installer_that_runs_as_the_system_and_the_token_no_log(
    packages: dict[str, Path],
) -> None:
    properties = dict(rows(packages[OLD], "Property"))

    secure = set(properties["SecureCustomProperties"].split(";"))
    assert {"COLLECTOR", "TOKEN", "TOKENFILE", "ENTITY", "KEEPSTATE"} <= secure
    assert {"WIX_UPGRADE_DETECTED", "WIX_DOWNGRADE_DETECTED"} <= secure
    assert set(properties["MsiHiddenProperties"].split(";")) == {"TOKEN", "KEPT_TOKEN"}


def test_the_tokens_key_is_for_the_system_and_administrators_alone(
    packages: dict[str, Path],
) -> None:
    ((_, locked, table, rights, _),) = rows(packages[OLD], "MsiLockPermissionsEx")
    (key,) = (key for row, _, key, *_ in rows(packages[OLD], "Registry") if row == locked)

    assert (table, key) == ("Registry", r"SOFTWARE\Quitus\Enrolment")
    control, *entries = re.split(r"[()]+", rights.rstrip(")"))
    # P: nothing is inherited from above.
    assert control == "D:PAI"
    assert {entry.split(";")[0] for entry in entries} == {"A"}
    assert {entry.split(";")[-1] for entry in entries} == {"SY", "BA"}


def test_a_repair_runs_no_program_and_programs_are_named_by_their_full_path(
    packages: dict[str, Path],
) -> None:
    programs = {
        name: command
        for name, kind, _, command, _ in rows(packages[OLD], "CustomAction")
        if int(kind) & 0x3F == 34
    }
    conditions = {
        name: condition for name, condition, _ in rows(packages[OLD], "InstallExecuteSequence")
    }

    assert programs.keys() == {"CreateTask", "EndTask", "DeleteTask", "UndoTask"}
    for name, command in programs.items():
        assert command.startswith('"[System64Folder]schtasks.exe" ')
        assert conditions[name].startswith(("NOT Installed", 'REMOVE="ALL"'))


def test_nobody_chooses_a_folder_where_others_may_write(packages: dict[str, Path]) -> None:
    folders = {row[0] for row in rows(packages[OLD], "Directory")}

    # Names in capitals are properties that a command line may set.
    assert {name for name in folders if name.isupper()} == {"TARGETDIR"}
    (parent,) = (row[1] for row in rows(packages[OLD], "Directory") if row[0] == "QuitusFolder")
    assert parent == "ProgramFiles64Folder"


def test_a_windows_that_our_python_does_not_run_on_is_refused(
    workstation: Workstation, packages: dict[str, Path]
) -> None:
    workstation.set(WINDOWS, "CurrentBuildNumber", "REG_SZ", "9600")

    assert workstation.msiexec("/i", packages[OLD]) == REFUSED
    workstation.set(WINDOWS, "CurrentBuildNumber", "REG_SZ", "22631")
    assert not workstation.maker.exists()


def test_files_lie_as_they_were_laid_out(installed: Workstation, laid_out: Path) -> None:
    def content(folder: Path) -> dict[Path, bytes]:
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder): path.read_bytes() for path in files}

    expected = content(laid_out)
    del expected[Path(BEYOND_WINE)]
    assert content(installed.agent) == expected


def test_properties_are_settings_and_the_token_lies_apart(
    installed: Workstation, serving: Collector
) -> None:
    assert installed.settings() == {
        "Collector": serving.address,
        "Entity": "732829320",
        "TokenFile": TOKEN_FILE,
        "Version": OLD,
        "Token": serving.token,
    }
    assert installed.settings(rf"{SETTINGS}\Enrolment") == {"Token": serving.token}


def test_the_task_is_registered_from_the_installed_file(installed: Workstation) -> None:
    registered = ET.parse(installed.task).getroot()
    given = ET.parse(installed.agent / "task.xml").getroot()

    for place in ("RegistrationInfo/Description", "Settings/ExecutionTimeLimit"):
        path = "/".join(f"t:{name}" for name in place.split("/"))
        assert registered.findtext(path, "", TASK) == given.findtext(path, "", TASK) != ""


def test_the_task_has_the_systems_account_without_its_privileges_and_a_quoted_path() -> None:
    task = ET.parse(tree.TASK).getroot()

    assert task.findtext(".//t:UserId", "", TASK) == "S-1-5-18"
    privileges = task.findall(".//t:RequiredPrivileges/t:Privilege", TASK)
    assert [each.text for each in privileges] == ["SeChangeNotifyPrivilege"]
    command = task.findtext(".//t:Command", "", TASK)
    assert command == r'"%ProgramFiles%\Quitus\Agent\python.exe"'


def test_the_first_scheduled_run_enrols_and_reports_and_the_token_is_gone(
    reported: Workstation, serving: Collector
) -> None:
    assert "Token" not in reported.settings()
    assert reported.command("status").status == 0
    assert reported.command("--version").out == f"quitus-agent {OLD}\n"
    devices = serving.folder.ok("devices", "list", "--format", "json")
    assert os.uname().nodename.lower() in devices.lower()


def test_the_next_scheduled_run_has_nothing_to_say(reported: Workstation) -> None:
    assert reported.scheduled() == Answer(0, "the last report is recent enough\n", "")


def test_a_policy_wins_over_what_was_given_at_installation(reported: Workstation) -> None:
    reported.set(POLICY, "Collector", "REG_SZ", "ailleurs.exemple.fr")
    reported.set(POLICY, "LastUse", "REG_DWORD", "1")

    answer = reported.command("enrol", "--collector", "localhost", "--token-file", "-")
    assert (answer.status, "by policy" in answer.err) == (2, True), answer
    sources = json.loads(reported.command("inventory", "--format", "json").out)["sources"]
    assert [each["reason"] for each in sources if each["name"] == "last-use"] == [None]
    for name in ("LastUse", "Collector"):
        reported.windows.ok("reg", "delete", POLICY, "/v", name, "/f")


def test_a_repair_that_anybody_starts_changes_no_setting_and_runs_no_program(
    reported: Workstation, packages: dict[str, Path]
) -> None:
    before = reported.settings()
    reported.task.unlink()
    (reported.agent / "python.exe").unlink()

    # What /fa stands for; Wine takes it with a product's code alone, and fails.
    mine = ("COLLECTOR=evil.example", r"TOKENFILE=\\evil\share", "ENTITY=1", "TOKEN=qt1.a.b")
    assert reported.msiexec("/i", packages[OLD], "REINSTALL=ALL", "REINSTALLMODE=amus", *mine) == 0

    assert (reported.agent / "python.exe").is_file()
    assert {**before, "Token": ""} == {"Token": "", **reported.settings()}
    assert not reported.task.exists()


def test_an_upgrade_keeps_identity_and_settings_and_leaves_one_entry(
    reported: Workstation, serving: Collector, request: pytest.FixtureRequest
) -> None:
    before = {path.name: path.read_bytes() for path in reported.state.glob("*.json")}

    upgraded: Workstation = request.getfixturevalue("upgraded")

    assert {path.name: path.read_bytes() for path in upgraded.state.glob("*.json")} == before
    assert upgraded.settings() == {
        "Collector": serving.address,
        "Entity": "732829320",
        "TokenFile": TOKEN_FILE,
        "Version": NEW,
    }
    assert upgraded.entries() == [NEW]
    assert upgraded.task.is_file()
    assert "the last report is recent enough" in upgraded.scheduled().out


def test_a_downgrade_is_refused_and_changes_nothing(
    upgraded: Workstation, packages: dict[str, Path]
) -> None:
    assert upgraded.msiexec("/i", packages[OLD]) == REFUSED

    assert upgraded.settings()["Version"] == NEW
    assert upgraded.entries() == [NEW]


def test_removal_leaves_nothing_but_the_policy(removed: Workstation) -> None:
    assert not removed.maker.exists()
    assert not removed.task.exists()
    assert removed.entries() == []
    assert removed.settings() == {}
    assert removed.settings(POLICY) == {"SpreadMinutes": "0x0"}


def test_who_removes_it_may_keep_the_identity(
    removed: Workstation, packages: dict[str, Path]
) -> None:
    assert removed.msiexec("/i", packages[NEW]) == 0
    removed.state.mkdir()
    (removed.state / "identity.json").write_text("{}")

    assert removed.msiexec("/x", packages[NEW], "KEEPSTATE=1") == 0

    assert not removed.agent.exists()
    assert (removed.state / "identity.json").read_text() == "{}"
