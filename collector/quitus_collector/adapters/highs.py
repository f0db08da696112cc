"""Integer programmes solved to proven optimality by HiGHS, and checked in whole numbers."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import gcd
from typing import Any

import highspy
import numpy as np
from highspy import HighsModelStatus, HighsVarType

from quitus_collector.domain.optimisation import Programme, Row, Settled, SolverError, total

# A branch and bound is trusted up to this objective; beyond, it is taken digit by digit.
SAFE_TOTAL = 10**8
BASE = 10**4
# Beyond this a double does not hold every whole number.
EXACT_TOTAL = 2**53
# Duals are tried as whole numbers, then as fractions with these denominators.
DENOMINATORS = (1, 12, 840)
# Every variable is bounded: nothing here is unbounded.
INFEASIBLE = (HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible)
INFINITY = highspy.kHighsInf

Numbers = np.ndarray[Any, np.dtype[Any]]


class HighsSolver:
    """Implements the domain's Solver; `time_limit_s` is for all that one instance solves."""

    def __init__(self, time_limit_s: float | None = None) -> None:
        """The clock of the limit starts with the first programme."""
        self._time_limit_s = time_limit_s
        self._deadline: float | None = None

    def open(self, programme: Programme) -> "_Session":
        """See Solver.open."""
        if self._time_limit_s is not None and self._deadline is None:
            self._deadline = time.monotonic() + self._time_limit_s
        return _Session(programme, self._deadline)


