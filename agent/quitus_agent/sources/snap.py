"""Snaps, from the metadata that each installed revision carries.

`snap info` names publishers, the metadata on disk does not: a live scan leaves them empty rather
than ask the store.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, names

NAME = "snap"
# Fedora and Arch mount snaps at the second place.
MOUNTS = ("snap", "var/lib/snapd/snap")
META = "meta/snap.yaml"
STATE = Path("var/lib/snapd/state.json")
# Runtimes and the daemon itself, which `snap list` marks in its notes.
PARTS = frozenset({"base", "snapd", "core", "os", "kernel", "gadget"})
# The other notes that say nothing of whether a snap can be used, of which languages translate none.
NOTES = frozenset({"-", "classic", "devmode", "jailmode", "try", "held", "in-cohort"})
DISABLED, BROKEN = "disabled", "broken"
# What `snap list` says instead of a list.
NONE_INSTALLED = "No snaps are installed yet"
REVISION = r"x?\d+"
# Behind a publisher whose identity the store has verified, or likes.
MARKS = "*\u2713\u272a"
APPLICATION = "app"
FIELD = r"(name|version|type|architectures):\s*(.*)"


class Row(NamedTuple):
    """A line of `snap list`; `-` stands where there is nothing to say."""

    name: str
    version: str
    publisher: str
    notes: frozenset[str]


def available(root: Path) -> bool:
    """Whether snapd is there, with or without snaps."""
    return existing(root, STATE) is not None or next(_revisions(root), None) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the current revision of every snap below `root`, of a disabled one the last.

    Where the system does not run, nothing is mounted: then snapd's own state names the snaps, but
    not their versions; so does the folder of a snap that could not be mounted.
    """
    found = list(_revisions(root))
    mounted = [path for _, _, path in found if path]
    if not mounted and (state := existing(root, STATE)):
        yield from parse_state(captures.content(state).decode("utf-8", errors="replace"))
        return
    for name, revision, path in found:
        is_current = revision == "current"
        told = _install(name, "", "", "", "" if is_current else DISABLED)
        if path:
            with suppress(SourceError):
                told = _with_state(parse_metadata(captures.text(path)), told)
        yield told


def read(path: Path) -> Iterator[Install]:
    """Reads a snap's metadata, `snap list`, or `snap info`; raises SourceError naming the file."""
    text = captures.text(path)
    if text.startswith(NONE_INSTALLED):
        return iter(())
    if text.lstrip().startswith("{"):
        return captures.installs_of(path, parse_state(text))
    if not re.search(r"^name:", text, re.MULTILINE):
        return captures.installs_of(path, parse_list(text), "lists no snap")
    if re.search(r"^(?:snap-id|installed|publisher):", text, re.MULTILINE):
        return captures.installs_of(path, parse_info(text))
    return captures.installs_of(path, map(parse_metadata, [text]))


def parse_metadata(text: str) -> Install:
    """Reads snap.yaml, of which the fields at the margin are enough."""
    fields = {found[1]: found[2] for line in text.splitlines() if (found := re.match(FIELD, line))}
    name = _plain(fields.get("name", ""))
    if not name:
        raise SourceError("has no name")
    return _install(name, _plain(fields.get("version", "")), "", _plain(fields.get("type", "")))


def parse_list(text: str) -> Iterator[Install]:
    """Reads `snap list`: name, version and revision first, publisher and notes last.

    With --all older revisions are listed too, disabled: such a row beside another is hidden.
    """
    rows = list(_rows(text))
    listed = Counter(row.name for row in rows)
    usable = {row.name for row in rows if not _is_disabled(row, listed[row.name])}
    for row in rows:
        is_disabled = _is_disabled(row, listed[row.name])
        state = DISABLED if is_disabled else BROKEN if BROKEN in row.notes else ""
        kind = next(iter(row.notes & PARTS), "")
        install = _install(row.name, row.version, row.publisher, kind, state)
        is_old = is_disabled and row.name in usable
        yield install._replace(hidden=install.hidden or is_old)


