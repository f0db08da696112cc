"""The folder that a package puts below /opt: pinned wheels, unpacked, and our own code beside them.

Wheels of several Pythons lie in one folder: their compiled modules have the Python in their names,
and everything else is the same file. So one package serves several releases of a distribution, and
the next one too, where a virtual environment would break with the Python that it was made of.
"""

import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What distributions call a processor, and what wheels do.
MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# Oldest C libraries first: 2.17 is RHEL 7's, 2.28 RHEL 8's.
PLATFORMS = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")
# Differs from Python to Python, and says nothing that a program reads.
ABOUT = "WHEEL"
# In wheels: for those who compile, check types, or test the library itself.
SPARED = ("*.pyi", "*.pyx", "*.pxd", "*.h", "*/tests/*", "*.dist-info/RECORD")
# Beside the wire code, for those who develop.
UNUSED = ("*.proto", "*.pyi", "__pycache__", "py.typed")


class PayloadError(Exception):
    """What was to be packed cannot be had, or contradicts itself."""


def linux(architecture: str) -> list[str]:
    """The platforms whose wheels run there."""
    return [f"{name}_{MACHINES[architecture]}" for name in PLATFORMS]


def wheels(
    constraints: Path, platforms: Sequence[str], pythons: Sequence[str], folder: Path
) -> None:
    """Fetches the pinned wheels of each Python into `folder/3.x`, checked against their hashes."""
    fitting = [word for each in platforms for word in ("--platform", each)]
    for python in pythons:
        tags = ("--python-version", python, "--implementation", "cp")
        abis = ("--abi", f"cp{python.replace('.', '')}", "--abi", "abi3", "--abi", "none")
        fetched = subprocess.run(  # noqa: S603 - pip of this very environment
            [
                *(sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "-qq"),
                *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
                *(*fitting, *tags, *abis),
                *("-r", str(constraints), "-d", str(folder / python)),
            ],
            check=False,
        )
        if fetched.returncode:
            raise PayloadError(
                f"the wheels for Python {python} on {platforms[-1]} cannot be fetched"
            )


def libraries(wheels: Path, into: Path) -> None:
    """Unpacks the wheels of all Pythons below `wheels` into one folder.

    Raises PayloadError where two of them want different contents in one place.
    """
    seen: dict[str, str] = {}
    for wheel in sorted(wheels.glob("*/*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            for member in archive.infolist():
                if member.is_dir() or any(fnmatch(member.filename, each) for each in SPARED):
                    continue
                content = archive.read(member)
                digest = hashlib.sha256(content).hexdigest()
                place = Path(member.filename)
                known = seen.setdefault(member.filename, digest)
                is_about = place.parent.suffix == ".dist-info" and place.name == ABOUT
                if known != digest and not is_about:
                    raise PayloadError(f"{member.filename} is not the same for every Python")
                target = into / place
                if not target.resolve().is_relative_to(into.resolve()):
                    raise PayloadError(f"{wheel.name} reaches out of its folder")
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)


def own_code(package: str, version: str, into: Path) -> None:
    """Copies the program's own package and the wire, and nothing of the other program."""
    home = {"quitus_agent": "agent", "quitus_collector": "collector"}[package]
    unused = shutil.ignore_patterns(*UNUSED)
    shutil.copytree(ROOT / home / package, into / package, ignore=unused)
    shutil.copytree(ROOT / "proto/quitus", into / "quitus", ignore=unused)
    about = into / f"quitus-{version}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: quitus\nVersion: {version}\n")


def usual_modes(folder: Path) -> None:
    """Folders and files as everybody may read them and root alone writes them."""
    for place in (folder, *folder.rglob("*")):
        if not place.is_symlink():
            place.chmod(0o755 if place.is_dir() or place.stat().st_mode & 0o100 else 0o644)
