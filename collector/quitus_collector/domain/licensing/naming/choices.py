"""The names that a position may get: of units in use in its cluster, or of new ones from lots."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from quitus_collector.domain.licensing.naming.decisions import Decisions
from quitus_collector.domain.licensing.naming.positions import Position
from quitus_collector.domain.licensing.naming.stock import Supplies
from quitus_collector.domain.licensing.naming.units import Unit, Units
from quitus_collector.domain.licensing.naming.ways import Flow, Source, Stand, Way, Ways


class Choice(NamedTuple):
    """A name for a position: of a unit in use, of a new one from a source, or of one lent.

    `stand` is where the position stood when it was offered.
    """

    name: int
    position: Position
    stand: Stand
    way: Way
    unit: Unit | None = None
    source: Source | None = None

    @property
    def flow(self) -> Flow | None:
        """What must leave a unit for the name."""
        return self.source.flow if self.source is not None else None


class Choices:
    """What there is to choose from, given what is decided and which units are in use."""

    def __init__(self, decisions: Decisions, ways: Ways, units: Units, supplies: Supplies) -> None:
        """Takes what is chosen from the units and supplies."""
        self._decisions = decisions
        self._ways = ways
        self._units = units
        self._left = supplies.left

    def of(self, positions: Sequence[Position], *, at_hand: bool) -> list[Choice]:
        """The choices for these positions, the smallest (name, user) first.

        With `at_hand`, none in whose patterns the solution at hand has no such member.
        """
        found = [choice for each in positions for choice in self._of(each, at_hand=at_hand)]
        found.sort(key=_by_name)
        return found

    def _of(self, position: Position, *, at_hand: bool) -> Iterator[Choice]:
        stand = self.stand(position)
        for way in self._ways.of(stand):
            if at_hand and not self._decisions.offers(stand.cell, stand.allowed, way.wanted):
                continue
            if way.name is not None:
                yield Choice(way.name, position, stand, way)
            elif (unit := self._units.serving(position, way)) is not None:
                yield Choice(unit.name, position, stand, way, unit)
            else:
                for source in way.sources:
                    if (line := source.stock.current()) is not None:
                        yield Choice(line.name, position, stand, way, source=source)

    def stand(self, position: Position) -> Stand:
        """Where the position stands, given what its member may still take."""
        cell, member = position.cell, position.member
        allowed = self._decisions.allowed(cell, member)
        return Stand(cell, allowed, position.place, position.product_index)

    def decide(self, choice: Choice) -> None:
        """Gives the position the name, which the solution at hand has for it."""
        position, way, unit = choice.position, choice.way, choice.unit
        self._decisions.move(position.cell, position.member, way.wanted)
        if choice.source is not None:
            if choice.source.flow is not None:
                self._left[choice.source.flow.supply] -= 1
            unit = self._units.add(choice.source.stock.take(), position, way)
        if unit is not None:
            self._units.use(unit, position, way)


def _by_name(choice: Choice) -> tuple[int, int]:
    return choice.name, choice.position.user
