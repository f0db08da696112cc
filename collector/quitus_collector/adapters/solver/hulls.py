"""Cuts that every whole point of a part of a programme keeps, where its relaxation does not.

A part is one person's devices, or one host with its guests: few rows bind it to the rest. Two kinds
of cut are sought. What a part costs at the prices that the rest puts on it is never less than its
cheapest whole point ("Lagrangian relaxation", Geoffrion, 1974): that closes the gap. Where that
does not help and few parts are broken, a point outside the convex hull of the whole points is cut
off from it ("local cuts", Applegate, Bixby, Chvátal and Cook, 2001): that makes the relaxation
whole.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from quitus_collector.adapters.solver.quiet import INFINITY, Numbers, Quiet
from quitus_collector.domain.optimisation import Part, Programme, Row

# What a cut must cut off at the least, of its largest coefficient.
LEAST_VIOLATION = 1e-4
# Coefficients are whole multiples of one of these parts, or nearly so.
DENOMINATORS = (1, 2, 3, 4, 6, 12, 60, 840)
# So many whole points are asked for one cut at the most.
MOST_POINTS = 200
# With larger ones a solver's tolerance would matter.
LARGEST_COEFFICIENT = 10**5

# The whole point of a part where a weighted sum is least; None where that cannot be proven.
Oracle = Callable[[Mapping[int, int]], Sequence[int] | None]


class Hull:
    """One part, and what is known of its whole points."""

    def __init__(
        self, part: Part, rows: Sequence[tuple[int, Mapping[int, int]]], least: Oracle
    ) -> None:
        """`rows` of the model bind the part's variables to each other, by number.

        `least` answers for the part alone, whose variables it numbers from 0.
        """
        self.variables = slice(part.variables.start, part.variables.stop)
        self.rows = list(rows)
        self._least = least
        self._points: list[Sequence[int]] = []

    def narrow(self, lower: Sequence[int], upper: Sequence[int]) -> None:
        """Forgets the points that are out of these bounds."""
        self._points = [
            point
            for point in self._points
            if all(low <= v <= high for low, v, high in zip(lower, point, upper, strict=True))
        ]

    def dearer(self, values: Numbers, rates: Numbers, prices: Numbers) -> Row | None:
        """That the part costs no less than its cheapest whole point; None where that says no more.

        `values` and reduced costs (`rates`) are by variable, `prices` by row, all of the model.
        """
        costs = rates[self.variables].copy()
        for row, coefficients in self.rows:
            if prices[row]:
                for variable, weight in coefficients.items():
                    costs[variable - self.variables.start] += prices[row] * weight
        weights = [-weight for weight in _whole(costs)]
        outside = values[self.variables]
        if not any(weights) or any(
            _exceeds_little(weights, outside, np.dot(weights, point)) for point in self._points
        ):
            return None
        return self._kept(weights, outside)

    def separated(self, values: Numbers) -> Row | None:
        """What separates the part's values from all its whole points; None where nothing does.

        Found by way of ever more whole points.
        """
        outside = values[self.variables]
        separation = _Separation(outside, self._points)
        for _ in range(MOST_POINTS):
            weights, limit = separation.best()
            if weights @ outside - limit < LEAST_VIOLATION:
                return None
            known = len(self._points)
            row = self._kept(_whole(weights), outside)
            if row is not None or len(self._points) == known:
                return row
            separation.add(self._points[-1])
        return None

    def _kept(self, weights: Sequence[int], outside: Numbers) -> Row | None:
        """The row with these coefficients that whole points keep, if the point outside does not."""
        point = self._least({v: -weight for v, weight in enumerate(weights) if weight})
        if point is None:
            return None
        if point not in self._points:
            self._points.append(point)
        most = sum(weight * value for weight, value in zip(weights, point, strict=True))
        if _exceeds_little(weights, outside, most):
            return None
        first = self.variables.start
        return Row({first + v: weight for v, weight in enumerate(weights) if weight}, upper=most)


class _Separation:
    """The row that cuts a point off furthest from points that must keep it: a linear programme."""

    def __init__(self, outside: Numbers, points: Sequence[Sequence[int]]) -> None:
        self._size = size = len(outside)
        self._highs = Quiet()  # type: ignore[no-untyped-call]
        self._highs.setOptionValue("threads", 1)
        largest = np.append(np.ones(size), np.abs(outside).sum() + 1)
        self._highs.addVars(size + 1, -largest, largest)
        everything = np.arange(size + 1, dtype=np.int32)
        self._highs.changeColsCost(size + 1, everything, np.append(-outside, 1.0))
        for point in points:
            self.add(point)

    def add(self, point: Sequence[int]) -> None:
        values = np.append(np.array(point, dtype=np.float64), -1.0)
        at = np.flatnonzero(values).astype(np.int32)
        self._highs.addRow(-INFINITY, 0.0, len(at), at, values[at])

    def best(self) -> tuple[Numbers, float]:
        """The coefficients and what their sum must not exceed."""
        self._highs.run()
        found = np.array(self._highs.getSolution().col_value)
        return found[: self._size], float(found[self._size])


def apart(programme: Programme, part: Part) -> Programme:
    """The part as a programme of its own; without the rows that bind it to something else."""
    first = part.variables.start
    upper_bounds = programme.upper_bounds[first : part.variables.stop]
    rows = [
        Row({v - first: weight for v, weight in row.coefficients.items()}, row.lower, row.upper)
        for row in map(programme.rows.__getitem__, part.rows)
        if is_within(row, part)
    ]
    return Programme(upper_bounds, rows)


def is_within(row: Row, part: Part) -> bool:
    """Whether the row binds nothing but variables of the part."""
    return all(variable in part.variables for variable in row.coefficients)


def _exceeds_little(weights: Sequence[int], outside: Numbers, limit: float) -> bool:
    """Whether the weighted sum is at most the limit, or so little more that it is no use."""
    return bool(np.dot(weights, outside) - limit <= LEAST_VIOLATION * max(map(abs, weights)))


def _whole(weights: Numbers) -> list[int]:
    """The weights in whole numbers, in proportion as nearly as small ones can be."""
    largest = np.abs(weights).max(initial=0.0)
    for denominator in DENOMINATORS:
        scaled = weights * denominator
        if largest * denominator > LARGEST_COEFFICIENT:
            break
        if np.all(np.abs(scaled - np.rint(scaled)) < 1e-4):
            break
    return [int(weight) for weight in np.rint(scaled)]
