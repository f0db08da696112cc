"""Accounts, sessions, tokens and jobs on one SQL connection; see account_ports."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, delete, select, update

from quitus_collector.adapters.sql import account_tables as tables
from quitus_collector.adapters.sql.statements import WRITING, hold, put
from quitus_collector.domain.account import Account, APIToken, Session, Stage
from quitus_collector.domain.job import Job, JobState
from quitus_collector.errors import UsageError
from quitus_collector.services.wording import N_

ACCOUNT, TOKEN, JOB = TypeAdapter(Account), TypeAdapter(APIToken), TypeAdapter(Job)


class SQLAccounts:
    """Implements account_ports.Accounts."""

    # Of the lock that who changes accounts takes; any number that nothing else here uses.
    LOCK = 0x7175697475732E6F

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def hold(self) -> None:
        """Others wait: what is read from here on is what the change is made of."""
        hold(self._connection, self.LOCK)

    def add(self, account: Account) -> None:
        """Keeps an account; raises UsageError where another one has its name."""
        other = self.find(name=account.name)
        if other and other.id != account.id:
            raise UsageError(f"there is an account {other.name!r} already")
        values = {
            "id": account.id,
            "name_key": account.name.casefold(),
            "subject": account.subject,
            "record": ACCOUNT.dump_python(account, mode="json"),
        }
        put(self._connection, tables.account, values)

    def get(self, account_id: str) -> Account:
        """Raises UsageError."""
        found = self._one(tables.account.c.id == account_id)
        if found is None:
            raise UsageError(f"no account has the id {account_id!r}")
        return found

    def find(self, *, name: str = "", subject: str = "") -> Account | None:
        """The account with this name, or this subject."""
        columns = tables.account.c
        if name:
            return self._one(columns.name_key == name.casefold())
        return self._one(columns.subject == subject) if subject else None

    def list(self) -> Sequence[Account]:
        """All of them, sorted by name."""
        found = self._connection.scalars(select(tables.account.c.record))
        accounts = (ACCOUNT.validate_python(each) for each in found)
        return sorted(accounts, key=lambda each: (each.name.casefold(), each.id))

    def _one(self, condition: ColumnElement[bool]) -> Account | None:
        query = select(tables.account.c.record).where(condition)
        if self._connection.get_execution_options().get(WRITING):
            query = query.with_for_update()
        record = self._connection.scalars(query).one_or_none()
        return None if record is None else ACCOUNT.validate_python(record)


class SQLSessions:
    """Implements account_ports.Sessions."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, session: Session) -> None:
        """Keeps a session; one with the same id is replaced."""
        values = {
            "id": session.id,
            "account": session.account,
            "stage": session.stage.value,
            "began_at": session.began_at,
            "seen_at": session.seen_at,
        }
        put(self._connection, tables.session, values)

    def find(self, session_id: str) -> Session | None:
        """The session with this id, locked in a writing unit of work."""
        query = select(tables.session).where(tables.session.c.id == session_id)
        if self._connection.get_execution_options().get(WRITING):
            query = query.with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            return None
        return Session(row.id, row.account, Stage(row.stage), row.began_at, row.seen_at)

    def remove(self, session_id: str) -> None:
        """Ends a session; nothing if it is not there."""
        self._connection.execute(delete(tables.session).where(tables.session.c.id == session_id))

    def remove_of(self, account_id: str, *, but: str = "") -> int:
        """Ends all sessions of an account but one; how many those were."""
        columns = tables.session.c
        condition = (columns.account == account_id) & (columns.id != but)
        return self._connection.execute(delete(tables.session).where(condition)).rowcount

    def remove_before(self, moment: datetime) -> None:
        """Forgets those that were last seen before then."""
        self._connection.execute(delete(tables.session).where(tables.session.c.seen_at < moment))


class SQLAPITokens:
    """Implements account_ports.APITokens."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, token: APIToken) -> None:
        """Keeps a token; one with the same id is replaced."""
        values = {
            "id": token.id,
            "secret_sha256": token.secret_sha256,
            "made_at": token.made_at,
            "record": TOKEN.dump_python(token, mode="json"),
        }
        put(self._connection, tables.api_token, values)

    def find(self, secret_sha256: str) -> APIToken | None:
        """The token with this secret, locked in a writing unit of work."""
        columns = tables.api_token.c
        query = select(columns.record).where(columns.secret_sha256 == secret_sha256)
        if self._connection.get_execution_options().get(WRITING):
            query = query.with_for_update()
        record = self._connection.scalars(query).one_or_none()
        return None if record is None else TOKEN.validate_python(record)

    def list(self) -> Sequence[APIToken]:
        """All of them, newest first."""
        columns = tables.api_token.c
        query = select(columns.record).order_by(columns.made_at.desc(), columns.id)
        return [TOKEN.validate_python(each) for each in self._connection.scalars(query)]


class SQLJobs:
    """Implements account_ports.Jobs."""

    def __init__(self, connection: Connection) -> None:
        """Works inside the connection's transaction."""
        self._connection = connection

    def add(self, job: Job, content: bytes | None = None) -> None:
        """Keeps a job; once it is over its content is its answer, if there is one."""
        values: dict[str, Any] = {
            "id": job.id,
            "state": job.state.value,
            "made_at": job.made_at,
            "ended_at": job.ended_at,
            "record": JOB.dump_python(job, mode="json"),
        }
        if content is not None:
            values["content"] = content
        put(self._connection, tables.job, values)
        if job.is_over and content is None:
            here = tables.job.c.id == job.id
            self._connection.execute(update(tables.job).where(here).values(content=None))

    def get(self, job_id: str) -> Job:
        """Raises UsageError."""
        query = select(tables.job.c.record).where(tables.job.c.id == job_id)
        if self._connection.get_execution_options().get(WRITING):
            query = query.with_for_update()
        record = self._connection.scalars(query).one_or_none()
        if record is None:
            raise UsageError(N_("no job has the id {id}"), id=job_id)
        return JOB.validate_python(record)

    def content(self, job_id: str) -> bytes:
        """What was uploaded for it, or its answer once it is over."""
        query = select(tables.job.c.content).where(tables.job.c.id == job_id)
        return bytes(self._connection.scalars(query).one_or_none() or b"")

    def list(self, *, last: int = 50, actor: str = "") -> Sequence[Job]:
        """The newest first."""
        columns = tables.job.c
        query = select(columns.record).order_by(columns.made_at.desc(), columns.id).limit(last)
        if actor:
            query = query.where(columns.record["actor"].as_string() == actor)
        return [JOB.validate_python(each) for each in self._connection.scalars(query)]

    def open(self) -> Sequence[Job]:
        """Those that are not over, oldest first, locked in a writing unit of work."""
        columns = tables.job.c
        states = (JobState.QUEUED.value, JobState.RUNNING.value)
        query = select(columns.record).where(columns.state.in_(states))
        query = query.order_by(columns.made_at, columns.id)
        if self._connection.get_execution_options().get(WRITING):
            query = query.with_for_update(skip_locked=True)
        return [JOB.validate_python(each) for each in self._connection.scalars(query)]

    def remove_before(self, moment: datetime) -> None:
        """Forgets those that were over before then."""
        self._connection.execute(delete(tables.job).where(tables.job.c.ended_at < moment))
