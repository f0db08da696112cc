"""The company's price list: the list, one offer with its history, what is taken off."""

from collections.abc import Mapping, Sequence
from datetime import date
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.domain.holding import Act
from quitus_collector.domain.price import Price, Standing, standings
from quitus_collector.domain.product import publisher_of
from quitus_collector.errors import UsageError
from quitus_collector.services import pool_wording, price_wording, prices, wording
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.wording import N_
from quitus_collector.web import tables
from quitus_collector.web.forms import Fields
from quitus_collector.web.lists import cut
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor

router = Pages()
Filter = Annotated[str, Query(max_length=255)]
LOOKS = {Standing.IN_FORCE: "good", Standing.TO_COME: "open"}
# The field of a licence that its own columns show, or that says nothing of an offer.
SHOWN = ("id", "product", "quantity", "metric")
# The value of a choice that names no first day.
UNDATED = "undated"


@router.page("/prices", Permission.READ)
def prices_page(
    request: Request,
    visit: Visit,
    q: Filter = "",
    publisher: Filter = "",
    state: Filter = "",
    after: str = "",
    before: str = "",
) -> Response:
    """The lines, filtered."""
    narrowed = {"q": q, "publisher": publisher, "state": state}
    everything, wanted = _wanted(visit, narrowed)
    catalogue, text = visit.collector.catalogue, visit.collector.messages.text
    of = sorted({publisher_of(each.licence.product) for each, _ in everything})
    given = {name: value for name, value in narrowed.items() if value}
    return page(
        request,
        "prices.html",
        {
            "asked": narrowed,
            "list": cut(wanted, _place, "/prices", {**narrowed, "after": after, "before": before}),
            "as_file": lambda form: f"/prices/export?{urlencode({'form': form, **given})}",
            "count_of_all": len(everything),
            "row": lambda each: _row(visit, *each),
            "publishers": [(each, catalogue.publishers.get(each, each)) for each in of],
            "states": [(each.value, text(said)) for each, said in price_wording.STANDINGS.items()],
        },
    )


@router.page("/prices/export", Permission.READ)
def export_prices(
    visit: Visit,
    form: str = "xlsx",
    q: Filter = "",
    publisher: Filter = "",
    state: Filter = "",
) -> Response:
    """The lines that the list is narrowed to, as a file that can be taken in again."""
    if form not in tables.TYPES:
        raise UsageError("there is no export as {name}", name=form)
    asked = {"q": q, "publisher": publisher, "state": state}
    _, wanted = _wanted(visit, asked)
    given = {name: said.replace("\0", "") for name, said in asked.items() if said}
    visit.collector.took_out(f"prices.{form}", **given)
    return tables.price_list([each for each, _ in wanted], form)


@router.page("/prices/offer", Permission.READ)
def offer_page(request: Request, visit: Visit, id: str) -> Response:
    """One offer: what it is, what it costs, what it did cost."""
    return _offer(request, visit, id)


@router.form("/prices/offer/remove", Permission.EDIT)
def remove(request: Request, visit: Visit, fields: Fields) -> Response:
    """Takes the offer off the list as it was seen, or one of its prices; its history stays."""
    collector, price_id = visit.collector, fields.get("id", "")
    reason = fields.get("reason", "").strip()
    if not reason:
        said = collector.messages.text("Say why it is taken off the list: the history keeps it.")
        return _offer(request, visit, price_id, said=said, typed=fields)
    act = Act(collector.actor, reason)
    try:
        starts = _starts(fields.get("which", ""))
        seen = fields.get("seen", "")
        prices.remove_price(collector.store, collector.clock, price_id, act, starts, seen=seen)
    except prices.Overtaken as error:
        wrong, status = collector.messages.error(error), HTTPStatus.CONFLICT
        return _offer(request, visit, price_id, said=wrong, typed=fields, status=status)
    except UsageError as error:
        return _offer(request, visit, price_id, said=collector.messages.error(error), typed=fields)
    visit.figures.reprice()
    return go(request, offer_address(price_id))


def offer_address(price_id: str) -> str:
    """Of the page of an offer."""
    return f"/prices/offer?{urlencode({'id': price_id})}"


def _starts(which: str) -> list[date | None]:
    """The first days of the prices that are meant; none for all of them. Raises UsageError."""
    if not which:
        return []
    try:
        return [None if which == UNDATED else date.fromisoformat(which)]
    except ValueError as error:
        raise UsageError(N_("{value!r} is not a date like 2026-10-31"), value=which) from error


