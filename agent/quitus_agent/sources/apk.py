"""Alpine packages, read from apk's database of installed packages."""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing
from quitus_agent.purl import purl

NAME = "apk"
PLACES = (Path("lib/apk/db/installed"), Path("usr/lib/apk/db/installed"))


def available(root: Path) -> bool:
    """Whether the system keeps an apk database."""
    return existing(root, *PLACES) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the database below `root`."""
    path = existing(root, *PLACES)
    if path is None:
        raise SourceError("the apk database is gone")
    return read(path)


def read(path: Path) -> Iterator[Install]:
    """Reads a database file; raises SourceError naming it and the line."""
    try:
        yield from parse(captures.lines(path))
    except SourceError as error:
        raise captures.naming(path, error) from error


def parse(lines: Iterable[str]) -> Iterator[Install]:
    """One record a paragraph, whose lines are a letter, a colon and a value."""
    fields: dict[str, str] = {}
    for number, line in enumerate(chain(lines, [""]), start=1):
        if not line:
            if fields:
                yield _install(fields, number)
                fields = {}
            continue
        letter, colon, value = line.partition(":")
        if not colon or len(letter) != 1:
            raise SourceError(f"line {number} is not a letter, a colon and a value")
        if letter in "PVAm":
            fields[letter] = value


def _install(fields: dict[str, str], line: int) -> Install:
    name, version = fields.get("P", ""), fields.get("V", "")
    if not name or not version:
        raise SourceError(f"the package that ends at line {line} has no name or no version")
    architecture = fields.get("A", "")
    return Install(
        name,
        version,
        fields.get("m", ""),
        architecture,
        NAME,
        identifiers={"purl": purl("apk", "alpine", name, version, arch=architecture)},
    )


SOURCE = Source(NAME, available, scan, read)
