"""What lasts for so many more names: the units of lines, for one."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from quitus_collector.domain.licensing.columns import Numbers

# Supplies of which there is none, and any number.
NONE, UNENDING = 0, 1


class Supplies:
    """How much is `left` of each supply, by its number."""

    def __init__(self) -> None:
        """Has those two only."""
        self.left = [0, 1 << 62]

    def add(self, units: int) -> int:
        """The number of a new supply."""
        self.left.append(units)
        return len(self.left) - 1


def lasting(needs: Numbers, left: Sequence[int]) -> int:
    """How many in turn find all that they need: one of each supply of their row.

    `needs` has a row each, in which no supply that ends is twice.
    """
    found = len(needs)
    counts = np.bincount(needs.ravel())
    for supply in np.flatnonzero(counts).tolist():
        if counts[supply] > left[supply]:
            taking = np.flatnonzero((needs[:found] == supply).any(axis=1))
            found = int(taking[left[supply]]) if len(taking) > left[supply] else found
    return found


class Line(NamedTuple):
    """A line by the number of its name, and the supply of its units."""

    name: int
    supply: int


class Stock:
    """The lines of a lot that may still give a name: each unit names once, the lowest id first."""

    def __init__(self, lines: Iterable[Line], supplies: Supplies) -> None:
        """All lines, lowest id first."""
        self._lines = list(lines)[::-1]
        self._left = supplies.left

    def current(self) -> Line | None:
        """The line that names the next unit."""
        while self._lines and not self._left[self._lines[-1].supply]:
            self._lines.pop()
        return self._lines[-1] if self._lines else None

    def current_of(self, left: Sequence[int]) -> Line | None:
        """The line that would if no more than this was left of the supplies."""
        return next((line for line in reversed(self._lines) if left[line.supply]), None)

    def take(self) -> int:
        """The name of a unit that is taken; raises IndexError where there is none."""
        self.current()
        line = self._lines[-1]
        self._left[line.supply] -= 1
        return line.name
