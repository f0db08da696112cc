"""Whole lists as files, written as they are read: no transaction lasts as long as a download."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import AwareDatetime

from quitus_collector.adapters.sheets.table_files import Row
from quitus_collector.domain.account import Permission
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.roster import Condition, Sought
from quitus_collector.domain.support import versions
from quitus_collector.services import pools as pools_service
from quitus_collector.services import prices
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.pool_wording import document
from quitus_collector.services.ports import AuditFilter
from quitus_collector.web import tables
from quitus_collector.web.api.calls import Call, Caller, Calls, Wanted, file_answer
from quitus_collector.web.api.position import Day
from quitus_collector.wiring import licensing, pools

router = Calls("exports")
Form = Literal["csv", "xlsx", "json"]
FILE = file_answer(*tables.TYPES.values())


@router.call("GET", "/exports/position", Permission.READ, answer=FILE)
def export_position(
    call: Call, form: Form = "csv", publisher: Wanted = "", as_of: Day = None
) -> Response:
    """The position, with the licences behind each line."""
    check_publisher(call.collector.catalogue, publisher or None)
    content = licensing.export(call.collector, form, as_of, publisher or None)
    return _file(call, iter([content]), "position", form)


@router.call("GET", "/exports/pools", Permission.READ, answer=FILE)
def export_pools(call: Call, form: Form = "csv", product: Wanted = "") -> Response:
    """Lines of licence pools; as CSV and XLSX a file that can be taken in again."""
    owned = (line for line, _ in pools_service.owned(call.collector.store))
    wanted = [line for line in owned if product in ("", line.product)]
    if form != "json":
        return _file(call, iter([pools.written(wanted, form)]), "pools", form)
    lines = [document(line) for line in wanted]
    fields = tuple(lines[0]) if lines else ()
    return _table(call, fields, lines, "pools", form)


@router.call("GET", "/exports/prices", Permission.READ, answer=FILE)
def export_prices(call: Call, form: Form = "csv", product: Wanted = "") -> Response:
    """Lines of the price list, as a file that can be taken in again."""
    listed = prices.listed(call.collector.store)
    call.collector.took_out(f"prices.{form}")
    return tables.price_list([p for p in listed if product in ("", p.licence.product)], form)


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
    return _table(call, tables.DEVICES, tables.devices(call.collector, sought), "devices", form)


@router.call("GET", "/exports/products", Permission.READ, answer=FILE)
def export_products(call: Call, form: Form = "csv", publisher: Wanted = "") -> Response:
    """What needs a licence, on how many devices, until when it is supported."""
    check_publisher(call.collector.catalogue, publisher or None)
    today, catalogue = call.collector.clock.today(), call.collector.catalogue
    found = [
        each
        for each in versions(call.figures.products().value, catalogue)
        if publisher in ("", publisher_of(each.product))
    ]
    return _table(call, tables.PRODUCTS, tables.products(found, today), "products", form)


@router.call("GET", "/exports/unknown", Permission.READ, answer=FILE)
def export_unknown(call: Call, form: Form = "csv") -> Response:
    """What no rule knows, in groups, those on most devices first."""
    groups = licensing.triage(call.collector, call.figures.position().value)
    return _table(call, tables.UNKNOWN, tables.unknown(groups), "unknown", form)


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
    return _table(call, tables.AUDIT, tables.entries(call.collector, wanted), "audit", form)


def _table(
    call: Caller, fields: Sequence[str], rows: Iterable[Row], name: str, form: str
) -> Response:
    call.collector.took_out(f"{name}.{form}")
    return tables.answer(name, form, fields, rows)


def _file(call: Caller, content: Iterator[bytes], name: str, form: str) -> Response:
    call.collector.took_out(f"{name}.{form}")
    return tables.file(name, form, content)
