"""Says which device got which licence, so that the sorted list of covers is the smallest.

The solution counts patterns; here the positions are decided one after the other, in the order of
the list. A better name than the solution at hand offers is tried by solving again with everything
decided held; what was impossible once stays so. In a large estate that would take for ever: after a
set effort the solution at hand decides, which is still one and the same for one input.
"""

from collections.abc import Iterator

import numpy as np

from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.covers import RIGHTS, ROW, Rows
from quitus_collector.domain.licensing.naming.choices import Choice, Choices
from quitus_collector.domain.licensing.naming.decisions import Decisions
from quitus_collector.domain.licensing.naming.lookahead import LookAhead
from quitus_collector.domain.licensing.naming.positions import Position, Positions
from quitus_collector.domain.licensing.naming.runs import Run, Runs
from quitus_collector.domain.licensing.naming.search import Search
from quitus_collector.domain.licensing.naming.stock import Supplies
from quitus_collector.domain.licensing.naming.units import Units
from quitus_collector.domain.licensing.naming.ways import Stand, Ways

_NOTHING = -1


class Naming:
    """Names the covers of a solved assignment."""

    def __init__(self, assignment: Assignment, names: Names) -> None:
        """Nothing is decided yet."""
        self._assignment = assignment
        self._positions = Positions(assignment.cells, names)
        # For each position the number of its line and that of the right in RIGHTS, as one number.
        self._granted = np.full(len(self._positions), _NOTHING, np.int32)
        supplies = Supplies()
        self._left = supplies.left
        self._decisions = Decisions(assignment)
        self._ways = Ways(assignment, supplies, names)
        units = Units(assignment.cells)
        self._choices = Choices(self._decisions, self._ways, units, supplies)
        self._runs = Runs(self._positions.cells, self._granted, supplies, self._decisions)
        self._search = Search(assignment, self._decisions, self._ways, self._runs, supplies)
        self._look_ahead = LookAhead(
            self._positions, self._decisions, self._ways, self._search, supplies
        )

    def covers(self) -> Rows:
        """Every cover, in the order of device and product."""
        unsettled: list[Choice] = []
        at = 0
        for positions in self._positions.together():
            self._name_lone(at, positions[0].row)
            at = positions[-1].row + 1
            for cell in {position.cell for position in positions}:
                self._runs.stop(cell)
            for choice in self._name_all(positions):
                self._grant(choice)
                if len(choice.way.takes) > 1:
                    unsettled.append(choice)
        self._name_lone(at, len(self._positions))
        self._runs.count_all()
        for choice in unsettled:
            self._settle(choice)
        return self._rows()

    def _rows(self) -> Rows:
        covered = self._granted != _NOTHING
        positions, granted = self._positions.rows[covered], self._granted[covered]
        rows = np.empty(len(granted), ROW)
        for column in ("device", "product", "user"):
            rows[column] = positions[column]
        rows["entitlement"], rows["right"] = np.divmod(granted, len(RIGHTS))
        return rows

    def _name_lone(self, start: int, stop: int) -> None:
        """Names positions that nothing else of their clusters depends on."""
        while (start := self._runs.go_on(start, stop)) < stop:
            position = self._positions[start]
            self._look_ahead.look(start)
            self._runs.stop(position.cell)
            choice = next(self._name_all([position]), None)
            if choice is not None:
                self._grant(choice)
            self._begin_run(position, choice)
            start += 1

    def _begin_run(self, position: Position, choice: Choice | None) -> None:
        """Lets the next lone members of the cell be named as this one was."""
        if choice is None:
            everything = self._decisions.progress[position.cell].everything
            bare = self._ways.bare(Stand(position.cell, everything, 0, 0))
            self._runs.begin(position.cell, Run(bare, _NOTHING))
        elif choice.source is not None:
            line = choice.source.stock.current()
            if line is not None and line.name == choice.name:
                run = Run(choice.way.wanted, _grant_of(choice), line.supply)
                if choice.flow is not None:
                    run = run._replace(flow=choice.flow.supply)
                self._runs.begin(position.cell, run)

    def _name_all(self, positions: list[Position]) -> Iterator[Choice]:
        """Names the positions of one device and product, the smallest (name, user) first."""
        while positions:
            choices = self._choices.of(positions, at_hand=not self._search.may_go_on())
            choice = next(filter(self._can_be, choices), None)
            if choice is None:
                break
            self._choices.decide(choice)
            yield choice
            positions.remove(choice.position)
        for position in positions:
            stand = self._choices.stand(position)
            bare = self._ways.bare(stand)
            if self._decisions.offers(stand.cell, stand.allowed, bare):
                self._decisions.move(position.cell, position.member, bare)

    def _can_be(self, choice: Choice) -> bool:
        """Whether a best solution has this name besides all that is decided."""
        position, wanted, flow = choice.position, choice.way.wanted, choice.flow
        if not wanted:
            return False
        cell, allowed, _, _ = choice.stand
        if self._decisions.offers(cell, allowed, wanted) and (
            flow is None or self._left[flow.supply]
        ):
            return True
        step = cell, allowed, wanted
        if (step, flow) in self._search.impossible or not self._search.may_go_on():
            return False
        solution = self._search.find({step: 1}, {flow: 1} if flow else {})
        if solution is None:
            if self._assignment.is_optimal:
                self._search.impossible.add((step, flow))
            return False
        self._decisions.decide(cell, position.member, wanted)
        self._search.adopt(solution)
        return True

    def _grant(self, choice: Choice) -> None:
        self._granted[choice.position.row] = _grant_of(choice)

    def _settle(self, choice: Choice) -> None:
        """Says by which of its takes a position has its name, and so under what right."""
        one_take = (self._by(choice, (take,)) for take in choice.way.takes)
        choice = next(filter(self._can_be, one_take), choice)
        # What is allowed may be other by now.
        self._choices.decide(self._by(choice, choice.way.takes))
        self._grant(choice)

    def _by(self, choice: Choice, takes: tuple[int, ...]) -> Choice:
        """The choice by these of its takes, of what the member may still take."""
        stand = self._choices.stand(choice.position)
        return choice._replace(stand=stand, way=self._ways.by(stand, takes))

    def settle_lines(self) -> None:
        """Where covers leave a choice between lots, takes most units from the lowest ids."""
        assignment = self._assignment
        if assignment.is_optimal and any(
            len(draw) > 1 or len(draw[0].lots) > 1 for draw in assignment.flows
        ):
            at_least, rows = self._search.held({})
            assignment.keep(at_least, rows)
            assignment.settle_lines()


def _grant_of(choice: Choice) -> int:
    return choice.name * len(RIGHTS) + choice.way.right
