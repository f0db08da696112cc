"""What jobs do, by their kind."""

import logging
from collections.abc import Mapping
from typing import NamedTuple

from quitus_collector.domain.account import Permission
from quitus_collector.domain.job import Job
from quitus_collector.errors import CollectorError, StoreError, UsageError
from quitus_collector.services.jobs import Progress, Task
from quitus_collector.services.signing_in import may_still
from quitus_collector.services.wording import N_
from quitus_collector.web import notices
from quitus_collector.web.api import position as api_position
from quitus_collector.web.pages import (
    administration,
    audit,
    declarations,
    filing,
    pool_import,
    pools,
    position,
    price_import,
    products,
    retention,
    simulator,
    verifying,
)
from quitus_collector.web.work import LANGUAGE, Doing, Work
from quitus_collector.wiring.console import Console

log = logging.getLogger(__name__)


class Kind(NamedTuple):
    """What a job of this kind is called, what does it, and what who asked has to be allowed.

    Nothing where the collector itself asks.
    """

    label: str
    do: Doing
    permission: Permission | None


KINDS: Mapping[str, Kind] = {
    "advice": Kind(N_("Remedies"), api_position.advise, Permission.READ),
    "audit-verify": Kind(N_("Check of the audit log"), audit.verify_chain, Permission.AUDIT),
    "catalogue-update": Kind(
        N_("Update of the rules"), administration.take_in_update, Permission.ADMINISTER
    ),
    "declaration-ask": Kind(N_("Question to the portal"), filing.look_up, Permission.APPROVE),
    "declaration-draft": Kind(
        N_("Draft of a declaration"), declarations.make_draft, Permission.EDIT
    ),
    "declaration-reopen": Kind(
        N_("Declaration counted again"), verifying.count_again, Permission.READ
    ),
    "declaration-seal": Kind(N_("Seal of a declaration"), filing.make_seal, Permission.APPROVE),
    "declaration-submit": Kind(N_("Submission of a declaration"), filing.send, Permission.APPROVE),
    "fleet-recognition": Kind(
        N_("Recognition of the fleet"), administration.recognise, Permission.ADMINISTER
    ),
    "history-purge": Kind(N_("Purge of the history"), retention.purge, Permission.ADMINISTER),
    "mail": Kind(N_("Message of the day"), notices.mail, None),
    "pools-import": Kind(N_("Import of licence pools"), pool_import.POOLS.work, Permission.EDIT),
    "prices-import": Kind(N_("Import of a price list"), price_import.PRICES.work, Permission.EDIT),
    "proofs-verify": Kind(N_("Check of all documents"), pools.verify_proofs, Permission.READ),
    "reasons": Kind(N_("Explanation of a figure"), api_position.explain, Permission.READ),
    "remedies": Kind(N_("Remedies"), simulator.advise, Permission.READ),
    "simulation": Kind(N_("Simulation"), api_position.try_out, Permission.READ),
    "webhook": Kind(N_("Message to a program"), notices.hook, None),
    "what-if": Kind(N_("Simulation"), simulator.try_out, Permission.READ),
}


def of(console: Console) -> Mapping[str, Task]:
    """The tasks of one console."""
    return {name: _task(console, kind) for name, kind in KINDS.items()}


def foresee(console: Console) -> None:
    """Has counted what nobody asked for yet and takes long, one after the other."""
    products.findings(console)
    position.readings(console, None)


def _task(console: Console, kind: Kind) -> Task:
    def task(job: Job, content: bytes, progress: Progress) -> dict[str, str]:
        settings = console.collector.config
        language = job.arguments.get(LANGUAGE, settings.language)
        if console.collector.follow_rules():
            console.figures.expire()
        collector = console.collector.acting_as(job.actor, language)

        def still() -> None:
            """Raises UsageError where who asked may not any more."""
            apart = settings.approval.apart
            if kind.permission and not may_still(
                collector.store, collector.clock, job.actor, kind.permission, apart=apart
            ):
                raise UsageError(N_("your account does not allow this any more: nothing was done"))

        try:
            # Asked for in time, but it is done now.
            still()
            work = Work(
                collector, console, job.arguments, content, progress, job.made_at, job.id, still
            )
            return kind.do(work)
        except CollectorError as error:
            if isinstance(error, StoreError):
                log.warning("a job failed", extra={"job": job.id, "reason": str(error)})
            # Kept as who asked reads it.
            raise CollectorError(collector.messages.error(error)) from error

    return task
