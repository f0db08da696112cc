"""Alpine packages, read from apk's database of installed packages."""

import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing
from quitus_agent.purl import purl

NAME = "apk"
FIELD = r"[A-Za-z]:"
PACKAGE = r"(?P<name>\S+)-(?P<version>\d[^-\s]*-r\d+)"
ROW = (
    rf"{PACKAGE}(?: (?P<arch>\w+) \{{[^}}]*\}} \(.*\)"
    r"(?P<state> \[(?:installed|upgradable from: (?P<before>\S+))\])?| - .*)?"
)
WARNING = "WARNING: "
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
    """Reads a database, `apk list` or `apk info -v`; raises SourceError naming file and line."""
    is_database = re.match(FIELD, captures.opening(path))
    parsed = parse(captures.lines(path)) if is_database else parse_list(captures.text(path))
    return captures.installs_of(path, parsed, "lists no package")


def parse_list(listing: str) -> Iterator[Install]:
    """Reads rows `name-version arch {origin} (licence) [state]`, of which `apk info` has the first.

    Without a filter `apk list` has packages too that could be installed and are not.
    """
    for number, line in enumerate(listing.splitlines(), start=1):
        if not line.strip() or line.startswith(WARNING):
            continue
        row = re.fullmatch(ROW, line.strip())
        if row is None:
            raise SourceError(f"line {number} is no package")
        # What could be upgraded is named as it would be; it is there as the state has it.
        there = re.fullmatch(PACKAGE, row["before"]) if row["before"] else row
        if there and (row["state"] or not row["arch"]):
            yield _of(there["name"], there["version"], row["arch"] or "")


def parse(lines: Iterable[str]) -> Iterator[Install]:
    """One record a paragraph, whose lines are a letter, a colon and a value."""
    fields: dict[str, str] = {}
    for number, line in enumerate(chain(lines, [""]), start=1):
        if not line or line == "\r":
            if fields:
                yield _install(fields, number)
                fields = {}
            continue
        letter, colon, value = line.rstrip("\r").partition(":")
        if not colon or len(letter) != 1:
            raise SourceError(f"line {number} is not a letter, a colon and a value")
        if letter in "PVAm":
            fields[letter] = value


def _install(fields: dict[str, str], line: int) -> Install:
    name, version = fields.get("P", ""), fields.get("V", "")
    if not name or not version:
        raise SourceError(f"the package that ends at line {line} has no name or no version")
    return _of(name, version, fields.get("A", ""), fields.get("m", ""))


def _of(name: str, version: str, architecture: str, publisher: str = "") -> Install:
    return Install(
        name,
        version,
        publisher,
        architecture,
        NAME,
        identifiers={"purl": purl("apk", "alpine", name, version, arch=architecture)},
    )


SOURCE = Source(NAME, available, scan, read)
