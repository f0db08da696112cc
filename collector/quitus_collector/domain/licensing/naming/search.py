"""Solves again for a solution that has better names, besides all that is decided."""

from collections.abc import Mapping, Sequence

from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.naming.decisions import Decisions, Step
from quitus_collector.domain.licensing.naming.runs import Runs
from quitus_collector.domain.licensing.naming.stock import Supplies
from quitus_collector.domain.licensing.naming.ways import Flow, Ways
from quitus_collector.domain.optimisation import Row, SolverError

# Solving again for a better name stops at this sum of numbers of variables: some seconds.
EFFORT = 10_000_000
# In larger programmes it would come to nothing: thousands of names are asked for.
MOST_VARIABLES = 7_000


class Search:
    """Looks for solutions until the effort is spent."""

    def __init__(
        self,
        assignment: Assignment,
        decisions: Decisions,
        ways: Ways,
        runs: Runs,
        supplies: Supplies,
    ) -> None:
        """Nothing is known to be impossible."""
        self._assignment = assignment
        self._decisions = decisions
        self._flows = ways.flows
        self._runs = runs
        self._left = supplies.left
        is_small = len(assignment.programme.upper_bounds) <= MOST_VARIABLES
        self._effort = EFFORT if is_small else 0
        # A step and a flow that no solution has besides what is decided: none ever will.
        self.impossible: set[tuple[Step, Flow | None]] = set()

    def may_go_on(self) -> bool:
        """Whether there is any effort left, and a proof to build on."""
        return self._assignment.is_optimal and self._effort > 0

    def has(self, moves: Mapping[Step, int], flows: Mapping[Flow, int]) -> bool:
        """Whether the solution at hand has all that is decided and this besides."""
        self._runs.count_all()
        return all(
            self._decisions.offered(cell, allowed, wanted) >= count
            for (cell, allowed, wanted), count in moves.items()
        ) and all(self._left[flow.supply] >= count for flow, count in flows.items())

    def held(self, moves: Mapping[Step, int]) -> tuple[dict[int, int], list[Row]]:
        """What keeps all that is decided and further moves: least values by variable, and rows."""
        at_least, rows = self._decisions.held(moves)
        for flow in self._flows:
            if named := self._named(flow):
                at_least[flow.variable] = named
        return at_least, rows

    def find(self, moves: Mapping[Step, int], flows: Mapping[Flow, int]) -> Sequence[int] | None:
        """A best solution with all that is decided and this besides; None where there is none."""
        self._runs.count_all()
        self._effort -= len(self._assignment.programme.upper_bounds)
        at_least, rows = self.held(moves)
        for flow, count in flows.items():
            at_least[flow.variable] = self._named(flow) + count
        try:
            return self._assignment.session.find(at_least, rows)
        except SolverError:
            self._assignment.is_optimal = False
            return None

    def adopt(self, solution: Sequence[int]) -> None:
        """Makes the solution the one at hand; it has all that is decided."""
        self._runs.stop_all()
        named = {flow: self._named(flow) for flow in self._flows}
        self._assignment.solution = solution
        for flow, units in named.items():
            self._left[flow.supply] = solution[flow.variable] - units
        self._decisions.read()

    def _named(self, flow: Flow) -> int:
        return self._assignment.solution[flow.variable] - self._left[flow.supply]
