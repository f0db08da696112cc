"""The Ansible collection: linted at its strictest, and run on a Debian that had nothing of ours."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.handbook import GUIDE, blocks
from tests.linux_guide import HOME, block, follow
from tests.machines import Machine, booted, free_port
from tests.packages import ROOT, Packages
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.needs("ansible")]
COMMANDS = Path(sys.executable).parent
COLLECTIONS = ROOT / "deploy/ansible"
COLLECTION = COLLECTIONS / "ansible_collections/quitus/deploy"
BOTH = ("quitus.deploy.collector", "quitus.deploy.rollout")
SETTINGS = """\
[listen]
names = ["localhost"]
enrolment = "127.0.0.1:{enrolment}"
inventory = "127.0.0.1:{inventory}"
[console]
listen = "127.0.0.1:{console}"
"""
PASSPHRASE = "une phrase à garder ailleurs"
BACKUPS = "/var/backups/quitus-collector"
CREDENTIAL = "/etc/credstore/quitus-backup-passphrase"
# What `pip` would make of the package's libraries, without a package index.
ENVIRONMENT = (
    "mv /opt/quitus-collector/lib /root/lib",
    "dpkg -P quitus-collector",
    "rm -rf /opt/quitus-collector",
    "python3 -m venv --without-pip /opt/quitus-collector",
    "mv /root/lib/* /opt/quitus-collector/lib/python3.11/site-packages/",
    "install -m 0755 /root/command /opt/quitus-collector/bin/quitus-collector",
)
COMMAND = """\
#!/opt/quitus-collector/bin/python3
import sys
from quitus_collector.cli import main
sys.exit(main())
"""
TOKEN = re.compile(r"qt1\.[\w-]+\.[\w-]+")


def _environment(home: Path) -> dict[str, str]:
    """Ansible's, without what counts the lines that our own programs run."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE")}
    site = next(each for each in sys.path if each.endswith("site-packages"))
    return kept | {
        "ANSIBLE_COLLECTIONS_PATH": f"{COLLECTIONS}:{site}",
        "ANSIBLE_HOME": str(home),
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_NOCOLOR": "1",
        "NO_COLOR": "1",
        "PATH": f"{COMMANDS}:{os.environ['PATH']}",
    }


