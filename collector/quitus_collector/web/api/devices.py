"""Devices: what they are, what is and was installed on them, and decisions on them."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel

from quitus_collector.adapters import cyclonedx
from quitus_collector.domain.account import Permission
from quitus_collector.domain.device import Device
from quitus_collector.domain.roster import Condition, Place, Sought
from quitus_collector.errors import UsageError
from quitus_collector.services import access, ledger, roster
from quitus_collector.services.reporting import Decision, settle
from quitus_collector.web.api.calls import Call, Calls, Prose, Wanted, Word, file_answer, found
from quitus_collector.web.api.paging import Cursor, Limit, Page, cursor_of, key_of, paged

router = Calls("devices")
CYCLONEDX = "application/vnd.cyclonedx+json; version=1.6"
Record = dict[str, Any]


class Settlement(BaseModel):
    """A machine of its own; the one that takes another's place; back to quarantine."""

    decision: Decision


class Why(BaseModel):
    """For the audit log."""

    reason: Prose = ""


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
    return Response(content, media_type=CYCLONEDX)


@router.call("POST", "/devices/{device}/settlement", Permission.EDIT)
def settle_device(call: Call, device: Word, settlement: Settlement) -> Record:
    """Decides on a device in quarantine, or decides again."""
    collector = call.collector
    _device(call, device)
    settled = settle(collector.store, collector.clock, device, settlement.decision, collector.actor)
    call.figures.expire()
    return settled.document()


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


def _place(cursor: str) -> Place:
    name, _, number = key_of(cursor, str).partition("\0")
    if not (number.isascii() and number.isdecimal() and len(number) < 19):
        raise UsageError("{cursor} is no cursor of this list", cursor=repr(cursor[:60]))
    return Place(name, int(number))


def _device(call: Call, device: str) -> Device:
    with call.collector.store.reading() as work, found():
        return work.devices.get(device)
