"""How long the history is kept, and forgetting what is older."""

from datetime import timedelta
from typing import Annotated

from fastapi import Form, Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.services import ledger
from quitus_collector.web import work
from quitus_collector.web.rendering import page
from quitus_collector.web.visits import Pages, Visit
from quitus_collector.web.work import LINK, Work

router = Pages()
HERE = "/administration/retention"


@router.page(HERE, Permission.ADMINISTER)
def retention(request: Request, visit: Visit) -> Response:
    """From when on the history is kept."""
    with visit.collector.store.reading() as reading:
        begins = reading.fleet.begins_at()
    return page(request, "retention.html", {"begins": begins})


@router.form(HERE, Permission.ADMINISTER)
def ask_to_purge(
    request: Request, visit: Visit, days: Annotated[int, Form(ge=30, le=36_500)]
) -> Response:
    """Has forgotten what ended longer ago."""
    return work.ask(request, visit, "history-purge", days=str(days))


def purge(job: Work) -> dict[str, str]:
    """Forgets what ended longer ago; what lasts stays."""
    collector, days = job.collector, int(job.arguments["days"])
    before = ledger.purge(
        collector.store, collector.clock, timedelta(days=days), actor=collector.actor
    )
    messages = collector.messages
    said = messages.text("The history is kept from {day} on.", day=messages.date(before))
    return {"said": said, LINK: HERE}
