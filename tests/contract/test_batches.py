"""What reports cost a database, whoever and however many bring them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.install import DeviceFacts, Inventory
from quitus_collector.services.recognition import Recogniser, refresh
from quitus_collector.services.reporting import Accepted, Incoming, accept_reports
from tests.builders import a_certificate, a_device, a_report, an_install, an_inventory
from tests.fakes.clock import FakeClock

DEVICES = 40


class Office:
    """A collector whose devices report together; keeps each one's last receipt."""

    def __init__(self, url: str) -> None:
        self.store = SQLStore(url, create=True)
        self.store.upgrade()
        self.clock = FakeClock()
        refresh(self.store, Catalogue())
        self.recogniser = Recogniser(Catalogue)
        self.receipts: dict[str, bytes] = {}
        with self.store.writing() as work:
            work.devices.add(*(a_device(f"d-{number}") for number in range(DEVICES)))

    def report(self, numbers: range, inventory: Callable[[int], Inventory]) -> None:
        reports: list[Incoming] = []
        for number in numbers:
            receipt = self.receipts.get(f"d-{number}", b"")
            said = a_report(inventory(number), receipt=receipt)
            reports.append((a_certificate(a_device(f"d-{number}")), said))
        answers = accept_reports(self.store, self.clock, reports, self.recogniser)
        for number, answer in zip(numbers, answers, strict=True):
            assert isinstance(answer, Accepted), answer
            self.receipts[f"d-{number}"] = answer.receipt


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    made = Office(database_url)
    yield made
    made.store.close()


@contextmanager
def counted() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are said meanwhile, with their values; of many rows those of one."""
    said: list[tuple[str, Any]] = []

    def note(_1: object, _2: object, statement: str, values: Any, _3: object, many: bool) -> None:
        said.append((statement, values[-1] if many else values))

    event.listen(Engine, "before_cursor_execute", note)
    yield said
    event.remove(Engine, "before_cursor_execute", note)


def a_machine(number: int, *names: str) -> Inventory:
    facts = DeviceFacts(f"PC-{number}", serial=f"5CG{number:05}", primary_user=f"user {number}")
    return an_inventory(*map(an_install, names), facts=facts)


@pytest.mark.parametrize("day", ["first reports", "changes"])
def test_many_devices_cost_as_many_statements_as_two(office: Office, day: str) -> None:
    if day == "changes":
        office.report(range(DEVICES), lambda n: a_machine(n, "common", f"own {n}"))

    with counted() as of_two:
        office.report(range(2), lambda n: a_machine(n, "common", "new of two", f"one more {n}"))
    with counted() as of_many:
        office.report(
            range(2, DEVICES), lambda n: a_machine(n, "common", f"new of many {n % 7}", f"rest {n}")
        )

    assert len(of_many) <= len(of_two), of_many


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_statement_of_a_batch_looks_at_the_whole_fleet(
    office: Office, database_url: str
) -> None:
    with counted() as first:
        office.report(range(9), lambda n: a_machine(n, "common", f"own {n}"))
    with counted() as later:
        office.report(range(9), lambda n: a_machine(n, "common", f"another {n}"))

    engine = create_engine(database_url)
    with engine.connect() as connection:
        plans = {
            (step, statement)
            for statement, values in first + later
            if statement.startswith(("SELECT", "INSERT", "UPDATE", "DELETE"))
            for *_, step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        }
    engine.dispose()
    # What waits to be recognised is found by an index of nothing else.
    small = ("anon_", "json_each", "alembic_version", "catalogue_version", "retention", "CONSTANT")
    wholes = [
        (step, statement)
        for step, statement in plans
        if step.startswith(("SCAN", "MATERIALIZE")) and step != "SCAN pending"
        if not step.removeprefix("SCAN ").startswith(small)
    ]
    assert wholes == []
