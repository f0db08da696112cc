"""Reconciles without saying which device got which licence: what a position shows.

Devices that are alike are one with so many copies, so that the work grows with the ways in which
devices differ. For licences per device and per user that need nothing beside them; where several
best answers are left, units come from the lowest line ids, and go to the lowest versions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.clusters import Place, holding_of
from quitus_collector.domain.licensing.components import Demand, components, groups
from quitus_collector.domain.licensing.demand import Draw, Option, Take
from quitus_collector.domain.licensing.pools import Lot
from quitus_collector.domain.licensing.situation import Situation
from quitus_collector.domain.optimisation import Solver, total
from quitus_collector.domain.product import line_of, version_key, version_of


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the best answer; see Reconciliation. `covered` is by product, line and right.

    `lent` counts units per device that cover lower versions only, by the product of their line.
    """

    uncovered: Counter[str] = field(default_factory=Counter)
    consumed: Counter[str] = field(default_factory=Counter)
    covered: Counter[tuple[str, str, Right]] = field(default_factory=Counter)
    lent: Counter[str] = field(default_factory=Counter)


def is_countable(line: Entitlement) -> bool:
    """Whether a tally can be made where the line competes."""
    return (
        line.metric in (Metric.DEVICE, Metric.USER)
        and not line.second_use
        and line.requires_base is None
    )


def tally(situation: Situation, solver: Solver) -> Tally:
    """Finds the best assignment and counts it; raises SolverError where it cannot be proven."""
    demand, found = Demand(situation), Tally()
    for component in components(situation, demand):
        clusters = groups(component, situation, demand)
        assignment = Assignment(situation, component.pools, clusters, solver)
        assignment.solve()
        assignment.settle_lines()
        assignment.settle_uses(lambda product: (line_of(product), version_key(version_of(product))))
        found.consumed.update(assignment.consumed())
        for product, count in assignment.uncovered.items():
            found.uncovered[product] += total(count, assignment.solution)
        _hand_out(assignment, found)
    return found


class _Unit(NamedTuple):
    """A unit in use: where it is drawn from, and what it covers, sorted."""

    draw: Draw
    covers: tuple[tuple[str, Right], ...]


def _hand_out(assignment: Assignment, found: Tally) -> None:
    """Counts by line what the units cover."""
    stocks = {number: _Stock(lot) for number, lot in assignment.lots.items()}
    units = _units(assignment)
    for draw in sorted({unit.draw for unit in units}):
        ((pool, _, lots),) = draw
        terms = assignment.pools[pool].terms
        left = [
            (stocks[lot].first, lot, total(assignment.flows[draw][lot], assignment.solution))
            for lot in lots
        ]
        # As line ids have it, within what the solution draws from each lot.
        lines = (taken for _, lot, count in sorted(left) for taken in stocks[lot].take(count))
        line, available = next(lines, ("", 0))
        for unit in sorted(unit for unit in units if unit.draw == draw):
            wanted = units[unit]
            if (
                terms.metric is Metric.DEVICE
                and unit.covers
                and all(right is Right.DOWNGRADE for _, right in unit.covers)
            ):
                found.lent[terms.product] += wanted
            while wanted:
                if not available:
                    line, available = next(lines)
                given = min(wanted, available)
                for product, right in unit.covers:
                    found.covered[product, line, right] += given
                wanted -= given
                available -= given


class _Stock:
    """The units of a lot's lines, the lowest id first."""

    def __init__(self, lot: Lot) -> None:
        self.first = lot.lines[0].id
        self._left = [(line.id, line.quantity) for line in reversed(lot.lines) if line.quantity]

    def take(self, count: int) -> Iterator[tuple[str, int]]:
        """So many units, by line."""
        while count:
            line, quantity = self._left.pop()
            given = min(count, quantity)
            if given < quantity:
                self._left.append((line, quantity - given))
            count -= given
            yield line, given


def _units(assignment: Assignment) -> Counter[_Unit]:
    """How many units are in use in which way."""
    units: Counter[_Unit] = Counter()
    apart: defaultdict[int, list[tuple[Place, Option]]] = defaultdict(list)
    for cell in assignment.cells:
        for options, variable in zip(cell.patterns, cell.variables, strict=True):
            count = assignment.solution[variable]
            if count and cell.cluster is not None:
                apart[cell.cluster] += [(cell.places[0], options[0])] * count
            elif count:
                for unit in _units_of(assignment, list(zip(cell.places, options, strict=True))):
                    units[unit] += count
    for places in apart.values():
        units.update(_units_of(assignment, places))
    return units


def _units_of(assignment: Assignment, places: Sequence[tuple[Place, Option]]) -> Iterator[_Unit]:
    """The units in use in one cluster."""
    shared: defaultdict[object, list[tuple[Take, list[tuple[str, Right]]]]] = defaultdict(list)
    for number, (place, option) in enumerate(places):
        covers: Mapping[int, list[tuple[str, Right]]] = {index: [] for index in option.takes}
        for product, names in zip(place.spot.products, option.names, strict=True):
            if names:
                index = min(names, key=lambda each: _first_line(assignment, place.spot.takes[each]))
                covers[index].append((product, place.spot.takes[index].rights[product]))
        for index, covered in covers.items():
            take = place.spot.takes[index]
            shared[holding_of(place, take) or (number, index)].append((take, covered))
    for takers in shared.values():
        take = takers[0][0]
        seats = take.capacity or len(takers)
        for start in range(0, len(takers), seats):
            seated = takers[start : start + seats]
            yield _Unit(take.draw, tuple(sorted(each for _, covered in seated for each in covered)))


def _first_line(assignment: Assignment, take: Take) -> str:
    return min(assignment.lots[lot].lines[0].id for lot in take.draw[0].lots)
