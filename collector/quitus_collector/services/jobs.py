"""Long work is queued, taken by one process at a time, and told about while it lasts."""

import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from quitus_collector.domain.job import Job
from quitus_collector.errors import CollectorError, StoreError
from quitus_collector.services.ports import Clock, Store

log = logging.getLogger(__name__)
# How long the page of a job that is over can still be opened.
KEPT = timedelta(days=30)
BEAT_EVERY_S = 5.0

# Of a result: what is too long for a list of jobs. It is kept apart, as the job's content.
ANSWER = "answer"

# Told how many of how many steps are done.
Progress = Callable[[int, int], None]
# Does a job with what was uploaded for it; what it returns is the job's result. It may be called
# again after it did all or a part: what is done already it must find done.
Task = Callable[[Job, bytes, Progress], dict[str, str]]


def ask(
    store: Store,
    clock: Clock,
    kind: str,
    arguments: Mapping[str, str],
    *,
    actor: str,
    content: bytes | None = None,
    starts_at: datetime | None = None,
) -> Job:
    """Queues a job, to be taken from `starts_at` on."""
    now = clock.now()
    job = Job(secrets.token_hex(12), kind, actor, now, dict(arguments), starts_at=starts_at)
    with store.writing() as work:
        work.jobs.remove_before(now - KEPT)
        work.jobs.add(job, content)
    return job


class Worker:
    """Does jobs, one after the other."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tasks: Mapping[str, Task],
        over: threading.Event | None = None,
    ) -> None:
        """`tasks` by the kind of job; it gives up what it waits for once it is `over`."""
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._over = over or threading.Event()

    def work_once(self) -> bool:
        """Takes the oldest free job and does it; whether there was one."""
        taken = self._take()
        if taken is None:
            return False
        job, content = taken
        if not job.is_over:
            self._do(job, content)
        return True

    def _take(self) -> tuple[Job, bytes] | None:
        now = self._clock.now()
        with self._store.reading() as work:
            if not any(each.is_free(now) for each in work.jobs.open()):
                return None
        with self._store.writing() as work:
            for each in work.jobs.open():
                if each.is_free(now):
                    content = work.jobs.content(each.id)
                    job = each.taken(now)
                    work.jobs.add(job)
                    return job, content
        return None

    def _do(self, job: Job, content: bytes) -> None:
        now, told, done = self._clock.now, (0, 0), threading.Event()
        answer: bytes | None = None

        def progress(steps: int, total: int) -> None:
            nonlocal told
            told = steps, total

        def beat() -> None:
            while not done.wait(BEAT_EVERY_S):
                self._try_to_keep(job.beating(now(), *told))

        # By a thread of its own: a single step may take longer than another process would wait.
        beating = threading.Thread(target=beat, daemon=True)
        beating.start()
        try:
            result = dict(self._tasks[job.kind](job, content, progress))
            if ANSWER in result:
                answer = result.pop(ANSWER).encode()
            ended = job.beating(now(), *told).finished(now(), result)
        except CollectorError as error:
            ended = job.failed(now(), str(error))
        except Exception:
            # A fault of ours: the log has the detail, and the next job is done all the same.
            log.exception("a job failed", extra={"job": job.id, "kind": job.kind})
            ended = job.failed(now(), "an error of Quitus itself: see its log")
        done.set()
        beating.join()
        # What was done would be done again: it is worth waiting until it can be written down.
        while not self._try_to_keep(ended, answer) and not self._over.wait(BEAT_EVERY_S):
            pass

    def _try_to_keep(self, job: Job, answer: bytes | None = None) -> bool:
        """Whether that is over and done with; False where the database is away for now."""
        try:
            with self._store.writing() as work:
                if work.jobs.get(job.id).is_taken_like(job):
                    work.jobs.add(job, answer)
                else:
                    # Another process took it for left behind, and tells what comes of it.
                    log.warning("a job is in other hands", extra={"job": job.id})
        except StoreError as error:
            extra = {"job": job.id, "reason": str(error)}
            log.warning("a job's state is not written down yet", extra=extra)
            return False
        return True
