"""The agent's folder as a package of Windows Installer.

wixl lays out files, components and folders. Of the rest it knows too little (conditions, secure
properties, custom actions, rights): that is written into the package's tables, by msibuild.
"""

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import quoteattr

from deploy.windows import tables
from deploy.windows.runtime import BuildError

# What codes are made from.
NAMESPACE = uuid.UUID("0c7f4b52-7d5e-4c5e-8d0a-6d0c9a2f4e33")
NAME, MAKER = "Agent Quitus", "Quitus"
OLDER_REFUSED = "Une version plus récente de l’agent Quitus est installée."
# Of every file: the day does not matter, but it should not change from one build to the next.
FILES_TIME = 1_767_225_600
# Windows counts from 1601 on.
SINCE_1601_S, HOUR_S = 11_644_473_600, 3600


def build(folder: Path, version: str, out: Path) -> None:
    """Packs a folder that tree.lay_out made; raises BuildError.

    The product's code depends on version and content: the same content is the same product.
    """
    number = installer_version(version)
    for tool in ("wixl", "msibuild"):
        if shutil.which(tool) is None:
            raise BuildError(f"{tool} is not there: on Debian, apt install wixl msitools")
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in files:
        os.utime(path, (FILES_TIME, FILES_TIME))
    # The whole version: a candidate and its release have the same number, and are two products.
    identity = f"{version} {_digest(folder, files)}"
    with tempfile.TemporaryDirectory() as made:
        package = Path(made) / "agent.msi"
        source = Path(made) / "agent.wxs"
        source.write_text(_source(folder, files, number, _guid(identity)), encoding="utf-8")
        # It finds files below the folder that it runs in alone.
        _run("wixl", "-a", "x64", "-o", package, source, folder=folder)
        queries = (word for query in tables.queries(number) for word in ("-q", query))
        _run("msibuild", package, *queries)
        # Language 0: one package for every language of Windows.
        _run("msibuild", package, "-s", NAME, MAKER, "x64;0", f"{{{_guid(f'package {identity}')}}}")
        _date(package)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(package, out)


def installer_version(version: str) -> str:
    """The three numbers that Windows Installer compares; raises BuildError.

    It knows no candidates: 1.0.0rc1 is 1.0.0 there, and replaces the other builds of 1.0.0 or is
    replaced by them, whichever is installed last.
    """
    found = re.match(r"(\d+)\.(\d+)\.(\d+)(?![\d])", version)
    numbers = [int(each) for each in found.groups()] if found else []
    if not numbers or any(
        each > most for each, most in zip(numbers, (255, 255, 65535), strict=True)
    ):
        raise BuildError(f"{version!r} is no version that Windows Installer can compare")
    return ".".join(map(str, numbers))


def _source(folder: Path, files: list[Path], version: str, product: str) -> str:
    """What wixl reads: every file is a component of its own, named after its place."""
    refused = quoteattr(OLDER_REFUSED)
    return "\n".join(
        [
            '<?xml version="1.0" encoding="utf-8"?>',
            '<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi">',
            f'<Product Id="{product}" Name="{NAME}" Language="0" Codepage="1252"'
            f' Version="{version}" Manufacturer="{MAKER}" UpgradeCode="{tables.UPGRADE_CODE}">',
            '<Package InstallerVersion="500" Compressed="yes" InstallScope="perMachine"/>',
            f"<MajorUpgrade DowngradeErrorMessage={refused}/>",
            '<Media Id="1" Cabinet="agent.cab" EmbedCab="yes"/>',
            '<Directory Id="TARGETDIR" Name="SourceDir"><Directory Id="ProgramFiles64Folder">',
            f'<Directory Id="{tables.MAKER_FOLDER}" Name="Quitus">',
            # Small letters: nobody can have it installed elsewhere, where others may write.
            f'<Directory Id="{tables.AGENT_FOLDER}" Name="Agent">',
            *_folder(folder, folder, files),
            "</Directory></Directory></Directory></Directory>",
            '<Feature Id="Agent" Level="1">',
            *(f'<ComponentRef Id="{_id("c", folder, path)}"/>' for path in files),
            "</Feature></Product></Wix>",
        ]
    )


def _folder(folder: Path, at: Path, files: Iterable[Path]) -> Iterator[str]:
    for path in sorted(at.iterdir()):
        name = quoteattr(path.name)
        if path.is_dir():
            yield f'<Directory Id="{_id("d", folder, path)}" Name={name}>'
            yield from _folder(folder, path, files)
            yield "</Directory>"
        else:
            component = _id("c", folder, path)
            guid = _guid(path.relative_to(folder).as_posix())
            yield f'<Component Id="{component}" Guid="{guid}" Win64="yes">'
            source = quoteattr(path.relative_to(folder).as_posix())
            yield f'<File Id="{_id("f", folder, path)}" Name={name} Source={source} KeyPath="yes"/>'
            yield "</Component>"


def _id(kind: str, folder: Path, path: Path) -> str:
    place = path.relative_to(folder).as_posix()
    return f"{kind}{hashlib.sha256(place.encode()).hexdigest()[:24]}"


def _guid(name: str) -> str:
    return str(uuid.uuid5(NAMESPACE, name)).upper()


def _date(package: Path) -> None:
    """Has the package say that it was made when its files were: msibuild writes today, twice.

    Where the summary's properties of the type FILETIME are told from other bytes by their time.
    """
    content = bytearray(package.read_bytes())
    now = time.time()
    found = [
        each.start(1)
        for each in re.finditer(rb"\x40\0\0\0(?=(.{8}))", content, re.DOTALL)
        if abs(int.from_bytes(each[1], "little") / 1e7 - SINCE_1601_S - now) < HOUR_S
    ]
    if len(found) != 2:
        raise BuildError(f"msibuild dated the package {len(found)} times, not twice")
    made = (FILES_TIME + SINCE_1601_S) * 10_000_000
    for place in found:
        content[place : place + 8] = made.to_bytes(8, "little")
    package.write_bytes(content)


def _digest(folder: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def _run(*words: str | Path, folder: Path | None = None) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    # wixl passes over what it does not know, with a word on standard error.
    if done.returncode or "WARNING" in done.stderr or "CRITICAL" in done.stderr:
        raise BuildError(f"{words[0]} failed: {done.stderr.strip() or done.stdout.strip()}")
