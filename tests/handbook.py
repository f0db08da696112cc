"""The handbook's commands: which there are, and running them in order as a reader would."""

import hashlib
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROOT = Path(__file__).parents[1]
GUIDE = ROOT / "docs" / "guide"
LANGUAGES = ("fr", "en")
# In the order in which their commands are run, in one shell.
# The last one forgets the device that all others are about.
PAGES = ("cio", "administrator", "employee", "developer", "containers", "privacy")
# Their commands are those of other systems, and run by the tests of what they are about.
ELSEWHERE = {
    "windows-gpo": "tests of deploy/windows",
    "ansible": "tests of deploy/ansible",
    "linux": "tests of deploy/packages",
}
COMMANDS = {"sh", "bash", "console", "shell", "powershell", "bat", "cmd"}
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>.*?) -->\n)?^```(?P<kind>[a-z]*)[^\n]*\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
MARK = re.compile(r'run(?:: says "(?P<says>[^"]+)")?|not run: (?P<reason>\S.+)')


class Block(NamedTuple):
    """Commands in a page; `says` is what they must print, `reason` why they are not run."""

    page: str
    line: int
    text: str
    mark: str
    says: str
    reason: str


def blocks(file: Path) -> Iterator[Block]:
    """The commands of one page, in order."""
    content = file.read_text(encoding="utf-8")
    for found in BLOCK.finditer(content):
        if found["kind"] not in COMMANDS:
            continue
        said = MARK.fullmatch(found["mark"] or "")
        line = content.count("\n", 0, found.start()) + 1
        yield Block(
            file.name,
            line,
            found["text"],
            found["mark"] if said else "",
            (said["says"] if said else "") or "",
            (said["reason"] if said else "") or "",
        )


class Reader:
    """Somebody who types what a page says, in a folder of their own, as root of nothing.

    Names and places that readers replace by their own are replaced here too.
    """

    def __init__(self, folder: Path) -> None:
        """Makes the files that pages take for given."""
        self.folder = folder
        for name in ("srv", "backups", "root", "agent"):
            (folder / name).mkdir()
        shutil.copy(ROOT / "deploy" / "demo" / "pools.csv", folder / "licences.csv")
        package = folder / "quitus-agent_99.0.0_amd64.deb"
        package.write_bytes(b"a package")
        _release(package)
        self.ports = _free_ports(3)

    def script(self, read: Sequence[Block]) -> str:
        """All of them as one script, which says where it is."""
        parts = [
            "set -euo pipefail",
            f'export PATH="{Path(sys.executable).parent}:$PATH" HOME="{self.folder}"',
            f'export QUITUS_AGENT_STATE="{self.folder}/agent" COLUMNS=200',
            "unset QUITUS_COLLECTOR_HOME QUITUS_COLLECTOR_DATABASE",
            "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT",
            SERVE.format(*self.ports),
        ]
        for number, block in enumerate(read):
            # What was said before may have no end of line.
            mark = f"echo; echo '=== {number} {block.page}:{block.line}'"
            parts += [mark, self._own(block.text)]
        return "\n".join(parts)

    def follow(self, read: Sequence[Block]) -> list[str]:
        """What each block printed; raises AssertionError at the first that fails."""
        done = subprocess.run(
            ["bash", "-c", self.script(read)],
            check=False,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=1200,
        )
        said = re.split(r"^=== .*\n", done.stdout, flags=re.MULTILINE)[1:]
        if done.returncode or len(said) != len(read):
            last = read[max(0, len(said) - 1)]
            raise AssertionError(f"{last.page}:{last.line} failed:\n{last.text}\n{said[-1:]}")
        return said

    def _own(self, text: str) -> str:
        enrolment, _, console = self.ports
        for theirs, ours in (
            ("collecteur.example.fr:7490", f"localhost:{console}"),
            ("NAME=$(hostname)", "NAME=localhost"),
            ('--collector "$NAME"', f"--collector localhost:{enrolment}"),
            ("--collector collecteur.example.fr", f"--collector localhost:{enrolment}"),
            ("collecteur.example.fr", "localhost"),
            (" /srv", f" {self.folder}/srv"),
            ("=/srv", f"={self.folder}/srv"),
            ("/var/backups/quitus", f"{self.folder}/backups"),
            ("/root/phrase", f"{self.folder}/root/phrase"),
            ("PC-041", '"$(hostname)"'),
            ("quitus-collector serve &", "serve"),
            ("quitus-collector console &", "console"),
            ("kill %1", "stop"),
        ):
            text = text.replace(theirs, ours)
        # Programs of an environment are named to sudo, which has a path of its own.
        text = re.sub(r'^sudo "\$\(command -v ([\w-]+)\)"', r"\1", text, flags=re.MULTILINE)
        return re.sub(r"^sudo ", "", text, flags=re.MULTILINE)


# A reader waits until it says that it serves; a script has to be told to.
SERVE = """
serve() {{
  quitus-collector serve --enrolment 127.0.0.1:{0} --inventory 127.0.0.1:{1} \\
    > serving 2> serve.log &
  for _ in $(seq 300); do grep -q 'enrolment port' serving && return; sleep 0.1; done
  cat serve.log; return 1
}}
console() {{
  quitus-collector console --listen 127.0.0.1:{2} > console.txt 2> console.log &
  for _ in $(seq 300); do grep -q 'console on' console.txt && return; sleep 0.1; done
  cat console.log; return 1
}}
stop() {{ kill %%; wait %% || true; }}
"""


def _release(package: Path) -> None:
    """The digests of a release beside a package of it, its signature and its public key."""
    key = Ed25519PrivateKey.generate()
    said = f"{hashlib.sha256(package.read_bytes()).hexdigest()}  {package.name}\n".encode()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    for name, content in {
        "SHA256SUMS": said,
        "SHA256SUMS.sig": key.sign(said),
        "release.pub": key.public_key().public_bytes(serialization.Encoding.PEM, form),
    }.items():
        package.with_name(name).write_bytes(content)


def _free_ports(count: int) -> list[int]:
    """Ports that nobody uses now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
