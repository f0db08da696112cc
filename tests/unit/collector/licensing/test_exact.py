"""Conditions and proofs in whole numbers, whether they fit in 64 bits or not."""

import numpy as np
import pytest

from quitus_collector.adapters.solver.exact import Model
from quitus_collector.domain.optimisation import Row

SCALES = [
    pytest.param(1, id="small"),
    pytest.param(2**40, id="products-beyond-64-bits"),
    pytest.param(2**62, id="sums-beyond-64-bits"),
    pytest.param(10**30, id="numbers-beyond-64-bits"),
]


def model_of(bounds: list[int], rows: list[Row]) -> Model:
    model = Model()
    model.add_variables(bounds)
    model.add_rows(rows)
    return model


@pytest.mark.parametrize("scale", SCALES)
def test_values_are_allowed_up_to_the_last_unit_of_a_row(scale: int) -> None:
    model = model_of([9 * scale, 9], [Row({0: scale, 1: 1}, scale * scale, scale * scale + 1)])

    allowed = [model.allows([scale, extra]) for extra in (0, 1, 2)]

    assert allowed == [True, True, False]


@pytest.mark.parametrize("scale", SCALES)
def test_values_beyond_a_bound_are_refused(scale: int) -> None:
    model = model_of([scale], [Row({0: 1})])

    allowed = [model.allows([value]) for value in (-1, 0, scale, scale + 1)]

    assert allowed == [False, True, True, False]


@pytest.mark.parametrize("scale", SCALES)
def test_duals_bound_a_cost_exactly(scale: int) -> None:
    # 3 a + 5 b where a + b >= 2, a <= 1: one of each.
    rows = [Row({0: 1, 1: 1}, lower=2 * scale), Row({0: 1}, upper=scale)]
    model = model_of([9 * scale, 9 * scale], rows)

    bound, (reduced, duals) = model.bound({0: 3, 1: 5}, np.array([5.0, -2.0]), 12)

    assert bound == (3 + 5) * scale * 12
    assert reduced.tolist() == [0, 0]
    assert duals.tolist() == [60, -24]


def test_a_dual_of_a_side_without_bound_proves_nothing() -> None:
    model = model_of([9], [Row({0: 1}, upper=5)])

    bound, (_, duals) = model.bound({0: 1}, np.array([1.0]), 1)

    assert (bound, duals.tolist()) == (0, [0])
