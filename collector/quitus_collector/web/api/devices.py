"""Devices: what they are, what is and was installed on them, and decisions on them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from quitus_collector.adapters import cyclonedx
from quitus_collector.domain.account import Permission
from quitus_collector.domain.company import is_siren
from quitus_collector.domain.device import Device, EnrolmentRequest
from quitus_collector.domain.perimeter import Placement, Role, Scope
from quitus_collector.domain.roster import Condition, Place, Sought
from quitus_collector.errors import UsageError
from quitus_collector.services import access, enrolment, ledger, perimeter, roster
from quitus_collector.services.perimeter import PlacementLine
from quitus_collector.services.reporting import Decision, settle
from quitus_collector.web.api.calls import Body, Call, Calls, Said, Wanted, Word, file_answer, found
from quitus_collector.web.api.paging import Cursor, Limit, Page, cursor_of, key_of, paged

router = Calls("devices")
CYCLONEDX = "application/vnd.cyclonedx+json; version=1.6"
Record = dict[str, Any]


class Settlement(Body):
    """A machine of its own; the one that takes another's place; back to quarantine."""

    decision: Decision


class Why(Body):
    """For the audit log: a decision on access has a reason."""

    reason: Said


class PlacementShown(BaseModel):
    """What people say of a device: whose it is, where, what for, whether it counts, and why."""

    entity: str | None
    site: str
    role: Role
    scope: Scope
    reason: str


class PlacementWanted(Body):
    """What is not named stays; an empty `entity` takes it back.

    Another role than production, and another scope than counted, have a reason.
    """

    entity: Word | None = None
    site: Word | None = None
    role: Role | None = None
    scope: Scope | None = None
    reason: Word | None = None


class RequestShown(BaseModel):
    """A device without a token that waits to be let in; `approved` is null until then."""

    id: str
    name: str
    address: str
    requested_at: datetime
    approved: bool | None
    entity: str | None


class RequestDecision(Body):
    """Lets it in, as one of this entity (a SIREN) where one is named, or turns it away."""

    approved: bool
    entity: Word = ""


class DeviceShown(BaseModel):
    """A device in the list; `entity` is a SIREN."""

    id: str
    name: str
    system: str
    entity: str | None
    site: str
    condition: Condition
    last_report_at: datetime | None
    certificate_expires_at: datetime
    installs: int


@router.call("GET", "/devices", Permission.DEVICES)
def list_devices(
    call: Call,
    text: Annotated[Wanted, Query(description="a part of the name, or the id's beginning")] = "",
    condition: Condition | None = None,
    product: Wanted | None = None,
    cursor: Cursor = "",
    limit: Limit = 100,
) -> Page[DeviceShown]:
    """Sorted by name; `product` is one that is counted on the device, with its version."""
    moments = roster.moments(call.collector.clock.now())
    sought = Sought(text=text, condition=condition, product=product)
    with call.collector.store.reading() as work:
        beyond = _place(cursor) if cursor else None
        rows = work.roster.find(sought, moments, beyond=beyond, forward=True, most=limit + 1)
    items = [
        DeviceShown(
            id=row.id,
            name=row.name,
            system=row.system,
            entity=row.entity,
            site=row.site,
            condition=row.condition(moments.stale),
            last_report_at=row.last_report_at,
            certificate_expires_at=row.certificate_expires_at,
            installs=row.installs,
        )
        for row in rows[:limit]
    ]
    more = len(rows) > limit
    following = cursor_of("\0".join(map(str, rows[limit - 1].place))) if more else None
    return Page(items=items, next=following)


@router.call("GET", "/devices/{device}", Permission.DEVICES)
def get_device(call: Call, device: Word) -> Record:
    """One device by its id."""
    return _device(call, device).document()


@router.call("GET", "/devices/{device}/installs", Permission.DEVICES)
def list_installs(
    call: Call, device: Word, cursor: Cursor = "", limit: Limit = 1000
) -> Page[Record]:
    """What it last reported, with what each record was recognised as."""
    _device(call, device)
    with call.collector.store.reading() as work:
        listed = work.inventories.list(device)
    numbered = [(f"{number:06}", each) for number, each in enumerate(listed)]
    shown, following = paged(numbered, lambda each: each[0], cursor, limit)
    catalogue = call.collector.catalogue
    items = [
        {**each.document(), "recognition": catalogue.recognise(each).document()}
        for _, each in shown
    ]
    return Page(items=items, next=following)


@router.call("GET", "/devices/{device}/history", Permission.DEVICES)
def list_device_history(
    call: Call, device: Word, cursor: Cursor = "", limit: Limit = 1000
) -> Page[Record]:
    """Everything that is or was installed, the oldest first; of a removed device too."""
    with found():
        listed = ledger.history(call.collector.store, device)
    numbered = [(f"{number:06}", each) for number, each in enumerate(listed)]
    shown, following = paged(numbered, lambda each: each[0], cursor, limit)
    return Page(items=[each.document() for _, each in shown], next=following)


