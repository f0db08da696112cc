"""The repositories on one SQL connection; services.ports says what each promises."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    func,
    literal,
    or_,
    select,
    update,
)

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.fleet import SILENCE, Noted, SQLFleet
from quitus_collector.adapters.sql.interning import Interning
from quitus_collector.adapters.sql.statements import (
    WRITING,
    among,
    in_batches,
    insert_rows,
    put,
    update_rows,
)
from quitus_collector.domain.audit import Entry, Event, Kind, entry_after
from quitus_collector.domain.device import (
    WEIGHTS,
    Chain,
    CompanyAuthority,
    Device,
    EnrolmentRequest,
    Heard,
    JoinToken,
    Standing,
    fingerprint,
)
from quitus_collector.domain.install import DeviceFacts, DeviceKind, SourceOutcome, SourceStatus
from quitus_collector.errors import UnknownDevice
from quitus_collector.services.ports import AuditFilter

Sources = tuple[SourceOutcome, ...]


class SQLDevices:
    """Implements ports.Devices."""

    def __init__(self, connection: Connection, interning: Interning, fleet: SQLFleet) -> None:
        """Works inside the connection's transaction; `fleet`, which follows, does too."""
        self._connection = connection
        self._interning = interning
        self._fleet = fleet
        # What was read of devices that nobody else changes meanwhile.
        self._read: dict[str, Noted] = {}
        # Those that nobody else changes until the end.
        self._held: set[str] = set()

    def add(self, *devices: Device) -> None:
        """Keeps devices, each once; one with the same id is replaced."""
        self.known({each.id for each in devices} - self._read.keys())
        before = {each.id: self._read[each.id].device for each in devices if each.id in self._read}
        new = [each for each in devices if each.id not in before]
        # Inserted only where it is new: an attempt would use up a number.
        insert_rows(self._connection, tables.device, COLUMNS, self._rows(new, COLUMNS))
        self._held.update(each.id for each in new)
        self.known({each.id for each in new})
        self._rewrite([(before[each.id], each) for each in devices if each.id in before])
        noted = []
        for each in devices:
            number = self._read[each.id].number
            heard_at = before[each.id].last_report_at if each.id in before else None
            noted.append(Noted(number, each, heard_at))
            self._read[each.id] = Noted(number, each, each.last_report_at)
        self._fleet.note(noted)

    def _rewrite(self, devices: Sequence[tuple[Device, Device]]) -> None:
        """Replaces devices, each as it was and as it is, where they were changed.

        An index costs as much as the row: a column in which all stay the same is left alone.
        """
        columns = _changed(devices)
        if columns:
            numbers = [self._read[each.id].number for _, each in devices]
            rows = self._rows([each for _, each in devices], columns)
            keyed = [(*row, number) for row, number in zip(rows, numbers, strict=True)]
            update_rows(self._connection, tables.device, "number", columns, keyed)

    def get(self, device_id: str) -> Device:
        """Raises UnknownDevice."""
        device = self._one(tables.device.c.id == device_id)
        if device is None:
            raise UnknownDevice(f"no device has the id {device_id!r}")
        return device

    def known(self, device_ids: Collection[str]) -> Mapping[str, Device]:
        """Those of them that are enrolled, by id."""
        if not device_ids:
            return {}
        is_held = self._held.issuperset(device_ids)
        found = self._find(among(self._connection, tables.device.c.id, device_ids), held=is_held)
        return {each.id: each for each in found}

    def find(self, public_key_sha256: str) -> Device | None:
        """The device that holds this key, or was certified it and has not used it yet."""
        columns = tables.device.c
        keys = (columns.public_key_sha256, columns.next_key_sha256)
        return self._one(or_(*(each == public_key_sha256 for each in keys)))

    def list(self) -> Sequence[Device]:
        """All of them, sorted by name, then id."""
        devices = (_device(*row) for row in self._connection.execute(_devices()))
        return sorted(devices, key=lambda device: (device.name, device.id))

    def chains(self, device_ids: Collection[str]) -> Mapping[str, Chain]:
        """What an unchanged report is compared with, by device id."""
        columns = tables.device.c
        # Locked until the transaction ends: a receipt is spent once, whichever collector is asked.
        query = (
            select(columns.id, *(columns[name] for name in Chain._fields))
            .where(among(self._connection, columns.id, device_ids))
            .order_by(columns.id)
            .with_for_update()
        )
        found = {}
        self._held.update(device_ids)
        for device_id, *values in self._connection.execute(query):
            chain = Chain(*values)
            found[device_id] = chain._replace(standing=Standing(chain.standing))
        return found

    def hear(self, reports: Collection[Heard]) -> None:
        """Notes reports that changed nothing else."""
        columns = tables.device.c
        heard = {each.device_id: each.at for each in reports}
        long_ago = columns.last_report_at < min(heard.values()) - SILENCE
        query = select(columns.number, columns.id, columns.last_report_at).where(
            among(self._connection, columns.id, heard), long_ago
        )
        silent = self._connection.execute(query).all()
        self._fleet.note_silences(
            (each.number, each.last_report_at, heard[each.id]) for each in silent
        )
        told = ("last_report_at", "receipt", "shown")
        rows = [(each.at, each.receipt, each.shown, each.device_id) for each in reports]
        update_rows(self._connection, tables.device, "id", told, rows)
        for device_id in heard:
            self._read.pop(device_id, None)

    def forget_receipts(self) -> None:
        """Whatever receipts the devices show next are taken."""
        self._connection.execute(update(tables.device).values(receipt="", shown=""))
        self._read.clear()

    def alike(self, fingerprints: Iterable[Mapping[str, str]]) -> Sequence[Device]:
        """Those that have a value of one of these fingerprints under the same kind, by id."""
        values: defaultdict[str, set[str]] = defaultdict(set)
        for each in fingerprints:
            for kind, value in each.items():
                values[kind].add(value[:255])
        if not values:
            return []
        if self._connection.dialect.name == "postgresql":
            # Of two that report at once from one machine, the second one has to see the first.
            locks = sorted(_lock(kind, value) for kind, some in values.items() for value in some)
            lock = func.unnest(literal(locks, ARRAY(BigInteger))).column_valued("lock")
            self._connection.execute(select(func.pg_advisory_xact_lock(lock))).all()
        columns = tables.device.c
        agrees = (among(self._connection, columns[kind], some) for kind, some in values.items())
        query = _devices().where(or_(*agrees)).order_by(columns.id)
        return [_device(*row) for row in self._connection.execute(query)]

    def of_company(self, company_name: str) -> Sequence[Device]:
        """Those that a company certificate with this name let in, oldest first."""
        columns = tables.device.c
        query = _devices().where(columns.company_name == company_name)
        ordered = query.order_by(columns.enrolled_at, columns.id)
        return [_device(*row) for row in self._connection.execute(ordered)]

    def remove(self, device_id: str) -> None:
        """Takes the device away with its installs; what changed on it stays."""
        columns = tables.device.c
        query = select(columns.number, columns.last_report_at).where(columns.id == device_id)
        # What it reports meanwhile comes before this, or not at all.
        row = self._connection.execute(query.with_for_update()).one_or_none()
        self._read.pop(device_id, None)
        if row:
            self._fleet.end(row.number, row.last_report_at)
            self._connection.execute(delete(tables.device).where(columns.number == row.number))

    def _one(self, condition: ColumnElement[bool]) -> Device | None:
        found = self._find(condition)
        return found[0] if found else None

    def _find(self, condition: ColumnElement[bool], *, held: bool = False) -> Sequence[Device]:
        query = _devices().where(condition).add_columns(tables.device.c.number)
        if self._connection.get_execution_options().get(WRITING):
            device_id = tables.device.c.id
            if not held and self._connection.dialect.name == "postgresql":
                # By themselves: a row that was waited for is no more in a join with its outcomes,
                # if it has other ones since.
                alone = select(device_id).where(condition).order_by(device_id)
                self._connection.execute(alone.with_for_update()).all()
            # Who changes a device has it alone: a report must not undo a revocation. In one order
            # everywhere: two that change the same devices must not wait for each other.
            query = query.order_by(device_id).with_for_update(of=tables.device)
        found = []
        for *row, number in self._connection.execute(query):
            device = _device(*row)
            self._read[device.id] = Noted(number, device, device.last_report_at)
            found.append(device)
        return found

    def _rows(self, devices: Sequence[Device], columns: Sequence[str]) -> Sequence[tuple[Any, ...]]:
        """What the columns have of devices."""
        numbers = {}
        if "outcomes" in columns:
            lists = {each.sources for each in devices}
            numbers = self._interning.numbers(tables.outcomes, lists, _outcomes_row)
        rows = []
        for each in devices:
            told = fingerprint(each.facts)
            values = {kind: told.get(kind, "")[:255] for kind in WEIGHTS} | {
                "standing": each.standing.value,
                "facts": _told(each.facts),
                "outcomes": numbers.get(each.sources),
            }
            rows.append(
                tuple([values[name] if name in values else getattr(each, name) for name in columns])
            )
        return rows


