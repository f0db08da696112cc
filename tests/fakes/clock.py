from datetime import UTC, date, datetime, time, timedelta

from tests.builders import NOON


class FakeClock:
    """Stands still until told to move."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def today(self) -> date:
        return self._now.date()

    def end_of(self, day: date) -> datetime:
        return datetime.combine(day, time.max, UTC)

    def day_of(self, moment: datetime) -> date:
        return moment.date()

    def advance(self, step: timedelta) -> None:
        self._now += step
