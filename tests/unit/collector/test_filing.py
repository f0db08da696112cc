from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from quitus_collector.errors import FilingRefused
from tests.builders import NOON

LINES = ("adobe/acrobat", "microsoft/visio")


def a_filing(**fields: object) -> Filing:
    values: dict[str, object] = {
        "id": "20261123-abc",
        "reference": "Q1",
        "publisher": "microsoft",
        "document": b"{}",
        "facts": Facts(LINES, 100, 97, 0, 0),
        "policy": Policy(apart=False),
        "drafted_by": "operator zoe",
        "drafted_at": NOON,
    }
    return Filing(**(values | fields))  # type: ignore[arg-type]


def approval(by: str = "operator zoe") -> Approval:
    return Approval(by, "Zoé Noël", "DSI", NOON)


def aside(guard: Guard, reason: str = "counsel agreed on 3 November") -> Override:
    return Override(guard, reason, "operator zoe", NOON)


ATTEMPT = Attempt("p", "operator zoe", NOON, NOON + timedelta(minutes=2), NOON + timedelta(hours=1))
SEALED = Sealed("ab" * 32, "B-T", NOON)


def test_it_goes_from_draft_to_receipt() -> None:
    filing = a_filing().review(LINES[:1])
    assert (filing.state, filing.unread()) == (State.DRAFT, LINES[1:])

    filing = filing.review(LINES[1:])
    assert filing.state is State.REVIEWED
    filing = filing.approve(approval()).seal(SEALED).begin(ATTEMPT)
    assert filing.state is State.SUBMITTING
    filing = filing.lost_sight("no answer").accepted(Receipt("R-1", NOON))

    assert (filing.state, filing.note) == (State.SUBMITTED, "")


@pytest.mark.parametrize(
    ("facts", "guard", "said"),
    [
        (Facts(LINES, 100, 94, 0, 0), Guard.COVERAGE, "94 of 100 known devices report"),
        (Facts(LINES, 0, 0, 0, 0), Guard.COVERAGE, "0 of 0 known devices"),
        (Facts(LINES, 1, 1, 3, 0), Guard.FAILED_SOURCES, "a source failed on 3 devices"),
        (Facts(LINES, 1, 1, 0, 2), Guard.QUARANTINE, "2 devices in quarantine"),
    ],
)
def test_a_guard_that_does_not_hold_is_set_aside_for_a_written_reason_only(
    facts: Facts, guard: Guard, said: str
) -> None:
    filing = a_filing(facts=facts).review(LINES)

    with pytest.raises(FilingRefused, match=said):
        filing.approve(approval())
    with pytest.raises(FilingRefused, match="written reason"):
        filing.approve(approval(), [aside(guard, "  ")])
    approved = filing.approve(approval(), [aside(guard)])

    assert approved.state is State.APPROVED
    assert [each.guard for each in approved.overrides] == [guard]


def test_nothing_is_approved_unread() -> None:
    with pytest.raises(FilingRefused, match="1 of 2 lines are unread"):
        a_filing().review(LINES[:1]).approve(approval())


def test_what_is_not_in_the_way_cannot_be_set_aside() -> None:
    with pytest.raises(FilingRefused, match="coverage is not in the way"):
        a_filing().review(LINES).approve(approval(), [aside(Guard.COVERAGE)])


def test_two_approvers_are_two_people() -> None:
    filing = a_filing(policy=Policy(approvers=2, apart=False)).review(LINES).approve(approval())
    assert filing.state is State.REVIEWED

    with pytest.raises(FilingRefused, match="approved the declaration 20261123-abc already"):
        filing.approve(approval())

    assert filing.approve(approval("operator ali")).state is State.APPROVED


def test_another_document_needs_every_approval_again() -> None:
    policy = Policy(coverage_percent=99, approvers=2, apart=False)
    filing = a_filing(policy=policy).review(LINES).approve(approval(), [aside(Guard.COVERAGE)])

    amended = filing.amend(b'{"reservations": []}', "operator eve")

    assert (amended.approvals, amended.overrides, amended.state) == ((), (), State.REVIEWED)
    assert amended.digest != filing.digest
    assert amended.unread() == ()