class SQLJoinTokens:
    """Implements ports.JoinTokens."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, token: JoinToken) -> None:
        """Keeps a token; one with the same id is replaced."""
        put(self._connection, tables.join_token, asdict(token))

    def find(self, secret_sha256: str) -> JoinToken | None:
        """The token, locked until the transaction ends, so that its last use is given once."""
        condition = tables.join_token.c.secret_sha256 == secret_sha256
        query = select(tables.join_token).where(condition).with_for_update()
        row = self._connection.execute(query).one_or_none()
        return JoinToken(**row._mapping) if row else None

    def list(self) -> Sequence[JoinToken]:
        """All of them, newest first."""
        query = select(tables.join_token).order_by(
            tables.join_token.c.created_at.desc(), tables.join_token.c.id
        )
        return [JoinToken(**row._mapping) for row in self._connection.execute(query)]


class SQLEnrolmentRequests:
    """Implements ports.EnrolmentRequests."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, request: EnrolmentRequest) -> None:
        """Keeps a request; one with the same id is replaced."""
        put(self._connection, tables.enrolment_request, asdict(request))

    def find(self, public_key_sha256: str) -> EnrolmentRequest | None:
        """The request of the device that holds this key."""
        condition = tables.enrolment_request.c.public_key_sha256 == public_key_sha256
        query = select(tables.enrolment_request).where(condition).with_for_update()
        row = self._connection.execute(query).one_or_none()
        return EnrolmentRequest(**row._mapping) if row else None

    def list(self) -> Sequence[EnrolmentRequest]:
        """All of them, oldest first."""
        columns = tables.enrolment_request.c
        query = select(tables.enrolment_request).order_by(columns.requested_at, columns.id)
        return [EnrolmentRequest(**row._mapping) for row in self._connection.execute(query)]

    def remove(self, request_id: str) -> None:
        """Takes the request away."""
        condition = tables.enrolment_request.c.id == request_id
        self._connection.execute(delete(tables.enrolment_request).where(condition))


