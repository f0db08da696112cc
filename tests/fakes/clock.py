from datetime import date, datetime, timedelta

from tests.builders import NOON


class FakeClock:
    """Stands still until told to move."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def today(self) -> date:
        return self._now.date()

    def advance(self, step: timedelta) -> None:
        self._now += step
