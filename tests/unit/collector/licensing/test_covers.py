"""Covers by numbers are a sequence of covers like any other."""

import numpy as np
import pytest

from quitus_collector.domain.entitlement import Right
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.covers import ROW, Cover, Covers
from tests.builders import rows_of

NAMES = Names(("", "pc-1", "pc-2"), ("", "ann", "bob"), ("p/a", "p/b"), ("E-1", "E-2"))
SORTED = [
    Cover("", "p/b", "E-1", "ann", Right.DIRECT),
    Cover("pc-1", "p/a", "E-2", "", Right.DOWNGRADE),
    Cover("pc-1", "p/b", "E-1", "bob", Right.SUITE),
    Cover("pc-1", "p/b", "E-2", "ann", Right.DIRECT),
    Cover("pc-2", "p/a", "E-1", "", Right.DIRECT),
]


@pytest.fixture
def covers() -> Covers:
    """Those of SORTED, from two parts."""
    return Covers(NAMES, [rows_of(SORTED[3:], NAMES), rows_of(SORTED[:3], NAMES)])


def test_covers_of_several_parts_are_in_the_order_of_their_names(covers: Covers) -> None:
    assert list(covers) == SORTED == sorted(SORTED)


def test_one_cover_or_a_few_are_had_by_place(covers: Covers) -> None:
    assert len(covers) == 5
    assert (covers[0], covers[-1]) == (SORTED[0], SORTED[-1])
    assert covers[1:3] == SORTED[1:3]
    with pytest.raises(IndexError):
        covers[5]


def test_covers_equal_any_sequence_of_the_same_covers(covers: Covers) -> None:
    assert covers == SORTED
    assert covers == Covers(NAMES, [rows_of(SORTED, NAMES)])
    assert covers != SORTED[1:]
    assert repr(covers) == repr(SORTED)


def test_there_may_be_no_covers() -> None:
    assert Covers(NAMES, []) == Covers(NAMES, [np.empty(0, ROW)]) == []
