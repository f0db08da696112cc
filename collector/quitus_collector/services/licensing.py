"""Licence pools in, effective licence position out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches

from quitus_collector.domain.catalogue import Catalogue, Recognition, SoftwareClass
from quitus_collector.domain.device import Device
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.install import Install, SourceStatus
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import (
    Perimeter,
    Position,
    Unknown,
    licensable,
    position_lines,
)
from quitus_collector.domain.product import line_of, version_of
from quitus_collector.domain.reconciliation import CountedDevice
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Clock, Store, UnitOfWork


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
        devices = work.devices.list()
        for line in lines:
            _check_product(line, catalogue)
            entitlement = _with_device_id(line, devices)
            before = known.get(entitlement.id)
            if before == entitlement:
                counts["unchanged"] += 1
                continue
            counts["changed" if before else "added"] += 1
            work.entitlements.add(entitlement)
    return ImportSummary(counts["added"], counts["changed"], counts["unchanged"])


def position(store: Store, catalogue: Catalogue, solver: Solver, clock: Clock) -> Position:
    """The effective licence position of now; raises SolverError if it could not be proven."""
    with store.reading() as work:
        devices = work.devices.list()
        entitlements = work.entitlements.list()
        distinct = work.inventories.distinct()
        recognised = {number: catalogue.recognise(each) for number, each in distinct.items()}
        products = {
            device: licensable(recognised[number] for number in numbers)
            for device, numbers in work.inventories.by_device()
        }
        unknown = _unknown(work, distinct, recognised)
    counted = [CountedDevice(device.id, device.entity) for device in devices]
    return Position(
        as_of=clock.now(),
        catalogue_digest=catalogue.digest,
        perimeter=_perimeter(devices),
        lines=position_lines(clock.today(), counted, products, entitlements, catalogue, solver),
        unknown=unknown,
    )


def _perimeter(devices: Iterable[Device]) -> Perimeter:
    devices = list(devices)
    return Perimeter(
        entities=tuple(sorted({device.entity for device in devices if device.entity})),
        enrolled=len(devices),
        reporting=sum(device.last_report_at is not None for device in devices),
        with_failed_sources=sum(
            any(source.status is SourceStatus.FAILED for source in device.sources)
            for device in devices
        ),
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


def _check_product(line: PoolLine, catalogue: Catalogue) -> None:
    product = line.entitlement.product
    name = line_of(product)
    if name not in catalogue.products:
        close = get_close_matches(name, catalogue.products, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(f"line {line.number}: the catalogue has no product {name!r}{hint}")
    versioned = catalogue.is_versioned(name)
    if versioned and not version_of(product):
        raise UsageError(f"line {line.number}: {name} is licensed by version: write {name}@VERSION")
    if not versioned and version_of(product):
        raise UsageError(f"line {line.number}: {name} has no versions: write it without @")


def _with_device_id(line: PoolLine, devices: Iterable[Device]) -> Entitlement:
    """The entitlement bound by device id, where the file names the device as people call it."""
    bound_to = line.entitlement.bound_to
    if bound_to is None:
        return line.entitlement
    named = [device.id for device in devices if bound_to in (device.id, device.name)]
    if len(named) != 1:
        problem = f"{len(named)} devices are" if named else "no device is"
        raise UsageError(f"line {line.number}: bound_to: {problem} named {bound_to!r}")
    return replace(line.entitlement, bound_to=named[0])
