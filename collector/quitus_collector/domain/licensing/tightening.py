"""Conditions that no best answer breaks, and that the relaxation of a cluster would break.

They cost no answer that could be named, and spare branch and bound most of its work.
docs/licensing.md says why they hold ("How it is solved").
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from quitus_collector.domain.optimisation import Programme

# Of more kinds of places than these, not every choice of kinds gets conditions of its own.
FEW_KINDS = 3


class Seats(NamedTuple):
    """Places alike that shared units may serve: those that are served (a sum), of how many.

    `places` tells whose they are. `fills` where a unit covers all that is installed there, and
    `is_counted` where it takes one of the places that a unit has; a host itself takes none.
    """

    served: Mapping[int, int]
    most: int
    places: frozenset[int]
    fills: bool
    is_counted: bool


class Shared(NamedTuple):
    """Units that the places of a cluster share: their variable, and so many places to each.

    Any number where `capacity` is None. `is_bare` where being served consumes nothing else.
    """

    units: int
    capacity: int | None
    seats: Sequence[Seats]
    is_bare: bool

    @property
    def reached(self) -> frozenset[frozenset[int]]:
        """The places that may be served."""
        return frozenset(each.places for each in self.seats)

    @property
    def filled(self) -> frozenset[frozenset[int]]:
        """The places that need nothing else once they are served."""
        return frozenset(each.places for each in self.seats if each.fills)


def tighten(programme: Programme, shared: Sequence[Shared], *, is_simple: bool) -> None:
    """Adds the conditions for one cluster.

    `is_simple` where each place takes one thing at a time, and no unit there is lent or for all
    employees: then it is a waste if a place takes anything else beside units that serve it for
    nothing, but for a spare place of other units.
    """
    chain = _boundless(shared) if is_simple else []
    spare = _serve_all(programme, chain, shared)
    for each in shared:
        if each.capacity is not None:
            _round_up(programme, each, chain, shared, spare)


def _boundless(shared: Sequence[Shared]) -> list[Shared]:
    """Units that serve any number, each such that it would be a waste beside those before it."""
    chain: list[Shared] = []
    for each in sorted(shared, key=lambda each: (-len(each.filled), each.units)):
        may_serve_all = each.capacity is None and each.is_bare and each.filled
        if may_serve_all and all(each.reached <= before.filled for before in chain):
            chain.append(each)
    return chain


def _serve_all(
    programme: Programme, chain: Sequence[Shared], shared: Sequence[Shared]
) -> dict[tuple[int, frozenset[int]], list[int]]:
    """States that such a unit, where it is held, serves all that it fills.

    Units of its own are a waste for such a place. But it may sit on a spare place of other units,
    held for something else: how many do is a variable, returned by those units and the place.
    """
    spare: defaultdict[tuple[int, frozenset[int]], list[int]] = defaultdict(list)
    for unit in chain:
        others = [each for each in shared if not each.reached <= unit.filled and each not in chain]
        for seats in unit.seats:
            if not seats.fills:
                continue
            row = {**seats.served, unit.units: -seats.most}
            for other in others:
                if seats.places in other.reached:
                    sitting = programme.add_variable(seats.most)
                    spare[other.units, seats.places].append(sitting)
                    row[sitting] = 1
            programme.add_row(row, 0, 0)
    for other in shared:
        for seats in other.seats:
            if sitting_there := spare.get((other.units, seats.places)):
                programme.add_row({**seats.served, **dict.fromkeys(sitting_there, -1)}, lower=0)
    return spare


def _round_up(
    programme: Programme,
    limited: Shared,
    chain: Sequence[Shared],
    shared: Sequence[Shared],
    spare: Mapping[tuple[int, frozenset[int]], Sequence[int]],
) -> None:
    """States that the last unit is a whole one, even if few places are left for it.

    Of n places so many that no unit is full at the end: with r left over, serving x of them takes
    u units and x - ru is largest where all but those are served (mixed integer rounding). A unit
    that serves any number leaves fewer places, and so a smaller limit.
    """
    capacity = limited.capacity or 1
    for kinds in _choices_of([each for each in limited.seats if each.is_counted], shared):
        most = sum(each.most for each in kinds)
        left = {
            unit.units: sum(each.most for each in kinds if each.places not in unit.filled)
            for unit in chain
        }
        for over in sorted({number % capacity for number in (most, *left.values())} - {0}):
            limit = _most_over(most, capacity, over)
            row = {limited.units: -over}
            for each in kinds:
                row |= each.served
                row |= dict.fromkeys(spare.get((limited.units, each.places), ()), -1)
            for unit, number in left.items():
                if less := limit - _most_over(number, capacity, over):
                    row[unit] = less
            programme.add_row(row, upper=limit)


def _most_over(places: int, capacity: int, over: int) -> int:
    """The most that served places can exceed units, these weighing so much."""
    full, rest = divmod(places, capacity)
    return full * (capacity - over) + max(0, rest - over)


def _choices_of(seats: Sequence[Seats], shared: Sequence[Shared]) -> Iterator[list[Seats]]:
    """Sets of places to look at together, those that the same units may serve not told apart."""
    alike: defaultdict[tuple[bool, ...], list[Seats]] = defaultdict(list)
    for each in seats:
        alike[tuple(each.places in other.reached for other in shared)].append(each)
    kinds = list(alike.values())
    sizes = range(1, len(kinds) + 1) if len(kinds) <= FEW_KINDS else (1, len(kinds))
    for size in sizes:
        for chosen in combinations(kinds, size):
            yield [each for kind in chosen for each in kind]
