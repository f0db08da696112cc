"""The agent's packages on systems that had no agent before."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.linux_guide import HOME, block, follow
from tests.machines import Machine
from tests.packages import Packages
from tests.programs import CollectorFolder

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("linux")]
SETTINGS = "/etc/quitus/agent.toml"
STATE = "/var/lib/quitus-agent"
# What root alone may read, and a licence count needs: who is whose guest.
GUEST = "5f0c4f5e-7a1c-4c55-9d65-1f3f0e1c7b11"
# What a removal leaves until the purge, beside settings and identity: that the timer was wanted.
KEPT_BY_DEBIAN = r"/etc/quitus(/.*)?|/var/lib/quitus-agent(/.*)?|.*/systemd/.*quitus-agent\.timer.*"
# Of any package: what dpkg and apt note, and files that follow it.
DPKG_NOTES = r"/var/lib/(dpkg|apt)(/.*)?|/etc/(passwd|shadow|group|gshadow)-?|/etc/\.pwd\.lock"
RPM_NOTES = r"(/root/\.rpmdb|/var/lib/rpm)(/.*)?"
SYSTEMD_NOTES = r"/var/lib/(private|systemd)(/.*)?"


@pytest.mark.needs("debootstrap")
@pytest.mark.needs("nspawn")
@pytest.mark.needs("dpkg-deb")
def test_a_deb_enrols_reports_is_upgraded_and_goes_without_a_trace(
    collector: CollectorFolder, machine: Machine, packages: Packages
) -> None:
    machine.ok("mkdir", "-p", "-m", "0700", "/etc/libvirt/qemu")
    machine.place("/etc/libvirt/qemu/a.xml").write_text(f"<uuid>{GUEST}</uuid>")
    deb = packages.file("deb")
    before = machine.files()

    guide = block(2)
    _follow(machine, guide[:1], deb)
    told = machine.ok("systemctl", "is-enabled", "quitus-agent.timer")
    assert (told, machine.ok("systemctl", "is-active", "quitus-agent.timer")) == (
        "enabled\n",
        "active\n",
    )
    # Before it is enrolled nothing is reported, and nothing failed.
    machine.ok("systemctl", "start", "quitus-agent.service")
    assert "run quitus-agent enrol" in machine.run("quitus-agent", "status").stderr

    with collector.serving() as (enrolment, _):
        machine.place("/root/jeton").write_text(collector.ok("token", "create"))
        machine.place("/root/jeton").chmod(0o600)
        _follow(machine, guide[1:3], deb, enrolment)
        with machine.place(SETTINGS).open("a") as settings:
            settings.write("spread_minutes = 0\ninterval_hours = 48\n")
        machine.ok("systemctl", "start", "quitus-agent.service")
        _follow(machine, guide[3:], deb)
        assert not machine.place("/root/jeton").exists()
        device = _only_device(collector)
        assert (device["name"], device["facts"]["guests"]) == ("poste-1", [GUEST])
        assert device["installs"] == len(_dpkg_list(machine))
        assert _rights(machine, f"{STATE}/identity.json") == ("quitus-agent", "600")
        assert _rights(machine, STATE) == ("quitus-agent", "700")

        _install(machine, packages.next_version(deb))
        assert _status(machine)["device_id"] == device["id"]
        assert f"localhost:{enrolment}" in machine.place(SETTINGS).read_text()
        # The timer's run heeds the settings: that report is recent enough for two days.
        accepted = _status(machine)["last_report"]
        machine.ok("systemctl", "start", "quitus-agent.service")
        assert _status(machine)["last_report"] == accepted
        machine.ok("quitus-agent", "report")
        shown = collector.ok("devices", "show", "poste-1", "--format", "json")
        assert "+next" in shown

    _units_are_well_made(machine)
    machine.ok("dpkg", "-r", "quitus-agent")
    left = machine.files() - before
    assert f"{STATE}/identity.json" in left
    assert _beyond(left, KEPT_BY_DEBIAN) == []
    machine.ok("dpkg", "-P", "quitus-agent")
    assert _beyond(machine.files() - before) == []
    assert machine.run("id", "quitus-agent").returncode


@pytest.mark.needs("debootstrap")
@pytest.mark.needs("nspawn")
@pytest.mark.needs("rpm")
def test_an_rpm_turns_the_agent_on_and_leaves_identity_and_settings(
    machine: Machine, packages: Packages
) -> None:
    """On a Debian with rpm in it: the same scripts and systemd; dependencies are not looked at."""
    machine.place("/root/agent.rpm").write_bytes(packages.file("rpm").read_bytes())
    before = machine.files()

    machine.ok("rpm", "-i", "--nodeps", "/root/agent.rpm")
    assert machine.ok("systemctl", "is-enabled", "quitus-agent.timer") == "enabled\n"
    assert machine.ok("systemctl", "is-active", "quitus-agent.timer") == "active\n"
    assert "run quitus-agent enrol" in machine.run("quitus-agent", "status").stderr
    machine.place(SETTINGS).write_text('collector = "collecteur.example.fr"\n')
    machine.place(f"{STATE}/identity.json").write_text("{}")

    machine.ok("systemctl", "disable", "quitus-agent.timer")
    machine.ok("rpm", "-U", "--force", "--nodeps", "/root/agent.rpm")
    assert machine.run("systemctl", "is-enabled", "quitus-agent.timer").stdout == "disabled\n"
    assert "collecteur.example.fr" in machine.place(SETTINGS).read_text()

    machine.ok("rpm", "-e", "quitus-agent")
    left = _beyond(machine.files() - before, RPM_NOTES)
    assert left == [
        "/etc/quitus",
        f"{SETTINGS}.rpmsave",
        STATE,
        f"{STATE}/identity.json",
    ]


def _install(machine: Machine, package: Path) -> None:
    inside = machine.place("/root/agent.deb")
    inside.write_bytes(package.read_bytes())
    machine.ok("dpkg", "-i", "/root/agent.deb")
    inside.unlink()


def _follow(machine: Machine, lines: list[str], deb: Path, enrolment: int = 0) -> None:
    """Types lines of the guide beside the package, with the names that are ours here."""
    package = machine.place(f"{HOME}/quitus-agent_0.1.0_amd64.deb")
    package.write_bytes(deb.read_bytes())
    follow(machine, lines, {"collecteur.example.fr": f"localhost:{enrolment}"})
    package.unlink()


def _units_are_well_made(machine: Machine) -> None:
    """No unit says what systemd does not understand, and the service is shut in well."""
    units = ("quitus-agent.service", "quitus-agent.timer")
    verified = machine.run("systemd-analyze", "verify", *units)
    assert (verified.returncode, verified.stderr) == (0, "")
    for line in block(3, 0):
        machine.ok(*line.split(), "--threshold=20")


def _dpkg_list(machine: Machine) -> list[str]:
    return machine.ok("dpkg-query", "-W", "-f", "${Package}\n").splitlines()


def _status(machine: Machine) -> dict[str, str]:
    found: dict[str, str] = json.loads(machine.ok("quitus-agent", "status", "--format", "json"))
    return found


def _only_device(collector: CollectorFolder) -> dict[str, object]:
    (device,) = json.loads(collector.ok("devices", "list", "--format", "json"))
    return dict(device)


def _rights(machine: Machine, path: str) -> tuple[str, str]:
    owner, mode = machine.ok("stat", "-c", "%U %a", path).split()
    return owner, mode


def _beyond(files: set[str], *patterns: str) -> list[str]:
    passed_over = "|".join((DPKG_NOTES, SYSTEMD_NOTES, *patterns))
    return sorted(each for each in files if not re.fullmatch(passed_over, each))


@pytest.mark.needs("rpm")
def test_an_rpm_holds_the_agent_alone_and_keeps_settings(packages: Packages) -> None:
    rpm = packages.file("rpm")

    def asked(*words: str) -> list[str]:
        query = ["rpm", "-qp", *words, rpm]
        return subprocess.run(query, check=True, capture_output=True, text=True).stdout.splitlines()

    files = asked("-l")
    assert [each for each in files if "collector" in each or "sqlalchemy" in each] == []
    assert asked("--configfiles") == [SETTINGS]
    for wanted in (
        "/opt/quitus-agent/lib/quitus_agent/cli.py",
        "/opt/quitus-agent/lib/quitus/v1/inventory_pb2.py",
        "/opt/quitus-agent/lib/grpc/_cython/cygrpc.cpython-314-x86_64-linux-gnu.so",
        "/usr/bin/quitus-agent",
        "/usr/lib/systemd/system/quitus-agent.timer",
    ):
        assert wanted in files
    owners = set(asked("--qf", "[%{FILEUSERNAME}:%{FILEGROUPNAME} %{FILEMODES:octal}\n]"))
    modes = {"root:root 100755", "root:root 100644", "root:root 40755", "root:root 120777"}
    assert owners == modes
    assert asked("--qf", "%{NAME} %{ARCH} %{LICENSE}") == ["quitus-agent x86_64 EUPL-1.2"]


def test_the_single_file_needs_nothing_but_python(
    collector: CollectorFolder, packages: Packages, tmp_path: Path
) -> None:
    single = packages.file("pyz")
    bare = {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "QUITUS_AGENT_UNPACKED": str(tmp_path / "unpacked"),
    }

    # The guide's first line of chapter 5, into a folder of ours.
    copy, *_ = block(5)
    installed = tmp_path / "bin/quitus-agent"
    installed.parent.mkdir()
    own = copy.replace("sudo ", "").replace(re.findall(r"\S+\.pyz", copy)[0], str(single))
    own = own.replace("/usr/local/bin/quitus-agent", str(installed))
    subprocess.run(own.split(), check=True)

    def agent(*words: str) -> str:
        command = [installed, "--state", tmp_path / "state", *words]
        return subprocess.run(
            command, check=True, capture_output=True, text=True, env=bare, cwd=tmp_path
        ).stdout

    with collector.serving() as (enrolment, _):
        token = str(collector.token_file())
        agent("enrol", "--collector", f"localhost:{enrolment}", "--token-file", token)
        # The others: `quitus-agent enrol --collector … --token-file …`, `quitus-agent report`.
        assert [line.split()[2] for line in block(5)[1:]] == ["enrol", "report"]
        assert "the collector accepted the report" in agent("report")

    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert (tmp_path / "unpacked").stat().st_mode & 0o777 == 0o700
    os.utime(unpacked, (1, 1))
    agent("status")
    assert unpacked.stat().st_mtime == 1


def test_the_single_file_runs_nothing_that_others_could_have_written(
    packages: Packages, tmp_path: Path
) -> None:
    single = packages.file("pyz")
    everybodys = tmp_path / "everybodys"
    everybodys.mkdir()
    everybodys.chmod(0o777)

    refused = subprocess.run(
        [single, "status"],
        check=False,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "QUITUS_AGENT_UNPACKED": str(everybodys)},
    )

    assert refused.returncode == 1
    assert "that nobody else may write" in refused.stderr
    assert list(everybodys.iterdir()) == []
