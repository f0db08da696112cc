"""Adding a line of licences by hand: its product is looked for first, then what it says."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.product import line_of, publisher_of
from quitus_collector.errors import UsageError
from quitus_collector.services import pool_wording, pools
from quitus_collector.services.intake.products import search
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import Fields
from quitus_collector.web.pages.pools import (
    MAIN,
    RIGHTS,
    as_typed,
    complaints,
    form_field,
    line_address,
)
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.wiring import pools as wired

router = Pages()
Asked = Annotated[str, Query(max_length=255)]
# Products that a search shows at most.
HITS = 50
# What this form has besides the fields that a line is changed by.
BESIDE = ("identifier", "version")


@router.page("/pools/new", Permission.EDIT)
def new_page(
    request: Request, visit: Visit, q: Asked = "", product: Asked = "", like: Asked = ""
) -> Response:
    """Looks for a product; asks for the line of one that is named, or of one like another line."""
    if like:
        line = pools.history(visit.collector.store, like)[-1].entitlement
        return _form(request, visit, as_typed(line), like=like)
    if product:
        return _form(request, visit, _blank(visit, product))
    found, catalogue = search(visit.collector.catalogue, q), visit.collector.catalogue
    hits = [
        {
            "product": each,
            "label": catalogue.label(each),
            "publisher": catalogue.publishers.get(publisher_of(each), ""),
            "address": f"/pools/new?{urlencode({'product': each})}",
        }
        for each in found[:HITS]
    ]
    context = {
        "is_form": False,
        "label": "",
        "said": (),
        "q": q.strip(),
        "hits": hits,
        "more": max(len(found) - HITS, 0),
    }
    return page(request, "pool_new.html", context)


@router.form("/pools/new", Permission.EDIT)
def add(request: Request, visit: Visit, fields: Fields) -> Response:
    """Adds the line, or shows again what was typed with all that is wrong with it."""
    typed = {name: fields[name].strip() for name in (*BESIDE, *MAIN, *RIGHTS) if name in fields}
    reason, text = fields.get("reason", "").strip(), visit.collector.messages.text
    labels = {name: str(form_field(visit, name)["label"]) for name in (*MAIN, *RIGHTS)}
    labels |= {"id": _id_label(visit), "version": text("Version")}
    try:
        line = wired.add(visit.collector, typed, reason, labels)
    except UsageError as error:
        typed["reason"] = reason
        said = complaints(visit, error)
        return _form(request, visit, typed, said=said, like=fields.get("like", ""))
    visit.figures.expire()
    return go(request, line_address(line.id))


def _blank(visit: Visitor, product: str) -> Mapping[str, str]:
    """A line of the product that says nothing yet; raises UsageError for one that is unknown."""
    catalogue = visit.collector.catalogue
    if line_of(product) not in catalogue.products:
        raise UsageError(N_("the catalogue has no product {product!r}"), product=product)
    metric = catalogue.metric(product)
    # What is counted by cores today was not always: the intake wants a person to say so.
    stated = "" if metric is Metric.CORE else metric.value
    return as_typed(Entitlement("", product, 0)) | {"quantity": "", "metric": stated}


def _form(
    request: Request,
    visit: Visitor,
    typed: Mapping[str, str],
    *,
    said: Sequence[str] = (),
    like: str = "",
) -> Response:
    """The form with what was typed."""
    catalogue = visit.collector.catalogue
    nothing = as_typed(Entitlement("", "", 0)) | {"quantity": ""}
    value = {**nothing, **dict.fromkeys((*BESIDE, "reason"), ""), **typed}
    product = value["product"]
    context = {
        "is_form": True,
        "label": catalogue.label(product) if line_of(product) in catalogue.products else "",
        "said": said,
        "like": like,
        "id_label": _id_label(visit),
        "main": [form_field(visit, name, is_unsaid=not value["metric"]) for name in MAIN],
        "rights": [form_field(visit, name) for name in RIGHTS],
        "has_rights": any(value[name] not in ("", "no") for name in RIGHTS),
        "asks_version": bool(value["version"]) or catalogue.lacks_version(product),
        "value": value,
        "typed": {},
        "now": {},
        "overtaken": None,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if said else HTTPStatus.OK
    return page(request, "pool_new.html", context, status=status)


def _id_label(visit: Visitor) -> str:
    label = visit.collector.messages.text(pool_wording.FIELDS["id"])
    return label[:1].upper() + label[1:]
