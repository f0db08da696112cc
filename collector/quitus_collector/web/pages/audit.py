"""The audit log: who did what, page by page, and as a file."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from quitus_collector.adapters.sheets import audit_export
from quitus_collector.domain.account import Permission
from quitus_collector.domain.audit import Entry, Kind
from quitus_collector.errors import UsageError
from quitus_collector.services import audit as service
from quitus_collector.services.ports import AuditFilter
from quitus_collector.services.wording import N_
from quitus_collector.web import tables, work
from quitus_collector.web.event_words import EVENTS, detail, who
from quitus_collector.web.rendering import page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import LINK, Work

router = Pages()
SHOWN = 50
# Of a file: read a part at a time, so that no transaction lasts as long as a slow download.
PART = 1000
Word = Annotated[str, Query(max_length=255)]
FORMS = {
    "csv": (audit_export.as_csv, "text/csv; charset=utf-8"),
    "json": (audit_export.as_json, "application/jsonl"),
}
HEADINGS = {
    "number": N_("Number"),
    "at": N_("When"),
    "event": N_("Event"),
    "actor": N_("Who"),
    "subject": N_("To whom or what"),
    "detail": N_("Details"),
    "digest": N_("Digest"),
}


@router.page("/audit", Permission.AUDIT)
def audit(
    request: Request,
    visit: Visit,
    event: Word = "",
    actor: Word = "",
    since: Word = "",
    until: Word = "",
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
) -> Response:
    """The newest entries that are wanted, or those before a number."""
    wanted = _wanted(visit, event, actor, since, until)
    with visit.collector.store.reading() as reading:
        entries = reading.audit.page(wanted, before=before, limit=SHOWN + 1)
    filters = {"event": event, "actor": actor, "since": since, "until": until}
    query = urlencode({name: value for name, value in filters.items() if value})
    context = {
        "entries": entries[:SHOWN],
        "events": sorted(
            ((kind.value, visit.collector.messages.text(said)) for kind, said in EVENTS.items()),
            key=lambda each: each[1],
        ),
        "names": EVENTS,
        "who": lambda actor: who(actor, visit.collector.messages),
        "detail": lambda name, value: detail(name, value, visit.collector.messages),
        "filters": filters,
        "query": query,
        "newest": f"/audit?{query}" if before else "",
        "older": f"/audit?{query}&before={entries[SHOWN - 1].number}"
        if len(entries) > SHOWN
        else "",
    }
    return page(request, "audit.html", context)


@router.page("/audit/export", Permission.AUDIT)
def export(
    request: Request,
    visit: Visit,
    form: Word = "csv",
    event: Word = "",
    actor: Word = "",
    since: Word = "",
    until: Word = "",
) -> Response:
    """All entries that are wanted, newest first, as CSV, workbook or JSON, one object a line."""
    if form not in (*FORMS, "xlsx"):
        raise UsageError(N_("the audit log is exported as csv, xlsx or json"))
    wanted = _wanted(visit, event, actor, since, until)
    filters = {"event": event, "actor": actor, "since": since, "until": until}
    given = {name: value for name, value in filters.items() if value}
    visit.collector.took_out(f"audit.{form}", **given)
    if form == "xlsx":
        headings = [visit.collector.messages.text(HEADINGS[each]) for each in tables.AUDIT]
        rows = tables.entries(visit.collector, wanted)
        return tables.answer("audit", form, tables.AUDIT, rows, headings)
    write, media_type = FORMS[form]
    ending = "jsonl" if form == "json" else form
    headers = {"Content-Disposition": f'attachment; filename="audit.{ending}"'}
    return StreamingResponse(write(_all(visit, wanted)), media_type=media_type, headers=headers)


@router.form("/audit/verify", Permission.AUDIT)
def verify(request: Request, visit: Visit) -> Response:
    """Has the chain of digests worked out again, from the first entry to the last."""
    return work.ask(request, visit, "audit-verify")


def verify_chain(job: Work) -> dict[str, str]:
    """Tells whether the log is as it was written."""
    text = job.collector.messages.text
    broken, entries, digest = service.verify(job.collector.store)
    if broken is None:
        said = text(
            "The chain holds: {entries} entries, the last one with the digest {digest}.",
            entries=job.collector.messages.number(entries),
            digest=digest,
        )
    else:
        said = text("The chain is broken at entry {number}: it was changed.", number=broken)
    return {"said": said, LINK: ""}


def _all(visit: Visitor, wanted: AuditFilter) -> Iterator[Entry]:
    before = None
    while True:
        with visit.collector.store.reading() as reading:
            part = reading.audit.page(wanted, before=before, limit=PART)
        yield from part
        if len(part) < PART:
            return
        before = part[-1].number


def _wanted(visit: Visitor, event: str, actor: str, since: str, until: str) -> AuditFilter:
    if event and event not in list(Kind):
        raise UsageError(N_("there is no event {name} in the audit log"), name=repr(event))
    clock = visit.collector.clock
    start, end = _day(since), _day(until)
    return AuditFilter(
        Kind(event) if event else None,
        actor.replace("\0", "").strip(),
        clock.end_of(start - timedelta(days=1)) if start else None,
        clock.end_of(end) if end else None,
    )


def _day(text: str) -> date | None:
    try:
        # The first day of all has none before it.
        found = date.fromisoformat(text) if text else None
        return max(found, date(1970, 1, 2)) if found else None
    except ValueError as error:
        raise UsageError(N_("{text} is not a day like 2026-12-31"), text=repr(text)) from error
