"""What tests use beyond Python packages: how to see it, what is untested without it, how to get it.

`python -m tests.capabilities --install` adds what a Debian or Ubuntu machine can (root or sudo);
with names behind it, what they name.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from tests.disk import can_mount
from tests.network import can_make_hosts

# Captures of real machines, product names and counting scenarios live beside the project.
SHARED = Path(os.environ.get("QUITUS_SHARED", Path(__file__).parents[2] / "shared"))


class Capability(NamedTuple):
    """`package` is the Debian package that brings it; empty where none does."""

    is_there: Callable[[], bool]
    untested: str
    package: str = ""


CAPABILITIES = {
    "dpkg": Capability(
        lambda: shutil.which("dpkg-query") is not None,
        "that this very machine's packages are all reported (no Debian system)",
        "dpkg",
    ),
    "git": Capability(
        lambda: shutil.which("git") is not None,
        "that a release has the version of its tag (no git)",
        "git",
    ),
    "curl": Capability(
        lambda: shutil.which("curl") is not None,
        "the calls that docs/api.md shows (no curl)",
        "curl",
    ),
    "openssl": Capability(
        lambda: shutil.which("openssl") is not None,
        "a release's signature checked without our tools (no openssl)",
        "openssl",
    ),
    "chart": Capability(
        lambda: find_spec("helm_python") is not None,
        "containers and the Helm chart (make test-all installs the group `chart`)",
    ),
    "haproxy": Capability(
        lambda: shutil.which("haproxy") is not None,
        "the balancer's configuration before two collectors (no haproxy)",
        "haproxy",
    ),
    "jq": Capability(
        lambda: shutil.which("jq") is not None,
        "the chart's folder of links, and going back in a cluster (no jq)",
        "jq",
    ),
    "poppler": Capability(
        lambda: shutil.which("pdffonts") is not None,
        "the declaration read back by an independent PDF reader (no poppler-utils)",
        "poppler-utils",
    ),
    "slapd": Capability(
        lambda: shutil.which("slapd", path=f"{os.environ['PATH']}:/usr/sbin") is not None,
        "expected devices from a real directory over TLS (no slapd)",
        "slapd",
    ),
    "softhsm": Capability(
        lambda: shutil.which("softhsm2-util") is not None,
        "the declaration sealed by a token (no softhsm2)",
        "softhsm2",
    ),
    "faketime": Capability(
        lambda: shutil.which("faketime") is not None,
        "an agent whose clock is off by years (no faketime)",
        "faketime",
    ),
    "namespaces": Capability(
        can_make_hosts,
        "a network that loses, delays and breaks (needs root, network namespaces and iproute2)",
        "iproute2",
    ),
    "mounts": Capability(
        can_mount,
        "a database on a disk that is full (needs root and mount)",
        "mount",
    ),
    "wine": Capability(
        lambda: shutil.which("wine") is not None,
        "the agent on Windows: its live registry beside an export of the same (no wine)",
        "wine",
    ),
    "chromium": Capability(
        lambda: shutil.which("chromium") is not None,
        "the console in a real browser (no chromium)",
        "chromium",
    ),
    "debootstrap": Capability(
        lambda: shutil.which("debootstrap") is not None and os.geteuid() == 0,
        "packages and roles on a Debian of their own (needs root and debootstrap)",
        "debootstrap",
    ),
    "nspawn": Capability(
        lambda: shutil.which("systemd-nspawn") is not None and os.geteuid() == 0,
        "packages and roles on a system that runs (needs root and systemd-container)",
        "systemd-container",
    ),
    "ssh": Capability(
        lambda: shutil.which("ssh") is not None,
        "the Ansible roles over ssh (no openssh-client)",
        "openssh-client",
    ),
    "dpkg-deb": Capability(
        lambda: shutil.which("dpkg-deb") is not None,
        "the .deb packages (no dpkg-deb)",
        "dpkg",
    ),
    "rpm": Capability(
        lambda: shutil.which("rpmbuild") is not None,
        "the .rpm packages (no rpmbuild)",
        "rpm",
    ),
    "ansible": Capability(
        Path(sys.executable).with_name("ansible-lint").exists,
        "the Ansible collection, and the scripts of packages by shellcheck (make .venv/.ansible)",
    ),
    "wixl": Capability(
        lambda: all(map(shutil.which, ("wixl", "msibuild", "msiinfo"))),
        "the agent's installer for Windows (no wixl, no msitools)",
        "wixl",
    ),
    "msitools": Capability(lambda: shutil.which("msiinfo") is not None, "the same", "msitools"),
    "osslsigncode": Capability(
        lambda: shutil.which("osslsigncode") is not None,
        "that the agent's installer for Windows can be signed (no osslsigncode)",
        "osslsigncode",
    ),
    "shared": Capability(
        SHARED.is_dir,
        f"real captures, names and scenarios (no {SHARED}; QUITUS_SHARED names the folder)",
    ),
}


# What measuring needs beside that: the peers, and a small program that starts them.
MEASURING = {
    name: Capability(lambda command=command: shutil.which(command) is not None, "", command)  # type: ignore[misc]
    for name, command in {
        "fusioninventory": "fusioninventory-agent",
        "ocsinventory": "ocsinventory-agent",
        "time": "time",
    }.items()
}
MEASURING |= {
    name: Capability(lambda file=file: Path(file).exists(), "", package)  # type: ignore[misc]
    for name, (file, package) in {
        "ocs-server": (
            "/etc/apache2/conf-available/ocsinventory-server.conf",
            "ocsinventory-server",
        ),
        "mod-perl": ("/usr/lib/apache2/modules/mod_perl.so", "libapache2-mod-perl2"),
        "mariadb": ("/usr/sbin/mariadbd", "mariadb-server"),
    }.items()
}


def missing() -> dict[str, Capability]:
    """What this machine lacks."""
    return {name: each for name, each in CAPABILITIES.items() if not each.is_there()}


def install(names: Sequence[str] = ()) -> int:
    """Installs the Debian packages of what is missing; returns an exit status."""
    wanted = [(CAPABILITIES | MEASURING)[name] for name in names or CAPABILITIES]
    packages = [each.package for each in wanted if each.package and not each.is_there()]
    if not packages:
        return 0
    if shutil.which("apt-get") is None:
        print(f"this system has no apt-get: install {' '.join(packages)} by hand", file=sys.stderr)
        return 1
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    for words in (
        ["update", "-qq"],
        ["install", "-y", "-qq", "--no-install-recommends", *packages],
    ):
        command = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *words]
        if subprocess.run(command, check=False).returncode:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(install(sys.argv[2:]) if "--install" in sys.argv[1:2] else 0)
