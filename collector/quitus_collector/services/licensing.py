"""The effective licence position, of now or of a past day."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.changes import Estate
from quitus_collector.domain.contested import (
    Read,
    Reading,
    entitlements_as,
    exemptions_as,
    products_as,
    read_as,
)
from quitus_collector.domain.contribution import Contributions, contributions
from quitus_collector.domain.counting import Question, lines_of, question
from quitus_collector.domain.device import Standing
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.history import Snapshot
from quitus_collector.domain.licensing.fleet import answer_for, named_answer_for
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.licensing.tally import Tally
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.perimeter import (
    Exemption,
    Placement,
    perimeter,
    placed,
    without_exempt,
)
from quitus_collector.domain.position import Position, Unknown
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Clock, Store, UnitOfWork
from quitus_collector.services.recognition import refresh

# A device that was silent for longer is counted as it last was, and said to be silent.
STALE_AFTER = timedelta(days=30)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What a position is computed from, as it was known at one time.

    `devices` are those that count, `left_out` those that people took out with what they said of
    them, `set_apart` others that do not count; `placements` are by device id, `entitlements`
    bound by it, `documented` the ids of those that a document proves; `day` is the rules' one.
    `readings` are how the company reads contested rules, by id, where it decided.
    """

    day: date
    as_of: datetime
    terms: CountingTerms
    devices: Sequence[Snapshot]
    left_out: Sequence[tuple[Snapshot, Placement]]
    set_apart: Sequence[Snapshot]
    placements: Mapping[str, Placement]
    exemptions: Sequence[Exemption]
    entitlements: Sequence[Entitlement]
    documented: frozenset[str]
    unknown: Mapping[tuple[str, str], int]
    readings: Mapping[str, Reading]

    def bound(self, entitlement: Entitlement) -> Entitlement:
        """The entitlement bound by id, where it names its device as people call it."""
        return _bound_to_id(entitlement, self.devices)

    def estate(self) -> Estate:
        """What is installed and owned."""
        products = {each.device_id: each.products for each in self.devices if each.products}
        return Estate(_counted(self.devices), products, self.entitlements)

    def question(self, estate: Estate | None = None) -> Question:
        """What it asks the engine, of the estate as it is or of another one."""
        of, read = estate or self.estate(), self.read
        products, spared = without_exempt(
            products_as(read, of.products, self._silent),
            self.placements,
            exemptions_as(read, self.exemptions),
            self.day,
        )
        entitlements = entitlements_as(read, of.entitlements, self._unproven)
        return question(self.day, of.devices, products, entitlements, self.terms, spared)

    @property
    def read(self) -> Read:
        """The rules that are contested on the day, each as the company reads it."""
        return read_as(self.terms.contested, self.readings, self.day)

    def read_as(self, reading: Reading) -> "Known":
        """The same, all contested rules read in one way."""
        return replace(self, readings={each.id: reading for each in self.terms.contested})

    @property
    def _unproven(self) -> set[str]:
        return {each.id for each in self.entitlements if not each.proof} - self.documented

    @property
    def _silent(self) -> list[str]:
        return [
            each.device_id
            for each in self.devices
            if each.heard_at and self.as_of - each.heard_at > STALE_AFTER
        ]


def known(store: Store, catalogue: Catalogue, clock: Clock, day: date | None = None) -> Known:
    """What is known now, or was at the end of a past day.

    Raises UsageError for a day that is not over or that lies before the history begins.
    """
    return known_at(store, catalogue, clock, end_of_past(clock, day) if day else None)


def known_at(store: Store, catalogue: Catalogue, clock: Clock, at: datetime | None = None) -> Known:
    """What is known now, or was at a past moment.

    Raises UsageError for a moment that lies before the history begins.
    """
    if at is None:
        refresh(store, catalogue)
    # Not before: what is recognised only now is part of what was known at this moment.
    as_of = at or clock.now()
    with store.reading() as work:
        terms = catalogue.counting if at is None else _terms_of(work, at)
        snapshots = work.fleet.snapshots(at)
        entitlements = work.entitlements.list(at)
        unknown = work.fleet.unknown(at)
        placements = {each.device_id: each for each in work.decisions.placements(at)}
        exemptions = work.decisions.exemptions(at)
        readings = work.decisions.readings(at)
        documented = _documented(work, at)
    active = [each for each in snapshots if each.standing is Standing.ACTIVE]
    devices, left_out = placed(active, placements)
    return Known(
        day=clock.day_of(as_of),
        as_of=as_of,
        terms=terms,
        devices=devices,
        left_out=left_out,
        set_apart=[each for each in snapshots if each.standing is not Standing.ACTIVE],
        placements=placements,
        exemptions=exemptions,
        entitlements=[_bound_to_id(each, devices) for each in entitlements],
        documented=documented,
        unknown=unknown,
        readings={rule: reading for rule, (reading, _) in readings.items()},
    )