@router.call(
    "GET", "/devices/{device}/components", Permission.DEVICES, answer=file_answer(CYCLONEDX)
)
def get_components(call: Call, device: Word) -> Response:
    """What is installed, as CycloneDX 1.6."""
    shown = _device(call, device)
    with call.collector.store.reading() as work:
        installs = work.inventories.list(device)
    content = cyclonedx.document(shown, installs, call.collector.catalogue)
    call.collector.took_out(f"device {shown.id}", file="cyclonedx")
    return Response(content, media_type=CYCLONEDX)


@router.call("POST", "/devices/{device}/settlement", Permission.EDIT)
def settle_device(call: Call, device: Word, settlement: Settlement) -> Record:
    """Decides on a device in quarantine, or decides again."""
    collector = call.collector
    _device(call, device)
    settled = settle(collector.store, collector.clock, device, settlement.decision, collector.actor)
    call.figures.expire()
    return settled.document()


@router.call("GET", "/devices/{device}/placement", Permission.DEVICES)
def get_placement(call: Call, device: Word) -> PlacementShown:
    """What people say of it."""
    _device(call, device)
    return _placement(call, device)


@router.call("PATCH", "/devices/{device}/placement", Permission.EDIT)
def place_device(call: Call, device: Word, wanted: PlacementWanted) -> PlacementShown:
    """Says where it is, what it is for, and whether it counts: or is excluded, or retired."""
    collector = call.collector
    _device(call, device)
    line = PlacementLine(
        device, wanted.entity, wanted.site, wanted.role, wanted.scope, wanted.reason
    )
    perimeter.place(collector.store, collector.clock, [line], actor=collector.actor)
    call.figures.expire()
    return _placement(call, device)


@router.call("POST", "/devices/{device}/revoke", Permission.ADMINISTER)
def revoke_device(call: Call, device: Word, why: Why) -> Record:
    """Shuts a device out from its next call on; its reports stay."""
    collector = call.collector
    _device(call, device)
    shut = access.revoke(
        collector.store, collector.clock, device, actor=collector.actor, reason=why.reason
    )
    call.figures.expire()
    return shut.document()


@router.call("POST", "/devices/{device}/restore", Permission.ADMINISTER)
def restore_device(call: Call, device: Word, why: Why) -> Record:
    """Lets a revoked device in again."""
    collector = call.collector
    _device(call, device)
    let_in = access.restore(
        collector.store, collector.clock, device, actor=collector.actor, reason=why.reason
    )
    call.figures.expire()
    return let_in.document()


@router.call("GET", "/enrolment-requests", Permission.DEVICES)
def list_enrolment_requests(
    call: Call, cursor: Cursor = "", limit: Limit = 100
) -> Page[RequestShown]:
    """Sorted by id; those that were decided on stay until their device asks again."""
    with call.collector.store.reading() as work:
        listed = sorted(work.requests.list(), key=lambda each: each.id)
    some, following = paged(listed, lambda each: each.id, cursor, limit)
    return Page(items=[_request(each) for each in some], next=following)


@router.call("POST", "/enrolment-requests/{request}/decision", Permission.ADMINISTER)
def decide_enrolment(call: Call, request: Word, decision: RequestDecision) -> RequestShown:
    """Accepts or refuses it; the device learns it when it asks again."""
    collector, entity = call.collector, decision.entity.replace(" ", "")
    if entity and not is_siren(entity):
        raise UsageError(
            "{siren!r} is not a SIREN: nine digits with their check digit", siren=decision.entity
        )
    with found():
        decided = enrolment.decide(
            collector.store,
            collector.clock,
            request,
            approved=decision.approved,
            entity=entity or None,
            actor=collector.actor,
        )
    return _request(decided)


def _request(request: EnrolmentRequest) -> RequestShown:
    return RequestShown(
        id=request.id,
        name=request.hostname,
        address=request.address,
        requested_at=request.requested_at,
        approved=request.approved,
        entity=request.entity,
    )


def _placement(call: Call, device: str) -> PlacementShown:
    with call.collector.store.reading() as work:
        said = work.decisions.placed([device]).get(device, Placement(device))
    return PlacementShown(
        entity=said.entity, site=said.site, role=said.role, scope=said.scope, reason=said.reason
    )


def _place(cursor: str) -> Place:
    name, _, number = key_of(cursor, str).partition("\0")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise UsageError("{cursor} is no cursor of this list", cursor=repr(cursor[:60]))
    return Place(name, int(number))


def _device(call: Call, device: str) -> Device:
    with call.collector.store.reading() as work, found():
        return work.devices.get(device)
