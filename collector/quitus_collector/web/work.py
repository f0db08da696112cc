"""What pages have done in the background: asked for here, done by the console's worker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import Request, Response

from quitus_collector.domain.job import Job
from quitus_collector.services import jobs
from quitus_collector.services.jobs import Progress
from quitus_collector.web.rendering import go
from quitus_collector.web.visits import Visitor
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.console import Console

# The argument of every job that says in which language its result is told.
LANGUAGE = "language"
# What of a result its page leads to: a path of ours.
LINK = "link"

# Where what failed can be changed and asked anew: the address of that page, up to the job's id.
AGAIN = "again"


@dataclass(frozen=True, slots=True)
class Work:
    """A job under way; `collector` is in the hands of who asked for it, `asked_at`.

    A process that died may have done all of it: what is done since then is not done again.
    `still` raises UsageError where who asked may not any more: asked before what cannot be undone.
    """

    collector: Collector
    console: Console
    arguments: Mapping[str, str]
    content: bytes
    progress: Progress
    asked_at: datetime
    id: str
    still: Callable[[], None]


# The result has `said`, a sentence in the language of who asked, and `LINK`, or `lines` that are
# shown below it.
Doing = Callable[[Work], dict[str, str]]


def queue(
    collector: Collector,
    console: Console,
    kind: str,
    language: str,
    content: bytes | None,
    arguments: Mapping[str, str],
) -> Job:
    """Has it done in the background; its result is told in that language."""
    job = jobs.ask(
        collector.store,
        collector.clock,
        kind,
        {LANGUAGE: language, **arguments},
        actor=collector.actor,
        content=content,
    )
    console.wake()
    return job


def ask(
    request: Request, visit: Visitor, kind: str, content: bytes | None = None, /, **arguments: str
) -> Response:
    """Has it done, and shows how far it is."""
    language = visit.account.language
    job = queue(visit.collector, visit.console, kind, language, content, arguments)
    return go(request, f"/jobs/{job.id}")
