"""The lists as rows of files, the same for pages and programs, read as they are written.

No transaction lasts as long as a download.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

from fastapi.responses import StreamingResponse

from quitus_collector.adapters.sheets import table_files
from quitus_collector.adapters.sheets.table_files import Row
from quitus_collector.domain.campaign import Campaign, Progress
from quitus_collector.domain.filing import Filing
from quitus_collector.domain.price import Price
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.roster import Sought
from quitus_collector.domain.support import VersionInUse
from quitus_collector.domain.triage import Group
from quitus_collector.services import roster
from quitus_collector.services.ports import AuditFilter
from quitus_collector.services.price_wording import COLUMNS, document
from quitus_collector.wiring.collector import Collector

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {"csv": "text/csv; charset=utf-8", "xlsx": XLSX, "json": "application/json"}
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
LETTERS = (
    "id",
    "publisher",
    "publisher_label",
    "reference",
    "nature",
    "dated",
    "received_on",
    "due",
    "entities",
    "answered",
    "declared",
    "with_gaps",
    "open",
)
DECLARATIONS = (
    "id",
    "publisher",
    "reference",
    "campaign",
    "state",
    "drafted_by",
    "drafted_at",
    "sealed_at",
    "receipt",
    "receipt_at",
    "sha256",
)


def devices(collector: Collector, sought: Sought) -> Iterator[Row]:
    """Sorted by name, as DEVICES has them."""
    moments = roster.moments(collector.clock.now())
    beyond = None
    while True:
        with collector.store.reading() as work:
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


def products(found: Iterable[VersionInUse], today: date) -> Iterator[Row]:
    """As PRODUCTS has them."""
    for each in found:
        yield {
            "product": each.product,
            "label": each.label,
            "publisher": publisher_of(each.product),
            "devices": each.devices,
            "released": each.released and each.released.isoformat(),
            "supported_until": each.supported_until and each.supported_until.isoformat(),
            "support": each.support(today).value,
            "source": each.source,
        }


def unknown(groups: Iterable[Group]) -> Iterator[Row]:
    """As UNKNOWN has them."""
    for each in groups:
        yield {
            "name": each.stem,
            "publisher": each.publisher or None,
            "names": list(each.names),
            "devices": each.devices,
            "suggested_product": each.suggestion and each.suggestion.product,
            "likeness": each.suggestion and each.suggestion.likeness,
        }


def entries(collector: Collector, wanted: AuditFilter) -> Iterator[Row]:
    """Newest first, as AUDIT has them."""
    before = None
    while True:
        with collector.store.reading() as work:
            part = work.audit.page(wanted, before=before, limit=PART)
        for each in part:
            yield each.document()
        if len(part) < PART:
            return
        before = part[-1].number


def letters(found: Iterable[tuple[Campaign, Progress]]) -> Iterator[Row]:
    """As LETTERS has them; `entities` are those that it addresses, `open` those without answer."""
    for each, progress in found:
        yield {
            "id": each.id,
            "publisher": each.publisher,
            "publisher_label": each.publisher_label,
            "reference": each.reference or None,
            "nature": each.nature.value,
            "dated": each.dated.isoformat(),
            "received_on": each.received_on.isoformat(),
            "due": each.due and each.due.isoformat(),
            "entities": list(each.entities),
            "answered": progress.answered,
            "declared": progress.declared,
            "with_gaps": progress.with_gaps,
            "open": list(progress.open),
        }


def declarations(found: Iterable[Filing]) -> Iterator[Row]:
    """As DECLARATIONS has them."""
    for each in found:
        yield {
            "id": each.id,
            "publisher": each.publisher or None,
            "reference": each.reference or None,
            "campaign": each.campaign or None,
            "state": each.state.value,
            "drafted_by": each.drafted_by,
            "drafted_at": each.drafted_at.isoformat(),
            "sealed_at": each.sealed and each.sealed.at.isoformat(),
            "receipt": each.receipt and each.receipt.number,
            "receipt_at": each.receipt and each.receipt.at.isoformat(),
            "sha256": each.digest,
        }


def price_list(found: Iterable[Price], form: str) -> StreamingResponse:
    """Prices as a file that can be taken in again, `form` one of TYPES."""
    rows = ({**document(each), "price": _amount(each.amount, form)} for each in found)
    return answer("prices", form, COLUMNS, rows)


def _amount(amount: Decimal, form: str) -> str | float:
    """Exact: as a number in workbooks, where that is no other one."""
    if form == "xlsx" and Decimal(str(float(amount))) == amount:
        return float(amount)
    # Of three decimals nobody knows whether they are thousands.
    is_doubtful = form != "json" and amount.as_tuple().exponent == -3
    return str(amount.quantize(Decimal("0.0001")) if is_doubtful else amount)


def answer(
    name: str, form: str, fields: Sequence[str], rows: Iterable[Row], headings: Sequence[str] = ()
) -> StreamingResponse:
    """The rows as a file to keep, `form` one of TYPES; headings stand in CSV and workbooks."""
    return file(name, form, table_files.WRITERS[form](fields, rows, headings))


def file(name: str, form: str, content: Iterator[bytes]) -> StreamingResponse:
    """What was written, as a file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="quitus-{name}.{form}"'}
    return StreamingResponse(content, media_type=TYPES[form], headers=headers)
