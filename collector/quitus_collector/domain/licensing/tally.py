"""Reconciles without saying which device got which licence: what a position shows.

Devices that are alike are one with so many copies, so that the work grows with the ways in which
devices differ. For licences per device and per user that need nothing beside them; where several
best answers are left, units come from the lowest line ids, and go to the lowest versions.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.assignment import Assignment, Cell
from quitus_collector.domain.licensing.clusters import Place, holding_of
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.components import Demand, components
from quitus_collector.domain.licensing.demand import Draw, Option, Take
from quitus_collector.domain.licensing.groups import groups
from quitus_collector.domain.licensing.pools import Lot
from quitus_collector.domain.licensing.situation import Situation
from quitus_collector.domain.optimisation import Solver, total
from quitus_collector.domain.product import line_of, version_key, version_of


class Spot(NamedTuple):
    """A device of the situation, and which of those that it stands for, from 0."""

    device: str
    copy: int


class Named(NamedTuple):
    """One install, the entitlement that covers it, and the right that lets it."""

    spot: Spot
    product: str
    entitlement: str
    right: Right


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of the best answer; see Reconciliation. `covered` is by product, line and right.

    `lent` counts units per device that cover lower versions only, by the product of their line.
    `purchases` are the units of each product's own metric that would cover what is uncovered.
    `named` says of each count in `covered` which devices it is, where that was asked for.
    """

    uncovered: Counter[str] = field(default_factory=Counter)
    consumed: Counter[str] = field(default_factory=Counter)
    covered: Counter[tuple[str, str, Right]] = field(default_factory=Counter)
    lent: Counter[str] = field(default_factory=Counter)
    purchases: Counter[str] = field(default_factory=Counter)
    named: list[Named] = field(default_factory=list)

    def add(self, other: "Tally") -> None:
        """Adds the counts of what is independent of this."""
        self.uncovered.update(other.uncovered)
        self.consumed.update(other.consumed)
        self.covered.update(other.covered)
        self.lent.update(other.lent)
        self.purchases.update(other.purchases)


def is_countable(line: Entitlement) -> bool:
    """Whether a tally can be made where the line competes."""
    return (
        line.metric in (Metric.DEVICE, Metric.USER)
        and not line.second_use
        and line.requires_base is None
    )


def tally(situation: Situation, solver: Solver, *, names: bool = False) -> Tally:
    """Finds the best assignment and counts it; raises SolverError where it cannot be proven.

    With `names`, it hands the counted covers out to devices too: of those alike, the first come
    first.
    """
    demand, found = Demand(situation), Tally()
    for component in components(situation, demand):
        clusters = groups(component, situation, demand)
        assignment = Assignment(situation, component.pools, clusters, solver)
        assignment.solve()
        assignment.settle_lines()
        assignment.settle_uses(lambda product: (line_of(product), version_key(version_of(product))))
        found.consumed.update(assignment.consumed())
        found.purchases.update(assignment.purchases())
        for product, count in assignment.uncovered.items():
            found.uncovered[product] += total(count, assignment.solution)
        _hand_out(assignment, found, demand.names if names else None)
    return found


class _Unit(NamedTuple):
    """A unit in use: where it is drawn from, and what it covers, sorted."""

    draw: Draw
    covers: tuple[tuple[str, Right], ...]


@dataclass(frozen=True, slots=True)
class _Use:
    """So many clusters alike with one such unit each; `places` are those of what it covers.

    `clusters` are the spots of the clusters by place; empty where no names are asked for.
    """

    count: int
    places: tuple[int, ...]
    clusters: Sequence[Sequence[Spot]]


def _hand_out(assignment: Assignment, found: Tally, names: Names | None) -> None:
    """Counts by line what the units cover, and with `names` says on which devices."""
    stocks = {number: _Stock(lot) for number, lot in assignment.lots.items()}
    units = _units(assignment, names)
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
            is_lent = (
                terms.metric is Metric.DEVICE
                and bool(unit.covers)
                and all(right is Right.DOWNGRADE for _, right in unit.covers)
            )
            for use in units[unit]:
                clusters = iter(use.clusters)
                wanted = use.count
                if is_lent:
                    found.lent[terms.product] += wanted
                while wanted:
                    if not available:
                        line, available = next(lines)
                    given = min(wanted, available)
                    for product, right in unit.covers:
                        found.covered[product, line, right] += given
                    for spots in islice(clusters, given):
                        for (product, right), place in zip(unit.covers, use.places, strict=True):
                            found.named.append(Named(spots[place], product, line, right))
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


