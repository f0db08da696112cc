"""What no rule knows, and the decisions of the company on it."""

from typing import Any

from pydantic import BaseModel

from quitus_collector.adapters.catalogue.own_rules import Ruling
from quitus_collector.domain.account import Permission
from quitus_collector.domain.product import is_valid_line
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.errors import UsageError
from quitus_collector.web.api.calls import Body, Call, Calls, Word, found
from quitus_collector.web.api.paging import Cursor, Limit, Page, cursor_of, key_of
from quitus_collector.wiring import licensing

router = Calls("unknown")
Group = dict[str, Any]


class Decision(Body):
    """What a group of names is; commercial and free software names a product.

    Without a `publisher` it is the group on most devices of those that have the name.
    """

    name: Word
    publisher: Word | None = None
    software_class: SoftwareClass
    product: Word = ""
    label: Word = ""


class Effect(BaseModel):
    """A record of the fleet, and what it would be recognised as."""

    name: str
    publisher: str
    version: str
    product: str | None
    software_class: str


class Effects(BaseModel):
    """The records whose answer the decision changes."""

    items: list[Effect]


@router.call("GET", "/unknown", Permission.READ)
def list_unknown(call: Call, cursor: Cursor = "", limit: Limit = 100) -> Page[Group]:
    """Names in groups that are alike, those on most devices first."""
    start = key_of(cursor, int) if cursor else 0
    listed = licensing.triage(call.collector, call.figures.position().value)
    shown = listed[start : start + limit]
    following = cursor_of(start + limit) if len(listed) > start + limit else None
    return Page(items=[each.document() for each in shown], next=following)


@router.call("POST", "/unknown/preview", Permission.EDIT, also=(404,))
def preview_decision(call: Call, decision: Decision) -> Effects:
    """What the decision would change; nothing is kept."""
    changed = licensing.preview(call.collector, _ruling(call, decision))
    return Effects(
        items=[
            Effect(
                name=install.name,
                publisher=install.publisher,
                version=install.version,
                product=answer.product,
                software_class=answer.software_class.value,
            )
            for install, answer in changed
        ]
    )


@router.call("POST", "/unknown/decisions", Permission.EDIT, also=(404,), status=201)
def decide(call: Call, decision: Decision) -> Decision:
    """Makes the decision a rule of the company's own, for this and every later report."""
    ruling = _ruling(call, decision)
    # Read as a rule first: what no catalogue takes is written nowhere.
    licensing.preview(call.collector, ruling)
    licensing.decide(call.collector, ruling)
    call.console.acting_as(call.token)
    call.figures.expire()
    return decision


def _ruling(call: Call, decision: Decision) -> Ruling:
    if decision.product and not is_valid_line(decision.product):
        raise UsageError("{product} is not publisher/family[/edition]", product=decision.product)
    for each in licensing.triage(call.collector, call.figures.position().value):
        is_of = decision.publisher in (None, each.publisher)
        if is_of and decision.name in (each.stem, *each.names):
            return Ruling(
                each.stem,
                each.publisher,
                decision.software_class,
                decision.product,
                decision.label,
            )
    with found():
        raise UsageError("no unknown name is {name}", name=decision.name)