Stated = tuple[Price, Standing]


def _place(each: Stated) -> str:
    """Where a line stands in the list: what is in it sorts before all that ids are written with."""
    licence_id, start = each[0].key
    return f"{licence_id}\t{start or ''}"


def _wanted(visit: Visitor, asked: Mapping[str, str]) -> tuple[list[Stated], list[Stated]]:
    """All lines, and those that are asked for, each with its standing today."""
    collector = visit.collector
    check_publisher(collector.catalogue, asked["publisher"] or None)
    listed = prices.listed(collector.store)
    found = standings(listed, collector.clock.today())
    everything = sorted(((each, found[each.key]) for each in listed), key=_place)
    words = asked["q"].lower().split()

    def is_wanted(price: Price, standing: Standing) -> bool:
        licence = price.licence
        label = collector.catalogue.label(licence.product)
        told = (licence.id, licence.product, label, licence.part_number, price.source)
        said = " ".join(told).lower()
        return (
            asked["publisher"] in ("", publisher_of(licence.product))
            and asked["state"] in ("", standing.value)
            and all(word in said for word in words)
        )

    return everything, [each for each in everything if is_wanted(*each)]


def _row(visit: Visitor, price: Price, standing: Standing) -> dict[str, object]:
    messages, licence = visit.collector.messages, price.licence
    return {
        "price": price,
        "address": offer_address(licence.id),
        "label": visit.collector.catalogue.label(licence.product),
        "units": wording.units(licence.metric, licence.quantity, messages),
        "limits": pool_wording.limits(licence, messages),
        "validity": price_wording.validity(price, messages),
        "state": messages.text(price_wording.STANDINGS[standing]),
        "look": LOOKS.get(standing, ""),
    }


def _offer(
    request: Request,
    visit: Visitor,
    price_id: str,
    *,
    said: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 0,
) -> Response:
    """The page of an offer; with what was typed, where it was not removed."""
    collector, messages = visit.collector, visit.collector.messages
    happened = prices.history(collector.store, price_id)
    there = [each for each in prices.listed(collector.store) if each.licence.id == price_id]
    found = standings(there, collector.clock.today())
    last = there[-1] if there else happened[-1].price
    typed = typed or {}
    context = {
        "id": price_id,
        "label": collector.catalogue.label(last.licence.product),
        "facts": _facts(visit, last),
        "rows": [_row(visit, each, found[each.key]) for each in there],
        "choices": _choices(visit, there),
        "which": typed.get("which", ""),
        "seen": prices.fingerprint(there),
        "happened": [
            {
                "at": each.at,
                "by": each.act.actor,
                "reason": each.act.reason,
                "what": messages.text(pool_wording.HAPPENINGS[each.kind]),
                "told": [price_wording.difference(one, messages) for one in each.differences]
                or [price_wording.offered(each.price, messages)],
                "validity": price_wording.validity(each.price, messages),
            }
            for each in reversed(happened)
        ],
        "said": said,
        "reason": typed.get("reason", ""),
    }
    return page(request, "price_offer.html", context, status=status or (422 if said else 200))


def _facts(visit: Visitor, price: Price) -> Sequence[tuple[str, str]]:
    """What the offer's licences are and may."""
    messages, document = visit.collector.messages, price_wording.document(price)
    licence = [name for name in price_wording.COLUMNS if hasattr(price.licence, name)]
    return [
        (
            messages.text(price_wording.FIELDS[name]),
            pool_wording.said(getattr(price.licence, name), messages),
        )
        for name in licence
        if name in SHOWN or document[name] not in (None, "", False)
        if name not in ("valid_from", "valid_until")
    ]


def _choices(visit: Visitor, there: Sequence[Price]) -> list[tuple[str, str]]:
    """What can be taken off: everything, or one price of several."""
    messages = visit.collector.messages
    found = [("", messages.text("the offer with all its prices"))]
    for each in there if len(there) > 1 else ():
        start = each.valid_from.isoformat() if each.valid_from else UNDATED
        amount = messages.money(each.amount, each.currency)
        days = price_wording.validity(each, messages) or messages.text("without a first day")
        said = messages.text("only the price of {price}, {days}", price=amount, days=days)
        found.append((start, said))
    return found
