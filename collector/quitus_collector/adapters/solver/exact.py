"""A programme in whole numbers of any size: whether values keep it, and what its duals prove."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from quitus_collector.adapters.solver.quiet import Numbers
from quitus_collector.domain.optimisation import Row


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
        self._arrays: tuple[Numbers, Numbers, Numbers] | None = None

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
        self._arrays = None
        return starts, columns, values

    def drop_rows(self, first: int) -> None:
        """Without the rows from the first on."""
        del self.row_lower[first:], self.row_upper[first:], self._starts[first + 1 :]
        del self._columns[self._starts[-1] :], self._values[self._starts[-1] :]
        self._arrays = None

    def _matrix(self) -> tuple[Numbers, Numbers, Numbers]:
        """Row, column and value of every entry."""
        if self._arrays is None:
            lengths = np.diff(np.array(self._starts))
            rows = np.repeat(np.arange(len(lengths)), lengths)
            dtype = np.int64 if _fit(self._values) else object
            values = np.array(self._values, dtype=dtype)
            self._arrays = rows, np.array(self._columns, dtype=np.int64), values
        return self._arrays

    def allows(self, values: Sequence[int]) -> bool:
        """Whether the values keep every bound and every row, exactly."""
        if any(
            v < low or v > high for v, low, high in zip(values, self.lower, self.upper, strict=True)
        ):
            return False
        rows, columns, weights = self._matrix()
        small = weights.dtype != object and _fit(values)
        found = np.array(values, dtype=np.int64 if small else object)
        sums = np.zeros(len(self.row_lower), dtype=found.dtype)
        np.add.at(sums, rows, weights * found[columns])
        return all(
            (low is None or low <= reached) and (high is None or reached <= high)
            for low, reached, high in zip(
                self.row_lower, sums.tolist(), self.row_upper, strict=True
            )
        )

    def bound(
        self, cost: Mapping[int, int], duals: Numbers, denominator: int
    ) -> tuple[int, tuple[Numbers, Numbers]]:
        """A lower bound of the cost by weak duality, times the denominator.

        Whatever the duals, it holds; they are rounded to whole parts of the denominator. With it
        come the reduced costs and the duals that gave it.
        """
        rows, columns, weights = self._matrix()
        whole = [round(dual * denominator) for dual in duals.tolist()]
        for row, dual in enumerate(whole):
            # A dual of a side that has no bound would prove nothing.
            if (dual > 0 and self.row_lower[row] is None) or (
                dual < 0 and self.row_upper[row] is None
            ):
                whole[row] = 0
        scaled = [0] * len(self.lower)
        for variable, weight in cost.items():
            scaled[variable] = weight * denominator
        small = weights.dtype != object and _fit(whole) and _fit(scaled)
        dtype = np.int64 if small else object
        reduced, prices = np.array(scaled, dtype=dtype), np.array(whole, dtype=dtype)
        np.subtract.at(reduced, columns, weights * prices[rows])
        found = 0
        for row, price in nonzero(prices):
            side = self.row_lower[row] if price > 0 else self.row_upper[row]
            found += price * (side or 0)
        for variable, rate in nonzero(reduced):
            found += rate * (self.lower[variable] if rate > 0 else self.upper[variable])
        return found, (reduced, prices)


def nonzero(numbers: Numbers) -> Iterable[tuple[int, int]]:
    """What is not zero, with where it is."""
    return ((int(at), int(numbers[at])) for at in np.flatnonzero(numbers))


def _fit(numbers: Iterable[int]) -> bool:
    """Whether products of these with each other, summed, stay within 64 bits."""
    return all(-(2**24) < number < 2**24 for number in numbers)
