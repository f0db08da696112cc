"""Arch packages, read from pacman's local database: one folder with a `desc` file a package."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, matching, within
from quitus_agent.purl import purl

NAME = "pacman"
LOCAL = Path("var/lib/pacman/local")
ARCHITECTURES = ("x86_64", "any", "aarch64", "armv7h", "i686")
PARAGRAPH = r"\n{2,}"
FIELD = r"\S[^:]*: (?P<value>.*)"


def available(root: Path) -> bool:
    """Whether the system keeps a pacman database."""
    return existing(root, LOCAL) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the database below `root`."""
    for place, path in matching(root, f"{LOCAL}/*"):
        if path.is_dir():
            yield from read(within(root, place / "desc"))


def read(path: Path) -> Iterator[Install]:
    """Reads a `desc` file, the folder of a database, or what `pacman -Q` or `-Qi` printed.

    Raises SourceError naming the file.
    """
    if path.is_dir():
        for desc in sorted(path.glob("*/desc")):
            yield from read(desc)
        return
    text = captures.content(path).decode("utf-8", errors="replace")
    try:
        if text.lstrip().startswith("%"):
            yield parse(text)
        else:
            yield from parse_listing(text)
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
    installed = fields.get("INSTALLDATE", "")
    on = ""
    if installed.isdecimal() and len(installed) <= 10:
        on = datetime.fromtimestamp(int(installed), UTC).date().isoformat()
    return _install(name, version, fields.get("PACKAGER", ""), fields.get("ARCH", ""), on)


def parse_listing(listing: str) -> Iterator[Install]:
    """Reads `pacman -Q`, `name version` a line, or `-Qi`, whose words are those of a language.

    There each package is a paragraph that begins with its name and goes on with its version.
    """
    for number, paragraph in enumerate(re.split(PARAGRAPH, listing.strip("\n")), start=1):
        pairs = [
            (found["value"].strip() if found else "")
            for line in paragraph.splitlines()
            if (found := re.fullmatch(FIELD, line)) or not line.startswith(" ")
        ]
        if len(pairs) > 2 and all(pairs[:2]):
            words = [word for word in pairs if word in ARCHITECTURES]
            yield _install(pairs[0], pairs[1], "", words[0] if words else "", "")
            continue
        for line in paragraph.splitlines():
            name, blank, version = line.partition(" ")
            if not blank or not version or " " in version.strip():
                raise SourceError(f"paragraph {number}: {line[:40]!r} is not a name and a version")
            yield _install(name, version.strip(), "", "", "")


def _install(name: str, version: str, publisher: str, architecture: str, on: str) -> Install:
    return Install(
        name,
        version,
        publisher,
        architecture,
        NAME,
        identifiers={"purl": purl("alpm", "arch", name, version, arch=architecture)},
        installed_on=on,
    )


SOURCE = Source(NAME, available, scan, read)
