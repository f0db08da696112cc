"""Long work is done once, told about, and taken up again after a process died."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from quitus_collector.domain.job import MAX_TRIES, SILENT, Job, JobState
from quitus_collector.errors import UsageError
from quitus_collector.services.jobs import Progress, Task, Worker, ask
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore


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
