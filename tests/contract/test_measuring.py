"""Which past days are counted to be drawn, and once only."""

from datetime import timedelta

from quitus_collector.services import measuring
from tests.contract.office import DAY, WORD, Office


def test_past_days_are_missing_until_they_were_counted(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD)
    today = office.clock.today()
    assert measuring.missing(office.store, office.clock) == []
    office.after(20)

    missing = measuring.missing(office.store, office.clock)
    for day in missing:
        measuring.record(office.store, day, office.position((office.clock.today() - day) // DAY))

    assert missing[:7] == [office.clock.today() - n * DAY for n in range(1, 8)]
    assert all(day > today for day in missing)
    assert all(day.weekday() == 0 for day in missing[7:])
    assert measuring.missing(office.store, office.clock) == []
    course = measuring.course(office.store, office.clock)
    assert [each.day for each in course] == sorted(missing)
    assert {each.enrolled for each in course} == {1}


def test_a_day_that_is_counted_again_has_its_last_figures(office: Office) -> None:
    office.enrol("d-1")
    measuring.record(office.store, office.clock.today(), office.position())
    office.enrol("d-2")

    measuring.record(office.store, office.clock.today(), office.position())

    (today,) = measuring.course(office.store, office.clock)
    assert today.enrolled == 2


def test_what_lies_a_year_back_is_not_drawn(office: Office) -> None:
    office.enrol("d-1")
    measuring.record(office.store, office.clock.today(), office.position())
    office.clock.advance(timedelta(days=400))

    assert measuring.course(office.store, office.clock) == []
