"""Long stretches of devices are named at once: what they need is added up."""

import numpy as np
import pytest
from numpy.typing import NDArray

from quitus_collector.domain.licensing.naming.stock import NONE, UNENDING, Supplies, lasting


@pytest.mark.parametrize("seed", range(20))
def test_a_stretch_lasts_until_the_first_need_that_is_not_met(seed: int) -> None:
    chance = np.random.default_rng(seed)
    supplies = Supplies()

    def needed() -> NDArray[np.int32]:
        units = chance.integers(0, 200, 3).tolist()
        return chance.choice([UNENDING, *map(supplies.add, units)], 300).astype(np.int32)

    needs = np.stack([needed() for _ in range(3)], axis=1)
    left, one_by_one = supplies.left.copy(), 0
    for row in needs.tolist():
        if not all(left[supply] for supply in row):
            break
        for supply in row:
            left[supply] -= 1
        one_by_one += 1

    assert lasting(needs, supplies.left) == one_by_one


def test_what_needs_nothing_that_ends_lasts_for_ever() -> None:
    needs = np.full((1_000, 3), UNENDING, np.int32)

    assert lasting(needs, Supplies().left) == 1_000


def test_what_needs_what_is_not_there_does_not_last_at_all() -> None:
    assert lasting(np.full((10, 3), NONE, np.int32), Supplies().left) == 0
