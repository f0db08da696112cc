"""The ways to cover a position: by what takes, of which line, in which patterns of its member."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable
from typing import NamedTuple

from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.clusters import Holding, holding_of
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.covers import RIGHTS
from quitus_collector.domain.licensing.demand import Draw, Seat, Take
from quitus_collector.domain.licensing.naming.decisions import Allowed
from quitus_collector.domain.licensing.naming.stock import Line, Stock, Supplies

_LENT = frozenset({Seat.HOLDER, Seat.SECOND})


class Stand(NamedTuple):
    """A product at a place of a cell, where the member may still take these patterns."""

    cell: int
    allowed: Allowed
    place: int
    product_index: int


class Flow(NamedTuple):
    """Units of a draw from a lot: their variable, and the supply of those without a name."""

    variable: int
    supply: int


class Source(NamedTuple):
    """The stock of a lot; the flow must leave a unit where the lot does not give all."""

    stock: Stock
    flow: Flow | None


class Way(NamedTuple):
    """Takes that give a position one name, and the patterns in which one of them does.

    `take` is the first of the takes, by index, and gives the `right`, by its number in RIGHTS. A
    new unit comes from one of the `sources`. Several takes have one name where a device may hold a
    unit or be the second to use it: the `name` of their only line.
    """

    take: Take
    takes: tuple[int, ...]
    right: int
    wanted: Allowed
    holding: Holding | None
    sources: tuple[Source, ...]
    name: int | None


class Ways:
    """Lists the ways, without regard to what is left; `flows` are all that limit new names."""

    def __init__(self, assignment: Assignment, supplies: Supplies, names: Names) -> None:
        """Adds the supplies of lines and flows."""
        self._assignment = assignment
        self._names = names
        self._stocks = {
            number: Stock(
                [Line(self._name(line.id), supplies.add(line.quantity)) for line in lot.lines],
                supplies,
            )
            for number, lot in assignment.lots.items()
        }
        self._flow_of: dict[tuple[Draw, int], Flow] = {}
        for draw, by_lot in assignment.flows.items():
            if len(draw) == 1 and len(by_lot) > 1:
                for lot, (variable,) in by_lot.items():
                    units = supplies.add(assignment.solution[variable])
                    self._flow_of[draw, lot] = Flow(variable, units)
        self.flows = list(self._flow_of.values())
        # Devices stated one by one have the same patterns where they have the same place.
        kinds: dict[Hashable, int] = {}
        self._kinds = [
            kinds.setdefault(number if cell.cluster is None else cell.places[0], len(kinds))
            for number, cell in enumerate(assignment.cells)
        ]
        self._ways: dict[Hashable, tuple[Way, ...]] = {}
        self._bare: dict[Hashable, Allowed] = {}

    def _name(self, line: str) -> int:
        return bisect_left(self._names.entitlements, line)

    def of(self, stand: Stand) -> tuple[Way, ...]:
        """The ways to cover the product; those that are lent come last."""
        kind = self._kinds[stand.cell], stand[1:]
        if kind not in self._ways:
            self._ways[kind] = self._listed(stand)
        return self._ways[kind]

    def _listed(self, stand: Stand) -> tuple[Way, ...]:
        takes = self._assignment.cells[stand.cell].places[stand.place].spot.takes
        lent: defaultdict[int, list[int]] = defaultdict(list)
        apart = []
        for take in sorted({take for _, named in self._named(stand) for take in named}):
            if takes[take].seat in _LENT:
                lent[takes[take].draw[0].lots[0]].append(take)
            else:
                apart.append([take])
        return tuple(self.by(stand, tuple(each)) for each in (*apart, *lent.values()))

    def by(self, stand: Stand, takes: tuple[int, ...]) -> Way:
        """The way by these takes, all of one name."""
        place = self._assignment.cells[stand.cell].places[stand.place]
        take = place.spot.takes[takes[0]]
        lots = take.draw[0].lots
        chosen = frozenset(takes)
        return Way(
            take,
            takes,
            RIGHTS.index(take.rights[place.spot.products[stand.product_index]]),
            frozenset(o for o, named in self._named(stand) if not chosen.isdisjoint(named)),
            holding_of(place, take),
            tuple(Source(self._stocks[lot], self._flow_of.get((take.draw, lot))) for lot in lots),
            self._name(self._assignment.lots[lots[0]].terms.id) if take.seat in _LENT else None,
        )

    def bare(self, stand: Stand) -> Allowed:
        """The patterns of those allowed that leave the product uncovered."""
        kind = self._kinds[stand.cell], stand[1:]
        if kind not in self._bare:
            self._bare[kind] = frozenset(o for o, named in self._named(stand) if not named)
        return self._bare[kind]

    def _named(self, stand: Stand) -> list[tuple[int, tuple[int, ...]]]:
        """For each pattern allowed the takes that may be named for the product."""
        patterns = self._assignment.cells[stand.cell].patterns
        return [
            (each, patterns[each][stand.place].names[stand.product_index]) for each in stand.allowed
        ]
