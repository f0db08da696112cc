"""Devices as counting knows and knew them: services.ports.Fleet on one SQL connection."""

import hashlib
import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    Table,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.interning import Interning
from quitus_collector.adapters.sql.inventories import SQLInventories, addressed
from quitus_collector.adapters.sql.packed import pack_few, pack_numbers, unpack_few, unpack_numbers
from quitus_collector.adapters.sql.statements import (
    BATCH,
    among,
    delete_unused,
    in_batches,
    insert_rows,
    lookup,
    put,
    update_rows,
)
from quitus_collector.adapters.sql.terms import pack_terms, unpack_terms
from quitus_collector.domain.catalogue import CatalogueVersion, CountingTerms
from quitus_collector.domain.device import Device, Standing
from quitus_collector.domain.history import Period, Recognised, Snapshot, snapshot

# A device that was not heard for longer is known to have been silent, also afterwards.
SILENCE = timedelta(days=7)
# What a change of a device may change of its snapshot, in the order of Snapshot.
FACTS = (
    *("id", "name", "entity", "standing", "reported", "failed", "person", "portable", "virtual"),
    *("smbios_uuid", "guests", "processors", "cores", "system"),
)
STANDINGS = {each.value: each for each in Standing}
KEPT = ("device", "since", *FACTS, "products", "unknown")


class Noted(NamedTuple):
    """A device with its number, and when it had been heard before."""

    number: int
    device: Device
    heard_at: datetime | None


