"""The repositories on one SQL connection; services.ports says what each promises."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from quitus_collector.adapters.sql import tables
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
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.install import (
    DeviceFacts,
    DeviceKind,
    Install,
    Scope,
    SourceOutcome,
    SourceStatus,
)
from quitus_collector.domain.report import HeldRow
from quitus_collector.errors import UnknownDevice

# Values in one IN list; PostgreSQL takes 65,535 parameters and older SQLite 32,766.
BATCH = 10_000
# The option that the connections of writing transactions have.
WRITING = "quitus_begin"


class SQLDevices:
    """Implements ports.Devices."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, device: Device) -> None:
        """Keeps a device; one with the same id is replaced."""
        values = asdict(device)
        values["sources"] = [asdict(source) for source in device.sources]
        values |= dict.fromkeys(WEIGHTS, "") | {
            kind: value[:255] for kind, value in fingerprint(device.facts).items()
        }
        _put(self._connection, tables.device, values)

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
        rows = self._connection.execute(select(tables.device))
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
        self._connection.execute(statement, values)

    def alike(self, values: Mapping[str, str]) -> Sequence[Device]:
        """Those whose fingerprint has one of these values, sorted by id."""
        columns = tables.device.c
        agrees = [columns[kind] == value[:255] for kind, value in values.items()]
        if not agrees:
            return []
        query = select(tables.device).where(or_(*agrees)).order_by(columns.id)
        return [_device(row) for row in self._connection.execute(query)]

    def of_company(self, company_name: str) -> Sequence[Device]:
        """Those that a company certificate with this name let in, oldest first."""
        columns = tables.device.c
        query = select(tables.device).where(columns.company_name == company_name)
        ordered = query.order_by(columns.enrolled_at, columns.id)
        return [_device(row) for row in self._connection.execute(ordered)]

    def remove(self, device_id: str) -> None:
        """Takes the device away with its installs."""
        installs, devices = tables.install, tables.device
        self._connection.execute(delete(installs).where(installs.c.device_id == device_id))
        self._connection.execute(delete(devices).where(devices.c.id == device_id))

    def _one(self, condition: Any) -> Row[Any] | None:
        query = select(tables.device).where(condition)
        if self._connection.get_execution_options().get(WRITING):
            # Who changes a device has it alone: a report must not undo a revocation.
            query = query.with_for_update()
        return self._connection.execute(query).one_or_none()


class SQLJoinTokens:
    """Implements ports.JoinTokens."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, token: JoinToken) -> None:
        """Keeps a token; one with the same id is replaced."""
        _put(self._connection, tables.join_token, asdict(token))

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
        _put(self._connection, tables.enrolment_request, asdict(request))

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
        _put(self._connection, tables.company_authority, asdict(authority))

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
        options = self._connection.execution_options(yield_per=BATCH)
        return map(_entry, options.execute(query))


class SQLInventories:
    """Implements ports.Inventories; a distinct record is one row of `software` for all devices."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def held(self, device_id: str) -> Sequence[HeldRow]:
        """The rows that are held for a device, by their numbers."""
        software, install = tables.software.c, tables.install.c
        query = (
            select(install.software_id, software.digest, software.source, install.installed_on)
            .join(tables.software)
            .where(install.device_id == device_id)
            .order_by(install.software_id)
        )
        return [
            HeldRow(number, bytes.fromhex(digest), source, installed_on)
            for number, digest, source, installed_on in self._connection.execute(query)
        ]

    def change(self, device_id: str, added: Sequence[Install], removed: Collection[int]) -> None:
        """Takes rows away by their numbers, then adds others."""
        for batch in _batches(sorted(removed)):
            self._connection.execute(
                delete(tables.install).where(
                    tables.install.c.device_id == device_id,
                    tables.install.c.software_id.in_(batch),
                )
            )
        numbers = self._intern(added)
        new = [
            {"device_id": device_id, "software_id": number, "installed_on": numbers[number]}
            for number in sorted(numbers)
        ]
        if new:
            self._connection.execute(insert(tables.install), new)

    def list(self, device_id: str) -> Sequence[Install]:
        """The device's installs, sorted by source, name, version."""
        query = (
            select(tables.software, tables.install.c.installed_on)
            .join(tables.install)
            .where(tables.install.c.device_id == device_id)
        )
        found = map(_install, self._connection.execute(query))
        return sorted(found, key=lambda each: (each.source, each.name, each.version, each.key()))

    def distinct(self) -> Mapping[int, Install]:
        """Every distinct record of the fleet, by its number."""
        in_use = select(tables.install.c.software_id)
        query = select(tables.software, literal("").label("installed_on")).where(
            tables.software.c.id.in_(in_use)
        )
        return {row.id: _install(row) for row in self._connection.execute(query)}

    def by_device(self) -> Iterator[tuple[str, Sequence[int]]]:
        """Each device with the numbers of its records, by device id."""
        query = select(tables.install.c.device_id, tables.install.c.software_id).order_by(
            tables.install.c.device_id, tables.install.c.software_id
        )
        rows = self._connection.execution_options(yield_per=BATCH).execute(query)
        for device_id, pairs in groupby(rows, key=lambda row: row.device_id):
            yield device_id, [row.software_id for row in pairs]

    def _intern(self, installs: Iterable[Install]) -> dict[int, str]:
        """Install dates by the records' numbers, which are given to those not seen before."""
        by_digest = {each.record().hex(): each for each in installs}
        numbers = self._numbers(by_digest)
        if missing := by_digest.keys() - numbers.keys():
            statement = _insert(self._connection)(tables.software).on_conflict_do_nothing()
            # In one order everywhere: two collectors that intern the same rows must not deadlock.
            values = [_software(digest, by_digest[digest]) for digest in sorted(missing)]
            self._connection.execute(statement, values)
            numbers |= self._numbers(missing)
        return {number: by_digest[digest].installed_on for digest, number in numbers.items()}

    def _numbers(self, digests: Iterable[str]) -> dict[str, int]:
        numbers: dict[str, int] = {}
        for batch in _batches(sorted(digests)):
            query = select(tables.software.c.digest, tables.software.c.id).where(
                tables.software.c.digest.in_(batch)
            )
            numbers.update({digest: number for digest, number in self._connection.execute(query)})
        return numbers


