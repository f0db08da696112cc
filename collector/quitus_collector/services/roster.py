"""Looking through the devices: a page of the list, one device with all that is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from quitus_collector.domain.device import Device
from quitus_collector.domain.history import Episode
from quitus_collector.domain.install import Install
from quitus_collector.domain.perimeter import Placement
from quitus_collector.domain.roster import ENDING, Condition, Moments, Place, Row, Sought
from quitus_collector.services.licensing import STALE_AFTER
from quitus_collector.services.ports import Clock, Store

PAGE = 50


@dataclass(frozen=True, slots=True)
class Turned:
    """A page of the list; `before` and `after` are where its neighbours begin, None without one."""

    rows: Sequence[Row]
    before: Place | None
    after: Place | None


@dataclass(frozen=True, slots=True)
class Known:
    """A device with what it last reported and what people said of it."""

    device: Device
    row: Row
    installs: Sequence[Install]
    placement: Placement
    rival: Device | None


@dataclass(frozen=True, slots=True)
class Watch:
    """How many devices are in each condition, how many certificates end soon, which sites are."""

    conditions: Mapping[Condition, int]
    ending: int
    sites: Sequence[str]


def moments(now: datetime) -> Moments:
    """What is old now, and what ends soon."""
    return Moments(stale=now - STALE_AFTER, ending=now + ENDING)


def turn(
    store: Store,
    clock: Clock,
    sought: Sought,
    *,
    beyond: Place | None = None,
    forward: bool = True,
    most: int = PAGE,
) -> Turned:
    """The page that follows a place, or the one before it; an id as text finds its device."""
    with store.reading() as work:
        if sought.text and work.devices.known([sought.text]):
            return Turned([work.roster.get(sought.text)], None, None)
        found = work.roster.find(
            sought, moments(clock.now()), beyond=beyond, forward=forward, most=most + 1
        )
    is_more = len(found) > most
    rows = found[:most] if forward else found[-most:]
    has_before = beyond is not None if forward else is_more
    has_after = is_more if forward else beyond is not None
    return Turned(
        rows,
        rows[0].place if rows and has_before else None,
        rows[-1].place if rows and has_after else None,
    )


def watch(store: Store, clock: Clock) -> Watch:
    """What is counted over all devices."""
    at = moments(clock.now())
    with store.reading() as work:
        roster = work.roster
        return Watch(roster.conditions(at), roster.ending(at), roster.sites())


def products(store: Store) -> Mapping[str, int]:
    """On how many devices each product is counted."""
    with store.reading() as work:
        return work.roster.products()


def known(store: Store, device_id: str) -> Known:
    """One device by its id; raises UnknownDevice."""
    with store.reading() as work:
        device = work.devices.get(device_id)
        said = work.decisions.placed([device_id]).get(device_id, Placement(device_id))
        rivals = work.devices.known([device.rival]) if device.rival else {}
        row = work.roster.get(device_id)
        return Known(device, row, work.inventories.list(device_id), said, rivals.get(device.rival))


def history(store: Store, device_id: str) -> tuple[Device, Sequence[Episode]]:
    """One device by its id, and all that is or was installed on it; raises UnknownDevice."""
    with store.reading() as work:
        device = work.devices.get(device_id)
        return device, work.inventories.episodes(work.roster.get(device_id).number)
