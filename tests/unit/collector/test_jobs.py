"""Long work is done once, told about, and taken up again after a process died."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta

import pytest

from quitus_collector.domain.job import MAX_TRIES, SILENT, Job, JobState
from quitus_collector.errors import StoreAway, UsageError
from quitus_collector.services import jobs
from quitus_collector.services.jobs import Progress, Task, Worker, ask
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore, MemoryUnitOfWork


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(clock: FakeClock) -> MemoryStore:
    return MemoryStore(clock.now)


def queue(store: MemoryStore, clock: FakeClock, content: bytes | None = None) -> Job:
    return ask(store, clock, "count", {"n": "2"}, actor="account zoe", content=content)


def now_is(store: MemoryStore, job: Job) -> Job:
    with store.reading() as work:
        return work.jobs.get(job.id)


def test_a_job_is_done_with_its_arguments_and_what_was_uploaded(
    store: MemoryStore, clock: FakeClock
) -> None:
    def count(job: Job, content: bytes, progress: Progress) -> dict[str, str]:
        progress(1, 2)
        return {"said": f"{job.arguments['n']} {content.decode()}"}

    job = queue(store, clock, b"files")
    worker = Worker(store, clock, {"count": count})

    assert worker.work_once()
    assert not worker.work_once()
    done = now_is(store, job)
    assert (done.state, done.result) == (JobState.DONE, {"said": "2 files"})
    assert (done.done, done.total) == (1, 2)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UsageError("the file is empty"), "the file is empty"),
        (RuntimeError("internals"), "an error of Quitus itself: see its log"),
    ],
)
def test_a_job_that_fails_says_why_and_shows_nothing_of_a_fault(
    store: MemoryStore, clock: FakeClock, error: Exception, said: str
) -> None:
    def fails(*_: object) -> dict[str, str]:
        raise error

    job = queue(store, clock)
    Worker(store, clock, {"count": fails}).work_once()

    assert (now_is(store, job).state, now_is(store, job).failure) == (JobState.FAILED, said)


def test_a_job_that_was_left_behind_is_taken_up_again_but_not_for_ever(
    store: MemoryStore, clock: FakeClock
) -> None:
    job = queue(store, clock)
    tries: list[int] = []
    nothing: Callable[..., dict[str, str]] = lambda job, *_: tries.append(job.tries) or {}  # noqa: E731
    worker = Worker(store, clock, {"count": nothing})
    for _ in range(MAX_TRIES):
        with store.writing() as work:
            # What a process leaves that dies in the middle.
            work.jobs.add(work.jobs.get(job.id).taken(clock.now()))
        assert not worker.work_once()
        clock.advance(SILENT + timedelta(seconds=1))

    assert worker.work_once()
    assert tries == []
    assert now_is(store, job).failure == "it was begun several times and never came to an end"


class AwayStore(MemoryStore):
    """Nothing can be written while it is away."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock.now)
        self.is_away = False
        self.refused = threading.Event()

    def writing(self) -> AbstractContextManager[MemoryUnitOfWork]:
        if self.is_away:
            self.refused.set()
            raise StoreAway("another program keeps it locked")
        return super().writing()


def test_a_job_goes_on_while_the_database_is_away_and_its_result_is_kept(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BEAT_EVERY_S", 0.01)
    store, beats = AwayStore(clock), []

    def slow(job: Job, _: bytes, progress: Progress) -> dict[str, str]:
        progress(1, 2)
        store.is_away = True
        assert store.refused.wait(20)
        store.is_away = False
        # The heart goes on beating: what was done is told once it can be.
        while not beats:
            beats.extend([1] if now_is(store, job).done else [])
        store.refused.clear()
        store.is_away = True
        threading.Thread(target=comes_back).start()
        return {"said": "done"}

    def comes_back() -> None:
        assert store.refused.wait(20)
        store.is_away = False

    job = queue(store, clock)
    Worker(store, clock, {"count": slow}).work_once()

    assert (now_is(store, job).state, now_is(store, job).result) == (
        JobState.DONE,
        {"said": "done"},
    )


def test_a_worker_that_is_to_end_does_not_wait_for_the_database(
    clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BEAT_EVERY_S", 0.01)
    store, over = AwayStore(clock), threading.Event()

    def last(*_: object) -> dict[str, str]:
        store.is_away = True
        over.set()
        return {}

    job = queue(store, clock)
    Worker(store, clock, {"count": last}, over).work_once()

    # It is taken up again after the restart.
    assert now_is(store, job).state is JobState.RUNNING


def test_who_held_a_job_before_does_not_tell_of_it_any_more(
    store: MemoryStore, clock: FakeClock
) -> None:
    def overtaken(job: Job, *_: object) -> dict[str, str]:
        with store.writing() as work:
            clock.advance(SILENT + timedelta(seconds=1))
            work.jobs.add(work.jobs.get(job.id).taken(clock.now()))
        return {"said": "late"}

    job = queue(store, clock)
    Worker(store, clock, {"count": overtaken}).work_once()

    assert (now_is(store, job).state, now_is(store, job).tries) == (JobState.RUNNING, 2)


def test_a_job_of_a_process_that_died_once_is_done_by_another(
    store: MemoryStore, clock: FakeClock
) -> None:
    job = queue(store, clock)
    with store.writing() as work:
        work.jobs.add(replace(job, state=JobState.RUNNING, tries=1, beat_at=clock.now()))
    done: Task = lambda *_: {}  # noqa: E731
    worker = Worker(store, clock, {"count": done})

    assert not worker.work_once()
    clock.advance(SILENT + timedelta(seconds=1))
    assert worker.work_once()
    assert now_is(store, job).state is JobState.DONE