def _units(assignment: Assignment, names: Names | None) -> dict[_Unit, list[_Use]]:
    """How many units are in use in which way."""
    units: defaultdict[_Unit, list[_Use]] = defaultdict(list)
    apart: defaultdict[int, list[tuple[Place, Option, Spot]]] = defaultdict(list)
    spots = _Spots(assignment, names) if names else None
    for cell in assignment.cells:
        clusters = spots.of(cell) if spots else iter(())
        # Those with the most covers first, so that of devices alike the last have none.
        for options, variable in sorted(
            zip(cell.patterns, cell.variables, strict=True), key=lambda each: _gaps(each[0])
        ):
            count = assignment.solution[variable]
            taken = list(islice(clusters, count))
            if count and cell.cluster is not None:
                those = (each[0] for each in taken) if names else [Spot("", 0)] * count
                apart[cell.cluster] += [(cell.places[0], options[0], spot) for spot in those]
            elif count:
                places = list(zip(cell.places, options, strict=True))
                for unit, at in _units_of(assignment, places):
                    units[unit].append(_Use(count, at, taken))
    for members in apart.values():
        cluster = [spot for _, _, spot in members]
        places = [(place, option) for place, option, _ in members]
        for unit, at in _units_of(assignment, places):
            units[unit].append(_Use(1, at, [cluster] if names else ()))
    return units


def _gaps(options: Sequence[Option]) -> int:
    """How many installs a pattern leaves without a licence."""
    return sum(not names for option in options for names in option.names)


class _Spots:
    """What the clusters of a cell stand for."""

    def __init__(self, assignment: Assignment, names: Names) -> None:
        self._copies = assignment.situation.copies
        self._names = names.devices
        # The clusters that are stated by themselves stand for one copy each, in their order.
        self._first: dict[str, int] = {}

    def of(self, cell: Cell) -> Iterator[tuple[Spot, ...]]:
        """The spots of each cluster, by place."""
        for number, numbers in zip(cell.clusters, cell.members.devices.tolist(), strict=True):
            devices = [self._names[each] for each in numbers]
            if cell.cluster is not None:
                first = self._first.setdefault(devices[0], number)
                yield tuple(Spot(device, number - first) for device in devices)
                continue
            for copy in range(self._copies.get(devices[0], 1)):
                yield tuple(Spot(device, copy) for device in devices)


def _units_of(
    assignment: Assignment, places: Sequence[tuple[Place, Option]]
) -> Iterator[tuple[_Unit, tuple[int, ...]]]:
    """The units in use in one cluster, and at which place each of their covers is."""
    shared: defaultdict[object, list[tuple[Take, list[tuple[str, Right, int]]]]]
    shared = defaultdict(list)
    for number, (place, option) in enumerate(places):
        covers: Mapping[int, list[tuple[str, Right, int]]] = {index: [] for index in option.takes}
        for product, names in zip(place.spot.products, option.names, strict=True):
            if names:
                index = min(names, key=lambda each: _first_line(assignment, place.spot.takes[each]))
                right = place.spot.takes[index].rights[product]
                covers[index].append((product, right, number))
        for index, covered in covers.items():
            take = place.spot.takes[index]
            shared[holding_of(place, take) or (number, index)].append((take, covered))
    for takers in shared.values():
        take = takers[0][0]
        seats = take.capacity or len(takers)
        for start in range(0, len(takers), seats):
            seated = takers[start : start + seats]
            found = sorted(each for _, covered in seated for each in covered)
            covers_of_unit = tuple((product, right) for product, right, _ in found)
            yield _Unit(take.draw, covers_of_unit), tuple(number for *_, number in found)


def _first_line(assignment: Assignment, take: Take) -> str:
    return min(assignment.lots[lot].lines[0].id for lot in take.draw[0].lots)
