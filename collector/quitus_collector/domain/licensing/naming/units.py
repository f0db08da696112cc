"""The units in use: who may use one that has its name already."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from quitus_collector.domain.licensing.assignment import Cell
from quitus_collector.domain.licensing.demand import Seat
from quitus_collector.domain.licensing.naming.positions import Position
from quitus_collector.domain.licensing.naming.ways import Way


@dataclass(slots=True)
class Unit:
    """A unit that has a name, and how many devices it may still serve (None: any number)."""

    name: int
    seats: int | None


class Units:
    """The units in use in each cluster; there are none to begin with."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        """The cells tell the clusters of positions."""
        self._cells = cells
        self._unit_of: dict[Hashable, Unit] = {}
        self._held: defaultdict[Hashable, list[Unit]] = defaultdict(list)

    def serving(self, position: Position, way: Way) -> Unit | None:
        """The unit that serves the position this way, or else one that may serve it too."""
        unit = self._unit_of.get(self._use(position, way))
        if unit is None:
            for each in self._held.get(self._holder(position, way), ()):
                if each.seats != 0:
                    return each
        return unit

    def add(self, name: int, position: Position, way: Way) -> Unit:
        """A new one for the position; others may use it too."""
        unit = Unit(name, way.take.capacity if way.take.seat is Seat.PERSON else None)
        self._held[self._holder(position, way)].append(unit)
        return unit

    def use(self, unit: Unit, position: Position, way: Way) -> None:
        """Lets the unit serve the position, on a seat of its own where none has it yet."""
        use = self._use(position, way)
        if use not in self._unit_of:
            self._unit_of[use] = unit
            if unit.seats is not None:
                unit.seats -= 1

    def _cluster(self, position: Position) -> int:
        return self._cells[position.cell].clusters[position.member]

    def _use(self, position: Position, way: Way) -> Hashable:
        """What makes two uses of a take on one spot the same use."""
        cluster = self._cluster(position)
        return cluster, position.device, position.user, way.take.pool, way.take.seat

    def _holder(self, position: Position, way: Way) -> Hashable:
        """Where the units of the take sit."""
        if way.take.seat is Seat.COMPANY:
            return way.take.draw
        if way.holding is not None:
            return self._cluster(position), way.holding
        return self._cluster(position), position.device, position.user, way.take.pool
