"""What was known of devices at one time, and what came and went between two."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from quitus_collector.domain.device import Device, Standing
from quitus_collector.domain.install import DeviceKind, Install, SourceStatus


class Recognised(NamedTuple):
    """What the catalogue makes of a device's records: licensable products, and unknown names.

    A name is unknown with its publisher, once however many versions of it are there.
    """

    products: frozenset[str] = frozenset()
    unknown: frozenset[tuple[str, str]] = frozenset()


class Snapshot(NamedTuple):
    """A device as it was known at one time: what counting takes from it.

    `heard_at` is its last report until then, of a past time to the week; None if there was none.
    `products` is None where nothing was recognised yet. Equal sets of products are one object.
    `system` is what the device calls its operating system, empty where it told none.
    """

    device_id: str
    name: str
    entity: str | None
    standing: Standing
    heard_at: datetime | None
    has_failed_sources: bool
    user: str | None
    portable: bool
    is_virtual: bool
    smbios_uuid: str
    guests: tuple[str, ...]
    processors: int
    cores: int
    products: frozenset[str] | None
    system: str = ""


def snapshot(device: Device, products: frozenset[str] | None) -> Snapshot:
    """What counting takes from a device as it is."""
    facts = device.facts
    return Snapshot(
        device_id=device.id,
        name=device.name,
        entity=device.entity,
        standing=device.standing,
        heard_at=device.last_report_at,
        has_failed_sources=any(each.status is SourceStatus.FAILED for each in device.sources),
        user=facts.primary_user or None,
        portable=facts.portable,
        is_virtual=facts.kind is DeviceKind.VIRTUAL,
        smbios_uuid=facts.smbios_uuid.lower(),
        guests=facts.guests,
        processors=facts.processors,
        cores=facts.cores,
        products=products,
        system=facts.system,
    )


@dataclass(frozen=True, slots=True)
class Episode:
    """One install on one device, from the report that brought it to the one that missed it.

    `first_seen` is None where it was there before the history begins; `last_seen` is the last
    report that had it, `gone_at` the one that had not, or the device's removal; None while it is
    there.
    """

    install: Install
    first_seen: datetime | None
    last_seen: datetime | None
    gone_at: datetime | None = None

    def document(self) -> dict[str, object]:
        """The episode as JSON has it."""
        times = {name: getattr(self, name) for name in ("first_seen", "last_seen", "gone_at")}
        return self.install.document() | {
            name: moment.isoformat() if moment else None for name, moment in times.items()
        }


class Departure(StrEnum):
    """Why a product is no longer counted on a device."""

    UNINSTALLED = "uninstalled"
    DEVICE_REMOVED = "device-removed"
    DEVICE_SET_APART = "device-set-apart"
    RECOGNISED_OTHERWISE = "recognised-otherwise"


class Period(NamedTuple):
    """What was counted on a device from `since` on; `until` is None while it lasts."""

    device: int
    name: str
    standing: Standing
    products: frozenset[str] | None
    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, order=True)
class Removal:
    """A product that went away from a device; `is_back` where it is there again since."""

    at: datetime
    device: str
    product: str
    departure: Departure
    is_back: bool = False

    def document(self) -> dict[str, object]:
        """The removal as JSON has it."""
        return {
            "at": self.at.isoformat(),
            "device": self.device,
            "product": self.product,
            "why": self.departure.value,
            "is_back": self.is_back,
        }


def removals(
    periods: Iterable[Period], since: datetime, catalogue_changes: frozenset[datetime]
) -> tuple[Removal, ...]:
    """What went away from `since` on, oldest first.

    `periods` are those of whole devices that last until then or later. What goes away in the very
    moment of a change of the catalogue was only given another name.
    """
    by_device: dict[int, list[Period]] = {}
    for each in periods:
        by_device.setdefault(each.device, []).append(each)
    found: list[Removal] = []
    for those in by_device.values():
        found += _removals(sorted(those, key=lambda each: each.since), catalogue_changes)
    return tuple(sorted(each for each in found if each.at >= since))


def _removals(
    periods: Sequence[Period], catalogue_changes: frozenset[datetime]
) -> Iterator[Removal]:
    last = periods[-1]
    counted_now = _counted(last) if last.until is None else frozenset[str]()
    ends: list[tuple[Period, Period | None]] = [*pairwise(periods)]
    if last.until is not None:
        ends.append((last, None))
    for before, after in ends:
        at = after.since if after else before.until
        if at is None:
            continue
        for product in _counted(before) - (_counted(after) if after else frozenset()):
            departure = _departure(after, product, at in catalogue_changes)
            yield Removal(at, before.name, product, departure, product in counted_now)


def _departure(after: Period | None, product: str, at_catalogue_change: bool) -> Departure:
    if after is None:
        return Departure.DEVICE_REMOVED
    if product in (after.products or ()):
        return Departure.DEVICE_SET_APART
    return Departure.RECOGNISED_OTHERWISE if at_catalogue_change else Departure.UNINSTALLED


def _counted(period: Period) -> frozenset[str]:
    return (period.products or frozenset()) if period.standing is Standing.ACTIVE else frozenset()
