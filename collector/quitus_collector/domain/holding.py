"""Lines of the pools through time: what each said, from when until when, and whose doing it was."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from quitus_collector.domain.entitlement import Entitlement


class Act(NamedTuple):
    """Who did something, and why; both empty where nobody noted it."""

    actor: str = ""
    reason: str = ""


NOBODY = Act()


@dataclass(frozen=True, slots=True)
class Held:
    """A line as it stood from `since` until `until`, which is excluded; None where it stands."""

    entitlement: Entitlement
    since: datetime
    until: datetime | None = None
    added: Act = NOBODY
    ended: Act = NOBODY


class Happening(StrEnum):
    """What can happen to a line."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


class Difference(NamedTuple):
    """A field of a line with what it said and what it says."""

    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Happened:
    """One thing that happened to a line; `entitlement` is the line after it, or as it went."""

    at: datetime
    kind: Happening
    entitlement: Entitlement
    act: Act
    differences: tuple[Difference, ...] = ()


def differences(before: Entitlement, after: Entitlement) -> tuple[Difference, ...]:
    """The fields in which two lines differ, in the order of their definition."""
    return tuple(
        Difference(each.name, old, new)
        for each in fields(Entitlement)
        if (old := getattr(before, each.name)) != (new := getattr(after, each.name))
    )


def happenings(held: Iterable[Held]) -> Sequence[Happened]:
    """What happened, the oldest first; the same line twice in a row is no change."""
    by_id = sorted(held, key=lambda each: (each.entitlement.id, each.since))
    found = [
        happened
        for _, of_one in groupby(by_id, key=attrgetter("entitlement.id"))
        for happened in _of_one(list(of_one))
    ]
    return sorted(found, key=lambda each: (each.at, each.entitlement.id))


def _of_one(held: Sequence[Held]) -> Iterator[Happened]:
    before: Held | None = None
    for each in held:
        if before and before.until == each.since:
            changed = differences(before.entitlement, each.entitlement)
            if changed:
                yield Happened(each.since, Happening.CHANGED, each.entitlement, each.added, changed)
        else:
            if before and before.until:
                yield Happened(before.until, Happening.REMOVED, before.entitlement, before.ended)
            yield Happened(each.since, Happening.ADDED, each.entitlement, each.added)
        before = each
    if before and before.until:
        yield Happened(before.until, Happening.REMOVED, before.entitlement, before.ended)
