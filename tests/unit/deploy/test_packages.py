"""What packages are made of."""

import plistlib
import shutil
import subprocess
import sys
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from deploy.packages import payload, versions
from deploy.packages.program import PROGRAMS, SYSTEMD, Program
from quitus_agent import config

ROOT = Path(__file__).parents[3]
SCRIPTS = [
    f"{form}-{name}"
    for form, names in {
        "deb": ("postinst", "prerm", "postrm"),
        "rpm": ("pre", "post", "preun", "postun"),
    }.items()
    for name in names
]


def _wheel(folder: Path, python: str, contents: dict[str, str]) -> None:
    (folder / python).mkdir(parents=True)
    with zipfile.ZipFile(folder / python / "a-1-any.whl", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)


def test_wheels_of_several_pythons_share_a_folder(tmp_path: Path) -> None:
    alike = {"a/__init__.py": "x = 1", "a-1.dist-info/METADATA": "Name: a"}
    wheels, into = tmp_path / "wheels", tmp_path / "lib"
    _wheel(wheels, "3.11", alike | {"a/c.cpython-311.so": "old", "a-1.dist-info/WHEEL": "cp311"})
    _wheel(wheels, "3.14", alike | {"a/c.cpython-314.so": "new", "a-1.dist-info/WHEEL": "cp314"})

    payload.libraries(wheels, into)

    assert (into / "a/c.cpython-311.so").read_text() == "old"
    assert (into / "a/c.cpython-314.so").read_text() == "new"


def test_a_module_that_differs_from_python_to_python_is_refused(tmp_path: Path) -> None:
    _wheel(tmp_path / "wheels", "3.11", {"a/__init__.py": "x = 1"})
    _wheel(tmp_path / "wheels", "3.14", {"a/__init__.py": "x = 2"})

    with pytest.raises(payload.PayloadError, match="is not the same for every Python"):
        payload.libraries(tmp_path / "wheels", tmp_path / "lib")


def test_a_wheel_that_reaches_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    _wheel(tmp_path / "wheels", "3.11", {"../outside.py": ""})

    with pytest.raises(payload.PayloadError, match="reaches out of its folder"):
        payload.libraries(tmp_path / "wheels", tmp_path / "lib")

    assert not (tmp_path / "outside.py").exists()


def test_the_agent_is_packed_without_anything_of_the_collector(tmp_path: Path) -> None:
    payload.own_code("quitus_agent", "1.0", tmp_path)

    assert {each.name for each in tmp_path.iterdir()} == {
        "quitus",
        "quitus_agent",
        "quitus-1.0.dist-info",
    }
    assert (tmp_path / "quitus_agent/locales/fr.json").exists()


def test_what_is_pinned_for_packages_is_what_is_tested() -> None:
    tested = _pins("runtime")

    for name in ("agent", "collector"):
        assert _pins(name) <= tested


def _pins(name: str) -> set[str]:
    lines = (ROOT / f"constraints/{name}.txt").read_text().splitlines()
    return {line.split()[0] for line in lines if "==" in line and not line.startswith(" ")}


@pytest.mark.needs("ansible")
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_scripts_are_as_shellcheck_wants_them(program: Program, tmp_path: Path) -> None:
    for name in SCRIPTS:
        script = program.script(name)
        assert "@" not in script.replace("$@", "")
        (tmp_path / f"{name}.sh").write_text(script)
    for source in [*program.folder.glob("*.sh"), *(ROOT / "deploy/macos").glob("*.sh")]:
        shutil.copy(source, tmp_path / source.name)

    checked = subprocess.run(
        [
            *(Path(sys.executable).with_name("shellcheck"), "--shell=sh", "--severity=style"),
            *sorted(tmp_path.iterdir()),
        ],
        check=False,
        capture_output=True,
        text=True,
    )

    assert checked.stdout == ""
    assert checked.returncode == 0


