"""Taking licence pools in from a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from fastapi import File, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.services import pool_wording
from quitus_collector.services.pools import Change, Preview
from quitus_collector.services.ports import Messages
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import Fields
from quitus_collector.web.intake import Intake, Taken, Words
from quitus_collector.web.uploads import plain_name
from quitus_collector.web.visits import Pages, Visit
from quitus_collector.wiring import pools as wired
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.figures import Figures

router = Pages()


@router.page("/pools/import", Permission.EDIT)
def import_page(request: Request, visit: Visit) -> Response:
    """Asks for the file."""
    return POOLS.asked(request)


@router.form("/pools/import", Permission.EDIT)
def upload(
    request: Request, visit: Visit, file: Annotated[UploadFile | None, File()] = None
) -> Response:
    """Keeps the file for some days, and shows what it would change."""
    return POOLS.upload(request, visit, file)


@router.page("/pools/import/{digest}", Permission.EDIT)
def preview(request: Request, visit: Visit, digest: str, name: str = "") -> Response:
    """What it would change, and all that is wrong with it."""
    return POOLS.preview(request, visit, digest, plain_name(name), {})


@router.form("/pools/import/{digest}", Permission.EDIT)
def decide(request: Request, visit: Visit, digest: str, fields: Fields) -> Response:
    """Looks again with what was decided, or takes it in."""
    return POOLS.decide(request, visit, digest, fields)


def _look(collector: Collector, file: Path, decided: Taken) -> Preview:
    return wired.preview_pools(collector, file, decided.form, decided.decisions)


def _take(collector: Collector, file: Path, decided: Taken) -> Preview:
    return wired.import_pools(
        collector,
        file,
        decided.form,
        decided.decisions,
        reason=decided.reason,
        without_unmatched=decided.without_unmatched,
        name=decided.name,
    )


def _row(each: Change, collector: Collector) -> dict[str, object]:
    messages, line = collector.messages, each.entitlement
    if each.before is None:
        told = [
            messages.text(
                "new: {quantity}, counted by {metric}, bought as {channel}",
                quantity=messages.number(line.quantity),
                metric=pool_wording.said(line.metric, messages),
                channel=pool_wording.said(line.channel, messages),
            ),
            pool_wording.limits(line, messages),
        ]
    else:
        told = [pool_wording.difference(one, messages) for one in each.differences]
    return {
        "where": each.where.told(messages),
        "id": line.id,
        "label": collector.catalogue.label(line.product),
        "told": [*filter(None, told), *(note.told(messages) for note in each.notes)],
    }


def _flaws(found: Preview, messages: Messages) -> Sequence[str]:
    return [
        pool_wording.flaw(each.entitlement, flaw, messages)
        for each in found.changes
        for flaw in each.flaws
    ]


POOLS = Intake(
    "/pools",
    "pools-import",
    Words(
        title=N_("Import licence pools"),
        list=N_("Licence pools"),
        line=N_("Entitlement"),
        hint=N_(
            "A list as CSV or XLSX, a Microsoft Licence Statement, CycloneDX or ISO/IEC 19770-3; "
            "32 MB at most. Columns are recognised by their headings, in French or in English."
        ),
        question=N_("What is owned here?"),
        why=N_(
            "Of these lines it is not certain which product they are. Name it, and it is "
            "remembered for the next file; or leave them out."
        ),
        accept=".csv,.tsv,.txt,.xlsx,.json,.xml,.swidtag",
    ),
    _look,
    _take,
    Figures.expire,
    _row,
    _flaws,
)
