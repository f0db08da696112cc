"""The repositories on one SQL connection; services.ports says what each promises."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, or_, select, update

from quitus_collector.adapters.sql import tables
from quitus_collector.adapters.sql.fleet import SILENCE, SQLFleet
from quitus_collector.adapters.sql.statements import WRITING, among, in_batches, insert_into, put
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


class SQLDevices:
    """Implements ports.Devices."""

    def __init__(self, connection: Connection, fleet: SQLFleet) -> None:
        """Works inside the connection's transaction; `fleet`, which follows, does too."""
        self._connection = connection
        self._fleet = fleet

    def add(self, device: Device) -> None:
        """Keeps a device; one with the same id is replaced."""
        values = asdict(device)
        values["facts"] = _told(device.facts)
        values["outcomes"] = self._outcomes(values.pop("sources"))
        values |= dict.fromkeys(WEIGHTS, "") | {
            kind: value[:255] for kind, value in fingerprint(device.facts).items()
        }
        columns = tables.device.c
        query = select(columns.number, columns.last_report_at).where(columns.id == device.id)
        before = self._connection.execute(query).one_or_none()
        # Inserted only where it is new: an attempt would use up a number.
        if before:
            change = update(tables.device).where(columns.number == before.number)
            self._connection.execute(change.values(values))
            self._fleet.note(before.number, device, before.last_report_at)
        else:
            made = insert(tables.device).values(values).returning(columns.number)
            self._fleet.note(self._connection.execute(made).scalar_one(), device, None)

    def get(self, device_id: str) -> Device:
        """Raises UnknownDevice."""
        row = self._one(tables.device.c.id == device_id)
        if row is None:
            raise UnknownDevice(f"no device has the id {device_id!r}")
        return _device(row)

    def find(self, public_key_sha256: str) -> Device | None:
        """The device that holds this key, or was certified it and has not used it yet."""
        columns = tables.device.c
        keys = (columns.public_key_sha256, columns.next_key_sha256)
        row = self._one(or_(*(each == public_key_sha256 for each in keys)))
        return _device(row) if row else None

    def list(self) -> Sequence[Device]:
        """All of them, sorted by name, then id."""
        rows = self._connection.execute(_devices())
        return sorted(map(_device, rows), key=lambda device: (device.name, device.id))

    def chains(self, device_ids: Collection[str]) -> Mapping[str, Chain]:
        """What an unchanged report is compared with, by device id."""
        columns = tables.device.c
        # Locked until the transaction ends: a receipt is spent once, whichever collector is asked.
        query = (
            select(columns.id, *(columns[name] for name in Chain._fields))
            .where(columns.id.in_(device_ids))
            .order_by(columns.id)
            .with_for_update()
        )
        found = {}
        for device_id, *values in self._connection.execute(query):
            chain = Chain(*values)
            found[device_id] = chain._replace(standing=Standing(chain.standing))
        return found

    def hear(self, reports: Collection[Heard]) -> None:
        """Notes reports that changed nothing else."""
        statement = (
            update(tables.device)
            .where(tables.device.c.id == bindparam("device_id"))
            .values(
                last_report_at=bindparam("at"), receipt=bindparam("given"), shown=bindparam("seen")
            )
        )
        # In one order everywhere: two collectors that hear the same devices must not deadlock.
        values = [
            {"device_id": each.device_id, "at": each.at, "given": each.receipt, "seen": each.shown}
            for each in sorted(reports)
        ]
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
        self._connection.execute(statement, values)

    def forget_receipts(self) -> None:
        """Whatever receipts the devices show next are taken."""
        self._connection.execute(update(tables.device).values(receipt="", shown=""))

    def alike(self, values: Mapping[str, str]) -> Sequence[Device]:
        """Those whose fingerprint has one of these values, sorted by id."""
        columns = tables.device.c
        agrees = [columns[kind] == value[:255] for kind, value in values.items()]
        if not agrees:
            return []
        query = _devices().where(or_(*agrees)).order_by(columns.id)
        return [_device(row) for row in self._connection.execute(query)]

    def of_company(self, company_name: str) -> Sequence[Device]:
        """Those that a company certificate with this name let in, oldest first."""
        columns = tables.device.c
        query = _devices().where(columns.company_name == company_name)
        ordered = query.order_by(columns.enrolled_at, columns.id)
        return [_device(row) for row in self._connection.execute(ordered)]

    def remove(self, device_id: str) -> None:
        """Takes the device away with its installs; what changed on it stays."""
        columns = tables.device.c
        query = select(columns.number, columns.last_report_at).where(columns.id == device_id)
        row = self._connection.execute(query).one_or_none()
        if row:
            self._fleet.end(row.number, row.last_report_at)
            self._connection.execute(delete(tables.device).where(columns.number == row.number))

    def _one(self, condition: Any) -> Row[Any] | None:
        query = _devices().where(condition)
        if self._connection.get_execution_options().get(WRITING):
            # Who changes a device has it alone: a report must not undo a revocation.
            query = query.with_for_update(of=tables.device)
        return self._connection.execute(query).one_or_none()

    def _outcomes(self, sources: Sequence[Mapping[str, Any]]) -> int:
        """The number of the list, which is given to one not seen before."""
        table = tables.outcomes
        digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).digest()
        query = select(table.c.id).where(table.c.digest == digest)
        number = self._connection.execute(query).scalar_one_or_none()
        if number is None:
            made = insert_into(self._connection, table).values(digest=digest, sources=sources)
            self._connection.execute(made.on_conflict_do_nothing())
            number = self._connection.execute(query).scalar_one()
        return int(number)


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

    def add(self, event: Event) -> Entry:
        """Seals the event to the last entry; other writers wait until this transaction ends.

        On SQLite they wait anyway: a writing transaction has the database to itself.
        """
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(select(func.pg_advisory_xact_lock(self.LOCK)))
        last = select(tables.audit).order_by(tables.audit.c.number.desc()).limit(1)
        row = self._connection.execute(last).one_or_none()
        entry = entry_after(_entry(row) if row else None, event)
        values = {"number": entry.number, "digest": entry.digest, **asdict(event)}
        self._connection.execute(insert(tables.audit).values(values))
        return entry

    def list(self, *, last: int | None = None) -> Iterator[Entry]:
        """Oldest first; only so many of the newest where `last` is given."""
        number = tables.audit.c.number
        query = select(tables.audit).order_by(number)
        if last is not None:
            newest = select(number).order_by(number.desc()).limit(last)
            query = query.where(number.in_(newest))
        return map(_entry, in_batches(self._connection, query))


def _entry(row: Row[Any]) -> Entry:
    event = Event(row.at, Kind(row.kind), row.actor, row.subject, row.detail)
    return Entry(row.number, event, row.digest)


_OF_DEVICE = frozenset(each.name for each in fields(Device))


def _devices() -> Select[Any]:
    return select(tables.device, tables.outcomes.c.sources).join(tables.outcomes)


def _told(facts: DeviceFacts) -> dict[str, Any]:
    """The facts that say something."""
    nothing = asdict(DeviceFacts())
    return {name: value for name, value in asdict(facts).items() if value != nothing[name]}


def _device(row: Row[Any]) -> Device:
    values = {name: value for name, value in row._mapping.items() if name in _OF_DEVICE}
    facts = {
        **row.facts,
        "kind": DeviceKind(row.facts.get("kind", DeviceKind.UNKNOWN)),
        "guests": tuple(row.facts.get("guests", ())),
    }
    sources = (
        SourceOutcome(each["name"], SourceStatus(each["status"]), each["reason"])
        for each in row.sources
    )
    values["standing"] = Standing(row.standing)
    return Device(**{**values, "facts": DeviceFacts(**facts), "sources": tuple(sources)})
