"""What every store promises of declarations, letters and expected devices."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from quitus_collector.domain.campaign import Answer, Campaign, Nature, Reminder, Reply
from quitus_collector.domain.expected import ExpectedDevice
from quitus_collector.domain.filing import (
    Approval,
    Attempt,
    Facts,
    Filing,
    Guard,
    Override,
    Policy,
    Receipt,
    Sealed,
    State,
)
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Paper, Store
from tests.builders import NOON

FILING = Filing(
    id="20261123-abc",
    reference="Q1",
    publisher="microsoft",
    document='{"é": 1}\n'.encode(),
    facts=Facts(("microsoft/visio",), 100, 97, 1, 2),
    policy=Policy(90, 2, apart=True),
    drafted_by="operator zoe",
    drafted_at=NOON,
    campaign="L-1",
    state=State.SUBMITTED,
    read=("microsoft/visio",),
    approvals=(Approval("operator ali", "Ali Ben", "DAF", NOON),),
    overrides=(Override(Guard.COVERAGE, "été", "operator ali", NOON),),
    sealed=Sealed("ab" * 32, "B-T", NOON),
    attempts=(Attempt("p", "operator ali", NOON, NOON, NOON + timedelta(seconds=1)),),
    receipt=Receipt("R-1", NOON, "cd" * 32),
    note="n",
)
LETTER = Campaign(
    id="L-1",
    publisher="microsoft",
    publisher_label="Microsoft",
    reference="SAM/2026/é",
    dated=date(2026, 11, 2),
    received_on=date(2026, 11, 5),
    nature=Nature.CONTRACTUAL,
    deadline=date(2026, 12, 31),
    entities=("999000110",),
    basis="article 7",
    reminders=(Reminder(date(2026, 11, 20), "R2", date(2027, 1, 15)),),
    replies=(Reply("999000110", Answer.CLARIFY, date(2026, 11, 21)),),
)


def test_a_filing_comes_back_as_it_was_kept(store: Store) -> None:
    with store.writing() as work:
        work.filings.add(replace(FILING, receipt=None, state=State.UNCERTAIN))
        work.filings.add(FILING)

    with store.reading() as work:
        assert work.filings.get(FILING.id) == FILING
        assert work.filings.list() == [FILING]


def test_filings_are_listed_the_newest_first(store: Store) -> None:
    with store.writing() as work:
        for number in (2, 1, 3):
            at = NOON + timedelta(days=number)
            work.filings.add(replace(FILING, id=str(number), drafted_at=at))

    with store.reading() as work:
        assert [each.id for each in work.filings.list()] == ["3", "2", "1"]


def test_a_filing_is_found_by_the_job_that_drafted_it(store: Store) -> None:
    drafted = replace(FILING, id="20261128-00000a", asked_as="j1")
    with store.writing() as work:
        work.filings.add(FILING)
        work.filings.add(drafted)

    with store.reading() as work:
        assert work.filings.find("j1") == drafted
        assert work.filings.find("j2") is None


def test_what_is_not_there_is_an_error_or_nothing(store: Store) -> None:
    with store.reading() as work:
        with pytest.raises(UsageError, match="no declaration has the id 'x'"):
            work.filings.get("x")
        with pytest.raises(UsageError, match="no letter has the id 'x'"):
            work.campaigns.get("x")
        assert work.papers.find("x", Paper.SEALED) is None


def test_papers_are_replaced_by_what_they_are(store: Store) -> None:
    with store.writing() as work:
        work.papers.add("1", Paper.DRAFT, b"draft")
        work.papers.add("1", Paper.SEALED, b"old")
        work.papers.add("1", Paper.SEALED, b"%PDF\x00\xff")

    with store.reading() as work:
        assert work.papers.find("1", Paper.SEALED) == b"%PDF\x00\xff"
        assert work.papers.find("1", Paper.DRAFT) == b"draft"


def test_a_letter_comes_back_as_it_was_kept(store: Store) -> None:
    with store.writing() as work:
        work.campaigns.add(LETTER)
        work.campaigns.add(replace(LETTER, id="L-0", received_on=date(2026, 11, 6)))

    with store.reading() as work:
        assert work.campaigns.get("L-1") == LETTER
        assert [each.id for each in work.campaigns.list()] == ["L-0", "L-1"]


def test_a_list_of_expected_devices_takes_the_place_of_the_one_before(store: Store) -> None:
    with store.writing() as work:
        work.expected_devices.add([ExpectedDevice("old")])
    with store.writing() as work:
        work.expected_devices.add([ExpectedDevice("b", "Lyon"), ExpectedDevice("a", "", "é", "9")])

    with store.reading() as work:
        assert work.expected_devices.list() == [
            ExpectedDevice("a", "", "é", "9"),
            ExpectedDevice("b", "Lyon"),
        ]
