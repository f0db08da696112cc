"""Two declarations line by line, and why their figures differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import NamedTuple

FIGURES = ("installed", "required", "entitled", "consumed", "missing", "state")


Cover = tuple[str, str, int]  # entitlement, right, installs
Figure = int | str | None


class Reason(StrEnum):
    """Why a line differs, as far as two declarations tell.

    COMPETITION: licences that cover it went to installs of another line that changed. NONE: nothing
    that they state explains it.
    """

    INSTALLS = "installs"
    ENTITLEMENTS = "entitlements"
    DAY = "day"
    PERIMETER = "perimeter"
    RULES = "rules"
    COMPETITION = "competition"
    NONE = "unexplained"


@dataclass(frozen=True, slots=True)
class StatedLine:
    """A line as a declaration states it; `figures` are by the names of FIGURES."""

    product: str
    label: str
    metric: str
    figures: Mapping[str, Figure]
    covered: tuple[Cover, ...]


@dataclass(frozen=True, slots=True)
class Stated:
    """What a declaration states, as far as it is compared.

    `entitlements` are by id, each as it is printed; `perimeter` counts devices by standing. `rules`
    are digests and versions by what they are of.
    """

    as_of: date
    lines: Mapping[str, StatedLine]
    entitlements: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    perimeter: Mapping[str, object] = field(default_factory=dict)
    rules: Mapping[str, str] = field(default_factory=dict)


class Change(NamedTuple):
    """One figure before and after; None where it was not stated.

    `figure` is one of FIGURES, "metric", or "covered": how many installs by this entitlement under
    this right.
    """

    figure: str
    before: Figure
    after: Figure
    entitlement: str = ""
    right: str = ""


class Explained(NamedTuple):
    """A reason, and what it is about: entitlements, products, rules or kinds of devices."""

    reason: Reason
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """A line that differs; `changes` are in the order of FIGURES, then covers."""

    product: str
    label: str
    changes: tuple[Change, ...]
    reasons: tuple[Explained, ...]


def compare(before: Stated, after: Stated) -> tuple[Difference, ...]:
    """The lines that differ, sorted by product, each with the reasons that apply to it."""
    changed = {
        product: changes
        for product in sorted(before.lines.keys() | after.lines.keys())
        if (changes := tuple(_changes(before.lines.get(product), after.lines.get(product))))
    }
    return tuple(
        Difference(
            product,
            (after.lines.get(product) or before.lines[product]).label,
            changes,
            tuple(_reasons(product, changed, before, after)) or (Explained(Reason.NONE),),
        )
        for product, changes in changed.items()
    )


def _changes(before: StatedLine | None, after: StatedLine | None) -> Iterator[Change]:
    for name in ("metric", *FIGURES):
        one, other = _figure(before, name), _figure(after, name)
        if one != other:
            yield Change(name, one, other)
    covers = [
        {(entitlement, right): installs for entitlement, right, installs in line.covered}
        if line
        else {}
        for line in (before, after)
    ]
    for cover in sorted(covers[0].keys() | covers[1].keys()):
        ones, others = covers[0].get(cover, 0), covers[1].get(cover, 0)
        if ones != others:
            yield Change("covered", ones, others, *cover)


def _figure(line: StatedLine | None, name: str) -> Figure:
    if line is None:
        return None
    return line.metric if name == "metric" else line.figures[name]


def _reasons(
    product: str, changed: Mapping[str, tuple[Change, ...]], before: Stated, after: Stated
) -> Iterator[Explained]:
    figures = {each.figure for each in changed[product]}
    if rules := _different(before.rules, after.rules):
        yield Explained(Reason.RULES, rules)
    if "installed" in figures:
        yield Explained(Reason.INSTALLS)
        if perimeter := _different(before.perimeter, after.perimeter):
            yield Explained(Reason.PERIMETER, perimeter)
    own, day = _entitlements(product, before, after)
    if own:
        yield Explained(Reason.ENTITLEMENTS, own)
    if day:
        yield Explained(Reason.DAY, day)
    if competitors := _competitors(product, changed, before, after):
        yield Explained(Reason.COMPETITION, competitors)


def _different(before: Mapping[str, object], after: Mapping[str, object]) -> tuple[str, ...]:
    names = sorted(before.keys() | after.keys())
    return tuple(name for name in names if before.get(name) != after.get(name))


def _entitlements(
    product: str, before: Stated, after: Stated
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Those of the line, or that cover it, which are others now; those that only came to a term."""
    covering = _covering(product, before) | _covering(product, after)
    changed, of_the_day = [], []
    for each in sorted(before.entitlements.keys() | after.entitlements.keys()):
        one, other = before.entitlements.get(each), after.entitlements.get(each)
        if each not in covering and product not in (
            (one or {}).get("product"),
            (other or {}).get("product"),
        ):
            continue
        if one != other:
            changed.append(each)
        elif one and _is_in_force(one, before.as_of) != _is_in_force(one, after.as_of):
            of_the_day.append(each)
    return tuple(changed), tuple(of_the_day)


def _is_in_force(entitlement: Mapping[str, object], day: date) -> bool:
    """ISO 8601 days sort as texts do."""
    starts, ends = entitlement.get("valid_from", ""), entitlement.get("valid_until", "9999")
    return str(starts) <= day.isoformat() <= str(ends)


def _covering(product: str, stated: Stated) -> set[str]:
    line = stated.lines.get(product)
    return {cover[0] for cover in line.covered} if line else set()


def _competitors(
    product: str, changed: Mapping[str, tuple[Change, ...]], before: Stated, after: Stated
) -> tuple[str, ...]:
    """Other lines that changed and that the same entitlements cover, in one or the other."""
    ours = _covering(product, before) | _covering(product, after)
    return tuple(
        other
        for other in changed
        if other != product and ours & (_covering(other, before) | _covering(other, after))
    )
