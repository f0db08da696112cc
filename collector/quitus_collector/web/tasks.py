"""What jobs do, by their kind."""

from collections.abc import Mapping
from typing import NamedTuple

from quitus_collector.domain.job import Job
from quitus_collector.errors import CollectorError
from quitus_collector.services.jobs import Progress, Task
from quitus_collector.services.wording import N_
from quitus_collector.web import notices
from quitus_collector.web.pages import (
    audit,
    declarations,
    filing,
    pool_import,
    pools,
    retention,
    simulator,
    verifying,
)
from quitus_collector.web.work import LANGUAGE, Doing, Work
from quitus_collector.wiring.console import Console


class Kind(NamedTuple):
    """What a job of this kind is called, and what does it."""

    label: str
    do: Doing


KINDS: Mapping[str, Kind] = {
    "audit-verify": Kind(N_("Check of the audit log"), audit.verify_chain),
    "declaration-ask": Kind(N_("Question to the portal"), filing.look_up),
    "declaration-draft": Kind(N_("Draft of a declaration"), declarations.make_draft),
    "declaration-reopen": Kind(N_("Declaration counted again"), verifying.count_again),
    "declaration-seal": Kind(N_("Seal of a declaration"), filing.make_seal),
    "declaration-submit": Kind(N_("Submission of a declaration"), filing.send),
    "history-purge": Kind(N_("Purge of the history"), retention.purge),
    "mail": Kind(N_("Message of the day"), notices.mail),
    "pools-import": Kind(N_("Import of licence pools"), pool_import.take_in),
    "proofs-verify": Kind(N_("Check of all documents"), pools.verify_proofs),
    "remedies": Kind(N_("Remedies"), simulator.advise),
    "webhook": Kind(N_("Message to a program"), notices.hook),
    "what-if": Kind(N_("Simulation"), simulator.try_out),
}


def of(console: Console) -> Mapping[str, Task]:
    """The tasks of one console."""
    return {name: _task(console, kind.do) for name, kind in KINDS.items()}


def _task(console: Console, do: Doing) -> Task:
    def task(job: Job, content: bytes, progress: Progress) -> dict[str, str]:
        settings = console.collector.config
        language = job.arguments.get(LANGUAGE, settings.language)
        if console.collector.follow_rules():
            console.figures.expire()
        collector = console.collector.acting_as(job.actor, language)
        try:
            work = Work(collector, console, job.arguments, content, progress, job.made_at, job.id)
            return do(work)
        except CollectorError as error:
            # Kept as who asked reads it.
            raise CollectorError(collector.messages.error(error)) from error

    return task
