"""Integer programmes solved to proven optimality by HiGHS."""

from collections.abc import Mapping, Sequence

import highspy
import numpy as np

from quitus_collector.domain.optimisation import Programme, SolverError, total


class HighsSolver:
    """Implements the domain's Solver; every answer is checked in whole numbers."""

    def __init__(self) -> None:
        """Silences the library and asks it for a proof, not for a small gap."""
        self._highs = _Quiet()  # type: ignore[no-untyped-call]
        self._highs.setOptionValue("mip_rel_gap", 0.0)

    def minimise(self, programme: Programme, cost: Mapping[int, int]) -> Sequence[int] | None:
        """See Solver.minimise."""
        highs = self._highs
        highs.clearModel()
        highs.passModel(_model(programme, cost))
        highs.run()
        status = highs.getModelStatus()
        if status == highspy.HighsModelStatus.kInfeasible:
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise SolverError(f"not proven optimal: {highs.modelStatusToString(status)}")
        values = [round(value) for value in highs.getSolution().col_value]
        _check(programme, cost, values, highs.getObjectiveValue())
        return values


class _Quiet(highspy.Highs):
    """HiGHS without its banner, which 1.16 prints from its constructor: standard output is ours."""

    def enableCallbacks(self) -> None:
        """The first thing that the constructor calls."""
        self.silent()
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def _model(programme: Programme, cost: Mapping[int, int]) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    variables = len(programme.upper_bounds)
    lp.num_col_ = variables
    lp.num_row_ = len(programme.rows)
    lp.col_cost_ = np.array([cost.get(v, 0) for v in range(variables)], dtype=np.float64)
    lp.col_lower_ = np.zeros(variables)
    lp.col_upper_ = np.array(programme.upper_bounds, dtype=np.float64)
    lp.integrality_ = [highspy.HighsVarType.kInteger] * variables
    lp.row_lower_ = np.array(
        [-highspy.kHighsInf if row.lower is None else row.lower for row in programme.rows]
    )
    lp.row_upper_ = np.array(
        [highspy.kHighsInf if row.upper is None else row.upper for row in programme.rows]
    )
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    starts, columns, values = [0], list[int](), list[int]()
    for row in programme.rows:
        columns.extend(row.coefficients)
        values.extend(row.coefficients.values())
        starts.append(len(columns))
    lp.a_matrix_.start_ = np.array(starts)
    lp.a_matrix_.index_ = np.array(columns)
    lp.a_matrix_.value_ = np.array(values, dtype=np.float64)
    return lp


def _check(
    programme: Programme, cost: Mapping[int, int], values: Sequence[int], objective: float
) -> None:
    """Floating point found the answer; whole numbers say whether it is one."""
    for row in programme.rows:
        reached = total(row.coefficients, values)
        if (row.lower is not None and reached < row.lower) or (
            row.upper is not None and reached > row.upper
        ):
            raise SolverError("the solver's answer breaks a constraint once it is made whole")
    exact = total(cost, values)
    if abs(exact - objective) > 0.5:
        raise SolverError(f"the solver's optimum {objective} is not the {exact} of its answer")
