"""The solver alone: costs that floating point does not hold."""

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.optimisation import Programme, total


def test_a_large_cost_may_be_below_zero() -> None:
    programme = Programme()
    dear, dearer, cheap = (programme.add_variable(3) for _ in range(3))
    programme.add_row({dear: 2, dearer: 2, cheap: 2}, upper=5)
    cost = {dear: -(10**9), dearer: -(10**9) - 1, cheap: 3 * 10**8}

    settled = HighsSolver().open(programme).settle(cost)

    assert settled.is_proven
    assert total(cost, settled.values) == -2 * 10**9 - 2
