"""What devices have and what changed on them: services.ports.Inventories on one SQL connection."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, delete, select

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.interning import Interning
from quitus_collector.adapters.sql.packed import (
    pack_days,
    pack_numbers,
    pack_rows,
    unpack_days,
    unpack_numbers,
    unpack_rows,
)
from quitus_collector.adapters.sql.statements import (
    WRITING,
    among,
    delete_unused,
    in_batches,
    insert_rows,
    lookup,
    update_rows,
)
from quitus_collector.domain.history import Episode
from quitus_collector.domain.install import Install, Scope
from quitus_collector.domain.report import HeldRow, Update
from quitus_collector.errors import UnknownDevice

CHANGE = ("device", "revision", "at", "seen", "added", "removed")


class _Evidence(NamedTuple):
    """What is held for a device that has reported: its set, and days by the numbers of records."""

    software_set: int
    revision: int
    days: dict[int, str]


class _Held(NamedTuple):
    """A device's number, when it last reported, and what is held for it, if something is."""

    number: int
    heard_at: datetime | None
    evidence: _Evidence | None

    @property
    def days(self) -> Mapping[int, str]:
        """Of each record that it has, by number."""
        return self.evidence.days if self.evidence else {}


class SQLInventories:
    """A distinct record is one row of `software` for all devices, and so is a set of them."""

    def __init__(self, connection: Connection, interning: Interning, now: datetime) -> None:
        """Works inside the connection's transaction; what changes does so `now`."""
        self._connection = connection
        self._interning = interning
        self._now = now
        # What was brought in this transaction: records by their numbers, and of each device that
        # changed the numbers of its records. It is asked for at once, and need not be read again.
        self._brought: dict[int, Install] = {}
        self._changed: dict[int, tuple[int, ...]] = {}

    @property
    def numbering(self) -> Hashable:
        """Another one after a number may have come to stand for another record."""
        return self._interning.numbering

    def held(self, device_ids: Collection[str]) -> Mapping[str, Sequence[HeldRow]]:
        """The rows that are held for each of these devices, sorted by number."""
        held = self._held(among(self._connection, tables.device.c.id, device_ids))
        software = tables.software.c
        numbers = {number for each in held.values() for number in each.days}
        columns = (software.id, software.digest, software.source)
        records = {
            number: (bytes.fromhex(digest), source)
            for number, digest, source in lookup(self._connection, software.id, numbers, *columns)
        }
        return {
            device_id: [HeldRow(n, *records[n], day) for n, day in held[device_id].days.items()]
            if device_id in held
            else []
            for device_id in device_ids
        }

    def hold(self, devices: Iterable[int]) -> bool:
        """Waits for who recognises devices that wait for it, and keeps others from that.

        False where nobody else could: what changed in this transaction is its own.
        """
        others = sorted(set(devices) - self._changed.keys())
        if not others or self._connection.dialect.name != "postgresql":
            return False
        waiting = tables.pending.c.device
        query = select(waiting).where(among(self._connection, waiting, others)).order_by(waiting)
        self._connection.execute(query.with_for_update()).all()
        return True

    def change(self, updates: Mapping[str, Update]) -> None:
        """Takes rows away from devices, by id, then adds others; raises UnknownDevice."""
        if not updates:
            return
        held = self._held(among(self._connection, tables.device.c.id, updates))
        if unknown := updates.keys() - held.keys():
            raise UnknownDevice(f"no device has the id {min(unknown)!r}")
        numbers = self._intern(each for made in updates.values() for each in made.added)
        days: dict[str, dict[int, str]] = {}
        changes = []
        for device_id, made in updates.items():
            device = held[device_id]
            gone = {number: device.days[number] for number in made.removed}
            new = {numbers[each.record()]: each.installed_on for each in made.added}
            after = {number: day for number, day in device.days.items() if number not in gone} | new
            days[device_id] = dict(sorted(after.items()))
            revision = device.evidence.revision + 1 if device.evidence else 1
            came = pack_rows(sorted(new.items())) if device.evidence else None
            went = pack_rows(sorted(gone.items()))
            changes.append((device.number, revision, self._now, device.heard_at, came, went))
        self._keep(held, days)
        insert_rows(self._connection, tables.change, CHANGE, changes)

    def _keep(self, held: Mapping[str, _Held], days: Mapping[str, dict[int, str]]) -> None:
        """Has devices hold these records instead."""
        packed = {device_id: pack_numbers(list(each)) for device_id, each in days.items()}
        sets = self._sets(set(packed.values()))
        new, changed, left = [], [], set()
        for device_id, each in days.items():
            device, software_set = held[device_id], sets[packed[device_id]]
            self._changed[device.number] = tuple(each)
            installed = pack_days(list(each.values()))
            if device.evidence is None:
                new.append((software_set, installed, 1, device.number))
                continue
            revision = device.evidence.revision + 1
            changed.append((software_set, installed, revision, device.number))
            if device.evidence.software_set != software_set:
                left.add(device.evidence.software_set)
        columns = ("software_set", "days", "revision")
        insert_rows(self._connection, tables.evidence, (*columns, "device"), new)
        update_rows(self._connection, tables.evidence, "device", columns, changed)
        waiting = sorted((held[device_id].number,) for device_id in days)
        insert_rows(self._connection, tables.pending, ("device",), waiting, or_lock="device")
        self._sweep(left)

    def list(self, device_id: str) -> Sequence[Install]:
        """The device's installs, sorted by source, name, version."""
        device = self._held(tables.device.c.id == device_id).get(device_id)
        if device is None:
            return []
        installs = [as_install(row, device.days[row.id]) for row in self._records(device.days)]
        return sorted(installs, key=lambda each: (each.source, each.name, each.version, each.key()))

    def distinct(self) -> Mapping[int, Install]:
        """Every distinct record of the fleet, by its number."""
        in_use: set[int] = set()
        query = select(tables.software_set.c.records)
        for row in in_batches(self._connection, query):
            in_use.update(unpack_numbers(row.records))
        return {row.id: as_install(row) for row in self._records(in_use)}

    def by_device(self) -> Iterator[tuple[str, Sequence[int]]]:
        """Each device with the numbers of its records, by device id."""
        query = (
            select(
                tables.device.c.id, tables.evidence.c.software_set, tables.software_set.c.records
            )
            .join_from(tables.device, tables.evidence)
            .join(tables.software_set)
            .order_by(tables.device.c.id)
        )
        for row in in_batches(self._connection, query):
            if numbers := unpack_numbers(row.records):
                yield row.id, numbers

    def sets(self, *, pending: bool) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """Each set of records, and the numbers of the devices that have it."""
        evidence, sets = tables.evidence.c, tables.software_set.c
        columns = (evidence.software_set, evidence.device)
        if pending:
            query = select(tables.pending.c.device)
            if self._connection.get_execution_options().get(WRITING):
                # Each is recognised by one alone, who has it until its end: a slower one would put
                # what the device held before over what it reports meanwhile.
                query = query.with_for_update(skip_locked=True)
            waiting = set(self._connection.execute(query).scalars())
            alike: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
            for device in sorted(waiting & self._changed.keys()):
                alike[self._changed[device]].append(device)
            yield from alike.items()
            others = sorted(waiting - self._changed.keys())
            found: Iterable[Any] = lookup(self._connection, evidence.device, others, *columns)
        else:
            found = self._connection.execute(select(*columns))
        devices: defaultdict[int, list[int]] = defaultdict(list)
        for software_set, device in found:
            devices[software_set].append(device)
        if not devices:
            return
        records = select(sets.id, sets.records)
        if pending:
            records = records.where(among(self._connection, sets.id, devices))
        for number, packed in in_batches(self._connection, records):
            if number in devices:
                yield unpack_numbers(packed), devices[number]

    def records(self, numbers: Collection[int] | None = None) -> Iterator[tuple[int, Install]]:
        """Records with their numbers: of these, or without any, all that were ever reported."""
        if numbers is None:
            found: Iterable[Row[Any]] = in_batches(self._connection, select(tables.software))
        else:
            at_hand = self._brought.keys() & set(numbers)
            yield from ((number, self._brought[number]) for number in sorted(at_hand))
            found = self._records(others) if (others := set(numbers) - at_hand) else ()
        yield from ((row.id, as_install(row)) for row in found)

    def episodes(self, device: int) -> Sequence[Episode]:
        """Everything that is or was installed on a device, the oldest first."""
        there: dict[tuple[int, str], tuple[datetime | None, datetime | None]] = {}
        for held in self._held(tables.device.c.number == device).values():
            there = dict.fromkeys(held.days.items(), (held.heard_at, None))
        changes = tables.change
        query = (
            select(changes).where(changes.c.device == device).order_by(changes.c.revision.desc())
        )
        # Back from now: before a change there was what it removed, and not what it added.
        found: list[tuple[tuple[int, str], datetime | None, datetime | None, datetime | None]] = []
        for change in self._connection.execute(query):
            added = list(there) if change.added is None else unpack_rows(change.added)
            found += [(row, change.at, *there.pop(row)) for row in added]
            there |= dict.fromkeys(unpack_rows(change.removed), (change.seen, change.at))
        found += [(row, None, *ends) for row, ends in there.items()]
        rows = {row.id: row for row in self._records({number for (number, _), *_ in found})}
        episodes = [
            Episode(as_install(rows[number], day), *times) for (number, day), *times in found
        ]
        return sorted(
            episodes, key=lambda each: (each.first_seen or tables.EPOCH, each.install.key())
        )

    def remove(self, device: int) -> None:
        """Takes away what a device has; its changes end with the loss of everything."""
        for held in self._held(tables.device.c.number == device).values():
            if held.evidence is None:
                continue
            condition = tables.evidence.c.device == device
            self._connection.execute(delete(tables.evidence).where(condition))
            waiting = tables.pending
            self._connection.execute(delete(waiting).where(waiting.c.device == device))
            self._sweep({held.evidence.software_set})
            went = pack_rows(sorted(held.days.items()))
            revision = held.evidence.revision + 1
            change = (device, revision, self._now, held.heard_at, b"", went)
            insert_rows(self._connection, tables.change, CHANGE, [change])

    def purge(self, before: datetime) -> None:
        """Forgets older changes, and records that nothing kept names any more.

        Who has found a record and has not yet kept that a device has it is waited for.
        """
        self._interning.take_away()
        change, software = tables.change, tables.software
        self._connection.execute(delete(change).where(change.c.at < before))
        sets = tables.software_set
        # Few are left over: where two devices let go of a set at once.
        delete_unused(self._connection, sets, [tables.evidence.c.software_set])
        named: set[int] = set()
        for row in in_batches(self._connection, select(sets.c.records)):
            named.update(unpack_numbers(row.records))
        for row in in_batches(self._connection, select(change.c.added, change.c.removed)):
            for packed in (row.added, row.removed):
                named.update(number for number, _ in unpack_rows(packed or b""))
        known = self._connection.execute(select(software.c.id)).scalars()
        unnamed = sorted(set(known) - named)
        condition = among(self._connection, software.c.id, unnamed)
        self._connection.execute(delete(software).where(condition))

    def _held(self, condition: ColumnElement[bool]) -> dict[str, _Held]:
        """What is held for the devices that meet it, by their ids."""
        device, evidence, sets = tables.device.c, tables.evidence.c, tables.software_set.c
        query = (
            select(device.id, device.number, device.last_report_at)
            .add_columns(evidence.software_set, evidence.revision, sets.records, evidence.days)
            # Not of a join in brackets, which SQLite makes for the whole fleet.
            .select_from(tables.device.outerjoin(tables.evidence).outerjoin(tables.software_set))
            .where(condition)
        )
        found = {}
        for device_id, number, heard_at, *kept in self._connection.execute(query):
            software_set, revision, records, packed = kept
            held = None
            if software_set is not None:
                numbers = unpack_numbers(records)
                days = unpack_days(packed, len(numbers))
                held = _Evidence(software_set, revision, dict(zip(numbers, days, strict=True)))
            found[device_id] = _Held(number, heard_at, held)
        return found

    def _records(self, numbers: Collection[int]) -> Iterator[Row[Any]]:
        software = tables.software
        query = select(software).where(among(self._connection, software.c.id, numbers))
        return in_batches(self._connection, query)

    def _sets(self, packed: AbstractSet[bytes]) -> dict[bytes, int]:
        """The numbers of sets, which are not swept away before they have their new devices."""
        return self._interning.numbers(tables.software_set, packed, addressed, held=True)

    def _sweep(self, software_sets: AbstractSet[int]) -> None:
        """Takes away those sets that no device has any more."""
        if not software_sets:
            return
        sets, users = tables.software_set, tables.evidence
        # Those that are locked are about to be had by another device; who wants one of ours waits.
        free = select(sets.c.id).where(among(self._connection, sets.c.id, software_sets))
        locked = self._connection.execute(free.with_for_update(skip_locked=True)).scalars().all()
        # Said in two statements: devices and sets need not be on one node.
        used = select(users.c.software_set).where(
            among(self._connection, users.c.software_set, locked)
        )
        unused = set(locked).difference(self._connection.execute(used).scalars())
        if unused:
            condition = among(self._connection, sets.c.id, sorted(unused))
            self._connection.execute(delete(sets).where(condition))

    def _intern(self, installs: Iterable[Install]) -> dict[bytes, int]:
        """The numbers of records by their digests."""
        by_digest = {each.record(): each for each in installs}
        numbers = self._interning.numbers(
            tables.software, by_digest, lambda digest: software_row(by_digest[digest])
        )
        self._brought |= {number: by_digest[digest] for digest, number in numbers.items()}
        return numbers


def addressed(packed: bytes) -> tuple[bytes, bytes]:
    """What is found by its content: the digest of that, and itself."""
    return hashlib.sha256(packed).digest(), packed


def software_row(install: Install) -> tuple[object, ...]:
    """What `software` has of a record beside its number."""
    return (
        install.record().hex(),
        install.name,
        install.version,
        install.publisher,
        install.architecture,
        install.source,
        install.scope.value,
        dict(install.identifiers),
        install.hidden,
    )


def as_install(row: Row[Any], installed_on: str = "") -> Install:
    """A record as it was reported."""
    return Install(
        name=row.name,
        version=row.version,
        publisher=row.publisher,
        architecture=row.architecture,
        source=row.source,
        scope=Scope(row.scope),
        identifiers=row.identifiers,
        hidden=row.hidden,
        installed_on=installed_on,
    )
