"""Keeping the audit log: who did what, and refusals from outside without being flooded."""

import threading
from collections import Counter
from datetime import datetime, timedelta

from quitus_collector.domain.audit import Event, Kind, first_broken
from quitus_collector.services.ports import Clock, Store

WINDOW = timedelta(minutes=1)
# Different refusals that one window writes by themselves; what comes beyond is counted together.
MAX_PER_WINDOW = 60
OTHERS = ("others", "more refusals than the log keeps apart")
MAX_TEXT = 255


class Refusals:
    """Writes refusals down, at most `2 * MAX_PER_WINDOW + 1` entries a window and process.

    The first of an address (or device) and reason is written at once; the same again within the
    window is counted, and its number written when the window ends.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        """Serves several threads."""
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: Counter[tuple[str, str]] = Counter()
        self._window_ends: datetime | None = None

    def note(self, actor: str, reason: str) -> None:
        """Remembers a refusal, and writes it down if it is a new one."""
        refused = (actor[:MAX_TEXT], reason[:MAX_TEXT])
        self.flush()
        with self._lock:
            now = self._clock.now()
            self._window_ends = self._window_ends or now + WINDOW
            if refused not in self._seen and len(self._seen) >= MAX_PER_WINDOW:
                self._seen[OTHERS] += 1
                return
            self._seen[refused] += 1
            if self._seen[refused] > 1:
                return
        self._write([Event(now, Kind.REFUSED, refused[0], detail={"reason": refused[1]})])

    def flush(self, *, now_whatever: bool = False) -> None:
        """Writes down what was only counted, once its window is over or when told to."""
        with self._lock:
            now = self._clock.now()
            if self._window_ends is None or (now < self._window_ends and not now_whatever):
                return
            counted, self._seen, self._window_ends = self._seen, Counter(), None
        written = {refused: 0 if refused == OTHERS else 1 for refused in counted}
        self._write(
            [
                Event(
                    now,
                    Kind.REFUSED,
                    refused[0],
                    detail={"reason": refused[1], "times": str(times - written[refused])},
                )
                for refused, times in sorted(counted.items())
                if times > written[refused]
            ]
        )

    def _write(self, events: list[Event]) -> None:
        if not events:
            return
        with self._store.writing() as work:
            for event in events:
                work.audit.add(event)


def note_refusal(store: Store, clock: Clock, actor: str, subject: str, reason: str) -> None:
    """Writes down what an operator brought and the collector did not take."""
    detail = {"reason": reason[:MAX_TEXT]}
    with store.writing() as work:
        work.audit.add(Event(clock.now(), Kind.REFUSED, actor, subject[:MAX_TEXT], detail))


def note_export(store: Store, clock: Clock, actor: str, what: str, **detail: str) -> None:
    """Writes down that somebody takes something out of the house."""
    with store.writing() as work:
        work.audit.add(Event(clock.now(), Kind.EXPORTED, actor, what[:MAX_TEXT], detail))


def verify(store: Store, noted: str = "") -> tuple[int | None, int, str]:
    """The first broken entry's number or None, how many entries there are, the last digest.

    `noted` is a digest that the log ended with once; without it, nothing shows a log cut short.
    A log that does not have it is broken after its end.
    """
    with store.reading() as work:
        entries = list(work.audit.list())
    broken = first_broken(entries)
    if broken is None and noted and all(each.digest != noted for each in entries):
        broken = len(entries) + 1
    return broken, len(entries), entries[-1].digest if entries else ""