class SQLEntitlements:
    """Implements ports.Entitlements."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, entitlement: Entitlement) -> None:
        """Keeps a line; one with the same id is replaced."""
        _put(self._connection, tables.entitlement, asdict(entitlement))

    def list(self) -> Sequence[Entitlement]:
        """All of them, sorted by id."""
        rows = self._connection.execute(select(tables.entitlement))
        lines = (Entitlement(**{**row._mapping, "metric": Metric(row.metric)}) for row in rows)
        return sorted(lines, key=lambda line: line.id)

    def remove(self, entitlement_id: str) -> None:
        """Takes the line away."""
        condition = tables.entitlement.c.id == entitlement_id
        self._connection.execute(delete(tables.entitlement).where(condition))


def _entry(row: Row[Any]) -> Entry:
    event = Event(row.at, Kind(row.kind), row.actor, row.subject, row.detail)
    return Entry(row.number, event, row.digest)


def _insert(connection: Connection) -> Any:
    return {"sqlite": sqlite.insert, "postgresql": postgresql.insert}[connection.dialect.name]


def _put(connection: Connection, table: Table, values: Mapping[str, Any]) -> None:
    """Inserts a row or replaces the one with the same primary key."""
    statement = _insert(connection)(table).values(values)
    changes = {name: statement.excluded[name] for name in values if name != "id"}
    connection.execute(statement.on_conflict_do_update(index_elements=["id"], set_=changes))


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


def _software(digest: str, install: Install) -> dict[str, Any]:
    values = {"digest": digest, **asdict(install), "identifiers": dict(install.identifiers)}
    del values["installed_on"]
    return values


def _install(row: Row[Any]) -> Install:
    return Install(
        name=row.name,
        version=row.version,
        publisher=row.publisher,
        architecture=row.architecture,
        source=row.source,
        scope=Scope(row.scope),
        identifiers=row.identifiers,
        hidden=row.hidden,
        installed_on=row.installed_on,
    )


def _device(row: Row[Any]) -> Device:
    values = {name: value for name, value in row._mapping.items() if name not in WEIGHTS}
    facts = {
        **row.facts,
        "kind": DeviceKind(row.facts["kind"]),
        "guests": tuple(row.facts.get("guests", ())),
    }
    sources = (
        SourceOutcome(each["name"], SourceStatus(each["status"]), each["reason"])
        for each in row.sources
    )
    values["standing"] = Standing(row.standing)
    return Device(**{**values, "facts": DeviceFacts(**facts), "sources": tuple(sources)})
