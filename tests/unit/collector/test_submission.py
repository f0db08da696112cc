from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256

import pytest

from quitus_collector.domain.filing import Filing, Sealed, State
from quitus_collector.errors import (
    CollectorError,
    FilingRefused,
    NotSent,
    OutcomeUnknown,
    PortalMismatch,
    PortalRefused,
    UsageError,
)
from quitus_collector.services import submission
from quitus_collector.services.ports import Accepted, Disclosed, Paper, Sending
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore
from tests.unit.collector.test_filing import a_filing

PDF = b"%PDF"
ME = "operator zoe"


class FakePortal:
    """Does what it is told; keeps what it was sent."""

    name, timeout_s, settles_s = "site", 60, 600

    def __init__(self) -> None:
        self.trouble: Exception | None = None
        self.mismatch: Exception | None = None
        self.known: Accepted | None = None
        self.sent: list[Sending] = []

    def disclose(self, sending: Sending) -> Sequence[Disclosed]:
        return []

    def check(self, sending: Sending) -> None:
        if self.mismatch:
            raise self.mismatch

    def submit(self, sending: Sending) -> Accepted:
        self.sent.append(sending)
        if self.trouble:
            raise self.trouble
        return Accepted("R-1", b"page")

    def look_up(self, reference: str) -> Accepted | None:
        return self.known


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def portal() -> FakePortal:
    return FakePortal()


@pytest.fixture
def store(clock: FakeClock) -> MemoryStore:
    made = MemoryStore(clock.now)
    sealed = Sealed(sha256(PDF).hexdigest(), "B-T", clock.now())
    with made.writing() as work:
        work.filings.add(a_filing(id="f", state=State.SEALED, sealed=sealed))
        work.papers.add("f", Paper.SEALED, PDF)
        work.papers.add("f", Paper.DATA, b'{"state": "approved"}')
    return made


def filing(store: MemoryStore) -> Filing:
    with store.reading() as work:
        return work.filings.get("f")


def kinds(store: MemoryStore) -> list[str]:
    with store.reading() as work:
        return [each.event.kind.value for each in work.audit.list()]


def test_that_it_is_sent_is_written_down_before_it_is(
    store: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    seen: list[State] = []
    portal.submit = lambda _: seen.append(filing(store).state) or Accepted("R-1", b"p")  # type: ignore

    submitted = submission.submit(store, clock, portal, "f", actor=ME)

    assert seen == [State.SUBMITTING]
    assert submitted.receipt
    assert submitted.receipt.page_sha256 == sha256(b"p").hexdigest()
    assert kinds(store) == ["declaration being submitted", "declaration submitted"]


def test_what_is_sent_is_the_sealed_document_and_the_data_in_it(
    store: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    submission.submit(store, clock, portal, "f", actor=ME)

    (sent,) = portal.sent
    assert sent.files == {"declaration.pdf": PDF, "declaration.json": b'{"state": "approved"}'}
    assert sent.values["reference"] == "Q1"


def test_a_portal_that_is_not_as_described_changes_nothing(
    store: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    portal.mismatch, before = PortalMismatch("no field"), filing(store)

    with pytest.raises(PortalMismatch):
        submission.submit(store, clock, portal, "f", actor=ME)

    assert (filing(store), portal.sent, kinds(store)) == (before, [], [])


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (NotSent("away"), State.SEALED),
        (PortalMismatch("page 2"), State.SEALED),
        (PortalRefused("no"), State.REFUSED),
        (OutcomeUnknown("silence"), State.UNCERTAIN),
    ],
)
def test_what_came_of_it_is_kept_with_its_reason(
    store: MemoryStore,
    clock: FakeClock,
    portal: FakePortal,
    trouble: CollectorError,
    state: State,
) -> None:
    portal.trouble = trouble

    found = submission.submit(store, clock, portal, "f", actor=ME)

    assert (found.state, found.note) == (state, str(trouble))
    assert filing(store) == found


def test_of_a_fault_of_our_own_the_outcome_is_unknown(
    store: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    portal.trouble = ZeroDivisionError("x")

    with pytest.raises(ZeroDivisionError):
        submission.submit(store, clock, portal, "f", actor=ME)

    assert filing(store).state is State.UNCERTAIN


@pytest.fixture
def uncertain(store: MemoryStore, clock: FakeClock, portal: FakePortal) -> MemoryStore:
    portal.trouble = OutcomeUnknown("silence")
    submission.submit(store, clock, portal, "f", actor=ME)
    portal.trouble = None
    return store


def test_nothing_is_sent_while_it_is_uncertain(
    uncertain: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    with pytest.raises(FilingRefused, match="is uncertain"):
        submission.submit(uncertain, clock, portal, "f", actor=ME)

    assert len(portal.sent) == 1


def test_a_portal_that_has_nothing_yet_proves_nothing(
    uncertain: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    early = submission.ask(uncertain, clock, portal, "f", actor=ME)
    assert (early.state, "ask again after 2026-11-23 12:11" in early.note) == (
        State.UNCERTAIN,
        True,
    )
    with pytest.raises(FilingRefused, match="may still arrive"):
        submission.say_not_submitted(uncertain, clock, "f", "I looked", actor=ME)

    clock.advance(timedelta(minutes=11))
    assert submission.ask(uncertain, clock, portal, "f", actor=ME).state is State.SEALED
    assert submission.submit(uncertain, clock, portal, "f", actor=ME).state is State.SUBMITTED


def test_a_portal_that_has_it_ends_the_doubt_at_once(
    uncertain: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    portal.known = Accepted("R-7", b"page")

    found = submission.ask(uncertain, clock, portal, "f", actor=ME)

    assert found.receipt
    assert found.receipt.number == "R-7"


def test_a_person_may_have_the_receipt(uncertain: MemoryStore, clock: FakeClock) -> None:
    with pytest.raises(UsageError, match="has a number"):
        submission.say_submitted(uncertain, clock, "f", " ", b"", actor=ME)
    found = submission.say_submitted(uncertain, clock, "f", "R-9", b"scan", actor=ME)

    assert found.receipt
    assert (found.receipt.number, found.receipt.by) == ("R-9", ME)


def test_what_may_be_under_way_just_now_is_left_to_who_sends_it(
    store: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    before = filing(store)
    with store.writing() as work:
        work.filings.add(before.begin(submission._attempt(portal, ME, clock.now())))

    with pytest.raises(FilingRefused, match="may be being sent just now"):
        submission.ask(store, clock, portal, "f", actor=ME)

    assert filing(store).state is State.SUBMITTING


def test_a_document_that_was_sealed_anew_meanwhile_is_not_sent(
    store: MemoryStore, clock: FakeClock, portal: FakePortal
) -> None:
    def seal_anew(_: Sending) -> None:
        with store.writing() as work:
            found = work.filings.get("f")
            work.filings.add(replace(found, sealed=Sealed("cd" * 32, "B-T", clock.now())))

    portal.check = seal_anew  # type: ignore[method-assign]

    with pytest.raises(FilingRefused, match="sealed anew"):
        submission.submit(store, clock, portal, "f", actor=ME)

    assert portal.sent == []