class SQLFleet:
    """A snapshot is replaced when something else is counted; the former one is kept apart."""

    def __init__(
        self,
        connection: Connection,
        interning: Interning,
        inventories: SQLInventories,
        now: datetime,
    ) -> None:
        """Works inside the connection's transaction; what changes does so `now`."""
        self._connection = connection
        self._interning = interning
        self._inventories = inventories
        self._now = now
        self._is_held = False

    # --- what happens to devices ---

    def note(self, devices: Sequence[Noted]) -> None:
        """Follows devices that were added or changed."""
        table = tables.snapshot
        now = {each.number: _told(each.device) for each in devices}
        before = self._counted(now)
        others = [each for each, (_, *facts) in before.items() if facts != now[each]]
        if others and self._has_waited(others):
            before |= self._counted(others)
        new, changed = [], []
        for number, told in now.items():
            if number not in before:
                new.append((*told, b"", self._now, number))
                continue
            since, *facts = before[number]
            if facts != told:
                changed.append((*told, max(since, self._now), number))
        self._keep_former([number for *_, number in changed])
        insert_rows(self._connection, table, (*FACTS, "unknown", "since", "device"), new)
        update_rows(self._connection, table, "device", (*FACTS, "since"), changed)
        self.note_silences(
            (number, heard_at, device.last_report_at)
            for number, device, heard_at in devices
            if heard_at and device.last_report_at
        )

    def _counted(self, numbers: Iterable[int]) -> dict[int, list[Any]]:
        """Since when devices are counted as they are, and their FACTS."""
        table = tables.snapshot.c
        columns = (table.device, table.since, *(table[name] for name in FACTS))
        found = lookup(self._connection, table.device, numbers, *columns)
        return {number: facts for number, *facts in found}

    def _has_waited(self, numbers: Sequence[int]) -> bool:
        """Waits for who recognises these devices, so that nobody does until the end.

        Two who replace one snapshot would both keep the former one. False where nobody could.
        """
        self.hold(alone=False)
        return self._inventories.hold(numbers)

    def note_silences(self, heard: Iterable[tuple[int, datetime, datetime]]) -> None:
        """Keeps, of devices' last two reports, those that lie far apart."""
        rows = [each for each in heard if each[2] - each[1] > SILENCE]
        insert_rows(self._connection, tables.silence, ("device", "since", "until"), rows)

    def end(self, number: int, heard_at: datetime | None) -> None:
        """Follows a device that was removed."""
        if heard_at:
            self.note_silences([(number, heard_at, self._now)])
        self._has_waited([number])
        self._inventories.remove(number)
        self._keep_former([number])
        table = tables.snapshot
        self._connection.execute(delete(table).where(table.c.device == number))

    def _keep_former(self, numbers: Sequence[int]) -> None:
        """Keeps the snapshots as they are until now, unless they began just now."""
        if not numbers:
            return
        before, table = tables.snapshot_before, tables.snapshot
        query = select(*(table.c[name] for name in KEPT), literal(self._now, tables.Moment)).where(
            among(self._connection, table.c.device, numbers), table.c.since < self._now
        )
        self._connection.execute(insert(before).from_select([*KEPT, "until"], query))

    # --- what was recognised ---

    # Of the lock that recognising transactions take; any number that nothing else here uses.
    LOCK = 0x7175697475732E72

    def hold(self, *, alone: bool) -> None:
        """Lets nobody recognise everything meanwhile, or nobody else recognise at all.

        On SQLite a writing transaction has the database to itself anyway.
        """
        if self._connection.dialect.name == "postgresql" and not (self._is_held and not alone):
            self._is_held = True
            lock = func.pg_advisory_xact_lock if alone else func.pg_advisory_xact_lock_shared
            self._connection.execute(select(lock(self.LOCK)))

    def recognise(self, results: Iterable[tuple[Sequence[int], Recognised]]) -> None:
        """Keeps what was recognised on devices, by their numbers."""
        batch: dict[int, Recognised] = {}
        for numbers, recognised in results:
            batch |= dict.fromkeys(numbers, recognised)
            if len(batch) >= BATCH:
                self._recognise(batch)
                batch = {}
        self._recognise(batch)

    def _recognise(self, results: Mapping[int, Recognised]) -> None:
        if not results:
            return
        distinct = set(results.values())
        sets = self._product_sets({each.products for each in distinct})
        unknown = self._unknown_sets({each.unknown for each in distinct})
        table = tables.snapshot.c
        columns = (table.device, table.since, table.products, table.unknown)
        changed = []
        found = lookup(self._connection, table.device, results, *columns)
        for number, since, products, names in found:
            recognised = results[number]
            wanted = sets[recognised.products], unknown[recognised.unknown]
            if wanted != (products, names):
                changed.append((*wanted, max(self._now, since), number))
        self._keep_former([number for *_, number in changed])
        written = ("products", "unknown", "since")
        update_rows(self._connection, tables.snapshot, "device", written, changed)
        pending = tables.pending
        told = among(self._connection, pending.c.device, results)
        self._connection.execute(delete(pending).where(told))

    def _product_sets(self, wanted: set[frozenset[str]]) -> dict[frozenset[str], int]:
        names = {name for each in wanted for name in each}
        products = self._interning.numbers(tables.product, names, lambda name: (name,))
        packed = {each: pack_numbers(sorted(products[name] for name in each)) for each in wanted}
        sets = self._interning.numbers(tables.product_set, packed.values(), addressed)
        return {each: sets[products] for each, products in packed.items()}

    def _unknown_sets(
        self, wanted: set[frozenset[tuple[str, str]]]
    ) -> dict[frozenset[tuple[str, str]], bytes]:
        names = frozenset[tuple[str, str]]().union(*wanted)
        numbers = self._interning.numbers(tables.unknown_name, names, _unknown_row)
        return {each: pack_few(sorted([numbers[name] for name in each])) for each in wanted}

    # --- what is and was counted ---

    def snapshots(self, at: datetime | None = None) -> Sequence[Snapshot]:
        """Every device that was enrolled at that time, or is now."""
        sets = self._sets
        silent = self._silent_since(at) if at else {}
        made = []
        for number, name_id, name, entity, standing, reported, *facts, products, last in self._at(
            at, "device", *FACTS, "products", heard=True
        ):
            heard_at = last if reported else None
            if at and reported and (last is None or last > at):
                heard_at = silent.get(number, at)
            failed, person, portable, virtual, smbios_uuid, guests, processors, cores, system = (
                facts
            )
            made.append(
                Snapshot(
                    *(
                        name_id or _forgotten(number),
                        name,
                        entity,
                        STANDINGS[standing],
                        heard_at,
                        failed,
                        person,
                    ),
                    *(portable, virtual, smbios_uuid, tuple(guests or ()), processors, cores),
                    *(sets.get(products), system or ""),
                )
            )
        return made

    def unknown(self, at: datetime | None = None) -> Mapping[tuple[str, str], int]:
        """On how many devices each unknown name, with its publisher, was then or is now."""
        devices: Counter[int] = Counter()
        for (packed,) in self._at(at, "unknown"):
            if packed:
                devices.update(unpack_few(packed))
        names = tables.unknown_name.c
        query = select(names.id, names.name, names.publisher)
        return {
            (name, publisher): devices[number]
            for number, name, publisher in in_batches(self._connection, query)
            if number in devices
        }

    def periods(self, since: datetime) -> Sequence[Period]:
        """What was counted on devices of which that changed since then."""
        columns = ("device", "name", "standing", "products", "since")
        now, before = tables.snapshot, tables.snapshot_before
        past = select(*(before.c[name] for name in columns), before.c.until).where(
            before.c.until >= since
        )
        rows = list(self._connection.execute(past))
        rest = select(*(now.c[name] for name in columns), literal(None)).where(
            among(self._connection, now.c.device, {row.device for row in rows})
        )
        sets = self._sets
        return [
            Period(device, name, Standing(standing), sets.get(products), begins, until)
            for device, name, standing, products, begins, until in [
                *rows,
                *self._connection.execute(rest),
            ]
        ]

    def known_as(self, name: str) -> Mapping[int, str]:
        """The numbers of devices, present or removed, that had this id or name, with their id."""
        found: dict[int, str] = {}
        for table in (tables.snapshot_before, tables.snapshot):
            query = select(table.c.device, table.c.id).where(
                or_(table.c.id == name, table.c.name == name)
            )
            found |= {device: device_id for device, device_id in self._connection.execute(query)}
        return found

    def _at(self, at: datetime | None, *columns: str, heard: bool = False) -> Iterator[Any]:
        """These columns of the snapshots of a time; `heard` adds when devices last reported."""

        def of(table: Table) -> Select[Any]:
            query = select(*(table.c[name] for name in columns))
            if heard:
                same = tables.device.c.number == table.c.device
                query = query.add_columns(tables.device.c.last_report_at)
                query = query.select_from(table.outerjoin(tables.device, same))
            return query.where(*([table.c.since <= at] if at else []))

        yield from in_batches(self._connection, of(tables.snapshot))
        if at:
            before = tables.snapshot_before
            yield from in_batches(self._connection, of(before).where(before.c.until > at))

    @cached_property
    def _sets(self) -> dict[int | None, frozenset[str]]:
        names = tables.product.c
        query = select(names.id, names.name)
        products = {number: name for number, name in self._connection.execute(query)}
        sets = tables.product_set.c
        return {
            number: frozenset(products[each] for each in unpack_numbers(packed))
            for number, packed in in_batches(self._connection, select(sets.id, sets.products))
        }

    def _silent_since(self, at: datetime) -> dict[int, datetime]:
        silence = tables.silence.c
        query = select(silence.device, silence.since).where(silence.since <= at, silence.until > at)
        return {device: since for device, since in self._connection.execute(query)}

    # --- what is counted by ---

    def catalogues(self) -> Sequence[CatalogueVersion]:
        """The catalogues that were counted by, the oldest first."""
        table = tables.catalogue_version
        rows = self._connection.execute(select(table).order_by(table.c.id))
        return [
            CatalogueVersion(row.since, unpack_terms(row.digest, row.version, row.terms))
            for row in rows
        ]

    def counted_by(self) -> str:
        """The digest of the catalogue that is counted by; empty before the first one."""
        table = tables.catalogue_version.c
        query = select(table.digest).order_by(table.id.desc()).limit(1)
        return self._connection.execute(query).scalar_one_or_none() or ""

    def change_catalogue(self, terms: CountingTerms) -> None:
        """Counts by another catalogue from now on."""
        values = {
            "since": self._now,
            "digest": terms.digest,
            "version": terms.version,
            "terms": pack_terms(terms),
        }
        self._connection.execute(insert(tables.catalogue_version).values(values))

    # --- how long ---

    def begins_at(self) -> datetime | None:
        """From when on a past time can be asked for."""
        versions = tables.catalogue_version.c
        first = select(versions.since).order_by(versions.id).limit(1)
        begins = self._connection.execute(first).scalar_one_or_none()
        purged = self._connection.execute(select(tables.retention.c.before)).scalar_one_or_none()
        return max(begins, purged) if begins and purged else begins

    def purge(self, before: datetime) -> None:
        """Forgets what ended before that time."""
        execute = self._connection.execute
        for table in (
            tables.snapshot_before,
            tables.silence,
            tables.entitlement,
            tables.placement,
            tables.exemption,
            tables.reading,
        ):
            execute(delete(table).where(table.c.until <= before))
        versions = tables.catalogue_version.c
        since = select(versions.id).where(versions.since <= before)
        last = execute(since.order_by(versions.id.desc()).limit(1)).scalar_one_or_none()
        if last is not None:
            execute(delete(tables.catalogue_version).where(versions.id < last))
        self._inventories.purge(before)
        for table, users in (
            (tables.product_set, [t.c.products for t in (tables.snapshot, tables.snapshot_before)]),
            (tables.outcomes, [tables.device.c.outcomes]),
        ):
            delete_unused(self._connection, table, users)
        made = execute(select(tables.retention.c.purges)).scalar_one_or_none() or 0
        row = {"id": 1, "before": before, "purges": made + 1}
        put(self._connection, tables.retention, row)

    def forget(self, device: int) -> None:
        """Takes from the history whose and which machine a removed device was."""
        before = tables.snapshot_before
        people = select(before.c.person).where(before.c.device == device).distinct()
        for person in self._connection.execute(people).scalars().all():
            # One person stays one, and becomes nobody's.
            nobody = secrets.token_hex(16) if person else None
            condition = (before.c.device == device, before.c.person == person)
            self._connection.execute(update(before).where(*condition).values(person=nobody))
        nothing = {"id": "", "name": "", "smbios_uuid": "", "guests": None}
        self._connection.execute(update(before).where(before.c.device == device).values(nothing))
        for table in (tables.change, tables.silence):
            self._connection.execute(delete(table).where(table.c.device == device))
        said = tables.placement
        nothing = {"device_id": _forgotten(device), "site": "", "reason": ""}
        self._connection.execute(update(said).where(said.c.device == device).values(nothing))


def _forgotten(number: int) -> str:
    """What counting calls a device that nobody can name."""
    return f"forgotten {number}"


def _unknown_row(name: tuple[str, str]) -> tuple[bytes, str, str]:
    return hashlib.sha256("\0".join(name).encode()).digest(), *name


def _told(device: Device) -> list[Any]:
    """The device's FACTS, as the columns have them."""
    told = snapshot(device, None)._asdict()
    told["heard_at"] = told["heard_at"] is not None
    told["guests"] = list(told["guests"]) or None
    told["system"] = told["system"] or None
    del told["products"]
    return [each[:255] if isinstance(each, str) else each for each in told.values()]
