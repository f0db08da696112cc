"""Names long stretches of lone devices at once.

The last lone member of a cell was named in a *run*: the next one is named like it while all of that
lasts, since what was impossible once stays so and the names of a lot only go up. Three supplies
must last: the members that take the wanted patterns in the solution at hand, the units of the
line, and those of its flow.
"""

from typing import NamedTuple

import numpy as np

from quitus_collector.domain.licensing.columns import Numbers
from quitus_collector.domain.licensing.naming.decisions import Allowed, Decisions
from quitus_collector.domain.licensing.naming.stock import NONE, UNENDING, Supplies, lasting

# So many positions are looked at together at the least, else twice as many as lasted before.
FIRST_STRETCH = 64


class Run(NamedTuple):
    """How lone members of a cell are named: by a line, under what right, or not at all.

    `grant` is what is noted of each; `line` and `flow` are supplies.
    """

    wanted: Allowed
    grant: int
    line: int = UNENDING
    flow: int = UNENDING


class Runs:
    """The runs of the cells at hand."""

    def __init__(
        self, cells: Numbers, granted: Numbers, supplies: Supplies, decisions: Decisions
    ) -> None:
        """Begins without; `cells` are those of all positions, `granted` what is noted of each."""
        self._cells = cells
        self._granted = granted
        self._left = supplies.left
        self._decisions = decisions
        count = len(decisions.progress)
        # How many more members each cell may name, and how many when that was last counted.
        self._members = [supplies.add(0) for _ in range(count)]
        self._counted = [0] * count
        self._runs: dict[int, Run] = {}
        # What a member of each cell needs, three supplies, and what is noted of it.
        self._needs = np.full((count, 3), NONE, np.int32)
        self._grants = np.zeros(count, np.int32)
        self._stretch = FIRST_STRETCH

    def begin(self, cell: int, run: Run) -> None:
        """From now on the lone members of the cell are named so."""
        everything = self._decisions.progress[cell].everything
        members = self._decisions.offered(cell, everything, run.wanted)
        self._left[self._members[cell]] = self._counted[cell] = members
        self._runs[cell] = run
        self._needs[cell] = self._members[cell], run.line, run.flow
        self._grants[cell] = run.grant

    def stop(self, cell: int) -> None:
        """The next member of the cell is to be named anew."""
        if cell in self._runs:
            self.count(cell)
            del self._runs[cell]
            self._needs[cell] = NONE

    def stop_all(self) -> None:
        """So is that of every cell."""
        for cell in list(self._runs):
            self.stop(cell)

    def count(self, cell: int) -> None:
        """Lets the decisions know of the members that were named in the run of the cell."""
        if cell in self._runs:
            left = self._left[self._members[cell]]
            self._decisions.move_many(cell, self._counted[cell] - left, self._runs[cell].wanted)
            self._counted[cell] = left

    def count_all(self) -> None:
        """Lets them know of all that were."""
        for cell in self._runs:
            self.count(cell)

    def go_on(self, start: int, stop: int) -> int:
        """Names the positions from the start on, all lone; returns the first that cannot be."""
        while start < stop:
            cells = self._cells[start : min(stop, start + self._stretch)]
            count = self._take(cells)
            self._granted[start : start + count] = self._grants[cells[:count]]
            start += count
            self._stretch = max(FIRST_STRETCH, 2 * count)
            if count < len(cells):
                break
        return start

    def _take(self, cells: Numbers) -> int:
        """Takes what the members of these cells need in turn; returns for how many it lasts."""
        needs = self._needs[cells]
        count = lasting(needs, self._left)
        used = np.bincount(needs[:count].ravel())
        for supply in np.flatnonzero(used).tolist():
            self._left[supply] -= int(used[supply])
        return count