def _is_disabled(row: Row, listed: int) -> bool:
    """By its note, which some languages have a word of their own for; of one row only if known."""
    return DISABLED in row.notes or (listed > 1 and not row.notes <= PARTS | NOTES | {BROKEN})


def _rows(text: str) -> Iterator[Row]:
    """The rows below a heading, which is in the words of some language."""
    for number, line in enumerate(text.strip("\n").splitlines(), start=1):
        fields = line.split()
        if len(fields) > 3 and not _is_revision(fields, 2) and _is_revision(fields, 1):
            # Old versions of snapd leave out what a broken snap does not say.
            fields.insert(1, "-")
        if len(fields) > 4 and _is_revision(fields, 2):
            yield Row(fields[0], fields[1], fields[-2], frozenset(fields[-1].split(",")))
        elif fields and number > 1:
            raise SourceError(f"line {number} is no snap in five columns or six")


def _is_revision(fields: Sequence[str], at: int) -> bool:
    return re.fullmatch(REVISION, fields[at]) is not None


def parse_state(text: str) -> Iterator[Install]:
    """Reads snapd's state.json, which knows revisions and no versions."""
    import json

    try:
        snaps = json.loads(text)["data"].get("snaps") or {}
        for name, snap in sorted(snaps.items()):
            revision = str(snap.get("current") or "")
            state = DISABLED if snap.get("active") is False else ""
            found = _install(name, "", "", str(snap.get("type") or ""), state)
            if revision:
                found = found._replace(identifiers={**found.identifiers, "revision": revision})
            yield found
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"is not the state of snapd: {error!r}") from error


def parse_info(text: str) -> Iterator[Install]:
    """Reads `snap info NAME…`: the installed version is the last line's, if it is installed."""
    for part in re.split(r"^---$", text, flags=re.MULTILINE):
        fields: dict[str, str] = {}
        for line in part.splitlines():
            key, colon, value = line.partition(":")
            if colon and not line.startswith(" "):
                fields.setdefault(key, value.strip())
        if not fields.get("name"):
            raise SourceError("has no name")
        if "installed" in fields:
            words = fields["installed"].replace(",", " ").split()
            version = "" if not words or words[0].startswith("(") else words[0]
            state = next((each for each in (DISABLED, BROKEN) if each in words), "")
            yield _install(fields["name"], version, fields.get("publisher", ""), "", state)


def _install(name: str, version: str, publisher: str, kind: str, state: str = "") -> Install:
    identifiers = {"snap_type": kind} if kind not in ("", "-", APPLICATION) else {}
    if state:
        identifiers["snap_state"] = state
    version, publisher = ("" if each == "-" else each for each in (version, publisher))
    hidden = kind in PARTS
    return Install(
        name,
        version,
        _unmarked(publisher),
        source=NAME,
        identifiers=identifiers,
        hidden=hidden,
    )


def _unmarked(publisher: str) -> str:
    """The name without the store's marks, which may stand in a bracket: "KDE", "Code (vscode)"."""
    name = publisher.removesuffix(")").rstrip(MARKS)
    return f"{name})" if publisher.endswith(")") else name


def _with_state(install: Install, other: Install) -> Install:
    return install._replace(identifiers={**install.identifiers, **other.identifiers})


def _revisions(root: Path) -> Iterator[tuple[str, str, Path | None]]:
    """The name of each snap, its current or else its last revision, and where its metadata lies.

    One place may be a link to the other.
    """
    seen = set()
    for mount in MOUNTS:
        for name in names(root, mount):
            revisions = names(root, f"{mount}/{name}")
            last = max(
                (each for each in revisions if re.fullmatch(REVISION, each)),
                key=lambda revision: int(revision.lstrip("x")),
                default="",
            )
            revision = "current" if "current" in revisions else last
            if revision and name not in seen:
                seen.add(name)
                yield name, revision, existing(root, f"{mount}/{name}/{revision}/{META}")


def _plain(value: str) -> str:
    return value.strip().strip("'\"")


SOURCE = Source(NAME, available, scan, read)
