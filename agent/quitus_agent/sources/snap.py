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
from quitus_agent.places import existing, matching

NAME = "snap"
# Fedora and Arch mount snaps at the second place.
MOUNTS = ("snap", "var/lib/snapd/snap")
META = "current/meta/snap.yaml"
STATE = Path("var/lib/snapd/state.json")
# Runtimes and the daemon itself, which `snap list` marks in its notes.
PARTS = frozenset({"base", "snapd", "core", "os", "kernel", "gadget"})
# The heading of `snap list`, in the words of a language: Name Version, Nom Version, Name Versión.
HEADING = r"\S+ +Versi\S* +\S"
APPLICATION = "app"
FIELD = r"(name|version|type|architectures):\s*(.*)"


def available(root: Path) -> bool:
    """Whether snapd is there, with or without snaps."""
    return existing(root, STATE) is not None or next(_mounted(root), None) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the current revision of every snap below `root`.

    Where the system does not run, nothing is mounted: then snapd's own state names the snaps, but
    not their versions.
    """
    mounted = list(_mounted(root))
    for path in mounted:
        yield from read(path)
    if mounted:
        return
    if state := existing(root, STATE):
        yield from parse_state(captures.content(state).decode("utf-8", errors="replace"))


def read(path: Path) -> Iterator[Install]:
    """Reads a snap's metadata, `snap list`, or `snap info`; raises SourceError naming the file."""
    text = captures.content(path).decode("utf-8", errors="replace")
    try:
        if text.lstrip().startswith("{"):
            yield from parse_state(text)
        elif re.match(HEADING, text):
            yield from parse_list(text)
        else:
            yield parse_info(text) if "snap-id:" in text else parse_metadata(text)
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error


def parse_metadata(text: str) -> Install:
    """Reads snap.yaml, of which the fields at the margin are enough."""
    fields = {found[1]: found[2] for line in text.splitlines() if (found := re.match(FIELD, line))}
    name = _plain(fields.get("name", ""))
    if not name:
        raise SourceError("has no name")
    return _install(name, _plain(fields.get("version", "")), "", _plain(fields.get("type", "")))


def parse_list(text: str) -> Iterator[Install]:
    """Reads `snap list`: name and version first, publisher and notes last."""
    for number, line in enumerate(text.splitlines()[1:], start=2):
        fields = line.split()
        if not fields:
            continue
        if len(fields) < 5:
            raise SourceError(f"line {number} has fewer than five columns")
        yield _install(fields[0], fields[1], fields[-2].rstrip("*✓"), fields[-1].split(",")[0])


def parse_state(text: str) -> Iterator[Install]:
    """Reads snapd's state.json, which knows revisions and no versions."""
    import json

    try:
        snaps = json.loads(text)["data"].get("snaps") or {}
        for name, snap in sorted(snaps.items()):
            revision = str(snap.get("current") or "")
            found = _install(name, "", "", str(snap.get("type") or ""))
            if revision:
                found = found._replace(identifiers={**found.identifiers, "revision": revision})
            yield found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"is not the state of snapd: {error!r}") from error


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
    identifiers = {"snap_type": kind} if kind not in ("", "-", APPLICATION) else {}
    hidden = kind in PARTS
    return Install(name, version, publisher, source=NAME, identifiers=identifiers, hidden=hidden)


def _mounted(root: Path) -> Iterator[Path]:
    for found in matching(root, *(f"{mount}/*/{META}" for mount in MOUNTS)):
        yield found.path


def _plain(value: str) -> str:
    return value.strip().strip("'\"")


SOURCE = Source(NAME, available, scan, read)
