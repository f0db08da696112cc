"""The products of the fleet that need a licence: versions, support, what is to be known of them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Query, Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.domain.findings import Finding
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.support import Support, VersionInUse, versions
from quitus_collector.errors import UsageError
from quitus_collector.services.declaring import check_publisher
from quitus_collector.web.paging import address
from quitus_collector.web.rendering import page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.wiring import licensing
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.console import Console

router = Pages()
Filter = Annotated[str, Query(max_length=255)]
SORTS = ("devices", "product", "support")
# Rows of one page.
SHOWN = 200


@router.page("/products", Permission.READ)
def products(
    request: Request,
    visit: Visit,
    text: Filter = "",
    publisher: Filter = "",
    support: Filter = "",
    sort: Filter = "devices",
    page_number: Annotated[int, Query(alias="page", ge=1, le=10_000)] = 1,
) -> Response:
    """Those on most devices first; findings follow when they are looked for."""
    collector, catalogue = visit.collector, visit.collector.catalogue
    today = collector.clock.today()
    used = versions(visit.figures.products().value, catalogue)
    found = wanted_products(visit, text, publisher, support, sort)
    told = findings(visit.console)
    filters = {
        "text": text,
        "publisher": publisher,
        "support": support,
        "sort": sort if sort != "devices" else "",
    }
    begin = (page_number - 1) * SHOWN
    shown = found[begin : begin + SHOWN]
    is_more = len(found) > begin + SHOWN
    names = catalogue.publishers
    present = {publisher_of(each.product) for each in used}
    context = {
        "products": shown,
        "is_empty": not used,
        "findings": told or {},
        "is_looking": told is None,
        "today": today,
        "names": names,
        "publisher_of": publisher_of,
        "filters": filters,
        "sort": sort,
        "publishers": sorted((names.get(each, each), each) for each in present),
        "supports": list(Support),
        "link": lambda **more: address("/products", filters, **more),
        "export": lambda form: address("/exports/products", filters, form=form),
        "previous": page_number > 1 and address("/products", filters, page=page_number - 1),
        "next": is_more and address("/products", filters, page=page_number + 1),
    }
    return page(request, "products.html", context)


def wanted_products(
    visit: Visitor, text: str, publisher: str, support: str, sort: str
) -> list[VersionInUse]:
    """Those that the filters let through, in the order that is asked for; raises UsageError."""
    catalogue, today = visit.collector.catalogue, visit.collector.clock.today()
    check_publisher(catalogue, publisher or None)
    if support and support not in set(Support):
        raise UsageError("there is no state of support {name}", name=support)
    if sort not in SORTS:
        raise UsageError("products cannot be sorted by {name}", name=sort)
    wanted = text.casefold().strip()
    found = [
        each
        for each in versions(visit.figures.products().value, catalogue)
        if (wanted in each.label.casefold() or wanted in each.product)
        and (not publisher or publisher_of(each.product) == publisher)
        and (not support or each.support(today).value == support)
    ]
    if sort == "product":
        found.sort(key=lambda each: each.label.casefold())
    elif sort == "support":
        found.sort(key=lambda each: (each.supported_until is None, each.supported_until or today))
    return found


def findings(console: Console) -> Mapping[str, Sequence[tuple[Finding, int]]] | None:
    """By product, each with the number of its devices; None while they are looked for."""
    return console.figures.behind("findings", lambda: _findings(console.collector))


def _findings(collector: Collector) -> Mapping[str, Sequence[tuple[Finding, int]]]:
    """By product, each with the number of its devices."""
    told: dict[str, list[tuple[Finding, int]]] = defaultdict(list)
    for each in licensing.findings(collector, ()):
        told[each.product].append((replace(each, devices=()), len(each.devices)))
    return dict(told)
