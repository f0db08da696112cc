"""What devices have and what changed on them: services.ports.Inventories on one SQL connection."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.packed import (
    pack_days,
    pack_numbers,
    pack_rows,
    unpack_days,
    unpack_numbers,
    unpack_rows,
)
from quitus_collector.adapters.sql.statements import among, in_batches, insert_into, insert_rows
from quitus_collector.domain.history import Episode
from quitus_collector.domain.install import Install, Scope
from quitus_collector.domain.report import HeldRow
from quitus_collector.errors import UnknownDevice

SOFTWARE = (
    *("digest", "name", "version", "publisher", "architecture", "source", "scope"),
    *("identifiers", "hidden"),
)
# Of the lock that those who bring new records share; any number that nothing else here uses.
LOCK = 0x7175697475732E62


class _Evidence(NamedTuple):
    """What is held for a device: the number of its set, and days by the numbers of records."""

    software_set: int
    revision: int
    days: dict[int, str]


class SQLInventories:
    """A distinct record is one row of `software` for all devices, and so is a set of them."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        """Works inside the connection's transaction; what changes does so `now`."""
        self._connection = connection
        self._now = now

    def held(self, device_id: str) -> Sequence[HeldRow]:
        """The rows that are held for a device, by their numbers."""
        evidence = self._evidence(tables.device.c.id == device_id)
        if evidence is None:
            return []
        software = tables.software.c
        query = (
            select(software.id, software.digest, software.source)
            .where(among(self._connection, software.id, evidence.days))
            .order_by(software.id)
        )
        return [
            HeldRow(number, bytes.fromhex(digest), source, evidence.days[number])
            for number, digest, source in self._connection.execute(query)
        ]

    def change(self, device_id: str, added: Sequence[Install], removed: Collection[int]) -> None:
        """Takes rows away by their numbers, then adds others."""
        device = tables.device.c
        query = select(device.number, device.last_report_at).where(device.id == device_id)
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise UnknownDevice(f"no device has the id {device_id!r}")
        before = self._evidence(device.id == device_id)
        gone = {number: before.days[number] for number in removed} if before else {}
        new = self._intern(added)
        held = before.days if before else {}
        days = {number: day for number, day in held.items() if number not in gone} | new
        numbers = sorted(days)
        values: dict[str, Any] = {
            "software_set": self._set(pack_numbers(numbers)),
            "days": pack_days([days[number] for number in numbers]),
            "revision": before.revision + 1 if before else 1,
            "pending": True,
        }
        evidence = tables.evidence
        if before:
            condition = evidence.c.device == row.number
            self._connection.execute(update(evidence).where(condition).values(values))
            if before.software_set != values["software_set"]:
                self._sweep(before.software_set)
        else:
            self._connection.execute(insert(evidence).values(device=row.number, **values))
        self._note_change(
            row.number,
            values["revision"],
            seen=row.last_report_at,
            added=pack_rows(sorted(new.items())) if before else None,
            removed=pack_rows(sorted(gone.items())),
        )

    def list(self, device_id: str) -> Sequence[Install]:
        """The device's installs, sorted by source, name, version."""
        evidence = self._evidence(tables.device.c.id == device_id)
        if evidence is None:
            return []
        found = self._records(evidence.days)
        installs = [as_install(row, evidence.days[row.id]) for row in found]
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
        query = select(evidence.software_set, evidence.device)
        if pending:
            query = query.where(evidence.pending)
        devices: defaultdict[int, list[int]] = defaultdict(list)
        for software_set, device in self._connection.execute(query):
            devices[software_set].append(device)
        records = select(sets.id, sets.records)
        if pending:
            records = records.where(among(self._connection, sets.id, devices))
        for number, packed in in_batches(self._connection, records):
            if number in devices:
                yield unpack_numbers(packed), devices[number]

    def records(self, numbers: Collection[int] | None = None) -> Iterator[tuple[int, Install]]:
        """Records with their numbers: of these, or without any, all that were ever reported."""
        everything = in_batches(self._connection, select(tables.software))
        found = everything if numbers is None else self._records(numbers)
        return ((row.id, as_install(row)) for row in found)

    def episodes(self, device: int) -> Sequence[Episode]:
        """Everything that is or was installed on a device, the oldest first."""
        last = select(tables.device.c.last_report_at).where(tables.device.c.number == device)
        heard_at = self._connection.execute(last).scalar_one_or_none()
        evidence = self._evidence(tables.device.c.number == device)
        there = dict.fromkeys(evidence.days.items(), (heard_at, None)) if evidence else {}
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
        evidence = self._evidence(tables.device.c.number == device)
        if evidence is None:
            return
        condition = tables.evidence.c.device == device
        self._connection.execute(delete(tables.evidence).where(condition))
        self._sweep(evidence.software_set)
        seen = select(tables.device.c.last_report_at).where(tables.device.c.number == device)
        self._note_change(
            device,
            evidence.revision + 1,
            seen=self._connection.execute(seen).scalar_one(),
            added=b"",
            removed=pack_rows(sorted(evidence.days.items())),
        )

    def purge(self, before: datetime) -> None:
        """Forgets older changes, and records that nothing kept names any more."""
        change, software = tables.change, tables.software
        self._connection.execute(delete(change).where(change.c.at < before))
        sets = tables.software_set
        used = select(tables.evidence.c.software_set)
        # Few are left over: where two devices let go of a set at once.
        self._connection.execute(delete(sets).where(sets.c.id.not_in(used)))
        if self._connection.dialect.name == "postgresql":
            # Who has found a record and has not yet kept that a device has it is waited for.
            self._connection.exec_driver_sql("LOCK TABLE software IN ACCESS EXCLUSIVE MODE")
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

    def _note_change(self, device: int, revision: int, **values: object) -> None:
        statement = insert(tables.change)
        self._connection.execute(
            statement.values(device=device, revision=revision, at=self._now, **values)
        )

    def _evidence(self, condition: Any) -> _Evidence | None:
        evidence, sets = tables.evidence.c, tables.software_set.c
        query = (
            select(evidence.software_set, evidence.revision, sets.records, evidence.days)
            .join_from(tables.device, tables.evidence)
            .join(tables.software_set)
            .where(condition)
        )
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        numbers = unpack_numbers(row.records)
        days = unpack_days(row.days, len(numbers))
        return _Evidence(row.software_set, row.revision, dict(zip(numbers, days, strict=True)))

    def _records(self, numbers: Collection[int]) -> Iterator[Row[Any]]:
        software = tables.software
        query = select(software).where(among(self._connection, software.c.id, numbers))
        return in_batches(self._connection, query)

    def _set(self, packed: bytes) -> int:
        """The number of the set, which is given to one not seen before."""
        sets = tables.software_set
        digest = hashlib.sha256(packed).digest()
        # Locked, so that it is not swept away before it has its new device.
        same = select(sets.c.id).where(sets.c.digest == digest).with_for_update(read=True)
        made = (
            insert_into(self._connection, sets)
            .values(digest=digest, records=packed)
            .on_conflict_do_nothing()
            .returning(sets.c.id)
        )
        number = None
        while number is None:
            number = self._connection.execute(same).scalar_one_or_none()
            if number is None:
                number = self._connection.execute(made).scalar_one_or_none()
        return int(number)

    def _sweep(self, software_set: int) -> None:
        """Takes away a set that no device has any more."""
        sets, users = tables.software_set, tables.evidence
        # One that is locked is about to be had by another device.
        free = select(sets.c.id).where(sets.c.id == software_set).with_for_update(skip_locked=True)
        if self._connection.execute(free).first():
            used = select(users.c.device).where(users.c.software_set == software_set).limit(1)
            if not self._connection.execute(used).first():
                self._connection.execute(delete(sets).where(sets.c.id == software_set))

    def _intern(self, installs: Iterable[Install]) -> dict[int, str]:
        """Install dates by the records' numbers, which are given to those not seen before."""
        by_digest = {each.record().hex(): each for each in installs}
        if not by_digest:
            return {}
        numbers = self._numbers(by_digest)
        if missing := by_digest.keys() - numbers.keys():
            if self._connection.dialect.name == "postgresql":
                # A transaction interns for several devices, so in no one order: two collectors that
                # bring the same rows would end each other's. The second one finds the first's.
                self._connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
                numbers |= self._numbers(missing)
                missing -= numbers.keys()
            rows = [_software(digest, by_digest[digest]) for digest in sorted(missing)]
            insert_rows(self._connection, tables.software, SOFTWARE, rows, or_ignore=True)
            numbers |= self._numbers(missing)
        return {number: by_digest[digest].installed_on for digest, number in numbers.items()}

    def _numbers(self, digests: Iterable[str]) -> dict[str, int]:
        software = tables.software.c
        query = select(software.digest, software.id).where(
            among(self._connection, software.digest, digests)
        )
        return {digest: number for digest, number in self._connection.execute(query)}


def _software(digest: str, install: Install) -> tuple[object, ...]:
    return (
        digest,
        install.name,
        install.version,
        install.publisher,
        install.architecture,
        install.source,
        install.scope.value,
        json.dumps(dict(install.identifiers), ensure_ascii=False),
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
