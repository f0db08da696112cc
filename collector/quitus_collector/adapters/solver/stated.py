"""A programme within HiGHS, and the same in whole numbers beside it."""

import time
from collections.abc import Mapping, Sequence

import numpy as np
from highspy import HighsModelStatus, HighsVarType

from quitus_collector.adapters.solver.exact import Model
from quitus_collector.adapters.solver.quiet import INFINITY, Quiet
from quitus_collector.domain.optimisation import Programme, Row, SolverError

# A rule of presolve that may take seconds, and stops by the clock: answers would depend on it.
DEPENDENT_EQUATIONS = 1 << 10
# Every variable is bounded: nothing here is unbounded.
INFEASIBLE = (HighsModelStatus.kInfeasible, HighsModelStatus.kUnboundedOrInfeasible)
# Where prices are far apart, HiGHS 1.16 may lose its way: seen once in thousands of small cases.
# From scratch and without presolve it found it again each time.
GAVE_UP = (HighsModelStatus.kSolveError, HighsModelStatus.kUnknown)


class Stated:
    """What is passed on to HiGHS, and what it answers; a session of levels builds on it."""

    def __init__(self, programme: Programme, deadline: float | None) -> None:
        """Nothing is passed on yet; `deadline` is by the monotonic clock."""
        self._programme = programme
        self._deadline = deadline
        self._highs = Quiet()  # type: ignore[no-untyped-call]
        for option, value in (
            *(("mip_rel_gap", 0.0), ("mip_abs_gap", 0.99), ("threads", 1)),
            ("presolve_rule_off", DEPENDENT_EQUATIONS),
            # What it finds here is known: some whole solution.
            ("mip_heuristic_run_feasibility_jump", False),
        ):
            self._highs.setOptionValue(option, value)
        self._model = Model()
        # The numbers of the programme's rows, between which cuts may stand.
        self._numbers: list[int] = []
        # What divides the difference of any two values of the cost.
        self._step = 1

    def _load(self) -> None:
        """Passes on what the programme has gained."""
        known = self._model
        new = self._programme.upper_bounds[len(known.lower) :]
        if new:
            self._highs.addVars(len(new), np.zeros(len(new)), np.array(new, dtype=np.float64))
            known.add_variables(new)
        rows = self._programme.rows[known.loaded :]
        known.loaded += len(rows)
        self._numbers += range(len(known.row_lower), len(known.row_lower) + len(rows))
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

    def _bound_row(self, row: int, low: int | None, high: int | None) -> None:
        self._model.row_lower[row], self._model.row_upper[row] = low, high
        self._highs.changeRowBounds(
            row, -INFINITY if low is None else float(low), INFINITY if high is None else float(high)
        )

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
        if self._highs.getModelStatus() in GAVE_UP:
            self._highs.clearSolver()
            self._highs.setOptionValue("presolve", "off")
            self._highs.run()
            self._highs.setOptionValue("presolve", "choose")
        return self._highs.getModelStatus()

    def _run_whole(self) -> tuple[HighsModelStatus, Sequence[int] | None]:
        """By branch and bound.

        Flows are left to be whole by themselves, which is fast; else they are made to.
        """
        flows = self._programme.flows
        status, values = self._run_integer(free=flows)
        if flows and values is None and status == HighsModelStatus.kOptimal:
            status, values = self._run_integer(free=())
        if values is None and status == HighsModelStatus.kOptimal:
            raise SolverError("the solver's answer breaks a condition once it is whole")
        return status, values

    def _run_integer(self, free: Sequence[int]) -> tuple[HighsModelStatus, Sequence[int] | None]:
        size = len(self._model.lower)
        everything = np.arange(size, dtype=np.int32)
        kinds = np.full(size, int(HighsVarType.kInteger), dtype=np.uint8)
        kinds[np.array(free, dtype=np.int64)] = int(HighsVarType.kContinuous)
        self._highs.setOptionValue("mip_abs_gap", self._step - 0.01)
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
        values = list(map(int, rounded.tolist()))
        return values if self._model.allows(values) else None

    def _unproven(self, status: HighsModelStatus) -> SolverError:
        if status == HighsModelStatus.kTimeLimit:
            return SolverError("the time limit was reached before anything was proven")
        return SolverError(f"not proven: {self._highs.modelStatusToString(status)}")
