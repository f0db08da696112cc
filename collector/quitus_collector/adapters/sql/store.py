"""Transactions over the repositories, and the schema they expect."""

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, inspect, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, DisconnectionError

from quitus_collector.adapters.sql import failures
from quitus_collector.adapters.sql.accounts import SQLAccounts, SQLAPITokens, SQLJobs, SQLSessions
from quitus_collector.adapters.sql.decisions import SQLDecisions
from quitus_collector.adapters.sql.filings import (
    SQLCampaigns,
    SQLExpectedDevices,
    SQLFilings,
    SQLPapers,
)
from quitus_collector.adapters.sql.fleet import SQLFleet
from quitus_collector.adapters.sql.interning import Interning, Numbers
from quitus_collector.adapters.sql.inventories import SQLInventories
from quitus_collector.adapters.sql.measurements import SQLMeasurements
from quitus_collector.adapters.sql.notices import SQLNotices
from quitus_collector.adapters.sql.pools import SQLEntitlements, SQLProofs
from quitus_collector.adapters.sql.prices import SQLPrices
from quitus_collector.adapters.sql.repositories import (
    SQLAuditLog,
    SQLCompanyAuthorities,
    SQLDevices,
    SQLEnrolmentRequests,
    SQLJoinTokens,
)
from quitus_collector.adapters.sql.roster import SQLRoster
from quitus_collector.adapters.sql.statements import WRITING
from quitus_collector.errors import StoreAway, UsageError
from quitus_collector.services.account_ports import Accounts, APITokens, Jobs, Notices, Sessions
from quitus_collector.services.ports import (
    AuditLog,
    Campaigns,
    CompanyAuthorities,
    Decisions,
    Devices,
    EnrolmentRequests,
    Entitlements,
    ExpectedDevices,
    Filings,
    Fleet,
    Inventories,
    JoinTokens,
    Measurements,
    Papers,
    Prices,
    Proofs,
    Roster,
)

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).with_name("migrations")
# How long a writer waits for another one; less than devices wait for an answer.
LOCK_TIMEOUT_MS = 10_000
# How long a PostgreSQL that does not answer is waited for, unless the URL says: one that cannot
# be reached any more would else be waited for until the system gives up, a quarter of an hour.
PATIENCE = {
    "connect_timeout": 10,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
}
# Who is answered after the commit relies on it, whatever the server is set to.
_DURABLE = (
    "CASE current_setting('synchronous_commit') WHEN 'off' "
    "THEN set_config('synchronous_commit', 'local', true) END"
)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class SQLUnitOfWork:
    """Implements ports.UnitOfWork on one connection."""

    def __init__(self, connection: Connection, interning: Interning, now: datetime) -> None:
        """All repositories share the connection's transaction, which happens `now`."""
        inventories = SQLInventories(connection, interning, now)
        fleet = SQLFleet(connection, interning, inventories, now)
        self.devices: Devices = SQLDevices(connection, interning, fleet)
        self.tokens: JoinTokens = SQLJoinTokens(connection)
        self.requests: EnrolmentRequests = SQLEnrolmentRequests(connection)
        self.company_authorities: CompanyAuthorities = SQLCompanyAuthorities(connection)
        self.inventories: Inventories = inventories
        self.fleet: Fleet = fleet
        self.roster: Roster = SQLRoster(connection)
        self.measurements: Measurements = SQLMeasurements(connection)
        self.entitlements: Entitlements = SQLEntitlements(connection, now)
        self.decisions: Decisions = SQLDecisions(connection, now)
        self.prices: Prices = SQLPrices(connection, now)
        self.proofs: Proofs = SQLProofs(connection)
        self.audit: AuditLog = SQLAuditLog(connection)
        self.filings: Filings = SQLFilings(connection)
        self.papers: Papers = SQLPapers(connection)
        self.campaigns: Campaigns = SQLCampaigns(connection)
        self.expected_devices: ExpectedDevices = SQLExpectedDevices(connection)
        self.accounts: Accounts = SQLAccounts(connection)
        self.sessions: Sessions = SQLSessions(connection)
        self.api_tokens: APITokens = SQLAPITokens(connection)
        self.jobs: Jobs = SQLJobs(connection)
        self.notices: Notices = SQLNotices(connection)


