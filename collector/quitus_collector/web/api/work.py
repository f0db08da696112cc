"""Long work: jobs, asked for here and done by the console's worker, and how far they are."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import Response
from pydantic import BaseModel

from quitus_collector.domain.account import Permission
from quitus_collector.domain.job import Job, JobState
from quitus_collector.errors import UsageError
from quitus_collector.web.api.calls import Call, Caller, Calls, Word, found
from quitus_collector.web.work import LINK, queue

router = Calls("jobs")
# How a call is described that has something done: status 202, and where it can be looked at.
BEGUN: dict[str, Any] = {
    "status": 202,
    "answer": {
        202: {
            "description": "Begun: the job is at Location",
            "headers": {
                "Location": {"schema": {"type": "string"}, "description": "`/api/v1/jobs/{job}`"}
            },
        }
    },
}


class JobShown(BaseModel):
    """A piece of work; a `total` of 0 is not known. `failure` is a sentence for a person.

    `result` has what was made by its kind (`declaration`, an id), and what is `said` of it;
    `answer` the document that was asked for, once it is there. Lists of jobs leave it out.
    """

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
    # The last one: `get_job` writes it as it is kept.
    answer: Any = None


class Jobs(BaseModel):
    """The newest first."""

    items: list[JobShown]


@router.call("GET", "/jobs", Permission.READ)
def list_jobs(call: Call) -> Jobs:
    """The caller's own of the newest fifty of the last thirty days."""
    with call.collector.store.reading() as work:
        return Jobs(items=[shown(each) for each in work.jobs.list(actor=call.token.actor)])


@router.call("GET", "/administration/jobs", Permission.ADMINISTER)
def list_jobs_of_all(call: Call) -> Jobs:
    """The newest hundred of everyone's, without what came of them."""
    with call.collector.store.reading() as work:
        listed = work.jobs.list(last=100)
    return Jobs(items=[shown(replace(each, result={})) for each in listed])


@router.call("GET", "/jobs/{job}", Permission.READ, response_model=JobShown)
def get_job(call: Call, job: Word) -> Response:
    """How far it is, and what came of it."""
    with call.collector.store.reading() as work, found():
        one = work.jobs.get(job)
        if one.actor != call.token.actor:
            raise UsageError("no job has the id {id}", id=job)
        answer = work.jobs.content(job) if one.state is JobState.DONE else b""
    told = shown(one).model_dump_json().encode()
    # Of a large fleet it has many megabytes, and is JSON already.
    told = told.removesuffix(b"null}") + (answer or b"null") + b"}"
    return Response(told, media_type="application/json")


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
        # A page is for people.
        result={name: value for name, value in job.result.items() if name != LINK},
        failure=job.failure,
    )


def begin(
    call: Caller, response: Response, kind: str, content: bytes | None = None, /, **arguments: str
) -> JobShown:
    """Has it done, as the console has it done; answered with where to look at it."""
    language = call.collector.messages.language
    job = queue(call.collector, call.console, kind, language, content, arguments)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return shown(job)
