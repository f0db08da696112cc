"""Integer programmes solved to proven optimality by HiGHS, and checked in whole numbers."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import gcd

import numpy as np
from highspy import HighsModelStatus

from quitus_collector.adapters.solver.exact import whole
from quitus_collector.adapters.solver.hulls import Hull, apart, is_within
from quitus_collector.adapters.solver.lattice import step
from quitus_collector.adapters.solver.quiet import INFINITY, Numbers, Quiet
from quitus_collector.adapters.solver.stated import INFEASIBLE, Stated
from quitus_collector.domain.optimisation import (
    Part,
    Programme,
    Row,
    Settled,
    SolverError,
    total,
)

# A branch and bound is trusted up to this objective; beyond, it is taken digit by digit.
SAFE_TOTAL = 10**8
BASE = 10**4
# Beyond this a double does not hold every whole number.
EXACT_TOTAL = 2**53
# Duals are tried as whole numbers, then as fractions with these denominators. The last is for those
# that are no simple fractions: what rounding leaves is a gap, less than one where all goes well.
DENOMINATORS = (1, 12, 840, 2**30)
# Smaller programmes are not worth cutting: branch and bound is as fast.
FEW_VARIABLES = 2_500
# Values of the option simplex_strategy.
DUAL, PRIMAL = 1, 4
# More steps of the primal simplex take longer than to begin anew.
FEW_STEPS = 300
# While so many of the parts are broken at the most, they are separated from their hulls one by one.
# Of more, some break as others are mended: branch and bound is faster.
FEW_BROKEN = 0.01
# So often the relaxation of a level is cut at the most.
MOST_ROUNDS = 60
# After so many rounds that did not raise its bound, whole solutions are looked for near by.
STALLED = (1, 8, 24)
FEW_NODES = 20
# How far a cost can move is asked while so few are held; where more are, questions are small.
MOST_HELD = 8
# What is further from a whole number is not whole.
FRACTION = 1e-6


class HighsSolver:
    """Implements the domain's Solver; `time_limit_s` is for all that one instance solves."""

    def __init__(
        self,
        time_limit_s: float | None = None,
        *,
        few_variables: int = FEW_VARIABLES,
        few_broken: float = FEW_BROKEN,
    ) -> None:
        """The clock of the limit starts with the first programme.

        The rest is a matter of speed: `few_variables`, from how many on cuts are sought, and
        `few_broken`, what part of the parts may not be whole where all kinds of cuts are.
        """
        self._time_limit_s = time_limit_s
        self._few_variables = few_variables
        self._few_broken = few_broken
        self._deadline: float | None = None

    def open(self, programme: Programme) -> "_Session":
        """See Solver.open."""
        if self._time_limit_s is not None and self._deadline is None:
            self._deadline = time.monotonic() + self._time_limit_s
        return _Session(programme, self._deadline, self._few_variables, self._few_broken)


@dataclass(frozen=True, slots=True)
class _Relaxed:
    """A solution of the relaxation: values and reduced costs by variable, duals by row."""

    values: Numbers
    rates: Numbers
    prices: Numbers
    least: float
    broken: Numbers

    @classmethod
    def of(cls, highs: Quiet) -> "_Relaxed":
        """What HiGHS has just found."""
        solution = highs.getSolution()
        values = np.array(solution.col_value)
        return cls(
            values,
            np.array(solution.col_dual),
            np.array(solution.row_dual),
            highs.getObjectiveValue(),
            np.flatnonzero(np.abs(values - np.rint(values)) > FRACTION),
        )

    def breaks(self, part: Part) -> bool:
        """Whether the part is not whole."""
        at = np.searchsorted(self.broken, part.variables.start)
        return bool(at < len(self.broken) and self.broken[at] in part.variables)


