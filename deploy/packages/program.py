"""What is packed: the two programs, their files and places."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SYSTEMD = HERE.parent / "systemd"


class Program(NamedTuple):
    """`enabled` are the units that an installation turns on, among all `units`.

    `files` are places below the root and what lies there, a `conffile` being one that is kept at
    an upgrade. One that is bound to `pythons` has libraries of that Python alone.
    """

    name: str
    package: str
    summary: str
    description: str
    constraints: str
    pythons: Sequence[str]
    units: Sequence[str]
    enabled: Sequence[str]
    files: Mapping[str, str]
    conffiles: Sequence[str]
    deb_depends: str
    rpm_requires: Sequence[str]
    # What some installations need, by the names of both.
    deb_suggests: str = ""
    rpm_suggests: str = ""

    @property
    def folder(self) -> Path:
        """Where its own files lie beside this module."""
        return HERE / self.name.removeprefix("quitus-")

    def filled(self, text: str, more: Mapping[str, str] | None = None) -> str:
        """A template with this program's names in it."""
        values = {
            "NAME": self.name,
            "PYTHON": self.pythons[0],
            "UNITS": " ".join(self.units),
            "ENABLED": " ".join(self.enabled),
        } | dict(more or {})
        for key, value in values.items():
            text = text.replace(f"@{key}@", value)
        return text

    def script(self, kind: str) -> str:
        """A script of the package manager, such as `deb-postinst`, ready to be put in."""
        scripts = HERE / "scripts"
        more = {
            "READY": (scripts / "ready.sh").read_text().partition("\n")[2],
            "PURGE": (self.folder / "purge.sh").read_text().partition("\n")[2],
        }
        text = (scripts / f"{kind}.sh").read_text()
        for key, value in more.items():
            text = text.replace(f"@{key}@\n", value.rstrip() + "\n")
        return self.filled(text)


AGENT = Program(
    name="quitus-agent",
    package="quitus_agent",
    summary="Quitus agent: reports what is installed, for licence reconciliation",
    description="Reads which software is installed on this device and reports it once a day to\n"
    "its company's own collector, over mutual TLS. It answers no calls and installs nothing.",
    constraints="agent.txt",
    pythons=("3.11", "3.12", "3.13", "3.14"),
    units=("quitus-agent.service", "quitus-agent.timer"),
    enabled=("quitus-agent.timer",),
    files={
        "opt/quitus-agent/bin/quitus-agent": "launch.sh",
        "opt/quitus-agent/bin/interpreter": "interpreter.sh",
        "opt/quitus-agent/start.py": "start.py",
        "etc/quitus/agent.toml": "agent.toml",
    },
    conffiles=("/etc/quitus/agent.toml",),
    deb_depends="python3 (>= 3.11), systemd, util-linux, passwd, init-system-helpers",
    # Where the system's own Python is older, the distribution has newer ones beside it.
    rpm_requires=(
        "(python3 >= 3.11 or python3.13 or python3.12 or python3.11 or python313 or python311)",
        "systemd",
        "util-linux",
    ),
)

COLLECTOR = Program(
    name="quitus-collector",
    package="quitus_collector",
    summary="Quitus collector: inventories, licence position, declaration",
    description="Enrols devices, keeps their inventories, sets them against licence pools and\n"
    "fills in declarations. Devices call it over mutual TLS; it calls none of them.",
    constraints="collector.txt",
    # NumPy has other releases for other Pythons, so one package serves one of them.
    pythons=("3.11",),
    units=(
        "quitus-collector.service",
        "quitus-collector-console.service",
        "quitus-collector-backup.service",
        "quitus-collector-backup.timer",
    ),
    enabled=(
        "quitus-collector.service",
        "quitus-collector-console.service",
        "quitus-collector-backup.timer",
    ),
    files={
        "opt/quitus-collector/bin/quitus-collector": "launch.sh",
        "opt/quitus-collector/bin/interpreter": "interpreter.sh",
        "opt/quitus-collector/bin/backup": "backup.sh",
        "opt/quitus-collector/start.py": "start.py",
        "etc/default/quitus-collector": "default",
    },
    conffiles=("/etc/default/quitus-collector",),
    deb_depends="python@PYTHON@, systemd, util-linux, passwd, init-system-helpers",
    rpm_requires=("python@PYTHON@", "systemd", "util-linux"),
    # pg_dump and pg_restore, where the database is a PostgreSQL.
    deb_suggests="postgresql-client",
    rpm_suggests="postgresql",
)

PROGRAMS = {"agent": AGENT, "collector": COLLECTOR}
