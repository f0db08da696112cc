"""Positions as the console shows them: counted once for everyone who looks."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Generic, NamedTuple, TypeVar

from quitus_collector.domain.position import Position
from quitus_collector.domain.price import Costs, Price, costs
from quitus_collector.errors import CollectorError
from quitus_collector.services import measuring, prices, roster
from quitus_collector.services.readings import Readings
from quitus_collector.wiring import licensing
from quitus_collector.wiring.background import Background
from quitus_collector.wiring.collector import Collector

log = logging.getLogger(__name__)
# Older figures are counted again while they are still shown.
FRESH = timedelta(minutes=5)
# Past days whose positions are kept in memory: the past does not change.
PAST = 8
# Of as many positions what gaps cost is kept: declared, at best, at worst, and one that was.
COSTED = 4

Counted = TypeVar("Counted")


@dataclass(frozen=True, slots=True)
class Count(Generic[Counted]):
    """What was counted, and when that began."""

    value: Counted
    at: datetime


class Kept(Generic[Counted]):
    """One figure. Who comes first waits for it; who comes later has the last one at once."""

    def __init__(self, count: Callable[[], Counted], now: Callable[[], datetime]) -> None:
        """`count` is called by one thread at a time."""
        self._count = count
        self._now = now
        self._counting = threading.Lock()
        self._last: Count[Counted] | None = None
        self._is_stale = False

    def get(self) -> Count[Counted]:
        """The last count, or a new one after `expire`; raises what counting raises."""
        last = self._last
        if last is None or self._is_stale:
            return self._recount(last)
        if self._now() - last.at >= FRESH and not self._counting.locked():
            threading.Thread(target=self._refresh, args=(last,), daemon=True).start()
        return last

    def expire(self) -> None:
        """A person changed what is counted: the next look waits for a new count."""
        self._is_stale = True

    def _recount(self, seen: Count[Counted] | None) -> Count[Counted]:
        with self._counting:
            if self._last is not None and self._last is not seen and not self._is_stale:
                return self._last
            at, self._is_stale = self._now(), False
            try:
                self._last = Count(self._count(), at)
            except BaseException:
                self._is_stale = True
                raise
            return self._last

    def _refresh(self, seen: Count[Counted]) -> None:
        try:
            self._recount(seen)
        except CollectorError as error:
            # What was counted before is still shown, with its time.
            log.warning("the position is not counted anew", extra={"reason": str(error)})


class Costed(NamedTuple):
    """What was counted, and of what: the very objects, which nobody changes."""

    position: Position
    prices: Sequence[Price]
    catalogue: str
    day: date
    costs: Costs


class Figures:
    """Everything that takes longer to count than a page may take."""

    def __init__(self, collector: Collector) -> None:
        """Counts nothing yet."""
        now = collector.clock.now
        self._collector = collector
        self._now_position = Kept(self._count, now)
        self._now_readings = Kept(lambda: licensing.readings(collector), now)
        self._past: OrderedDict[tuple[date, str], Position] = OrderedDict()
        self._watched = Kept(lambda: roster.watch(collector.store, collector.clock), now)
        self._products = Kept(lambda: roster.products(collector.store), now)
        self._prices = Kept(lambda: prices.listed(collector.store), now)
        self._costs: tuple[Costed, ...] = ()
        self._generation = 0
        # What single pages look into; see `behind`.
        self.background = Background()

    def _count(self) -> Position:
        """The position of now, whose figures are kept for the day."""
        found, clock = licensing.position(self._collector), self._collector.clock
        try:
            measuring.record(self._collector.store, clock.today(), found)
        except CollectorError as error:
            # A reader does not go without the position because nothing can be written.
            log.warning("the day's figures are not kept", extra={"reason": str(error)})
        return found

    def keep_up(self, over: threading.Event) -> None:
        """Counts the past days that are to be drawn and are not there, until told to stop.

        It rests as long as it worked, so that pages have the processor in between.
        """
        store, clock = self._collector.store, self._collector.clock
        for day in measuring.missing(store, clock):
            began = time.monotonic()
            try:
                measuring.record(store, day, licensing.position(self._collector, day))
            except CollectorError as error:
                log.warning("a past day is not counted", extra={"reason": str(error)})
                return
            if over.wait(time.monotonic() - began):
                return

    def position(self) -> Count[Position]:
        """Of now, or of a few minutes ago."""
        return self._now_position.get()

    def readings(self) -> Count[Readings]:
        """Declared, best and worst, of now or of a few minutes ago."""
        return self._now_readings.get()

    def position_of(self, day: date) -> Position:
        """Of the end of a past day; raises UsageError where the history does not reach so far."""
        key = day, self._collector.catalogue.digest
        if key not in self._past:
            self._past[key] = licensing.position(self._collector, day)
            while len(self._past) > PAST:
                self._past.popitem(last=False)
        return self._past[key]

    def watch(self) -> Count[roster.Watch]:
        """How many devices are in each condition, and at which sites devices are."""
        return self._watched.get()

    def products(self) -> Count[Mapping[str, int]]:
        """On how many devices each product is that needs a licence."""
        return self._products.get()

    def costs(self, found: Position) -> Costs:
        """What the gaps of a position of now come to by the price list that is kept.

        It is counted once for all pages that show the same position.
        """
        listed, day = self._prices.get().value, self._collector.clock.today()
        catalogue = self._collector.catalogue
        for each in self._costs:
            if (
                each.position is found
                and each.prices is listed
                and each[2:4] == (catalogue.digest, day)
            ):
                return each.costs
        counted = costs(found.lines, listed, catalogue, day)
        self._costs = (
            Costed(found, listed, catalogue.digest, day, counted),
            *self._costs[: COSTED - 1],
        )
        return counted

    def behind(self, question: Hashable, answer: Callable[[], Counted]) -> Counted | None:
        """What is counted for one page, None while it is not there yet.

        It is counted once for all who ask until a person changes something, or an hour has passed.
        """
        now = self._collector.clock.now()
        asked = (question, self._generation, self._collector.catalogue.digest, f"{now:%F %H}")
        found: Counted | None = self.background.get(asked, answer)
        return found

    def past(self, day: date) -> Position | None:
        """Of the end of a past day, None while it is counted; raises what `position_of` raises."""
        return self.behind(("position", day), lambda: licensing.position(self._collector, day))

    def expire(self) -> None:
        """After a change by a person."""
        self._generation += 1
        self._now_position.expire()
        self._now_readings.expire()
        self._watched.expire()
        self._products.expire()
        self.reprice()

    def reprice(self) -> None:
        """After a change of the price list, on which no count of licences depends."""
        self._prices.expire()
