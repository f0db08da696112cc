"""The names that a position may get: of units in use in its cluster, or of new ones from lots."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.clusters import Holding, holding_of
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.covers import RIGHTS
from quitus_collector.domain.licensing.demand import Draw, Seat, Take
from quitus_collector.domain.licensing.naming.decisions import Allowed, Decisions
from quitus_collector.domain.licensing.naming.positions import Position
from quitus_collector.domain.licensing.naming.stock import Line, Stock, Supplies

_LENT = frozenset({Seat.HOLDER, Seat.SECOND})


class Flow(NamedTuple):
    """Units of a draw from a lot: their variable, and the supply of those without a name."""

    variable: int
    supply: int


class Source(NamedTuple):
    """A lot that may give a new unit; the flow must leave one where the lot does not give all."""

    lot: int
    flow: Flow | None


class Way(NamedTuple):
    """Takes that give a position one name, and the patterns in which one of them does.

    `take` is the first of the takes, by index, and gives the `right`, by its number in RIGHTS.
    Several have one name where a device may hold a unit or be the second to use it: the `name` of
    their only line.
    """

    take: Take
    takes: tuple[int, ...]
    right: int
    wanted: Allowed
    holding: Holding | None
    sources: tuple[Source, ...]
    name: int | None


@dataclass(slots=True)
class _Unit:
    """A unit that has a name, and how many devices it may still serve (None: any number)."""

    name: int
    seats: int | None


class Choice(NamedTuple):
    """A name for a position: of a unit in use, of a new one from a source, or of one lent."""

    name: int
    position: Position
    way: Way
    unit: _Unit | None = None
    source: Source | None = None


class Choices:
    """What there is to choose from, given what is decided and which units are in use."""

    def __init__(
        self, assignment: Assignment, decisions: Decisions, supplies: Supplies, names: Names
    ) -> None:
        """No unit is in use."""
        self._assignment = assignment
        self._decisions = decisions
        self._left = supplies.left
        self._names = names
        self.stocks = {
            number: Stock(
                [Line(self._name(line.id), supplies.add(line.quantity)) for line in lot.lines],
                supplies,
            )
            for number, lot in assignment.lots.items()
        }
        self.flows: dict[tuple[Draw, int], Flow] = {}
        for draw, by_lot in assignment.flows.items():
            if len(draw) == 1 and len(by_lot) > 1:
                for lot, (variable,) in by_lot.items():
                    units = supplies.add(assignment.solution[variable])
                    self.flows[draw, lot] = Flow(variable, units)
        self._ways: dict[Hashable, tuple[Way, ...]] = {}
        self._bare: dict[Hashable, Allowed] = {}
        # Devices stated one by one have the same patterns where they have the same place.
        kinds: dict[Hashable, int] = {}
        self._kinds = [
            kinds.setdefault(number if cell.cluster is None else cell.places[0], len(kinds))
            for number, cell in enumerate(assignment.cells)
        ]
        self._unit_of: dict[Hashable, _Unit] = {}
        self._units: defaultdict[Hashable, list[_Unit]] = defaultdict(list)

    def _name(self, line: str) -> int:
        return bisect_left(self._names.entitlements, line)

    def of(self, positions: Sequence[Position]) -> list[Choice]:
        """The choices for these positions, the smallest (name, user) first."""
        found = [choice for position in positions for choice in self._of(position)]
        return sorted(found, key=_by_name)

    def _of(self, position: Position) -> Iterator[Choice]:
        allowed = self._decisions.allowed(position.cell, position.member)
        for way in self.ways(position.cell, allowed, position.place, position.product_index):
            if way.name is not None:
                yield Choice(way.name, position, way)
            elif (unit := self._unit(position, way)) is not None:
                yield Choice(unit.name, position, way, unit)
            else:
                for source in way.sources:
                    line = self.stocks[source.lot].current()
                    if line is not None:
                        yield Choice(line.name, position, way, source=source)

    def ways(self, cell: int, allowed: Allowed, place: int, index: int) -> tuple[Way, ...]:
        """The ways to cover a product at a place of a cell; those that are lent come last."""
        key = (self._kinds[cell], allowed, place, index)
        if key not in self._ways:
            spot = self._assignment.cells[cell].places[place].spot
            lent: defaultdict[int, list[int]] = defaultdict(list)
            apart = []
            for take in sorted({t for o in allowed for t in self._takes(cell, o, place, index)}):
                if spot.takes[take].seat in _LENT:
                    lent[spot.takes[take].draw[0].lots[0]].append(take)
                else:
                    apart.append([take])
            self._ways[key] = tuple(
                self.way(cell, allowed, place, index, tuple(takes))
                for takes in (*apart, *lent.values())
            )
        return self._ways[key]

    def way(
        self, cell: int, allowed: Allowed, place: int, index: int, takes: tuple[int, ...]
    ) -> Way:
        """The way by these takes."""
        at = self._assignment.cells[cell].places[place]
        take = at.spot.takes[takes[0]]
        lots = take.draw[0].lots
        return Way(
            take,
            takes,
            RIGHTS.index(take.rights[at.spot.products[index]]),
            tuple(
                o for o in allowed if not set(takes).isdisjoint(self._takes(cell, o, place, index))
            ),
            holding_of(at, take),
            tuple(Source(lot, self.flows.get((take.draw, lot))) for lot in lots),
            self._name(self._assignment.lots[lots[0]].terms.id) if take.seat in _LENT else None,
        )

    def bare(self, cell: int, allowed: Allowed, place: int, index: int) -> Allowed:
        """The patterns of those allowed that leave the product at the place uncovered."""
        key = (self._kinds[cell], allowed, place, index)
        if key not in self._bare:
            self._bare[key] = tuple(o for o in allowed if not self._takes(cell, o, place, index))
        return self._bare[key]

    def _takes(self, cell: int, pattern: int, place: int, index: int) -> tuple[int, ...]:
        """The takes that may be named for the product in this pattern."""
        return self._assignment.cells[cell].patterns[pattern][place].names[index]

    # --- units in use ---

    def _unit(self, position: Position, way: Way) -> _Unit | None:
        """The unit in use that serves the position, or may serve it too."""
        unit = self._unit_of.get(self._use(position, way))
        if unit is None:
            for each in self._units.get(self._holder(position, way), ()):
                if each.seats != 0:
                    return each
        return unit

    def take(self, choice: Choice) -> None:
        """Uses the unit that is chosen, which is a new one where it has a source."""
        position, way, unit = choice.position, choice.way, choice.unit
        if choice.source is not None:
            if choice.source.flow is not None:
                self._left[choice.source.flow.supply] -= 1
            seats = way.take.capacity if way.take.seat is Seat.PERSON else None
            unit = _Unit(self.stocks[choice.source.lot].take(), seats)
            self._units[self._holder(position, way)].append(unit)
        if unit is not None:
            use = self._use(position, way)
            if use not in self._unit_of:
                self._unit_of[use] = unit
                if unit.seats is not None:
                    unit.seats -= 1

    def _use(self, position: Position, way: Way) -> Hashable:
        """What makes two uses of a take on one spot the same use."""
        cluster = self._assignment.cells[position.cell].clusters[position.member]
        return cluster, position.device, position.user, way.take.pool, way.take.seat.value

    def _holder(self, position: Position, way: Way) -> Hashable:
        """Where the units of the take sit."""
        if way.take.seat is Seat.COMPANY:
            return way.take.draw
        cluster = self._assignment.cells[position.cell].clusters[position.member]
        if way.holding is not None:
            return cluster, way.holding
        return cluster, position.device, position.user, way.take.pool


def _by_name(choice: Choice) -> tuple[int, int]:
    return choice.name, choice.position.user
