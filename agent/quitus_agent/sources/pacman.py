"""Arch packages, read from pacman's local database: one folder with a `desc` file a package."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.purl import purl

NAME = "pacman"
LOCAL = Path("var/lib/pacman/local")


def available(root: Path) -> bool:
    """Whether the system keeps a pacman database."""
    return (root / LOCAL).is_dir()


def scan(root: Path) -> Iterator[Install]:
    """Reads the database below `root`."""
    try:
        folders = sorted(path for path in (root / LOCAL).iterdir() if path.is_dir())
    except OSError as error:
        raise SourceError(f"{root / LOCAL}: {error.strerror}") from error
    for folder in folders:
        yield from read(folder / "desc")


def read(path: Path) -> Iterator[Install]:
    """Reads one `desc` file, or the folder of a whole database; raises SourceError naming it."""
    if path.is_dir():
        for desc in sorted(path.glob("*/desc")):
            yield from read(desc)
        return
    try:
        yield parse(captures.content(path).decode("utf-8", errors="replace"))
    except SourceError as error:
        raise captures.naming(path, error) from error


def parse(text: str) -> Install:
    """Reads `%FIELD%` headings, each followed by its lines."""
    fields: dict[str, str] = {}
    heading = ""
    for line in text.split("\n"):
        if line.startswith("%") and line.endswith("%") and len(line) > 2:
            heading = line.strip("%")
        elif line and heading:
            fields.setdefault(heading, line)
    name, version = fields.get("NAME", ""), fields.get("VERSION", "")
    if not name or not version:
        raise SourceError("has no name or no version")
    installed, architecture = fields.get("INSTALLDATE", ""), fields.get("ARCH", "")
    on = ""
    if installed.isdecimal() and len(installed) <= 10:
        on = datetime.fromtimestamp(int(installed), UTC).date().isoformat()
    return Install(
        name,
        version,
        fields.get("PACKAGER", ""),
        architecture,
        NAME,
        identifiers={"purl": purl("alpm", "arch", name, version, arch=architecture)},
        installed_on=on,
    )


SOURCE = Source(NAME, available, scan, read)
