"""Work that takes longer than a page may: kept, so that it survives a reload and a restart."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

# A job that nobody works on for so long was left behind by a process that died.
SILENT = timedelta(seconds=60)
MAX_TRIES = 3


class JobState(StrEnum):
    """QUEUED until a process takes it, RUNNING while one works on it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work: what it is (`kind`), for whom (`actor`), with which arguments.

    Nobody takes it before `starts_at`. `done` of `total` steps are done; a total of 0 is not
    known. `result` is what its page shows, `failure` a sentence for a person.
    """

    id: str
    kind: str
    actor: str
    made_at: datetime
    arguments: dict[str, str] = field(default_factory=dict)
    state: JobState = JobState.QUEUED
    done: int = 0
    total: int = 0
    tries: int = 0
    beat_at: datetime | None = None
    ended_at: datetime | None = None
    result: dict[str, str] = field(default_factory=dict)
    failure: str = ""
    starts_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (JobState.DONE, JobState.FAILED)

    def is_free(self, now: datetime) -> bool:
        """Whether a process may take it."""
        if self.state is JobState.QUEUED:
            return self.starts_at is None or self.starts_at <= now
        return self.state is JobState.RUNNING and (not self.beat_at or now - self.beat_at > SILENT)

    def is_taken_like(self, other: "Job") -> bool:
        """Whether it is in the same hands as that other state of it."""
        return self.state is JobState.RUNNING and self.tries == other.tries

    def taken(self, now: datetime) -> "Job":
        """In the hands of a process; failed where it was left behind too often."""
        if self.tries >= MAX_TRIES:
            return self.failed(now, "it was begun several times and never came to an end")
        return replace(self, state=JobState.RUNNING, tries=self.tries + 1, beat_at=now, done=0)

    def beating(self, now: datetime, done: int, total: int) -> "Job":
        """While somebody works on it."""
        return replace(self, beat_at=now, done=done, total=total)

    def finished(self, now: datetime, result: dict[str, str]) -> "Job":
        """With what came of it."""
        return replace(self, state=JobState.DONE, ended_at=now, result=result, failure="")

    def failed(self, now: datetime, why: str) -> "Job":
        """With the reason, as a sentence."""
        return replace(self, state=JobState.FAILED, ended_at=now, failure=why)