def test_what_is_approved_is_not_changed_any_more() -> None:
    filing = a_filing().review(LINES).approve(approval())

    with pytest.raises(FilingRefused, match="is approved: it can be changed when it is draft"):
        filing.amend(b"[]", "operator eve")


def test_the_one_who_drafted_it_does_not_approve_unless_the_settings_allow_it() -> None:
    filing = a_filing(policy=Policy()).review(LINES)

    with pytest.raises(FilingRefused, match="operator zoe drafted"):
        filing.approve(approval())

    assert filing.approve(approval("operator ali")).state is State.APPROVED


def test_who_drafted_at_the_console_is_the_same_person_at_a_terminal() -> None:
    filing = a_filing(policy=Policy(), drafted_by="account Zoe").review(LINES)

    with pytest.raises(FilingRefused, match="operator zoe drafted"):
        filing.approve(approval("operator zoe"))


def test_an_approval_by_an_author_says_so_where_it_is_allowed() -> None:
    filing = a_filing(policy=Policy(approvers=2, apart=False)).review(LINES)

    filing = filing.approve(approval()).approve(approval("operator ali"))

    assert [each.is_author for each in filing.approvals] == [True, False]


def test_who_changed_it_is_an_author_too_where_the_policy_keeps_them_apart() -> None:
    filing = a_filing(policy=Policy(apart=True)).amend(b"[1]", "operator ali").review(LINES)

    with pytest.raises(FilingRefused, match="operator ali drafted or changed"):
        filing.approve(approval("operator ali"))

    assert filing.approve(approval("operator eve")).state is State.APPROVED


def test_a_second_receipt_with_another_number_is_not_taken_silently() -> None:
    filing = a_filing(state=State.SUBMITTING, attempts=(ATTEMPT,), sealed=SEALED)
    filing = filing.accepted(Receipt("R-1", NOON))

    assert filing.accepted(Receipt("R-1", NOON + timedelta(1))) == filing
    with pytest.raises(FilingRefused, match="R-1, and now R-2 too"):
        filing.accepted(Receipt("R-2", NOON))


def test_a_late_receipt_counts_where_it_was_thought_not_to_be_sent() -> None:
    filing = a_filing(state=State.SUBMITTING, attempts=(ATTEMPT,), sealed=SEALED)

    assert filing.not_sent("?").accepted(Receipt("R-1", NOON)).state is State.SUBMITTED


@pytest.mark.parametrize("state", [State.SUBMITTING, State.UNCERTAIN, State.SUBMITTED])
def test_what_a_portal_may_have_is_not_withdrawn(state: State) -> None:
    with pytest.raises(FilingRefused, match="can be withdrawn when"):
        a_filing(state=state, attempts=(ATTEMPT,)).withdraw("no")


STEPS = {
    "review": lambda f: f.review(LINES),
    "approve": lambda f: f.approve(approval()),
    "seal": lambda f: f.seal(SEALED),
    "begin": lambda f: f.begin(ATTEMPT),
    "accepted": lambda f: f.accepted(Receipt("R-1", NOON)),
    "refused": lambda f: f.refused("no"),
    "not_sent": lambda f: f.not_sent("away"),
    "lost_sight": lambda f: f.lost_sight("silence"),
    "withdraw": lambda f: f.withdraw("no need"),
}


@given(st.lists(st.sampled_from(sorted(STEPS)), max_size=30))
def test_whatever_is_tried_nothing_goes_out_unapproved_or_twice(steps: list[str]) -> None:
    filing = a_filing()
    for step in steps:
        before = filing
        try:
            filing = STEPS[step](filing)
        except FilingRefused:
            assert filing is before
            continue
        if step == "begin":
            assert before.state in (State.SEALED, State.REFUSED)
            assert len(filing.approvals) >= filing.policy.approvers
            assert not filing.unread()
        if before.state in (State.WITHDRAWN, State.SUBMITTED):
            assert filing.state is State.SUBMITTED
            assert replace(filing, state=before.state, receipt=before.receipt, note="") == replace(
                before, note=""
            )
