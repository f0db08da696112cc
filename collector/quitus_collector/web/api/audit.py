"""The audit log."""

from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import AwareDatetime, BaseModel

from quitus_collector.domain.account import Permission
from quitus_collector.domain.audit import Kind
from quitus_collector.services.ports import AuditFilter
from quitus_collector.web.api.calls import Call, Calls, Wanted
from quitus_collector.web.api.paging import Cursor, Limit, Page, cursor_of, key_of
from quitus_collector.web.api.work import BEGUN, JobShown, begin

router = Calls("audit")


class EntryShown(BaseModel):
    """What happened; `digest` seals it to the entry before."""

    number: int
    at: datetime
    event: str
    actor: str
    subject: str | None
    detail: dict[str, str]
    digest: str


@router.call("GET", "/audit", Permission.AUDIT)
def list_audit(
    call: Call,
    event: Kind | None = None,
    actor: Annotated[Wanted, Query(description="a part of who did it, or to whom")] = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Page[EntryShown]:
    """Newest first."""
    before = key_of(cursor, int) if cursor else None
    wanted = AuditFilter(event, actor, since, until)
    with call.collector.store.reading() as work:
        entries = work.audit.page(wanted, before=before, limit=limit + 1)
    shown = [EntryShown.model_validate(each.document()) for each in entries[:limit]]
    following = cursor_of(shown[-1].number) if len(entries) > limit else None
    return Page(items=shown, next=following)


@router.call("POST", "/audit/verification", Permission.AUDIT, **BEGUN)
def verify_audit(call: Call, response: Response) -> JobShown:
    """Has the chain of digests worked out again, from the first entry to the last."""
    return begin(call, response, "audit-verify")