class SQLStore:
    """Implements ports.Store; one object serves all threads."""

    def __init__(
        self, url: str, *, create: bool = False, now: Callable[[], datetime] = _utc_now
    ) -> None:
        """Connects lazily; raises UsageError for a URL that names no database we know.

        Only with `create` is an SQLite file made where there is none. `now` dates what changes.
        """
        parsed = _parsed(url)
        self._now = now
        self.name = _shown(parsed)
        self._file = (parsed.database or "") if parsed.get_backend_name() == "sqlite" else ""
        self._engine = _engine(parsed, create=create)
        self._numbers = Numbers()
        self._writer = self._engine.execution_options(**{WRITING: "BEGIN IMMEDIATE"})

    @contextmanager
    def reading(self) -> Iterator[SQLUnitOfWork]:
        """A consistent view: what others commit meanwhile stays out of it."""
        with self._told(), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                interning = Interning(connection, self._numbers)
                yield SQLUnitOfWork(connection, interning, self._now())

    @contextmanager
    def writing(self) -> Iterator[SQLUnitOfWork]:
        """Commits when the block ends, unless it raises."""
        with self._told(), self._writer.connect() as connection:
            interning = Interning(connection, self._numbers)
            try:
                with connection.begin():
                    self._check_revision(connection)
                    yield SQLUnitOfWork(connection, interning, self._now())
            except BaseException:
                interning.failed()
                raise
            interning.committed()

    def upgrade(self) -> None:
        """Brings the schema to this version, creating it where there is none.

        Waits for transactions under way; those that come meanwhile wait, and then see its end.
        Raises StoreError where a newer version made it.
        """
        with (
            self._told(),
            self._writer.connect() as connection,
            _without_foreign_keys(connection),
            connection.begin(),
        ):
            if connection.dialect.name == "postgresql":
                # Of several that are started on an empty database one makes the schema.
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(74430017)")
                if _revision(connection):
                    table = "LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"
                    connection.exec_driver_sql(table)
            if (found := _revision(connection)) and found not in self.revisions:
                self._compare(found)
            _upgrade(connection)

    def check_schema(self) -> None:
        """Raises StoreError unless the schema is exactly the one that this version works with."""
        found = self.revision()
        if found is None:
            raise StoreAway(f"the database {self.name} is empty: run quitus-collector init")
        self._compare(found)

    @cached_property
    def revisions(self) -> Sequence[str]:
        """Those of the schema that this version knows, the newest one first."""
        return sorted(
            (script.name[:4] for script in MIGRATIONS.glob("versions/*.py")), reverse=True
        )

    def revision(self) -> str | None:
        """That of the schema; None where the database is empty."""
        with self._told(), self._engine.connect() as connection:
            return _revision(connection)

    def _compare(self, found: str) -> None:
        if found == self.revisions[0]:
            return
        if found in self.revisions:
            raise StoreAway(
                f"the database {self.name} has an older schema: run quitus-collector upgrade"
            )
        raise StoreAway(
            f"the database {self.name} was made by a newer version of quitus-collector: install it"
        )

    def _check_revision(self, connection: Connection) -> None:
        """Others may have upgraded the database or put an old one back since this one started."""
        limit = ""
        if connection.dialect.name == "postgresql":
            limit = f", set_config('lock_timeout', '{LOCK_TIMEOUT_MS}', true), {_DURABLE}"
        query = f"SELECT version_num{limit} FROM alembic_version"  # noqa: S608  # constants
        row = connection.exec_driver_sql(query).one_or_none()
        self._compare(row[0] if row else "")

    def complaint(self) -> str:
        """What the database finds wrong with itself; empty where it is whole."""
        with self._told(), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                (said,) = connection.exec_driver_sql("PRAGMA integrity_check(1)").one()
                orphan = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
                lost = f"a row of {orphan[0]} belongs to none of {orphan[2]}" if orphan else ""
                return lost if said == "ok" else str(said)
            query = (
                "SELECT 'the index ' || indexrelid::regclass || ' is not valid' FROM pg_index "
                "WHERE NOT indisvalid UNION ALL "
                "SELECT checksum_failures || ' pages have a wrong checksum' "
                "FROM pg_stat_database WHERE datname = current_database() AND checksum_failures > 0"
            )
            return str(connection.exec_driver_sql(query).scalar() or "")

    def now(self) -> datetime | None:
        """The time on the database's server, UTC; None where that is this machine."""
        with self._told(), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                return None
            found: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            return found.astimezone(UTC)

    def server_version(self) -> int | None:
        """The major version of the database's server; None where there is no server."""
        with self._told(), self._engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                return None
            return int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000

    def close(self) -> None:
        """Gives the connections back."""
        self._engine.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Says which database failed, in one sentence."""
        try:
            yield
        except DBAPIError as error:
            raise failures.told(self.name, error, self._file) from error


def _parsed(url: str) -> URL:
    """The URL with the driver that we use; a refusal never repeats its password."""
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError) as error:
        raise UsageError("the database setting is not a database URL") from error
    if "@" in (parsed.host or ""):
        # The second half of a password, which nobody is to read in a log.
        raise UsageError("an @ in the password of the database is written %40")
    if backend in ("postgres", "postgresql"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise UsageError(f"{_shown(parsed)} is neither an SQLite nor a PostgreSQL database")
    return parsed


def _shown(url: URL) -> str:
    """The URL without its password, which may also stand among its parameters."""
    query = {name: value for name, value in url.query.items() if "password" not in name}
    return url.set(query=query).render_as_string(hide_password=True)


def _engine(url: URL, *, create: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        wait = {name: value for name, value in PATIENCE.items() if name not in url.query}
        # A server that was restarted has forgotten the connections that are kept here.
        # Who waited for another one has to see what that one did, whatever the server is set to.
        engine = create_engine(
            url, pool_pre_ping=True, isolation_level="READ COMMITTED", connect_args=wait
        )
        event.listen(engine, "connect", _prepare_postgresql)
        return engine
    mode = "rwc" if create else "rw"
    file = f"file:{quote(url.database or '')}?mode={mode}"

    def connect() -> sqlite3.Connection:
        if create:
            # What SQLite itself makes, other accounts may read; the files beside it follow this.
            with suppress(OSError):
                os.close(os.open(url.database or "", os.O_CREAT | os.O_EXCL, 0o600))
        return sqlite3.connect(file, uri=True, check_same_thread=False)

    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
    )
    path = url.database or ""

    def opened(_connection: object, record: Any) -> None:
        record.info["file"] = _file(path)

    def taken(_connection: object, record: Any, _proxy: object) -> None:
        # Of a file that was taken away or replaced, the old connections would write into nowhere.
        if record.info["file"] != _file(path):
            raise DisconnectionError("the database file is another one")

    event.listen(engine, "connect", opened)
    event.listen(engine, "checkout", taken)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _file(path: str) -> tuple[int, int] | None:
    """What tells one file from another that has its name."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    row = connection.exec_driver_sql("SELECT version_num FROM alembic_version").one_or_none()
    return row[0] if row else None


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transaction handling is off: _begin_sqlite says when one starts.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={LOCK_TIMEOUT_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: object) -> None:
    # Whole columns go there as lists; as text, which is the driver's way, each of their values
    # is looked through in Python for what has to be escaped.
    from psycopg.types.array import ListBinaryDumper

    connection.adapters.register_dumper(list, ListBinaryDumper)
    # Of a collector that vanished the server would else keep the locks for hours.
    connection.execute(
        "SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2"
    )
    connection.commit()


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once: one that starts as a reader could not upgrade safely.
    begin = connection.get_execution_options().get(WRITING, "BEGIN")
    connection.exec_driver_sql(begin)


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite makes a table anew to change it, and dropping the old one would cascade."""
    if connection.dialect.name != "sqlite":
        yield
        return
    # Asked of the driver's own connection: within a transaction it would be ignored.
    cursor = connection.connection.cursor()
    cursor.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        cursor.execute("PRAGMA foreign_keys=ON")


def _upgrade(connection: Connection) -> None:
    # Loaded for this alone: it takes a third of what a command takes to start.
    from alembic import command

    command.upgrade(alembic_config(connection), "head")


def alembic_config(connection: Connection | None = None) -> "Config":
    """Where the migrations are, and what they run on."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    return config