class Controller:
    """Where Ansible runs: its inventory, of one machine under several names."""

    def __init__(self, folder: Path, machine: Machine, packages: Packages) -> None:
        self.folder = folder
        # One connection for all tasks of a play. Its socket's name must be short.
        self._connections = "-o ControlMaster=auto -o ControlPersist=5s "
        self._connections += f"-o ControlPath={tempfile.gettempdir()}/quitus-%C"
        self.collector = {"collector_package_deb": str(packages.file("deb", "collector"))}
        self.ports = free_port(), free_port(), free_port()
        settings = folder / "collector.toml"
        settings.write_text(
            SETTINGS.format(enrolment=self.ports[0], inventory=self.ports[1], console=self.ports[2])
        )
        self.inventory: dict[str, object] = {
            "all": {
                "vars": {
                    "ansible_host": "127.0.0.1",
                    "ansible_port": machine.ssh_port,
                    "ansible_user": "root",
                    "ansible_ssh_private_key_file": str(machine.key),
                    "ansible_ssh_common_args": "-o StrictHostKeyChecking=no "
                    f"-o UserKnownHostsFile=/dev/null {self._connections}",
                    "ansible_python_interpreter": "/usr/bin/python3",
                    "agent_collector": f"localhost:{self.ports[0]}",
                    "agent_collector_host": "collecteur",
                    "agent_package_deb": str(packages.file("deb")),
                    "agent_random_delay": "3h",
                    "collector_names": ["localhost"],
                    "collector_backup_passphrase": PASSPHRASE,
                    "collector_settings": str(settings),
                }
            },
            "quitus_collector": {"hosts": {"collecteur": self.collector}},
            "quitus_agents": {"hosts": {"poste-1": {}}},
            "strangers": {
                "hosts": {
                    "lost": {"agent_collector": "localhost:1", "agent_enrol_again": True},
                    "next": {},
                }
            },
        }

    def play(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Runs playbooks."""
        inventory = self.folder / "inventory.json"
        inventory.write_text(json.dumps(self.inventory))
        return subprocess.run(
            [COMMANDS / "ansible-playbook", "-i", inventory, *words],
            check=False,
            capture_output=True,
            text=True,
            env=_environment(self.folder / "ansible"),
            cwd=self.folder,
            timeout=300,
        )


def _recap(played: "subprocess.CompletedProcess[str]") -> Mapping[str, Mapping[str, int]]:
    """What Ansible counted of each host at the end."""
    found = {}
    for line in played.stdout.partition("PLAY RECAP")[2].splitlines()[1:]:
        if "ok=" in line:
            host, _, counts = line.partition(":")
            pairs = re.findall(r"(\w+)=(\d+)", counts)
            found[host.strip()] = {name: int(number) for name, number in pairs}
    return found


def _well(played: "subprocess.CompletedProcess[str]") -> Mapping[str, Mapping[str, int]]:
    assert played.returncode == 0, played.stdout[-4000:] + played.stderr
    return _recap(played)


@pytest.mark.xdist_group("linux")
@pytest.mark.needs("debootstrap")
@pytest.mark.needs("nspawn")
@pytest.mark.needs("dpkg-deb")
@pytest.mark.needs("ssh")
def test_roles_bring_a_machine_in_and_stop_where_one_does_not_come(
    machine: Machine, packages: Packages, tmp_path: Path
) -> None:
    controller = Controller(tmp_path, machine, packages)

    before = machine.files()
    _well(controller.play(*BOTH, "--check"))
    assert {each for each in machine.files() - before if "/.ansible" not in each} == set()

    played = controller.play(*BOTH, "-vvv")
    counted = _well(played)
    assert counted["poste-1"]["changed"] > 0
    told = played.stdout + played.stderr + machine.ok("journalctl", "--no-pager")
    assert "Make this device a join token of its own" in told
    assert TOKEN.findall(told) == []
    assert PASSPHRASE not in told
    listed = machine.ok("quitus-collector", "devices", "list", "--format", "json")
    (device,) = json.loads(listed)
    assert device["name"] == "poste-1"
    assert device["last_report_at"]
    assert "RandomizedDelayUSec=3h" in machine.ok("systemctl", "show", "quitus-agent.timer")
    _units_are_well_made(machine, controller.ports[2])

    later = _upgraded_once(controller, machine, packages)
    with _restored(machine, later, tmp_path) as other:
        controller.collector |= {
            "ansible_port": other.ssh_port,
            "ansible_ssh_private_key_file": str(other.key),
        }
        other.ok("quitus-collector", "devices", "remove", device["id"])
        forgotten = controller.play("quitus.deploy.rollout")
        assert forgotten.returncode != 0
        assert "the collector does not know this device" in forgotten.stdout

        stopped = controller.play("quitus.deploy.rollout", "-e", "agent_ring=strangers")
        assert stopped.returncode != 0
        assert "no collector answers at localhost:1" in stopped.stdout
        assert {host: counts["failed"] for host, counts in _recap(stopped).items()} == {"lost": 1}
        _served_from_an_environment(other, controller.ports[0])

    _well(controller.play("quitus.deploy.removal", "-e", "agent_purge=true"))
    assert not machine.place("/var/lib/quitus-agent").exists()
    assert not machine.place("/opt/quitus-agent").exists()


def _units_are_well_made(machine: Machine, console: int) -> None:
    for unit in ("quitus-collector", "quitus-collector-console", "quitus-collector-backup"):
        machine.ok("systemd-analyze", "security", "--threshold=20", f"{unit}.service")
    kinds = (".service", "-console.service", "-backup.service", "-backup.timer")
    units = [f"quitus-collector{each}" for each in kinds]
    verified = machine.run("systemd-analyze", "verify", *units)
    assert (verified.returncode, verified.stderr) == (0, "")
    machine.ok("systemctl", "is-active", "quitus-collector-console.service")
    asked = "import ssl,urllib.request as r;c=ssl.create_default_context(cafile='/ca.pem');"
    asked += f"print(r.urlopen('https://localhost:{console}/sign-in',context=c).status)"
    machine.ok("cp", "/var/lib/quitus-collector/authority/root.pem", "/ca.pem")
    assert machine.ok("python3", "-c", asked).strip() == "200"
    machine.ok("systemctl", "start", "quitus-collector-backup.service")
    assert len(_backups(machine)) == 1


def _upgraded_once(controller: Controller, machine: Machine, packages: Packages) -> Path:
    """A later package, installed behind a backup; again changes nothing, and an older is not."""
    former = controller.collector["collector_package_deb"]
    later = packages.next_version(Path(former))
    controller.collector["collector_package_deb"] = str(later)
    _well(controller.play("quitus.deploy.collector"))
    version = machine.ok("dpkg-query", "-W", "-f", "${Version}", "quitus-collector")
    assert version == later.name.split("_")[1]
    assert len(_backups(machine)) == 2

    again = _well(controller.play(*BOTH))
    assert {host: counts["changed"] for host, counts in again.items()} == {
        "collecteur": 0,
        "poste-1": 0,
    }

    controller.collector["collector_package_deb"] = former
    refused = controller.play("quitus.deploy.collector", "--check")
    assert refused.returncode != 0
    assert f"{version} is installed" in refused.stdout
    controller.collector["collector_package_deb"] = str(later)
    return later


@contextmanager
def _restored(machine: Machine, package: Path, folder: Path) -> Iterator[Machine]:
    """The collector's machine is lost; by the guide's commands another one takes its place."""
    _, seal, encrypt, _, lost = (block(7, number) for number in range(5))
    # The phrase of the role gives way to one that nobody made up.
    follow(machine, seal)
    for name, place in (
        ("sauvegarde.zip", max(_backups(machine))),
        ("phrase", machine.place(CREDENTIAL)),
    ):
        shutil.copy(place, folder / name)
    identity = machine.place("/var/lib/quitus-agent/identity.json").read_bytes()
    machine.ok("systemctl", "stop", "quitus-collector", "quitus-collector-console")
    machine.ok("rm", "-r", BACKUPS, "/var/lib/quitus-collector")
    assert machine.run("quitus-agent", "report").returncode == 1

    with booted(folder / "other", "collecteur-2") as other:
        for file, name in (
            (package, "quitus-collector_0.1.0_amd64.deb"),
            (folder / "sauvegarde.zip", "sauvegarde.zip"),
            (folder / "phrase", "phrase"),
        ):
            shutil.copy(file, other.place(f"{HOME}/{name}"))
        assert "collector restored in" in follow(other, lost)
        # It was started, and serves in some seconds.
        assert until(lambda: machine.run("quitus-agent", "report").returncode == 0, 60)
        assert machine.place("/var/lib/quitus-agent/identity.json").read_bytes() == identity

        other.ok("install", "-D", "-m", "0600", f"{HOME}/phrase", CREDENTIAL)
        follow(other, encrypt)
        other.ok("systemctl", "start", "quitus-collector-backup.service")
        assert len(_backups(other)) == 1
        yield other


def _served_from_an_environment(machine: Machine, port: int) -> None:
    """The administrator's guide has the units serve what lies in a virtual environment."""
    machine.ok("systemctl", "stop", "quitus-collector", "quitus-collector-console")
    machine.place(f"{HOME}/command").write_text(COMMAND)
    for line in ENVIRONMENT:
        machine.ok("sh", "-c", line)
    shutil.copytree(ROOT / "deploy", machine.place(f"{HOME}/quitus-1.0.0/deploy"))
    (units,) = (
        each.text
        for each in blocks(GUIDE / "fr/administrator.md")
        if "systemd-sysusers" in each.text
    )
    # Of the machine that was restored the collector is made already.
    lines = [line for line in units.splitlines() if "quitus-collector init" not in line]
    backups = len(_backups(machine))

    follow(machine, lines)

    def answers() -> bool:
        with socket.socket() as asked:
            return asked.connect_ex(("127.0.0.1", port)) == 0

    assert until(answers, 60)
    unit = machine.ok("systemctl", "show", "-P", "FragmentPath", "quitus-collector.service")
    assert unit == "/etc/systemd/system/quitus-collector.service\n"
    machine.ok("systemctl", "start", "quitus-collector-backup.service")
    assert len(_backups(machine)) == backups + 1


def _backups(machine: Machine) -> list[Path]:
    """Those that the unit made, each with the keys in it."""
    found = list(machine.place(BACKUPS).glob("quitus-*.zip"))
    for each in found:
        assert "keys.sealed" in zipfile.ZipFile(each).namelist()
    return found


def test_the_guides_commands_are_understood_with_the_guides_inventory(tmp_path: Path) -> None:
    """Playbooks as far as hosts are not needed: above they are run."""
    guide = (GUIDE / "fr/ansible.md").read_text("utf-8")
    (inventory,) = re.findall(r"^```yaml\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    (tmp_path / "inventaire.yml").write_text(inventory)
    (tmp_path / "password").write_text("x")
    blocks = re.findall(r"^```sh\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE)
    told = [line for text in blocks for line in text.splitlines() if line.startswith("ansible-")]
    assert len(told) >= 10
    script = "\n".join(
        f"{line} --syntax-check" if "playbook" in line else line for line in dict.fromkeys(told)
    ).replace(" deploy/", f" {ROOT}/deploy/")

    environment = _environment(tmp_path)
    # Nowhere but where the guide installs it.
    path = environment["ANSIBLE_COLLECTIONS_PATH"].replace(
        str(COLLECTIONS), str(tmp_path / "collections")
    )
    environment |= {
        "ANSIBLE_COLLECTIONS_PATH": path,
        "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / "password"),
    }
    done = subprocess.run(
        ["bash", "-euc", script],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        input="qt1.a.b",
        env=environment,
    )

    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    for said in ("agent_token: !vault", "playbooks/removal.yml", "> ROLE: "):
        assert said in done.stdout, said
    assert (tmp_path / "collections/ansible_collections/quitus/deploy").is_dir()


def test_the_collection_is_as_ansible_lint_wants_it_at_its_strictest(tmp_path: Path) -> None:
    linted = subprocess.run(
        [COMMANDS / "ansible-lint", "--offline", "--strict", "--profile", "production"],
        check=False,
        capture_output=True,
        text=True,
        cwd=COLLECTION,
        env=_environment(tmp_path),
    )

    assert linted.returncode == 0, linted.stdout + linted.stderr
    assert "Profile 'production' was required, and it passed" in linted.stderr


def test_tasks_for_every_system_use_options_that_their_modules_have(tmp_path: Path) -> None:
    import yaml

    used: dict[str, set[str]] = {}

    def collect(tasks: list[dict[str, object]]) -> None:
        for task in tasks:
            for key, value in task.items():
                if key in ("block", "always"):
                    collect(value)  # type: ignore[arg-type]
                elif key.count(".") == 2 and isinstance(value, dict):
                    used.setdefault(key, set()).update(value)

    for file in COLLECTION.glob("roles/*/tasks/*.yml"):
        collect(yaml.safe_load(file.read_text(encoding="utf-8")))
    asked = [COMMANDS / "ansible-doc", "--json", *sorted(used)]
    told = subprocess.run(
        asked, check=True, capture_output=True, text=True, env=_environment(tmp_path)
    )
    documents = json.loads(told.stdout)

    assert "ansible.windows.win_package" in used
    for module, options in used.items():
        known = documents[module]["doc"].get("options", {})
        spellings = set(known) | {
            word for each in known.values() for word in each.get("aliases", ())
        }
        # Conditions and facts have names of the task's own.
        if not module.endswith(("set_fact", "include_tasks", "meta")):
            assert options <= spellings, module
