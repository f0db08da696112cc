"""Callers have so many calls in a time, each for itself."""

import pytest

from quitus_collector.entrypoints.grpc import rates
from quitus_collector.entrypoints.grpc.rates import Rate
from quitus_collector.errors import TooManyReports


def allowed(rate: Rate, caller: str, now: float) -> bool:
    try:
        rate.spend(caller, now)
    except TooManyReports:
        return False
    return True


def test_calls_are_allowed_at_once_and_come_back_one_by_one() -> None:
    rate = Rate(3, 60)

    assert [allowed(rate, "a", 0) for _ in range(4)] == [True, True, True, False]
    assert [allowed(rate, "a", 20) for _ in range(2)] == [True, False]
    assert [allowed(rate, "a", 1000) for _ in range(4)] == [True, True, True, False]


def test_who_is_refused_is_told_how_long_to_wait_and_then_let_in() -> None:
    rate = Rate(2, 60)
    for _ in range(2):
        rate.spend("a", 0)

    with pytest.raises(TooManyReports) as refused:
        rate.spend("a", 10)

    assert refused.value.retry_after_s == 20
    assert allowed(rate, "a", 30)


def test_one_caller_does_not_spend_anothers_calls() -> None:
    rate = Rate(1, 60)

    assert allowed(rate, "a", 0)
    assert allowed(rate, "b", 0)


def test_a_flood_of_callers_takes_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_REMEMBERED", 100)
    rate = Rate(1, 60)

    for caller in range(1000):
        rate.spend(str(caller), 0)

    assert len(rate._used_until) == 100
    assert not allowed(rate, "999", 0)
