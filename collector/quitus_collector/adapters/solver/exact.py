"""A programme in whole numbers of any size: whether values keep it, and what its duals prove."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from quitus_collector.adapters.solver.quiet import Numbers
from quitus_collector.domain.optimisation import Programme, Row

# Two numbers below it can be added in 64 bits.
SAFE = 2**62


class Model:
    """What HiGHS was given, in whole numbers of any size."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self.loaded = 0
        self.lower: list[int] = []
        self.upper: list[int] = []
        self.row_lower: list[int | None] = []
        self.row_upper: list[int | None] = []
        self._starts = [0]
        self._columns: list[int] = []
        self._values: list[int] = []
        self._entries: tuple[Numbers, Numbers, Numbers] | None = None

    def add_variables(self, upper: Iterable[int]) -> None:
        """Variables from 0 to these bounds."""
        self.upper += upper
        self.lower += [0] * (len(self.upper) - len(self.lower))

    def add_rows(self, rows: Sequence[Row]) -> tuple[list[int], list[int], list[int]]:
        """Returns the rows as HiGHS takes them."""
        starts, columns, values = [], list[int](), list[int]()
        for row in rows:
            starts.append(len(columns))
            columns.extend(row.coefficients)
            values.extend(row.coefficients.values())
            self._starts.append(self._starts[-1] + len(row.coefficients))
            self.row_lower.append(row.lower)
            self.row_upper.append(row.upper)
        self._columns += columns
        self._values += values
        self._entries = None
        return starts, columns, values

    def drop_rows(self, first: int) -> None:
        """Without the rows from the first on."""
        del self.row_lower[first:], self.row_upper[first:], self._starts[first + 1 :]
        del self._columns[self._starts[-1] :], self._values[self._starts[-1] :]
        self._entries = None

    def entries(self) -> tuple[Numbers, Numbers, Numbers]:
        """Row, column and value of every coefficient."""
        if self._entries is None:
            lengths = np.diff(np.array(self._starts))
            rows = np.repeat(np.arange(len(lengths)), lengths)
            self._entries = rows, np.array(self._columns, dtype=np.int64), whole(self._values)
        return self._entries

    def within(self, lower: Numbers, upper: Numbers, flows: Iterable[int]) -> Programme:
        """What is left to choose within closer bounds of the variables.

        Those that they leave free are numbered anew and count from their lower bound.
        """
        is_free = lower < upper
        rows, columns, weights = self.entries()
        sums = _summed(rows, _products(weights, lower[columns]), len(self.row_lower)).tolist()
        numbers = np.cumsum(is_free) - 1
        chosen: defaultdict[int, dict[int, int]] = defaultdict(dict)
        at = np.flatnonzero(is_free[columns])
        entries = (rows[at].tolist(), numbers[columns[at]].tolist(), weights[at].tolist())
        for row, variable, weight in zip(*entries, strict=True):
            chosen[row][variable] = weight
        programme = Programme((upper - lower)[is_free].tolist())
        for row, coefficients in chosen.items():
            low, high = self.row_lower[row], self.row_upper[row]
            programme.add_row(
                coefficients,
                None if low is None else low - sums[row],
                None if high is None else high - sums[row],
            )
        programme.flows = [int(numbers[flow]) for flow in flows if is_free[flow]]
        return programme

    def allows(self, values: Sequence[int]) -> bool:
        """Whether the values keep every bound and every row, exactly."""
        found = whole(values)
        if np.any(found < whole(self.lower)) or np.any(found > whole(self.upper)):
            return False
        rows, columns, weights = self.entries()
        sums = _summed(rows, _products(weights, found[columns]), len(self.row_lower))
        has_lower, lower = _sides(self.row_lower)
        has_upper, upper = _sides(self.row_upper)
        return not np.any(has_lower & (sums < lower) | has_upper & (sums > upper))

    def bound(
        self, cost: Mapping[int, int], duals: Numbers, denominator: int
    ) -> tuple[int, tuple[Numbers, Numbers]]:
        """A lower bound of the cost by weak duality, times the denominator.

        Whatever the duals, it holds; they are rounded to whole parts of the denominator. With it
        come the reduced costs and the duals that gave it.
        """
        has_lower, row_lower = _sides(self.row_lower)
        has_upper, row_upper = _sides(self.row_upper)
        prices = whole(list(map(int, np.rint(duals * denominator).tolist())))
        # A dual of a side that has no bound would prove nothing.
        prices[~np.where(prices > 0, has_lower, has_upper)] = 0
        scaled = [0] * len(self.lower)
        for variable, weight in cost.items():
            scaled[variable] = weight * denominator
        rows, columns, weights = self.entries()
        paid = _products(weights, prices[rows])
        reduced = whole(scaled) - _summed(columns, paid, len(scaled))
        sides = np.where(prices > 0, row_lower, row_upper)
        bounds = np.where(reduced > 0, whole(self.lower), whole(self.upper))
        found = int(_products(prices, sides).sum()) + int(_products(reduced, bounds).sum())
        return found, (reduced, prices)


def whole(numbers: Sequence[int]) -> Numbers:
    """The numbers in 64 bits where their sums and differences fit there too, else of any size."""
    try:
        found = np.array(numbers, dtype=np.int64)
    except OverflowError:
        return np.array(numbers, dtype=object)
    is_safe = found.max(initial=0) < SAFE and found.min(initial=0) > -SAFE
    return found if is_safe else found.astype(object)


def _sides(bounds: Sequence[int | None]) -> tuple[Numbers, Numbers]:
    """Which rows have a bound on this side, and which; 0 where there is none."""
    is_bound = np.array([bound is not None for bound in bounds], dtype=np.bool_)
    return is_bound, whole([bound or 0 for bound in bounds])


def _products(left: Numbers, right: Numbers) -> Numbers:
    """The products, in 64 bits where all of them summed fit there too, else of any size."""
    largest = (float(np.abs(each).max(initial=0)) for each in (left, right))
    if prod(largest) * len(left) < SAFE:
        return left * right
    return left.astype(object) * right


def _summed(at: Numbers, numbers: Numbers, size: int) -> Numbers:
    """The sum of the numbers at each place."""
    sums = np.zeros(size, dtype=numbers.dtype)
    np.add.at(sums, at, numbers)
    return sums
