"""A database that cannot serve: the log says which and what to do, and nothing is lost.

One collector lives through all of it without being started again.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from quitus_agent.wiring import read_token
from tests import disk
from tests.fleet.simulator import Days, enrolled, lost, workstations
from tests.postgresql import Server
from tests.programs import CollectorFolder
from tests.waiting import until

pytestmark = pytest.mark.e2e
DEVICES = 6
AWAY = "start its server, or see to the network between"
# What it is, how it comes and goes, and what the log says of it.
Trouble = tuple[str, Callable[[], AbstractContextManager[None]], str]


def live_through(
    collector: CollectorFolder, database_url: str, name: str, troubles: Sequence[Trouble]
) -> None:
    """Devices report all the while; with each trouble they go unanswered until it is over."""
    collector.set("reports_per_hour", "100_000")
    token = read_token(collector.token_file("--uses", str(DEVICES)))
    with (
        collector.serving("--workers", "2") as (port, _),
        Days(enrolled(workstations(DEVICES), "localhost", port, token)) as days,
    ):
        for what, trouble, said in troubles:
            logged, unanswered = len(collector.log()), days.unanswered
            with trouble():
                # A lock is waited for as long as the collector does, by two workers in turn.
                awaited = unanswered + DEVICES
                assert until(lambda n=awaited: days.unanswered >= n, within_s=60), what
            lines = [line for line in collector.log()[logged:].splitlines() if name in line]
            assert any(said in line for line in lines), (what, lines)
            seen = days.acknowledged
            assert until(lambda seen=seen: days.acknowledged > seen + DEVICES), what
    assert days.refusals == []
    assert "Traceback" not in collector.log()
    assert "worker ended" not in collector.log()
    assert lost(database_url, days.devices) == []


@pytest.mark.needs("mounts")
def test_reports_wait_for_an_sqlite_database_that_cannot_serve(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    with disk.disk(folder, 64):
        collector = CollectorFolder(folder / "collector")
        collector.ok("init")
        file = collector.home / "quitus.db"

        @contextmanager
        def away() -> Iterator[None]:
            beside = file.rename(file.with_name("away.db"))
            try:
                yield
            finally:
                beside.rename(file)

        def statement(text: str) -> None:
            with sqlite3.connect(file, timeout=20) as connection:
                connection.execute(text)

        @contextmanager
        def locked() -> Iterator[None]:
            connection = sqlite3.connect(file, timeout=20, isolation_level=None)
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")
                connection.close()

        live_through(
            collector,
            f"sqlite:///{file}",
            str(file),
            (
                ("full", lambda: disk.full(folder), "free some space on its disk"),
                ("away", away, "put the file back"),
                *schemas(statement),
                ("locked", locked, "another program keeps it locked"),
            ),
        )


def schemas(statement: Callable[[str], None]) -> Iterator[Trouble]:
    """A schema that others made newer, or put back, while the collector serves."""

    def with_version(number: str) -> Callable[[], AbstractContextManager[None]]:
        @contextmanager
        def trouble() -> Iterator[None]:
            statement("ALTER TABLE alembic_version RENAME TO alembic_version_kept")
            statement("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            statement(f"INSERT INTO alembic_version VALUES ('{number}')")
            try:
                yield
            finally:
                statement("DROP TABLE alembic_version")
                statement("ALTER TABLE alembic_version_kept RENAME TO alembic_version")

        return trouble

    yield "older schema", with_version("0003"), "has an older schema: run quitus-collector upgrade"
    yield "newer schema", with_version("9999"), "by a newer version of quitus-collector: install it"


def test_reports_wait_for_a_postgresql_that_cannot_serve(
    postgresql: Server, tmp_path: Path
) -> None:
    collector = CollectorFolder(tmp_path / "collector")
    collector.ok("init")

    @contextmanager
    def down(end: Callable[[], None]) -> Iterator[None]:
        end()
        try:
            yield
        finally:
            postgresql.start()

    @contextmanager
    def locked() -> Iterator[None]:
        with postgresql.connect() as session, session.transaction():
            session.execute("LOCK TABLE device IN ACCESS EXCLUSIVE MODE")
            yield

    def setting(value: str) -> None:
        postgresql.run(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
        postgresql.run("SELECT pg_reload_conf()")
        time.sleep(0.2)

    @contextmanager
    def read_only() -> Iterator[None]:
        setting("on")
        try:
            yield
        finally:
            setting("off")

    live_through(
        collector,
        postgresql.url,
        "postgresql+psycopg://postgres:***@/postgres",
        (
            ("stopped", lambda: down(postgresql.stop), AWAY),
            ("killed", lambda: down(postgresql.kill), AWAY),
            ("read-only", read_only, "it takes no writes"),
            *schemas(postgresql.run),
            ("locked", locked, "another session keeps it locked"),
        ),
    )
