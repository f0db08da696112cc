"""The figures of each day, kept to be drawn: today's as they are counted, past ones once."""

from collections.abc import Sequence
from datetime import date, timedelta

from quitus_collector.domain.measurement import Measurement, measure
from quitus_collector.domain.position import Position
from quitus_collector.services.ports import Clock, Store

# How far back is drawn; before the last week, a day of each week is enough to see a course.
SPAN, DAILY, STEP = timedelta(days=364), timedelta(days=7), timedelta(days=7)


def record(store: Store, day: date, position: Position) -> None:
    """Keeps the figures of a day, in place of those that were counted earlier that day."""
    measured = measure(position, day)
    with store.reading() as work:
        if measured in work.measurements.list(since=day):
            return
    with store.writing() as work:
        work.measurements.add([measured])


def course(store: Store, clock: Clock) -> Sequence[Measurement]:
    """What is kept of the days that are drawn, the oldest first."""
    with store.reading() as work:
        return work.measurements.list(since=clock.today() - SPAN)


def missing(store: Store, clock: Clock) -> Sequence[date]:
    """The past days that are to be drawn and were not counted, the newest first."""
    today = clock.today()
    with store.reading() as work:
        begins = work.fleet.begins_at()
        there = {each.day for each in work.measurements.list(since=today - SPAN)}
    if begins is None:
        return []
    # The day on which the history begins is there in part only.
    first = max(clock.day_of(begins) + timedelta(days=1), today - SPAN)
    wanted = [today - timedelta(days=n) for n in range(1, DAILY.days + 1)]
    # On the same days of the week whenever it is asked, so that they are counted once.
    monday = today - DAILY - timedelta(days=today.weekday())
    wanted += [monday - n * STEP for n in range(SPAN // STEP)]
    return [day for day in dict.fromkeys(wanted) if day >= first and day not in there]
