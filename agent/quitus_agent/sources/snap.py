"""Snaps, from the metadata that each installed revision carries.

`snap info` names publishers, the metadata on disk does not: a live scan leaves them empty rather
than ask the store.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source

NAME = "snap"
SNAPS = Path("snap")
META = Path("current/meta/snap.yaml")
# Runtimes and the daemon itself, which `snap list` marks in its notes.
PARTS = frozenset({"base", "snapd", "core", "os"})
_FIELD = re.compile(r"(name|version|type|architectures):\s*(.*)")


def available(root: Path) -> bool:
    """Whether any snap is installed."""
    return next(root.glob(f"{SNAPS}/*/{META}"), None) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the current revision of every snap below `root`."""
    for path in sorted(root.glob(f"{SNAPS}/*/{META}")):
        yield from read(path)


def read(path: Path) -> Iterator[Install]:
    """Reads a snap's metadata, `snap list`, or `snap info`; raises SourceError naming the file."""
    text = captures.content(path).decode("utf-8", errors="replace")
    try:
        if text.startswith("Name "):
            yield from parse_list(text)
        else:
            yield parse_info(text) if "snap-id:" in text else parse_metadata(text)
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error


def parse_metadata(text: str) -> Install:
    """Reads snap.yaml, of which the fields at the margin are enough."""
    fields = {found[1]: found[2] for line in text.splitlines() if (found := _FIELD.match(line))}
    name = _plain(fields.get("name", ""))
    if not name:
        raise SourceError("has no name")
    return _install(name, _plain(fields.get("version", "")), "", _plain(fields.get("type", "")))


def parse_list(text: str) -> Iterator[Install]:
    """Reads `snap list`, columns separated by blanks."""
    for number, line in enumerate(text.splitlines()[1:], start=2):
        fields = line.split()
        if len(fields) < 6:
            raise SourceError(f"line {number} has fewer than six columns")
        yield _install(fields[0], fields[1], fields[4].rstrip("*✓"), fields[-1])


def parse_info(text: str) -> Install:
    """Reads `snap info NAME`: the installed version is the last line's."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and not line.startswith(" "):
            fields.setdefault(key, value.strip())
    if not fields.get("name"):
        raise SourceError("has no name")
    version = fields.get("installed", "").split(" ")[0]
    return _install(fields["name"], version, fields.get("publisher", "").rstrip("*✓"), "")


def _install(name: str, version: str, publisher: str, kind: str) -> Install:
    identifiers = {"snap_type": kind} if kind not in ("", "-") else {}
    hidden = kind in PARTS
    return Install(name, version, publisher, source=NAME, identifiers=identifiers, hidden=hidden)


def _plain(value: str) -> str:
    return value.strip().strip("'\"")


SOURCE = Source(NAME, available, scan, read)
