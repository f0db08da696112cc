"""Long work: jobs, and how far they are."""

from datetime import datetime

from fastapi import Response
from pydantic import BaseModel

from quitus_collector.domain.account import Permission
from quitus_collector.domain.job import Job, JobState
from quitus_collector.errors import UsageError
from quitus_collector.web.api.calls import Call, Calls, Word, found

router = Calls("jobs")


class JobShown(BaseModel):
    """A piece of work; a `total` of 0 is not known. `failure` is a sentence for a person."""

    id: str
    kind: str
    state: JobState
    actor: str
    made_at: datetime
    ended_at: datetime | None
    done: int
    total: int
    result: dict[str, str]
    failure: str


class Jobs(BaseModel):
    """The newest first."""

    items: list[JobShown]


@router.call("GET", "/jobs", Permission.READ)
def list_jobs(call: Call) -> Jobs:
    """The caller's own of the newest fifty of the last thirty days."""
    with call.collector.store.reading() as work:
        own = [each for each in work.jobs.list() if each.actor == call.token.actor]
        return Jobs(items=[shown(each) for each in own])


@router.call("GET", "/jobs/{job}", Permission.READ)
def get_job(call: Call, job: Word) -> JobShown:
    """How far it is, and what came of it."""
    with call.collector.store.reading() as work, found():
        one = work.jobs.get(job)
        if one.actor != call.token.actor:
            raise UsageError("no job has the id {id}", id=job)
        return shown(one)


def shown(job: Job) -> JobShown:
    """The job as programs see it."""
    return JobShown(
        id=job.id,
        kind=job.kind,
        state=job.state,
        actor=job.actor,
        made_at=job.made_at,
        ended_at=job.ended_at,
        done=job.done,
        total=job.total,
        result=job.result,
        failure=job.failure,
    )


def begun(response: Response, job: Job) -> JobShown:
    """What is answered with 202: where to look at it."""
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return shown(job)