class SQLCompanyAuthorities:
    """Implements ports.CompanyAuthorities."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, authority: CompanyAuthority) -> None:
        """Keeps an authority; one with the same id is replaced."""
        put(self._connection, tables.company_authority, asdict(authority))

    def list(self) -> Sequence[CompanyAuthority]:
        """All of them, sorted by id."""
        query = select(tables.company_authority).order_by(tables.company_authority.c.id)
        if self._connection.get_execution_options().get(WRITING):
            # Of two machines of one name that come in at once, one has to see the other.
            query = query.with_for_update()
        return [CompanyAuthority(**row._mapping) for row in self._connection.execute(query)]

    def remove(self, authority_id: str) -> None:
        """Takes the authority away."""
        condition = tables.company_authority.c.id == authority_id
        self._connection.execute(delete(tables.company_authority).where(condition))


class SQLAuditLog:
    """Implements ports.AuditLog."""

    # Of the lock that writers of the log share; any number that nothing else here uses.
    LOCK = 0x7175697475732E61

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, *events: Event) -> Sequence[Entry]:
        """Seals each event to the entry before it; other writers wait until this transaction ends.

        On SQLite they wait anyway: a writing transaction has the database to itself.
        """
        if not events:
            return []
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(select(func.pg_advisory_xact_lock(self.LOCK)))
        last = select(tables.audit).order_by(tables.audit.c.number.desc()).limit(1)
        row = self._connection.execute(last).one_or_none()
        entry = _entry(row) if row else None
        entries = [entry := entry_after(entry, each) for each in events]
        rows = [(each.number, each.digest, *_columns(each.event)) for each in entries]
        insert_rows(self._connection, tables.audit, ("number", "digest", *_EVENT), rows)
        return entries

    def list(self, *, last: int | None = None) -> Iterator[Entry]:
        """Oldest first; only so many of the newest where `last` is given."""
        number = tables.audit.c.number
        query = select(tables.audit).order_by(number)
        if last is not None:
            newest = select(number).order_by(number.desc()).limit(last)
            query = query.where(number.in_(newest))
        return map(_entry, in_batches(self._connection, query))

    def page(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[Entry]:
        """Newest first: at most `limit` of those wanted, below the number `before`."""
        columns = tables.audit.c
        query = select(tables.audit).order_by(columns.number.desc()).limit(limit)
        if before is not None:
            query = query.where(columns.number < before)
        if wanted.kind:
            query = query.where(columns.kind == wanted.kind.value)
        if wanted.since:
            query = query.where(columns.at >= wanted.since)
        if wanted.until:
            query = query.where(columns.at < wanted.until)
        if wanted.actor:
            part = wanted.actor.casefold()
            query = query.where(
                func.lower(columns.actor).contains(part, autoescape=True)
                | func.lower(columns.subject).contains(part, autoescape=True)
            )
        return [_entry(row) for row in self._connection.execute(query)]


_EVENT = tuple(each.name for each in fields(Event))


def _columns(event: Event) -> tuple[Any, ...]:
    return event.at, event.kind.value, event.actor, event.subject, dict(event.detail)


def _entry(row: Row[Any]) -> Entry:
    event = Event(row.at, Kind(row.kind), row.actor, row.subject, row.detail)
    return Entry(row.number, event, row.digest)


def _lock(kind: str, value: str) -> int:
    """Of the lock of those whose fingerprint has this value."""
    digest = hashlib.sha256(f"{kind}\0{value}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _devices() -> Select[Any]:
    """What `_device` makes devices of."""
    columns = (tables.device.c[name] for name in _FIELDS)
    return select(*columns, tables.device.c.facts, tables.outcomes.c.sources).join(tables.outcomes)


_FIELDS = tuple(each.name for each in fields(Device) if each.name not in ("facts", "sources"))
_STANDING = _FIELDS.index("standing")
_NO_FACTS = {each.name: getattr(DeviceFacts(), each.name) for each in fields(DeviceFacts)}


def _device(*row: Any) -> Device:
    *values, told, listed = row
    values[_STANDING] = Standing(values[_STANDING])
    facts = {
        **told,
        "kind": DeviceKind(told.get("kind", DeviceKind.UNKNOWN)),
        "guests": tuple(told.get("guests", ())),
    }
    sources = (
        SourceOutcome(each["name"], SourceStatus(each["status"]), each["reason"]) for each in listed
    )
    return Device(
        **dict(zip(_FIELDS, values, strict=True)),
        facts=DeviceFacts(**facts),
        sources=tuple(sources),
    )


def _told(facts: DeviceFacts) -> dict[str, Any]:
    """The facts that say something."""
    return {
        name: value
        for name, nothing in _NO_FACTS.items()
        if (value := getattr(facts, name)) != nothing
    }


@lru_cache(maxsize=256)
def _outcomes_row(sources: Sources) -> tuple[bytes, list[dict[str, str]]]:
    """Its digest, and itself."""
    listed = [
        {"name": each.name, "status": each.status.value, "reason": each.reason} for each in sources
    ]
    return hashlib.sha256(json.dumps(listed, sort_keys=True).encode()).digest(), listed


# Of a device, what tells it from its former state, by field where one is more than a column.
_COLUMNS_OF = {"facts": ("facts", *WEIGHTS), "sources": ("outcomes",)}
COLUMNS = tuple(
    name for each in fields(Device) for name in _COLUMNS_OF.get(each.name, (each.name,))
)


def _changed(devices: Iterable[tuple[Device, Device]]) -> tuple[str, ...]:
    """The columns in which one of the devices is another than before."""
    fields_of = [each.name for each in fields(Device)]
    changed = {
        name
        for before, after in devices
        for name in fields_of
        if getattr(before, name) != getattr(after, name)
    }
    return tuple(
        name for each in fields_of for name in _COLUMNS_OF.get(each, (each,)) if each in changed
    )
