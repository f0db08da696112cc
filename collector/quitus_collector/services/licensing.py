"""Licence pools in, effective licence position out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from difflib import get_close_matches

from quitus_collector.domain.catalogue import Catalogue, Recognition, SoftwareClass
from quitus_collector.domain.device import Device, Standing
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.install import DeviceKind, Install, SourceStatus
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import (
    Perimeter,
    Position,
    Unknown,
    licensable,
    position_lines,
)
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Clock, Store, UnitOfWork

# A device that was silent for longer is counted as it last was, and said to be silent.
STALE_AFTER = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class PoolLine:
    """An entitlement and the line of the file that states it."""

    number: int
    entitlement: Entitlement


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """How many entitlements an import brought."""

    added: int
    changed: int
    unchanged: int


def import_pools(store: Store, catalogue: Catalogue, lines: Iterable[PoolLine]) -> ImportSummary:
    """Adds entitlements; one with a known id is replaced, the others stay.

    All lines are taken or none. Raises UsageError naming the line.
    """
    counts: Counter[str] = Counter()
    with store.writing() as work:
        known = {each.id: each for each in work.entitlements.list()}
        for line in lines:
            entitlement = _checked(line, catalogue)
            before = known.get(entitlement.id)
            if before == entitlement:
                counts["unchanged"] += 1
                continue
            counts["changed" if before else "added"] += 1
            work.entitlements.add(entitlement)
    return ImportSummary(counts["added"], counts["changed"], counts["unchanged"])


def remove_entitlement(store: Store, entitlement_id: str) -> Entitlement:
    """Takes a line out of the pools; raises UsageError if there is none with this id."""
    with store.writing() as work:
        known = {each.id: each for each in work.entitlements.list()}
        if entitlement_id not in known:
            raise UsageError(f"no entitlement has the id {entitlement_id!r}")
        work.entitlements.remove(entitlement_id)
    return known[entitlement_id]


def position(store: Store, catalogue: Catalogue, solver: Solver, clock: Clock) -> Position:
    """The effective licence position of now; raises SolverError if it could not be proven."""
    with store.reading() as work:
        known = work.devices.list()
        devices = [device for device in known if device.standing is Standing.ACTIVE]
        active = {device.id for device in devices}
        entitlements = work.entitlements.list()
        distinct = work.inventories.distinct()
        suites = catalogue.suites
        recognised = {number: catalogue.recognise(each) for number, each in distinct.items()}
        products = {
            device: licensable((recognised[number] for number in numbers), suites)
            for device, numbers in work.inventories.by_device()
            if device in active
        }
        unknown = _unknown(work, distinct, recognised)
    counted = _counted(devices)
    bound = [_bound_to_id(each, devices) for each in entitlements]
    now = clock.now()
    return Position(
        as_of=now,
        catalogue_digest=catalogue.digest,
        perimeter=_perimeter(devices, len(known) - len(devices), now),
        lines=position_lines(clock.today(), counted, products, bound, catalogue, solver),
        unknown=unknown,
    )


def _counted(devices: Sequence[Device]) -> list[CountedDevice]:
    """The devices as counting sees them; a fact that a device did not tell is None or 0.

    A virtual device runs on the one that names its SMBIOS id among its guests.
    """
    host_of = {guest: device.id for device in devices for guest in device.facts.guests}
    return [
        CountedDevice(
            id=device.id,
            entity=device.entity,
            user=device.facts.primary_user or None,
            portable=device.facts.portable,
            is_virtual=device.facts.kind is DeviceKind.VIRTUAL,
            host=host_of.get(device.facts.smbios_uuid.lower()),
            processors=device.facts.processors,
            cores=device.facts.cores,
        )
        for device in devices
    ]


def _perimeter(devices: Sequence[Device], set_apart: int, now: datetime) -> Perimeter:
    reports = [device.last_report_at for device in devices if device.last_report_at]
    fresh = sum(now - report <= STALE_AFTER for report in reports)
    names = Counter(device.name for device in devices)
    return Perimeter(
        entities=tuple(sorted({device.entity for device in devices if device.entity})),
        enrolled=len(devices),
        reporting=fresh,
        stale=len(reports) - fresh,
        stale_after_days=STALE_AFTER.days,
        with_failed_sources=sum(
            any(source.status is SourceStatus.FAILED for source in device.sources)
            for device in devices
        ),
        set_apart=set_apart,
        oldest_report_at=min(reports, default=None),
        namesakes=tuple(sorted(name for name, count in names.items() if count > 1)),
    )


def _unknown(
    work: UnitOfWork, distinct: Mapping[int, Install], recognised: Mapping[int, Recognition]
) -> tuple[Unknown, ...]:
    """The raw names that no rule knows, those on most devices first."""
    names = {
        number: (install.name, install.publisher)
        for number, install in distinct.items()
        if recognised[number].software_class is SoftwareClass.UNKNOWN
    }
    devices: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for device, numbers in work.inventories.by_device():
        for number in numbers:
            if number in names:
                devices[names[number]].add(device)
    found = [Unknown(name, publisher, len(on)) for (name, publisher), on in devices.items()]
    return tuple(sorted(found, key=lambda each: (-each.devices, each.name, each.publisher)))


def _checked(line: PoolLine, catalogue: Catalogue) -> Entitlement:
    """The entitlement, its version written as the catalogue does; raises UsageError."""
    product = line.entitlement.product
    name, _, version = product.partition("@")
    where = f"line {line.number}: "
    if name not in catalogue.products:
        close = get_close_matches(name, catalogue.products, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"{where}the catalogue has no product {name!r}{hint}")
    base = line.entitlement.requires_base
    if base and base.partition("@")[0] not in catalogue.products:
        raise UsageError(f"{where}the catalogue has no product {base!r} to require")
    if not catalogue.needs_licence(name):
        raise UsageError(f"{where}{name} is free: there is no licence to count")
    if catalogue.lacks_version(line.entitlement.product):
        raise UsageError(f"{where}{name} is licensed by version: write {name}@VERSION")
    if version and not catalogue.is_versioned(name):
        raise UsageError(f"{where}{name} has no versions: write it without @")
    numbers = {
        written.lower(): number
        for number, written in catalogue.products[name].version_names.items()
    }
    if version in numbers:
        return replace(line.entitlement, product=f"{name}@{numbers[version]}")
    return line.entitlement


def _bound_to_id(entitlement: Entitlement, devices: Iterable[Device]) -> Entitlement:
    """The entitlement bound by id, where the pool names the device as people call it.

    Of several devices of one name, it goes with the one heard last: the others are what it was
    before it was enrolled again. A device that is not there covers nothing.
    """
    name = entitlement.bound_to
    if name is None:
        return entitlement
    named = [device for device in devices if name in (device.id, device.name)]
    if not named:
        return entitlement
    heard = max(named, key=lambda device: (device.last_report_at or device.enrolled_at, device.id))
    return replace(entitlement, bound_to=heard.id)
