"""Whole lists as files, written as they are read: no transaction lasts as long as a download."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal

from fastapi import Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from quitus_collector.adapters import table_files
from quitus_collector.adapters.table_files import Row
from quitus_collector.domain.account import Permission
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.roster import Condition, Sought
from quitus_collector.domain.support import versions
from quitus_collector.services import pools as pools_service
from quitus_collector.services import roster
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.pool_wording import document
from quitus_collector.services.ports import AuditFilter
from quitus_collector.web.api.calls import Call, Caller, Calls, Wanted, file_answer
from quitus_collector.web.api.position import Day
from quitus_collector.wiring import licensing, pools

router = Calls("exports")
Form = Literal["csv", "xlsx", "json"]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX, "json": "application/json"}
FILE = file_answer(*TYPES.values())
# Read at once, of a list that is longer than memory.
PART = 1000
DEVICES = (
    "id",
    "name",
    "system",
    "entity",
    "site",
    "condition",
    "last_report_at",
    "certificate_expires_at",
    "installs",
)
PRODUCTS = (
    "product",
    "label",
    "publisher",
    "devices",
    "released",
    "supported_until",
    "support",
    "source",
)
UNKNOWN = ("name", "publisher", "names", "devices", "suggested_product", "likeness")
AUDIT = ("number", "at", "event", "actor", "subject", "detail", "digest")


@router.call("GET", "/exports/position", Permission.READ, answer=FILE)
def export_position(
    call: Call, form: Form = "csv", publisher: Wanted = "", as_of: Day = None
) -> Response:
    """The position, with the licences behind each line."""
    check_publisher(call.collector.catalogue, publisher or None)
    content = licensing.export(call.collector, form, as_of, publisher or None)
    return _file(call, iter([content]), "position", form)


@router.call("GET", "/exports/pools", Permission.READ, answer=FILE)
def export_pools(call: Call, form: Form = "csv") -> Response:
    """All lines of licence pools; as CSV and XLSX a file that can be taken in again."""
    if form != "json":
        return _file(call, iter([pools.export(call.collector, form)]), "pools", form)
    lines = [document(line) for line, _ in pools_service.owned(call.collector.store)]
    fields = tuple(lines[0]) if lines else ()
    return _table(call, fields, lines, "pools", form)


@router.call("GET", "/exports/devices", Permission.DEVICES, answer=FILE)
def export_devices(
    call: Call,
    form: Form = "csv",
    text: Wanted = "",
    condition: Condition | None = None,
    product: Wanted | None = None,
) -> Response:
    """The devices that are looked for, sorted by name."""
    sought = Sought(text=text, condition=condition, product=product)
    return _table(call, DEVICES, _devices(call, sought), "devices", form)


@router.call("GET", "/exports/products", Permission.READ, answer=FILE)
def export_products(call: Call, form: Form = "csv", publisher: Wanted = "") -> Response:
    """What needs a licence, on how many devices, until when it is supported."""
    check_publisher(call.collector.catalogue, publisher or None)
    today, catalogue = call.collector.clock.today(), call.collector.catalogue
    rows = [
        {
            "product": each.product,
            "label": each.label,
            "publisher": publisher_of(each.product),
            "devices": each.devices,
            "released": each.released and each.released.isoformat(),
            "supported_until": each.supported_until and each.supported_until.isoformat(),
            "support": each.support(today).value,
            "source": each.source,
        }
        for each in versions(call.figures.products().value, catalogue)
        if publisher in ("", publisher_of(each.product))
    ]
    return _table(call, PRODUCTS, rows, "products", form)


@router.call("GET", "/exports/unknown", Permission.READ, answer=FILE)
def export_unknown(call: Call, form: Form = "csv") -> Response:
    """What no rule knows, in groups, those on most devices first."""
    groups = licensing.triage(call.collector, call.figures.position().value)
    rows = [
        {
            "name": each.stem,
            "publisher": each.publisher or None,
            "names": list(each.names),
            "devices": each.devices,
            "suggested_product": each.suggestion and each.suggestion.product,
            "likeness": each.suggestion and each.suggestion.likeness,
        }
        for each in groups
    ]
    return _table(call, UNKNOWN, rows, "unknown", form)


@router.call("GET", "/exports/audit", Permission.AUDIT, answer=FILE)
def export_audit(
    call: Call,
    form: Form = "csv",
    event: Kind | None = None,
    actor: Annotated[Wanted, Query(description="a part of who did it, or to whom")] = "",
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
) -> Response:
    """The entries that are wanted, newest first."""
    wanted = AuditFilter(event, actor, since, until)
    return _table(call, AUDIT, _entries(call, wanted), "audit", form)


def _devices(call: Caller, sought: Sought) -> Iterator[Row]:
    moments = roster.moments(call.collector.clock.now())
    beyond = None
    while True:
        with call.collector.store.reading() as work:
            rows = work.roster.find(sought, moments, beyond=beyond, forward=True, most=PART)
        for row in rows:
            yield {
                "id": row.id,
                "name": row.name,
                "system": row.system,
                "entity": row.entity,
                "site": row.site,
                "condition": row.condition(moments.stale).value,
                "last_report_at": row.last_report_at and row.last_report_at.isoformat(),
                "certificate_expires_at": row.certificate_expires_at.isoformat(),
                "installs": row.installs,
            }
        if len(rows) < PART:
            return
        beyond = rows[-1].place


def _entries(call: Caller, wanted: AuditFilter) -> Iterator[Row]:
    before = None
    while True:
        with call.collector.store.reading() as work:
            part = work.audit.page(wanted, before=before, limit=PART)
        for each in part:
            yield each.document()
        if len(part) < PART:
            return
        before = part[-1].number


def _table(
    call: Caller,
    fields: Sequence[str],
    rows: Iterator[Row] | Sequence[Mapping[str, object]],
    name: str,
    form: str,
) -> Response:
    return _file(call, table_files.WRITERS[form](fields, rows), name, form)


def _file(call: Caller, content: Iterator[bytes], name: str, form: str) -> Response:
    call.collector.took_out(f"{name}.{form}")
    headers = {"Content-Disposition": f'attachment; filename="quitus-{name}.{form}"'}
    return StreamingResponse(content, media_type=TYPES[form], headers=headers)
