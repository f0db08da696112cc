"""By how much a cost can move while others are held, against enumeration."""

from collections.abc import Sequence
from itertools import product
from math import gcd

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quitus_collector.adapters.solver.lattice import step
from tests.unit.collector.licensing.documents import thorough

REACH = 20
weights = st.integers(-4, 4)
# Two variables and up to one held cost: what moves the cost least is within reach.
costs = st.lists(weights, min_size=2, max_size=2)


def _numbered(each: Sequence[int]) -> dict[int, int]:
    return dict(enumerate(each))


@thorough
@given(costs, st.lists(costs, max_size=2))
def test_a_step_is_what_divides_every_move(cost: list[int], held: list[list[int]]) -> None:
    moves = [
        sum(c * d for c, d in zip(cost, move, strict=True))
        for move in product(range(-REACH, REACH + 1), repeat=2)
        if all(not sum(h * d for h, d in zip(each, move, strict=True)) for each in held)
    ]

    assert step(_numbered(cost), [_numbered(each) for each in held], range(2)) == gcd(*moves)


@thorough
@given(
    st.lists(weights, min_size=5, max_size=5),
    st.lists(st.lists(weights, min_size=5, max_size=5), max_size=3),
)
def test_no_short_move_is_less_than_a_step(cost: list[int], held: list[list[int]]) -> None:
    found = step(_numbered(cost), [_numbered(each) for each in held], range(5))

    for move in product(range(-2, 3), repeat=5):
        if all(not sum(h * d for h, d in zip(each, move, strict=True)) for each in held):
            moved = sum(c * d for c, d in zip(cost, move, strict=True))
            assert moved % found == 0 if found else moved == 0


@pytest.mark.parametrize(
    ("cost", "held", "free", "expected"),
    [
        pytest.param({0: 1, 1: 1}, [], range(2), 1, id="nothing-held"),
        pytest.param({0: 6, 1: 4}, [], range(2), 2, id="a-common-divisor"),
        pytest.param({0: 1, 1: 1}, [{0: 67, 1: 385}], range(2), 318, id="two-prices"),
        pytest.param({0: 1, 1: 1}, [{0: 67, 1: 385}], [1], 0, id="one-is-fixed"),
        pytest.param({0: 10**30, 1: 1}, [{0: 10**20, 1: 1}], range(2), 10**30 - 10**20, id="large"),
    ],
)
def test_steps(
    cost: dict[int, int], held: list[dict[int, int]], free: Sequence[int], expected: int
) -> None:
    assert step(cost, held, free) == expected