class _Session:
    """A programme within HiGHS.

    The linear relaxation comes first: it is warm from level to level, mostly whole, and its duals
    prove its optimum in exact arithmetic. Branch and bound follows where it is not whole.
    """

    def __init__(self, programme: Programme, deadline: float | None) -> None:
        self._programme = programme
        self._deadline = deadline
        self._highs = _Quiet()  # type: ignore[no-untyped-call]
        for option, value in (("mip_rel_gap", 0.0), ("mip_abs_gap", 0.99), ("threads", 1)):
            self._highs.setOptionValue(option, value)
        self._model = _Model()
        self._last: Sequence[int] | None = None

    def settle(self, cost: Mapping[int, int]) -> Settled:
        """See Session.settle."""
        divisor = gcd(*cost.values())
        if divisor > 1:
            cost = {variable: weight // divisor for variable, weight in cost.items()}
            found = self.settle(cost)
            return replace(found, bound=found.bound * divisor)
        self._load()
        largest = sum(
            abs(weight) * self._programme.upper_bounds[variable]
            for variable, weight in cost.items()
        )
        if largest < EXACT_TOTAL:
            values = self._settle_relaxed(cost)
            if values is not None:
                return values
        if largest < SAFE_TOTAL:
            return self._settle_whole(cost)
        return self._settle_digits(cost)

    def find(self, at_least: Mapping[int, int], rows: Sequence[Row]) -> Sequence[int] | None:
        """See Session.find."""
        self._load()
        before = len(self._model.row_lower)
        saved = {v: (self._model.lower[v], self._model.upper[v]) for v in at_least}
        if any(low > saved[v][1] for v, low in at_least.items()):
            return None
        try:
            for variable, low in at_least.items():
                self._bound(variable, max(low, saved[variable][0]), saved[variable][1])
            self._add_rows(rows)
            self._set_cost({})
            status = self._run()
            if status == HighsModelStatus.kOptimal:
                values: Sequence[int] | None = self._whole_values()
                if values is None:
                    status, values = self._run_whole()
            if status in INFEASIBLE:
                return None
            if status != HighsModelStatus.kOptimal or values is None:
                raise self._unproven(status)
            self._last = values
            return values
        finally:
            extra = len(self._model.row_lower) - before
            if extra:
                numbers = np.arange(before, before + extra, dtype=np.int32)
                self._highs.deleteRows(extra, numbers)
                self._model.drop_rows(before)
            for variable, (low, high) in saved.items():
                self._bound(variable, low, high)

    # --- one level ---

    def _settle_relaxed(self, cost: Mapping[int, int]) -> Settled | None:
        """The optimum where the relaxation has it and its duals prove it; else None."""
        self._set_cost(cost)
        if self._run() != HighsModelStatus.kOptimal:
            return None
        values = self._whole_values()
        if values is None:
            return None
        reached = total(cost, values)
        duals = np.array(self._highs.getSolution().row_dual)
        for denominator in DENOMINATORS:
            bound, tight = self._model.bound(cost, duals, denominator)
            if bound == reached * denominator:
                self._hold_face(*tight)
                self._last = values
                return Settled(values, reached, True)
        if bound > (reached - 1) * denominator and abs(reached) < SAFE_TOTAL:
            self._add_rows([Row(cost, upper=reached)])
            self._last = values
            return Settled(values, reached, True)
        return None

    def _hold_face(self, reduced: Numbers, duals: Numbers) -> None:
        """Complementary slackness: what alone is as good, without a large number in any row."""
        model = self._model
        for variable, rate in _nonzero(reduced):
            at = model.lower[variable] if rate > 0 else model.upper[variable]
            self._bound(variable, at, at)
        for row, price in _nonzero(duals):
            side = model.row_lower[row] if price > 0 else model.row_upper[row]
            model.row_lower[row] = model.row_upper[row] = side
            self._highs.changeRowBounds(row, float(side or 0), float(side or 0))

    def _settle_whole(self, cost: Mapping[int, int]) -> Settled:
        self._set_cost(cost)
        status, values = self._run_whole()
        bound = self._highs.getInfo().mip_dual_bound
        if status == HighsModelStatus.kOptimal and values is not None:
            reached = total(cost, values)
            # Costs are whole and have no common divisor: less than one apart is proof.
            if bound <= reached - 1 + 1e-6 or self._highs.getObjectiveValue() < reached - 0.5:
                raise SolverError(f"the solver's bound {bound} is not the {reached} of its answer")
            self._add_rows([Row(cost, upper=reached)])
            self._last = values
            return Settled(values, reached, True)
        if status != HighsModelStatus.kTimeLimit or (values is None and self._last is None):
            raise self._unproven(status)
        values = self._better(cost, values)
        least = -sum(abs(w) * self._programme.upper_bounds[v] for v, w in cost.items() if w < 0)
        if np.isfinite(bound):
            least = max(least, int(np.ceil(bound - 1e-3)))
        return Settled(values, min(least, total(cost, values)), False)

    def _better(self, cost: Mapping[int, int], values: Sequence[int] | None) -> Sequence[int]:
        known = [each for each in (values, self._last) if each is not None]
        self._last = min(known, key=lambda each: total(cost, each))
        return self._last

    def _settle_digits(self, cost: Mapping[int, int]) -> Settled:
        """The same objective in numbers that floating point holds exactly; no weight is negative.

        The cost is written in digits of a large base, each a variable of its own with its carry;
        the least number is the one whose digits are least, highest digit first.
        """
        bounds = self._programme.upper_bounds
        digits: list[dict[int, int]] = []
        rows: list[Row] = []
        rest = dict(cost)
        carry: int | None = None
        while any(rest.values()):
            parts = {v: part for v, weight in rest.items() if (part := weight % BASE)}
            rest = {v: weight // BASE for v, weight in rest.items()}
            most = self._programme.most(parts) + (bounds[carry] if carry is not None else 0)
            digit = self._programme.add_variable(BASE - 1)
            carried = self._programme.add_variable(most // BASE)
            row = parts | {digit: -1, carried: -BASE}
            if carry is not None:
                row[carry] = 1
            rows.append(Row(row, 0, 0))
            digits.append({digit: 1})
            carry = carried
        if carry is not None:
            digits.append({carry: 1})
        self._load()
        self._add_rows(rows)
        self._last = None  # it has no digits
        settled = Settled((), 0, True)
        for level in reversed(digits):
            settled = self._settle_whole(level)
            if not settled.is_proven:
                return Settled(settled.values, 0, False)
        return Settled(settled.values, total(cost, settled.values), True)

    # --- HiGHS ---

    def _load(self) -> None:
        """Passes on what the programme has gained."""
        known = self._model
        new = self._programme.upper_bounds[len(known.lower) :]
        if new:
            self._highs.addVars(len(new), np.zeros(len(new)), np.array(new, dtype=np.float64))
            known.add_variables(new)
        rows = self._programme.rows[known.loaded :]
        known.loaded += len(rows)
        self._add_rows(rows)

    def _add_rows(self, rows: Sequence[Row]) -> None:
        if not rows:
            return
        starts, columns, values = self._model.add_rows(rows)
        self._highs.addRows(
            len(rows),
            np.array([-INFINITY if r.lower is None else r.lower for r in rows], dtype=np.float64),
            np.array([INFINITY if r.upper is None else r.upper for r in rows], dtype=np.float64),
            len(columns),
            np.array(starts, dtype=np.int32),
            np.array(columns, dtype=np.int32),
            np.array(values, dtype=np.float64),
        )

    def _bound(self, variable: int, low: int, high: int) -> None:
        self._model.lower[variable], self._model.upper[variable] = low, high
        self._highs.changeColBounds(variable, float(low), float(high))

    def _set_cost(self, cost: Mapping[int, int]) -> None:
        size = len(self._model.lower)
        costs = np.zeros(size)
        for variable, weight in cost.items():
            costs[variable] = weight
        self._highs.changeColsCost(size, np.arange(size, dtype=np.int32), costs)

    def _run(self) -> HighsModelStatus:
        if self._deadline is not None:
            left = max(0.0, self._deadline - time.monotonic())
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + left)
        self._highs.run()
        return self._highs.getModelStatus()

    def _run_whole(self) -> tuple[HighsModelStatus, Sequence[int] | None]:
        size = len(self._model.lower)
        everything = np.arange(size, dtype=np.int32)
        kinds = np.full(size, int(HighsVarType.kInteger), dtype=np.uint8)
        self._highs.changeColsIntegrality(size, everything, kinds)
        # A basis or solution of before may be given back as the answer (HiGHS 1.16): start clean.
        self._highs.clearSolver()
        try:
            status = self._run()
            values = None
            if status not in INFEASIBLE and np.isfinite(
                self._highs.getInfo().objective_function_value
            ):
                values = self._whole_values()
                if values is None and status == HighsModelStatus.kOptimal:
                    raise SolverError("the solver's answer breaks a condition once it is whole")
            return status, values
        finally:
            kinds[:] = int(HighsVarType.kContinuous)
            self._highs.changeColsIntegrality(size, everything, kinds)

    def _whole_values(self) -> list[int] | None:
        """The solution in whole numbers; None where it is not whole or breaks a condition."""
        found = np.array(self._highs.getSolution().col_value)
        if len(found) != len(self._model.lower):
            return None
        rounded = np.rint(found)
        if np.any(np.abs(found - rounded) > 1e-5):
            return None
        values = [int(value) for value in rounded]
        return values if self._model.allows(values) else None

    def _unproven(self, status: HighsModelStatus) -> SolverError:
        if status == HighsModelStatus.kTimeLimit:
            return SolverError("the time limit was reached before anything was proven")
        return SolverError(f"not proven: {self._highs.modelStatusToString(status)}")


class _Model:
    """What HiGHS was given, in whole numbers of any size."""

    def __init__(self) -> None:
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
        for row, price in _nonzero(prices):
            side = self.row_lower[row] if price > 0 else self.row_upper[row]
            found += price * (side or 0)
        for variable, rate in _nonzero(reduced):
            found += rate * (self.lower[variable] if rate > 0 else self.upper[variable])
        return found, (reduced, prices)


def _nonzero(numbers: Numbers) -> Iterable[tuple[int, int]]:
    return ((int(at), int(numbers[at])) for at in np.flatnonzero(numbers))


def _fit(numbers: Iterable[int]) -> bool:
    """Whether products of these with each other, summed, stay within 64 bits."""
    return all(-(2**24) < number < 2**24 for number in numbers)


class _Quiet(highspy.Highs):
    """HiGHS without its banner, which 1.16 prints from its constructor: standard output is ours."""

    def enableCallbacks(self) -> None:
        """The first thing that the constructor calls."""
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]
