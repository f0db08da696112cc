from dataclasses import replace
from datetime import date, timedelta

import pytest

from quitus_collector.domain.campaign import (
    Answer,
    Campaign,
    Nature,
    Reminder,
    Reply,
    pressing,
    progress,
)
from quitus_collector.domain.filing import State
from quitus_collector.errors import UsageError
from quitus_collector.services import campaigns
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore
from tests.unit.collector.test_filing import a_filing

DAY = date(2026, 11, 23)
LETTER = Campaign(
    id="L-1",
    publisher="microsoft",
    publisher_label="Microsoft",
    reference="R",
    dated=date(2026, 11, 2),
    received_on=date(2026, 11, 5),
    nature=Nature.VOLUNTARY,
    deadline=date(2026, 12, 15),
    entities=("999000110", "999000227"),
)


def reply(entity: str = "999000110", answer: Answer = Answer.DECLARE, **fields: str) -> Reply:
    return Reply(entity, answer, DAY, **fields)


def test_progress_tells_who_answered_and_who_has_gaps() -> None:
    campaign = LETTER.reply(reply(filing="f"))

    found = progress(campaign, DAY, {"f": True})

    assert (found.entities, found.answered, found.declared, found.with_gaps) == (2, 1, 1, 1)
    assert (found.open, found.days_left, found.is_late) == (("999000227",), 22, False)
    assert progress(campaign, DAY + timedelta(30), {}).is_late


def test_an_entity_may_answer_again() -> None:
    campaign = LETTER.reply(reply(answer=Answer.CLARIFY)).reply(reply())

    assert [each.answer for each in campaign.replies] == [Answer.DECLARE]


def test_a_reminder_may_move_the_deadline() -> None:
    campaign = LETTER.remind(Reminder(date(2026, 12, 1), deadline=date(2027, 1, 10)))
    campaign = campaign.remind(Reminder(date(2026, 12, 20)))

    assert campaign.due == date(2027, 1, 10)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="before the day it is dated"):
        replace(LETTER, received_on=date(2026, 11, 1))
    with pytest.raises(UsageError, match="deadline of the letter L-1 lies before"):
        replace(LETTER, deadline=date(2026, 11, 1))
    with pytest.raises(UsageError, match="name the clause or the decision"):
        replace(LETTER, nature=Nature.JUDICIAL)
    with pytest.raises(UsageError, match="cannot come before the letter"):
        LETTER.remind(Reminder(date(2026, 11, 1)))
    with pytest.raises(UsageError, match="does not address the entity 356000000"):
        LETTER.reply(reply("356000000"))
    with pytest.raises(UsageError, match="needs its reasons"):
        LETTER.reply(reply(answer=Answer.DECLINE))


def test_what_presses_comes_first() -> None:
    near = replace(LETTER, id="near", deadline=DAY + timedelta(3))
    over = replace(LETTER, id="over", deadline=DAY - timedelta(3))
    done = replace(near, id="done", entities=()).reply(reply())

    assert [each.id for each in pressing([LETTER, near, over, done], DAY)] == ["over", "near"]


def test_a_declaration_that_an_entity_names_answers_this_letter() -> None:
    store, clock = MemoryStore(), FakeClock()
    gap = a_filing(
        id="f", campaign="L-1", document=b'{"totals": {"gap": 2}}', state=State.SUBMITTED
    )
    with store.writing() as work:
        work.filings.add(gap)
        work.filings.add(replace(gap, id="other", campaign=""))
    campaigns.register(store, clock, LETTER, actor="operator zoe")

    with pytest.raises(UsageError, match="other does not answer the letter L-1"):
        campaigns.answer(store, clock, "L-1", reply(filing="other"), actor="operator zoe")
    campaigns.answer(store, clock, "L-1", reply(filing="f"), actor="operator zoe")

    ((_, found),) = campaigns.overview(store, DAY)
    assert (found.declared, found.with_gaps) == (1, 1)
    with pytest.raises(UsageError, match="registered already"):
        campaigns.register(store, clock, LETTER, actor="operator zoe")
