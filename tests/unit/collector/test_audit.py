"""The audit log: sealed, and not to be flooded."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from quitus_collector.domain.audit import Entry, Event, Kind, entry_after, first_broken
from quitus_collector.services.audit import MAX_PER_WINDOW, WINDOW, Refusals, verify
from tests.builders import NOON
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore


def a_log(length: int = 5) -> list[Entry]:
    entries: list[Entry] = []
    for number in range(length):
        event = Event(NOON, Kind.ENROLLED, "192.0.2.7", f"device d-{number}", {"token": "t-1"})
        entries.append(entry_after(entries[-1] if entries else None, event))
    return entries


def test_a_log_as_it_was_written_is_whole() -> None:
    assert first_broken(a_log()) is None
    assert first_broken([]) is None


@pytest.mark.parametrize(
    ("tamper", "broken"),
    [
        (lambda log: [*log[:2], replace_event(log[2], actor="nobody"), *log[3:]], 3),
        (lambda log: [*log[:2], replace_event(log[2], detail={}), *log[3:]], 3),
        (lambda log: [*log[:2], replace_event(log[2], at=NOON + WINDOW), *log[3:]], 3),
        (lambda log: [*log[:2], *log[3:]], 3),
        (lambda log: log[1:], 1),
        (lambda log: [log[1], log[0], *log[2:]], 1),
        (lambda log: [*log, replace(log[4], number=6)], 6),
    ],
    ids=["other actor", "less detail", "other time", "one gone", "first gone", "swapped", "twice"],
)
def test_the_first_entry_that_was_tampered_with_is_named(
    tamper: Callable[[list[Entry]], list[Entry]], broken: int
) -> None:
    assert first_broken(tamper(a_log())) == broken


def replace_event(entry: Entry, **fields: object) -> Entry:
    return replace(entry, event=replace(entry.event, **fields))  # type: ignore[arg-type]


def test_who_recomputes_a_changed_entry_breaks_the_next_one() -> None:
    log = a_log()
    forged = entry_after(log[1], replace(log[2].event, actor="nobody"))

    assert first_broken([*log[:2], forged, *log[3:]]) == 4


def test_a_log_cut_short_is_told_by_a_noted_digest() -> None:
    store = MemoryStore()
    with store.writing() as work:
        for entry in a_log():
            work.audit.add(entry.event)
    _, _, noted = verify(store)
    with store.writing() as work:
        del work.audit.entries[-1]

    assert verify(store)[0] is None
    assert verify(store, noted)[0] == 5


def refusals_in(store: MemoryStore) -> list[tuple[str, str]]:
    with store.reading() as work:
        return [
            (entry.event.actor, entry.event.detail.get("times", "1")) for entry in work.audit.list()
        ]


def test_the_first_refusal_is_written_at_once_and_the_same_again_is_counted() -> None:
    store, clock = MemoryStore(), FakeClock()
    refusals = Refusals(store, clock)

    for _ in range(1_000):
        refusals.note("192.0.2.7", "unknown token")
    at_once = refusals_in(store)
    clock.advance(WINDOW)
    refusals.flush()

    assert at_once == [("192.0.2.7", "1")]
    assert refusals_in(store) == [("192.0.2.7", "1"), ("192.0.2.7", "999")]


def test_a_flood_from_everywhere_writes_a_bounded_number_of_entries() -> None:
    store, clock = MemoryStore(), FakeClock()
    refusals = Refusals(store, clock)

    for number in range(3_000):
        refusals.note(f"10.0.{number // 250}.{number % 250}", "unknown token")
    clock.advance(WINDOW)
    refusals.flush()

    written = refusals_in(store)
    assert len(written) == MAX_PER_WINDOW + 1
    assert written[-1] == ("others", str(3_000 - MAX_PER_WINDOW))


def test_a_new_window_writes_the_same_refusal_again() -> None:
    store, clock = MemoryStore(), FakeClock()
    refusals = Refusals(store, clock)

    refusals.note("192.0.2.7", "unknown token")
    clock.advance(WINDOW + timedelta(seconds=1))
    refusals.note("192.0.2.7", "unknown token")

    assert refusals_in(store) == [("192.0.2.7", "1")] * 2


def test_what_was_only_counted_is_written_when_the_collector_stops() -> None:
    store = MemoryStore()
    refusals = Refusals(store, FakeClock())

    for _ in range(3):
        refusals.note("192.0.2.7", "unknown token")
    refusals.flush(now_whatever=True)

    assert refusals_in(store) == [("192.0.2.7", "1"), ("192.0.2.7", "2")]
