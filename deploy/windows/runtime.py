"""What the agent brings along on Windows: python.org's own Python, and pinned wheels."""

import hashlib
import subprocess
import sys
import zipfile
from itertools import dropwhile
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
CONSTRAINTS = PROJECT / "constraints/runtime.txt"
# All that the agent needs, and what those need: nothing is fetched that is not named here.
NEEDED = ("cffi", "cryptography", "grpcio", "protobuf", "psutil", "pycparser", "typing-extensions")


class Python(NamedTuple):
    """An embeddable package of Python for 64-bit Windows, by the digest of its archive."""

    version: str
    sha256: str

    @property
    def tag(self) -> str:
        """As files and wheels are named after it: 313 of 3.13.12."""
        return "".join(self.version.split(".")[:2])

    @property
    def archive(self) -> str:
        """What python.org calls it."""
        return f"python-{self.version}-embed-amd64.zip"


# https://www.python.org/ftp/python/3.13.12/ has it, with the Sigstore bundle that vouches for it.
PYTHON = Python("3.13.12", "76f238f606250c87c6beac75dccd35ee99070a13490555936abb6cb64ecce3d0")


class BuildError(Exception):
    """The installer cannot be made; its text is a sentence for the person who makes it."""


def unpack(archive: Path, python: Python, folder: Path) -> None:
    """Lays Python out in a folder; raises BuildError where the archive is not the pinned one."""
    try:
        with archive.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise BuildError(f"{archive}: {error.strerror}") from error
    if found != python.sha256:
        raise BuildError(
            f"{archive} is not {python.archive}: its SHA-256 is {found}, not {python.sha256}"
        )
    with zipfile.ZipFile(archive) as files:
        files.extractall(folder)


def install_wheels(python: Python, target: Path, packages: tuple[str, ...] = NEEDED) -> None:
    """Puts the pinned wheels for Windows into a folder, and nothing that they would bring along."""
    options = (
        *("--platform=win_amd64", f"--python-version={python.tag[0]}.{python.tag[1:]}"),
        *("--implementation=cp", f"--abi=cp{python.tag}", "--abi=abi3", "--abi=none"),
        *("--only-binary=:all:", "--no-compile", f"--target={target}"),
    )
    target.mkdir(parents=True, exist_ok=True)
    pip("install", target.parent, [pinned(each) for each in packages], *options)


def pip(command: str, folder: Path, requirements: list[str], *options: str | Path) -> None:
    """Runs pip on requirements with hashes, and on nothing else; `folder` holds their list."""
    file = folder / "requirements.txt"
    file.write_text("\n".join(requirements))
    words = (sys.executable, "-m", "pip", "--disable-pip-version-check", command, "-qq")
    try:
        subprocess.run([*words, "--no-deps", "--require-hashes", "-r", file, *options], check=True)
    except subprocess.CalledProcessError as error:
        raise BuildError("pip could not fetch what the agent needs") from error
    finally:
        file.unlink()


def pinned(package: str) -> str:
    """A line of requirements: the version and the hashes that the project's constraints have."""
    lines = iter(CONSTRAINTS.read_text().splitlines())
    requirement = ""
    for line in dropwhile(lambda line: not line.startswith(f"{package}=="), lines):
        requirement += line.removesuffix("\\")
        if not line.endswith("\\"):
            return requirement
    raise LookupError(f"{CONSTRAINTS} does not pin {package}")
