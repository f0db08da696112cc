from dataclasses import replace
from datetime import date, timedelta

import pytest

from quitus_collector.domain import notice
from quitus_collector.domain.campaign import Answer, Campaign, Nature, Reply
from tests.builders import an_entitlement

TODAY = date(2026, 6, 1)
LETTER = Campaign(
    id="L-1",
    publisher="acme",
    publisher_label="Acme",
    reference="",
    dated=TODAY - timedelta(days=60),
    received_on=TODAY - timedelta(days=58),
    nature=Nature.VOLUNTARY,
    deadline=TODAY + timedelta(days=10),
    entities=("999000110",),
)


def keys(found: object) -> list[str]:
    return [each.key for each in found]  # type: ignore[attr-defined]


def test_a_deadline_is_told_when_it_is_near_again_when_it_is_nearer_and_when_it_is_over() -> None:
    days = (0, 2, 4, 9, 10, 11, 15)
    told = [keys(notice.deadlines([LETTER], TODAY + timedelta(days=n))) for n in days]

    assert all(len(each) == 1 for each in told)
    assert len({each[0] for each in told}) == 3
    assert told[0] == told[1]
    assert told[4] == told[5] == told[6]


def test_a_letter_that_all_answered_is_not_told() -> None:
    answered = replace(LETTER, replies=(Reply("999000110", Answer.DECLARE, TODAY),))

    assert keys(notice.deadlines([answered], TODAY)) == []


@pytest.mark.parametrize(("days", "step"), [(60, 60), (31, 60), (30, 30), (8, 30), (7, 7), (0, 7)])
def test_an_end_is_told_in_three_steps(days: int, step: int) -> None:
    ends = TODAY + timedelta(days=days)
    (told,) = notice.expiries([an_entitlement("E-1", valid_until=ends)], TODAY)

    assert told.key == f"expiry E-1 licence {ends} {step}"
    assert told.values["ends"] == ends.isoformat()


@pytest.mark.parametrize("days", [-1, 61])
def test_what_ended_or_ends_much_later_is_not_told(days: int) -> None:
    line = an_entitlement("E-1", maintenance_until=TODAY + timedelta(days=days))

    assert keys(notice.expiries([line], TODAY)) == []


def test_coverage_is_told_below_what_a_declaration_needs() -> None:
    assert keys(notice.coverage(94, 100, 95)) == ["coverage"]
    assert keys(notice.coverage(95, 100, 95)) == []
    assert keys(notice.coverage(0, 0, 95)) == []


def test_certificates_are_told_by_their_number_alone() -> None:
    (told,) = notice.certificates(3)

    assert told.values == {"devices": "3"}
    assert keys(notice.certificates(0)) == []
