"""The company's price list: its lines, their history, price lists from files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from quitus_collector.domain.account import Permission
from quitus_collector.domain.holding import Act
from quitus_collector.domain.price import Price, standings
from quitus_collector.errors import UsageError
from quitus_collector.services import prices as service
from quitus_collector.services.price_wording import document, happened_document
from quitus_collector.web.api.calls import (
    CHANGED,
    Call,
    Caller,
    Calls,
    Content,
    Prose,
    Wanted,
    Word,
    found,
    must_match,
    upload,
)
from quitus_collector.web.api.intake import (
    Differs,
    Line,
    Looked,
    Match,
    Name,
    Reason,
    begin_intake,
    decisions_of,
    differing,
    looked,
)
from quitus_collector.web.api.paging import Cursor, Limit, Page, paged
from quitus_collector.web.api.work import BEGUN, JobShown
from quitus_collector.web.intake import Taken
from quitus_collector.web.pages.price_import import PRICES
from quitus_collector.web.uploads import uploaded

router = Calls("prices")
Start = Annotated[
    date | Literal["undated"] | None,
    Query(description="only the price that begins on that day, or `undated`; all without it"),
]


class PriceChangeShown(BaseModel):
    """What a line of the file makes of the price list."""

    where: str
    price: Line
    is_new: bool
    changes: dict[str, Differs]
    notes: list[str]


class PricesLooked(Looked):
    """What taking a price list in would do; with complaints, nothing would be taken in."""

    changes: list[PriceChangeShown]


class Offer(BaseModel):
    """The prices of an offer, by their first days."""

    items: list[Line]


@router.call("GET", "/prices", Permission.READ)
def list_prices(
    call: Call, product: Wanted = "", cursor: Cursor = "", limit: Limit = 100
) -> Page[Line]:
    """Sorted by id and first day, each with its `state` today; amounts are text, exact."""
    wanted = [
        each
        for each in _stated(call, service.listed(call.collector.store))
        if product in ("", each["product"])
    ]
    shown, following = paged(wanted, _place, cursor, limit)
    return Page(items=list(shown), next=following)


@router.call("POST", "/prices/imports/preview", Permission.EDIT, openapi_extra=upload())
def preview_prices(
    call: Call, content: Content, name: Name = "prices.csv", match: Match = ()
) -> PricesLooked:
    """What taking the price list in the body in would do; nothing is kept."""
    with uploaded(content, name) as file:
        seen = PRICES.look(call.collector, file, Taken(name, decisions_of(match)))
    changes = [
        PriceChangeShown(
            where=str(each.where),
            price=document(each.price),
            is_new=each.before is None,
            changes=differing(each.differences),
            notes=[str(note) for note in each.notes],
        )
        for each in seen.changes
    ]
    return PricesLooked(**looked(seen), changes=changes)


@router.call("POST", "/prices/imports", Permission.EDIT, openapi_extra=upload(), **BEGUN)
def take_in_prices(
    call: Call,
    response: Response,
    content: Content,
    name: Name = "prices.csv",
    match: Match = (),
    reason: Reason = "",
    without_unmatched: bool = False,
) -> JobShown:
    """Has the price list in the body taken in: all of it, or none."""
    taken = Taken(name, decisions_of(match), reason, without_unmatched)
    return begin_intake(call, response, PRICES, content, taken)


@router.call("GET", "/prices/{offer:path}/history", Permission.READ)
def get_offer_history(call: Call, offer: Word) -> Offer:
    """Who changed what, when and why, the oldest first."""
    with found():
        happened = service.history(call.collector.store, offer)
    return Offer(items=[happened_document(each) for each in happened])


# After what is longer: an id may have slashes.
@router.call("GET", "/prices/{offer:path}", Permission.READ)
def get_offer(call: Call, offer: Word) -> Offer:
    """One offer with its prices; its ETag is what a removal names with If-Match."""
    return _offer(call, _prices(call, offer))


@router.call("DELETE", "/prices/{offer:path}", Permission.EDIT, also=(412,))
def remove_offer(
    call: Call,
    request: Request,
    offer: Word,
    valid_from: Start = None,
    reason: Annotated[Prose, Query()] = "",
) -> Offer:
    """Takes an offer off the list, or one of its prices; its history stays."""
    collector, act = call.collector, Act(call.collector.actor, reason)
    starts = [] if valid_from is None else [None if valid_from == "undated" else valid_from]
    with found(), _unchanged(call, request, offer) as seen:
        gone = service.remove_price(collector.store, collector.clock, offer, act, starts, seen=seen)
    call.figures.reprice()
    return Offer(items=[document(each) for each in gone])


@contextmanager
def _unchanged(call: Caller, request: Request, offer: str) -> Iterator[str]:
    """The fingerprint that a removal holds the offer to; empty without If-Match."""
    there = _prices(call, offer)
    is_conditional = must_match(request, _offer(call, there).model_dump(mode="json"))
    try:
        yield service.fingerprint(there) if is_conditional else ""
    except service.Overtaken as error:
        raise HTTPException(HTTPStatus.PRECONDITION_FAILED, CHANGED) from error


def _prices(call: Caller, offer: str) -> Sequence[Price]:
    """Those of an offer; answered with 404 where there is none."""
    there = [each for each in service.listed(call.collector.store) if each.licence.id == offer]
    with found():
        if not there:
            raise UsageError("the price list has no line {id!r}", id=offer)
    return there


def _offer(call: Caller, there: Sequence[Price]) -> Offer:
    return Offer(items=_stated(call, there))


def _stated(call: Caller, listed: Sequence[Price]) -> list[Line]:
    """The lines with what they are today."""
    standing = standings(listed, call.collector.clock.today())
    return [{**document(each), "state": standing[each.key].value} for each in listed]


def _place(line: Line) -> str:
    """What sorts as the list does: a tab comes before all that ids are written with."""
    return f"{line['id']}\t{line['valid_from'] or ''}"