class _Session(Stated):
    """A programme within HiGHS.

    The linear relaxation comes first: it is warm from level to level, mostly whole, and its duals
    prove its optimum in exact arithmetic. Branch and bound follows where it is not whole.
    """

    def __init__(
        self,
        programme: Programme,
        deadline: float | None,
        few_variables: int = FEW_VARIABLES,
        few_broken: float = FEW_BROKEN,
    ) -> None:
        super().__init__(programme, deadline)
        self._few_variables = few_variables
        self._few_broken = few_broken
        self._last: Sequence[int] | None = None
        self._hulls: dict[Part, tuple[Hull, _Session, int]] = {}
        self._relaxed: _Relaxed | None = None
        # Costs that every solution has in common from now on.
        self._held: list[Mapping[int, int]] = []

    def settle(self, cost: Mapping[int, int]) -> Settled:
        """See Session.settle."""
        divisor = gcd(*cost.values())
        if divisor > 1:
            cost = {variable: weight // divisor for variable, weight in cost.items()}
            found = self.settle(cost)
            return replace(found, bound=found.bound * divisor)
        self._load()
        self._step = self._least_step(cost)
        try:
            settled = self._settle_level(cost)
        finally:
            self._step = 1
        if settled.is_proven:
            self._held.append(cost)
        return settled

    def _settle_level(self, cost: Mapping[int, int]) -> Settled:
        largest = sum(
            abs(weight) * self._programme.upper_bounds[variable]
            for variable, weight in cost.items()
        )
        if largest < EXACT_TOTAL:
            settled = self._settle_relaxed(cost)
            if settled is not None:
                return settled
        if largest < SAFE_TOTAL:
            return self._settle_whole(cost, self._relaxed)
        self._step = 1  # digits move by themselves
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

    def _is_large(self) -> bool:
        """Whether the programme is worth more than one thought."""
        return len(self._model.lower) >= self._few_variables

    def _least_step(self, cost: Mapping[int, int]) -> int:
        """What divides every change of the cost from now on; one where it is not worth asking."""
        model = self._model
        if not self._is_large() or not 0 < len(self._held) <= MOST_HELD:
            return 1
        free = [v for v, low in enumerate(model.lower) if low < model.upper[v]]
        # A cost that cannot change at all is proven by any bound.
        return step(cost, self._held, free) or SAFE_TOTAL

    def _settle_relaxed(self, cost: Mapping[int, int]) -> Settled | None:
        """The optimum where the relaxation, cut as need be, proves it; else None."""
        self._set_cost(cost)
        if self._is_large() and self._held and not self._is_near():
            # Most is held by the levels before: presolve takes it out, and what is left is solved
            # ten times as fast as by many steps.
            self._highs.clearSolver()
        self._relaxed = None
        last = self._last if self._last and len(self._last) == len(self._model.lower) else None
        known = None if last is None else total(cost, last)
        before, stalled = np.inf, 0
        for cut_rounds in range(MOST_ROUNDS):
            if self._run() != HighsModelStatus.kOptimal:
                return None
            values: Sequence[int] | None = self._whole_values()
            self._relaxed = relaxed = _Relaxed.of(self._highs)
            if values is None and known is not None and relaxed.least > known - self._step + 1e-3:
                # What the level before found is as good as can be.
                values = last
            risen = relaxed.least > before + 1e-6 * max(1.0, abs(before))
            stalled = 0 if risen else stalled + 1
            before = relaxed.least
            if values is None and stalled in STALLED:
                found = self._nearby(cost, relaxed, last)
                if found is not None and (known is None or total(cost, found) < known):
                    self._last = last = found
                    known = total(cost, last)
                    values = last if relaxed.least > known - self._step + 1e-3 else None
            if values is not None:
                return self._proven(cost, values, relaxed.prices)
            is_last = cut_rounds == MOST_ROUNDS - 1
            if is_last or not self._is_large() or not self._cut(relaxed):
                break
        return None

    def _is_near(self) -> bool:
        """Whether few steps lead from the last optimum to that of the new cost; HiGHS takes them.

        By the primal simplex: what was the optimum is still a point to begin with.
        """
        highs = self._highs
        if not highs.getBasis().valid:
            return False
        highs.setOptionValue("simplex_strategy", PRIMAL)
        highs.setOptionValue("simplex_iteration_limit", FEW_STEPS)
        try:
            return self._run() == HighsModelStatus.kOptimal
        finally:
            highs.setOptionValue("simplex_strategy", DUAL)
            highs.setOptionValue("simplex_iteration_limit", 2**31 - 1)

    def _nearby(
        self, cost: Mapping[int, int], relaxed: _Relaxed, last: Sequence[int] | None
    ) -> Sequence[int] | None:
        """A whole solution near the relaxation's; None if none is found.

        What it has in common with the last whole solution stays so ("relaxation induced
        neighborhoods", Danna, Rothberg and Le Pape, 2005). Where there is none, the parts that are
        whole stay as they are, and outside of parts what the relaxation does not use.
        """
        model = self._model
        at = whole(list(map(int, np.rint(relaxed.values).tolist())))
        if last is not None:
            is_free = np.abs(relaxed.values - (at := whole(last))) > FRACTION
        else:
            is_free = relaxed.values > FRACTION
            for part in self._programme.parts:
                is_free[part.variables.start : part.variables.stop] = relaxed.breaks(part)
        lower = np.where(is_free, whole(model.lower), at)
        upper = np.where(is_free, whole(model.upper), at)
        free = np.flatnonzero(lower < upper).tolist()
        session = _Session(model.within(lower, upper, self._programme.flows), self._deadline)
        found = session.found_soon({n: cost[v] for n, v in enumerate(free) if v in cost})
        if found is None:
            return None
        values: list[int] = lower.tolist()
        for variable, more in zip(free, found, strict=True):
            values[variable] += more
        return values if model.allows(values) else None

    def _proven(
        self, cost: Mapping[int, int], values: Sequence[int], duals: Numbers
    ) -> Settled | None:
        """The values, where duals of the relaxation prove them the best; held from then on."""
        reached = total(cost, values)
        for denominator in DENOMINATORS:
            bound, tight = self._model.bound(cost, duals, denominator)
            gap = reached * denominator - bound
            if gap == 0:
                break
        if gap and (gap >= denominator * self._step or abs(reached) >= SAFE_TOTAL):
            return None
        self._hold_face(*tight, gap)
        if gap:
            self._add_rows([Row(cost, reached, reached)])
        self._last = values
        return Settled(values, reached, True)

    def _cut(self, relaxed: _Relaxed) -> bool:
        """Adds rows that whole solutions keep and the relaxation's does not; whether there are any.

        Only what is not whole in a part is looked at.
        """
        hulls = [self._hull(part) for part in self._programme.parts if relaxed.breaks(part)]
        cuts = [(h, h.dearer(relaxed.values, relaxed.rates, relaxed.prices)) for h in hulls]
        are_few = len(hulls) <= self._few_broken * len(self._programme.parts)
        if are_few and not any(row for _, row in cuts):
            cuts = [(hull, hull.separated(relaxed.values)) for hull in hulls]
        found: list[Row] = []
        for hull, row in cuts:
            if row is not None:
                hull.rows.append((len(self._model.row_lower) + len(found), row.coefficients))
                found.append(row)
        self._add_rows(found)
        return bool(found)

    def _hull(self, part: Part) -> Hull:
        """The part, within what is held so far."""
        model = self._model
        if part not in self._hulls:
            session = _Session(apart(self._programme, part), self._deadline)
            rows = [
                (self._numbers[number], row.coefficients)
                for number in part.rows
                if is_within(row := self._programme.rows[number], part)
            ]
            self._hulls[part] = Hull(part, rows, session.least), session, len(rows)
        hull, session, count = self._hulls[part]
        session.narrow(
            [(model.lower[v], model.upper[v]) for v in part.variables],
            [(model.row_lower[r], model.row_upper[r]) for r, _ in hull.rows[:count]],
        )
        hull.narrow(session._model.lower, session._model.upper)
        return hull

    def narrow(
        self,
        variables: Sequence[tuple[int, int]],
        rows: Sequence[tuple[int | None, int | None]],
    ) -> None:
        """New bounds, for good."""
        self._load()
        model = self._model
        for variable, (low, high) in enumerate(variables):
            if (low, high) != (model.lower[variable], model.upper[variable]):
                self._bound(variable, low, high)
        for row, sides in enumerate(rows):
            if sides != (model.row_lower[row], model.row_upper[row]):
                self._bound_row(row, *sides)

    def least(self, cost: Mapping[int, int]) -> Sequence[int] | None:
        """The values where the cost is least, which are not kept; None where that is not proven."""
        self._load()
        self._set_cost(cost)
        try:
            status, values = self._run_whole()
            if status != HighsModelStatus.kOptimal or values is None:
                return None
            self._check_bound(total(cost, values))
        except SolverError:
            return None
        return values

    def found_soon(self, cost: Mapping[int, int]) -> Sequence[int] | None:
        """Values of little cost by a short search, which are not kept; None if none are found."""
        self._load()
        self._set_cost(cost)
        self._highs.setOptionValue("mip_max_nodes", FEW_NODES)
        try:
            return self._run_whole()[1]
        except SolverError:
            return None

    def _hold_face(self, reduced: Numbers, duals: Numbers, gap: int) -> None:
        """What alone is as good, without a large number in any row.

        Complementary slackness where there is no gap between the cost and its bound. Else what
        would cost more than the gap: variables and rows move by whole numbers.
        """
        model = self._model
        lower, upper = whole(model.lower), whole(model.upper)
        dear = np.flatnonzero((np.abs(reduced) > gap) & (lower < upper))
        at = np.where(reduced > 0, lower, upper)[dear]
        for variable, value in zip(dear.tolist(), at.tolist(), strict=True):
            model.lower[variable] = model.upper[variable] = value
        held = at.astype(np.float64)
        self._highs.changeColsBounds(len(dear), dear.astype(np.int32), held, held)
        for row in np.flatnonzero(np.abs(duals) > gap).tolist():
            side = model.row_lower[row] if duals[row] > 0 else model.row_upper[row]
            if (side, side) != (model.row_lower[row], model.row_upper[row]):
                self._bound_row(row, side, side)

    @contextmanager
    def _without_slack(self, relaxed: _Relaxed | None) -> Iterator[None]:
        """Without the cuts that do not count in the relaxation: branch and bound goes faster.

        But with those by which a level before is held.
        """
        slack = [
            row
            for hull, _, stated in self._hulls.values()
            for row, _ in hull.rows[stated:]
            if relaxed is not None and not relaxed.prices[row]
            if self._model.row_lower[row] is None
        ]
        try:
            for row in slack:
                self._highs.changeRowBounds(row, -INFINITY, INFINITY)
            yield
        finally:
            for row in slack:
                self._bound_row(row, self._model.row_lower[row], self._model.row_upper[row])

    def _hold_better(self, known: int, bound: int, face: tuple[Numbers, Numbers]) -> None:
        """What a solution as good as the known one must have, by a bound in finest parts."""
        self._hold_face(*face, known * DENOMINATORS[-1] - bound)

    def _check_bound(self, reached: int) -> None:
        """Costs move by whole steps: less than one apart is proof."""
        bound = self._highs.getInfo().mip_dual_bound
        if bound <= reached - self._step + 1e-6 or self._highs.getObjectiveValue() < reached - 0.5:
            raise SolverError(f"the solver's bound {bound} is not the {reached} of its answer")

    def _settle_whole(self, cost: Mapping[int, int], relaxed: _Relaxed | None = None) -> Settled:
        """By branch and bound; duals of the relaxation tell what is out of the question then."""
        self._set_cost(cost)
        tight = None
        if relaxed is not None and len(relaxed.prices) == len(self._model.row_lower):
            tight = self._model.bound(cost, relaxed.prices, DENOMINATORS[-1])
            if self._last and len(self._last) == len(self._model.lower):
                self._hold_better(total(cost, self._last), *tight)
        with self._without_slack(relaxed):
            status, values = self._run_whole()
            # Read before any row is changed back: that makes HiGHS forget it.
            bound = self._highs.getInfo().mip_dual_bound
            if status == HighsModelStatus.kOptimal and values is not None:
                self._check_bound(total(cost, values))
        if status == HighsModelStatus.kOptimal and values is not None:
            reached = total(cost, values)
            if tight is not None:
                self._hold_better(reached, *tight)
            self._add_rows([Row(cost, reached, reached)])
            self._last = values
            return Settled(values, reached, True)
        if status != HighsModelStatus.kTimeLimit:
            raise self._unproven(status)
        if values is None and (self._last is None or len(self._last) != len(self._model.lower)):
            self._last = None
            values, bound = self._first_found()
        values = self._better(cost, values)
        least = -sum(abs(w) * self._programme.upper_bounds[v] for v, w in cost.items() if w < 0)
        if np.isfinite(bound):
            least = max(least, int(np.ceil(bound - 1e-3)))
        return Settled(values, min(least, total(cost, values)), False)

    def _first_found(self) -> tuple[Sequence[int], float]:
        """The first solution that comes, and the cost's bound by then, after the limit.

        A position that is not the best is worth more than none. Raises SolverError where none is.
        """
        highs, deadline = self._highs, self._deadline
        self._deadline = None
        highs.setOptionValue("time_limit", INFINITY)
        highs.setOptionValue("mip_rel_gap", INFINITY)
        try:
            status, values = self._run_whole()
            bound = highs.getInfo().mip_dual_bound
        finally:
            self._deadline = deadline
            highs.setOptionValue("mip_rel_gap", 0.0)
        if values is None:
            raise self._unproven(status)
        return values, bound

    def _better(self, cost: Mapping[int, int], values: Sequence[int] | None) -> Sequence[int]:
        known = [each for each in (values, self._last) if each is not None]
        self._last = min(known, key=lambda each: total(cost, each))
        return self._last

    def _settle_digits(self, cost: Mapping[int, int]) -> Settled:
        """The same objective in numbers that floating point holds exactly.

        The cost is written in digits of a large base, each a variable of its own with its carry;
        the least number is the one whose digits are least, highest digit first.
        """
        bounds = self._programme.upper_bounds
        digits: list[dict[int, int]] = []
        rows: list[Row] = []
        rest: dict[int, int] = {}
        for variable, weight in cost.items():
            if weight < 0:
                # Digits are of what is above the least: of how far the variable is from its bound.
                most = bounds[variable]
                spare = self._programme.add_variable(most)
                rows.append(Row({variable: 1, spare: 1}, most, most))
                variable, weight = spare, -weight
            rest[variable] = weight
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