def position(
    store: Store, catalogue: Catalogue, solver: Solver, clock: Clock, day: date | None = None
) -> Position:
    """The effective licence position of now, or of the end of a past day as it was known then.

    Raises SolverError if it could not be proven, and UsageError as `known` does.
    """
    return position_of(known(store, catalogue, clock, day), solver)


@dataclass(frozen=True, slots=True)
class Counted:
    """A position with everything that it was made from, down to each device's part in it."""

    position: Position
    known: Known
    contributions: Contributions


def count(found: Known, solver: Solver) -> Counted:
    """The position that what is known makes, and what each device has to do with it.

    Raises SolverError.
    """
    asked = found.question()
    answer, covers = named_answer_for(asked.situation, asked.fleet, asked.demanded, solver)
    made = _position(found, asked, answer)
    certain = frozenset(each.device_id for each in found.devices if _is_certain(each, found.as_of))
    devices, products = asked.situation.devices, asked.fleet.products()
    parts = contributions(
        *(made.lines, devices, products, covers, certain, found.terms, found.day, asked.spared)
    )
    return Counted(made, found, parts)


def _is_certain(device: Snapshot, at: datetime) -> bool:
    """Whether it was read whole and lately."""
    return (
        device.heard_at is not None
        and at - device.heard_at <= STALE_AFTER
        and not device.has_failed_sources
    )


def position_of(found: Known, solver: Solver) -> Position:
    """The position that what is known makes; raises SolverError."""
    asked = found.question()
    answer = answer_for(asked.situation, asked.fleet, asked.demanded, solver)
    return _position(found, asked, answer)


def _position(found: Known, asked: Question, answer: Tally) -> Position:
    return Position(
        as_of=found.as_of,
        catalogue_digest=found.terms.digest,
        perimeter=perimeter(
            found.devices,
            found.left_out,
            len(found.set_apart),
            found.placements,
            found.as_of,
            STALE_AFTER,
        ),
        lines=lines_of(asked, answer, found.terms),
        unknown=_unknown(found.unknown),
    )


def end_of_past(clock: Clock, day: date) -> datetime | None:
    """The last moment of the day; None for today, which is asked for as it is now.

    Raises UsageError for a day that is not over.
    """
    if day > clock.today():
        raise UsageError(
            "{day} is not over yet: a position needs a day that is past, or today", day=day
        )
    return None if day == clock.today() else clock.end_of(day)


def _terms_of(work: UnitOfWork, at: datetime) -> CountingTerms:
    begins = work.fleet.begins_at()
    if begins is None or at < begins:
        known = f"it begins on {begins:%Y-%m-%d}" if begins else "nothing was counted yet"
        raise UsageError(
            "the history has no position of {at:%Y-%m-%d}: {known}", at=at, known=known
        )
    return next(each.terms for each in reversed(work.fleet.catalogues()) if each.since <= at)


def _documented(work: UnitOfWork, at: datetime | None) -> frozenset[str]:
    """The ids of lines that a document proves now, or proved at that time."""
    return frozenset(
        each.entitlement
        for each in work.proofs.list(removed=at is not None)
        if at is None or (each.added_at <= at and (each.removed_at is None or at < each.removed_at))
    )


def _counted(devices: Sequence[Snapshot]) -> list[CountedDevice]:
    """The devices as counting sees them; a fact that a device did not tell is None or 0.

    A virtual device runs on the one that names its SMBIOS id among its guests.
    """
    host_of = {guest: device.device_id for device in devices for guest in device.guests}
    return [
        CountedDevice(
            device.device_id,
            device.entity,
            device.user,
            device.portable,
            device.is_virtual,
            host_of.get(device.smbios_uuid) if host_of else None,
            device.processors,
            device.cores,
        )
        for device in devices
    ]


def _unknown(devices: Mapping[tuple[str, str], int]) -> tuple[Unknown, ...]:
    """The raw names that no rule knows, those on most devices first."""
    found = [Unknown(name, publisher, count) for (name, publisher), count in devices.items()]
    return tuple(sorted(found, key=lambda each: (-each.devices, each.name, each.publisher)))


def _bound_to_id(entitlement: Entitlement, devices: Iterable[Snapshot]) -> Entitlement:
    """The entitlement bound by id, where the pool names the device as people call it.

    Of several devices of one name, it goes with the one heard last: the others are what it was
    before it was enrolled again. A device that is not there covers nothing.
    """
    name = entitlement.bound_to
    if name is None:
        return entitlement
    named = [device for device in devices if name in (device.device_id, device.name)]
    if not named:
        return entitlement
    last = max(named, key=lambda device: (device.heard_at or NEVER, device.device_id))
    return replace(entitlement, bound_to=last.device_id)