def test_every_scheduler_leaves_it_to_the_settings_when_a_report_is_due() -> None:
    with (ROOT / "deploy/macos/fr.quitus.agent.plist").open("rb") as file:
        service = plistlib.load(file)

    assert service["Label"] == "fr.quitus.agent"
    assert service["ProgramArguments"][1:] == ["report", "--scheduled", "--patience", "600"]
    assert service["Umask"] == 0o077
    assert service["StartInterval"] == 3600
    unit = (SYSTEMD / "quitus-agent.service").read_text()
    assert "quitus-agent report --scheduled --patience 600\n" in unit
    assert "\nOnCalendar=hourly\n" in (SYSTEMD / "quitus-agent.timer").read_text()
    task = (ROOT / "deploy/windows/task.xml").read_text(encoding="utf-8")
    assert "-m quitus_agent report --scheduled --patience 600</Arguments>" in task
    for page in (ROOT / "docs/guide").glob("*/linux.md"):
        assert "quitus-agent report --scheduled --patience 600`" in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("loose", ["", ".", "agent", "agent/python/bin/python3"])
def test_on_a_mac_nothing_runs_as_root_that_others_may_change(loose: str, tmp_path: Path) -> None:
    holder = tmp_path / "opt"
    python = holder / "agent/python/bin/python3"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.with_name("python").symlink_to("python3")
    for each in (holder, *holder.rglob("*")):
        if not each.is_symlink():
            each.chmod(0o755)
    if loose:
        (holder / loose).chmod(0o775)

    def checked(owner: str) -> "subprocess.CompletedProcess[str]":
        words = ["sh", ROOT / "deploy/macos/check.sh", holder / "agent", owner]
        return subprocess.run(words, check=False, capture_output=True, text=True)

    done = checked(python.owner())
    assert (done.returncode, str(holder / loose) in done.stderr) == (int(bool(loose)), bool(loose))
    assert checked("nobody").returncode == 1


def test_on_a_mac_the_check_comes_before_the_service_and_no_other_python_is_tried() -> None:
    scripts = ROOT / "deploy/macos"
    postinstall = (scripts / "postinstall.sh").read_text()

    assert postinstall.index("bin/check") < postinstall.index("launchctl bootstrap")
    assert "/Library/Frameworks" not in (scripts / "launch.sh").read_text()


def test_the_file_of_settings_shows_the_agents_defaults(tmp_path: Path) -> None:
    shown = (ROOT / "deploy/packages/agent/agent.toml").read_text().splitlines()
    file = tmp_path / "agent.toml"
    file.write_text("\n".join(line.removeprefix("# ") for line in shown if " = " in line))

    assert config.load(file, {}, {}) == config.load(None, {}, {})


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_every_unit_of_a_program_lies_beside_the_others(program: Program) -> None:
    units = {each.name for each in SYSTEMD.glob(f"{program.name}*.[st]*") if each.suffix != ".conf"}

    assert units == set(program.units)


# As Python orders them, oldest first.
VERSIONS = (
    *("0.9.0", "1.0.0.dev3", "1.0.0a1", "1.0.0b2", "1.0.0rc1.dev4", "1.0.0rc1", "1.0.0rc2"),
    *("1.0.0", "1.0.0+local.1", "1.0.0.post1", "1.0.1.dev1", "1.0.1"),
)


@pytest.mark.needs("dpkg")
@pytest.mark.parametrize(("older", "newer"), list(pairwise(VERSIONS)))
def test_dpkg_orders_versions_as_python_does(older: str, newer: str) -> None:
    words = (versions.packaged(older), "lt", versions.packaged(newer))

    assert subprocess.run(["dpkg", "--compare-versions", *words], check=False).returncode == 0


@pytest.mark.needs("rpm")
@pytest.mark.parametrize(("older", "newer"), list(pairwise(VERSIONS)))
def test_rpm_orders_versions_as_python_does(older: str, newer: str) -> None:
    words = f'"{versions.packaged(older)}", "{versions.packaged(newer)}"'

    compared = subprocess.run(
        ["rpm", "--eval", f"%{{lua:print(rpm.vercmp({words}))}}"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert compared.stdout.strip() == "-1"


def test_what_is_no_version_is_refused() -> None:
    with pytest.raises(payload.PayloadError, match="'one' is no version"):
        versions.packaged("one")
