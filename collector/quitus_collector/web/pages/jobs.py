"""Work under way: how far it is, and what came of it."""

from fastapi import Request, Response

from quitus_collector.domain.job import Job, JobState
from quitus_collector.errors import UsageError
from quitus_collector.services.wording import N_
from quitus_collector.web import tasks
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import AGAIN, LINK

router = Pages()
# Why a job failed, where it was not for a reason that its kind knows.
FAILURES = (
    N_("an error of Quitus itself: see its log"),
    N_("it was begun several times and never came to an end"),
)
LOOKS = {
    JobState.QUEUED: "open",
    JobState.RUNNING: "open",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
}


@router.page("/jobs", None)
def jobs(request: Request, visit: Visit) -> Response:
    """Those that one asked for, the newest first."""
    with visit.collector.store.reading() as work:
        found = work.jobs.list(actor=visit.collector.actor)
    return page(request, "jobs.html", {"jobs": [_told(visit, each) for each in found]})


@router.page("/jobs/{job_id}", None)
def job(request: Request, visit: Visit, job_id: str) -> Response:
    """One, that tells by itself when it is over."""
    return page(request, "job.html", {"job": _told(visit, _own(visit, job_id))})


@router.page("/jobs/{job_id}/progress", None)
def progress(request: Request, visit: Visit, job_id: str) -> Response:
    """How far it is, for the page of it; leads on once it is done."""
    found = _own(visit, job_id)
    if link := found.result.get(LINK):
        return go(request, link)
    return page(request, "job_progress.html", {"job": _told(visit, found)})


def _own(visit: Visitor, job_id: str) -> Job:
    """The job, if it is for who asks; what others have done is not told."""
    with visit.collector.store.reading() as work:
        found = work.jobs.get(job_id)
    if found.actor != visit.collector.actor:
        raise UsageError(N_("no job has the id {id}"), id=job_id)
    return found


def _told(visit: Visitor, job: Job) -> dict[str, object]:
    text = visit.collector.messages.text
    kind = tasks.KINDS.get(job.kind)
    return {
        "id": job.id,
        "label": text(kind.label) if kind else job.kind,
        "about": job.arguments.get("about", ""),
        "state": job.state,
        "look": LOOKS[job.state],
        "made_at": job.made_at,
        "ended_at": job.ended_at,
        "is_over": job.is_over,
        "done": job.done,
        "total": job.total,
        "said": job.result.get("said", ""),
        "lines": job.result.get("lines", "").splitlines(),
        "link": job.result.get(LINK, ""),
        "again": job.failure and job.arguments.get(AGAIN, "") and f"{job.arguments[AGAIN]}{job.id}",
        "failure": text(job.failure) if job.failure else "",
    }
