"""What a device's report says, and what it makes of the rows that are held for the device.

Digests are those of docs/protocol.md, the same on both sides of the wire.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import NamedTuple

from quitus_collector.domain.install import (
    DeviceFacts,
    DeviceKind,
    Install,
    Inventory,
    SourceOutcome,
    SourceStatus,
    row_digest,
)

PREFIX = b"quitus inventory 1\0"
_FACTS = tuple(each.name for each in fields(DeviceFacts))


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The inventory is the one of the last accepted report."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What became different since the last accepted report; `removed` holds digests of rows."""

    facts: DeviceFacts
    sources: tuple[SourceOutcome, ...]
    added: tuple[Install, ...]
    removed: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Report:
    """One report: its content, and the digest that the whole inventory has after it.

    `receipt` is what the last accepted report was answered with, empty before the first.
    `taken_at` is UTC, by the device's clock. `trust_digest` says which roots the device trusts.
    `agent_version` is empty of an agent that does not say its own.
    """

    taken_at: datetime
    digest: bytes
    receipt: bytes
    content: Inventory | Changes | Unchanged
    trust_digest: bytes = b""
    agent_version: str = ""


class HeldRow(NamedTuple):
    """A row that is held for a device: its number there, and what its digest is made of."""

    number: int
    record: bytes
    source: str
    installed_on: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """What to do to the rows that are held: new ones, and the numbers of those to take away.

    `digest` is that of the inventory as reported.
    """

    added: tuple[Install, ...]
    removed: tuple[int, ...]
    digest: bytes


def update(
    content: Inventory | Changes, held: Sequence[HeldRow], last: Iterable[SourceOutcome]
) -> Update:
    """Works out what a report changes, given what is held and the `last` report's outcomes.

    Rows of a source that failed stay as they are: "could not read" is not "not installed".
    """
    read = _named(content.sources, SourceStatus.READ)
    failed = _named(content.sources, SourceStatus.FAILED)
    installs = content.installs if isinstance(content, Inventory) else content.added
    brought = {each.row(): each for each in installs}
    by_digest = {row_digest(row.record, row.installed_on): row for row in held}
    wanted = set(brought)
    if isinstance(content, Changes):
        before = read & _named(last, SourceStatus.READ)
        wanted |= {
            digest
            for digest, row in by_digest.items()
            if row.source in before and digest not in content.removed
        }
    return Update(
        added=tuple(each for digest, each in brought.items() if digest not in by_digest),
        removed=tuple(
            row.number
            for digest, row in by_digest.items()
            if digest not in wanted and row.source not in failed
        ),
        digest=inventory_digest(content.facts, content.sources, wanted),
    )


def inventory_digest(
    facts: DeviceFacts, sources: Iterable[SourceOutcome], rows: Iterable[bytes]
) -> bytes:
    """The digest of a whole inventory, whatever the order of its parts."""
    outcomes = sorted((each.name, each.status.value, each.reason) for each in sources)
    parts = [
        PREFIX,
        _texts(text for name, value in _stated(facts) for text in (name, value)),
        _texts(text for outcome in outcomes for text in outcome),
        *sorted(rows),
    ]
    return hashlib.sha256(b"".join(parts)).digest()


def _stated(facts: DeviceFacts) -> list[tuple[str, str]]:
    """Names and values of the facts that the device told, sorted; of several values, each."""
    stated: list[tuple[str, str]] = []
    for name in _FACTS:
        value = getattr(facts, name)
        if isinstance(value, tuple):
            stated += [(name, each) for each in value]
        elif isinstance(value, bool):
            stated += [(name, "1")] if value else []
        elif value and value is not DeviceKind.UNKNOWN:
            stated.append((name, str(value)))
    return sorted(stated)


def _texts(texts: Iterable[str]) -> bytes:
    return hashlib.sha256("\0".join(texts).encode()).digest()


def _named(outcomes: Iterable[SourceOutcome], status: SourceStatus) -> frozenset[str]:
    return frozenset(each.name for each in outcomes if each.status is status)
