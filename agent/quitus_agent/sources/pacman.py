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
NOTHING = "lists no package"
PARAGRAPH = r"\n{2,}"
# A name and what stands under it; Chinese and Japanese have a colon of their own.
FIELD = r"\S[^:\uff1a]*[:\uff1a] ?(?P<value>.*)"
# An epoch, a version without dashes, and a release (PKGBUILD(5)).
VERSION = r"(?:\d+:)?[^\s:/-]+-\d+(?:\.\d+)?"
# `-Q`, and what `-Qs` adds: a place before the name, groups behind the version.
ROW = rf"(?P<place>local/)?(?P<name>[\w@.+][\w@.+-]*) (?P<version>{VERSION})(?: [(\[].*)?"


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
        found = (each for desc in sorted(path.glob("*/desc")) for each in read(desc))
        return captures.installs_of(path, found, NOTHING)
    text = captures.text(path)
    if text.lstrip().startswith("%"):
        return captures.installs_of(path, map(parse, [text]))
    return captures.installs_of(path, parse_listing(text), NOTHING)


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
    for number, paragraph in enumerate(filter(str.strip, re.split(PARAGRAPH, listing)), start=1):
        pairs = [
            (found["value"].strip() if found else "")
            for line in paragraph.splitlines()
            if (found := re.fullmatch(FIELD, line)) or not line.startswith(" ")
        ]
        if len(pairs) > 2 and pairs[0] and re.fullmatch(VERSION, pairs[1]):
            words = [word for word in pairs if word in ARCHITECTURES]
            yield _install(pairs[0], pairs[1], "", words[0] if words else "", "")
            continue
        is_described = False
        for line in paragraph.splitlines():
            row = re.fullmatch(ROW, line.rstrip())
            if row is None and not (is_described and line.startswith(" ")):
                raise SourceError(f"paragraph {number}: {line[:40]!r} is not a name and a version")
            if row:
                is_described = bool(row["place"])
                yield _install(row["name"], row["version"], "", "", "")


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
