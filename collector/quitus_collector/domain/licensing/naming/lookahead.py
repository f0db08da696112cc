"""Finds a solution that has the names which the next positions would like best, together.

One that suits the next position alone would have to be found anew for the one after it. Nothing is
decided here.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from quitus_collector.domain.licensing.naming.decisions import Decisions, Step
from quitus_collector.domain.licensing.naming.positions import Positions
from quitus_collector.domain.licensing.naming.search import Search
from quitus_collector.domain.licensing.naming.stock import UNENDING, Line, Supplies, lasting
from quitus_collector.domain.licensing.naming.ways import Flow, Source, Stand, Ways

# So many positions are looked at ahead to begin with; twice as many each time that it goes well.
FIRST_STRIDE = 16


class _Wish(NamedTuple):
    """A source that may give the lone members of a cell a name, and what that would decide."""

    source: Source
    step: Step


class LookAhead:
    """Looks ahead from position to position."""

    def __init__(
        self,
        positions: Positions,
        decisions: Decisions,
        ways: Ways,
        search: Search,
        supplies: Supplies,
    ) -> None:
        """Has seen nothing."""
        self._positions = positions
        self._decisions = decisions
        self._ways = ways
        self._search = search
        self._supplies = supplies
        self._stride, self._foreseen = FIRST_STRIDE, 0
        self._wishes_of: dict[int, list[_Wish]] = {}

    def look(self, at: int) -> None:
        """Looks ahead from this position on, if that was not done yet."""
        while at >= self._foreseen and self._stride > 1 and self._search.may_go_on():
            moves, flows = self._wishes(at, at + self._stride)
            if not self._search.has(moves, flows):
                solution = self._search.find(moves, flows)
                if solution is None:
                    self._stride //= 2
                    continue
                self._search.adopt(solution)
            self._foreseen = at + self._stride
            self._stride *= 2
        self._stride = max(self._stride, FIRST_STRIDE)

    def _wishes(self, start: int, stop: int) -> tuple[Counter[Step], Counter[Flow]]:
        """What the lone ones of these would decide if each got the best that may be possible."""
        moves: Counter[Step] = Counter()
        flows: Counter[Flow] = Counter()
        left = self._supplies.left.copy()
        cells = self._positions.cells[start:stop]
        cells = cells[self._positions.is_lone[cells]]
        while len(cells):
            # Until a line is used up, the members of a cell all wish for the same.
            wishes = {
                cell: best
                for cell in np.flatnonzero(np.bincount(cells)).tolist()
                if (best := self._best(cell, left)) is not None
            }
            needs = np.full(len(self._decisions.progress), UNENDING, np.int32)
            for cell, (line, _) in wishes.items():
                needs[cell] = line.supply
            count = lasting(needs[cells][:, None], left)
            members = np.bincount(cells[:count], minlength=len(needs))
            for cell, (line, wish) in wishes.items():
                wishing = int(members[cell])
                left[line.supply] -= wishing
                moves[wish.step] += wishing
                if wish.source.flow is not None:
                    flows[wish.source.flow] += wishing
            cells = cells[count:]
        return moves, flows

    def _best(self, cell: int, left: Sequence[int]) -> tuple[Line, _Wish] | None:
        best: tuple[Line, _Wish] | None = None
        for wish in self._of(cell):
            if (wish.step, wish.source.flow) not in self._search.impossible:
                line = wish.source.stock.current_of(left)
                if line is not None and (best is None or line.name < best[0].name):
                    best = line, wish
        return best

    def _of(self, cell: int) -> list[_Wish]:
        if cell not in self._wishes_of:
            everything = self._decisions.progress[cell].everything
            self._wishes_of[cell] = [
                _Wish(source, (cell, everything, way.wanted))
                for way in self._ways.of(Stand(cell, everything, 0, 0))
                if len(way.wanted) == 1
                for source in way.sources
            ]
        return self._wishes_of[cell]
