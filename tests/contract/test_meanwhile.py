"""What one process does to devices while another one is at them, where several serve."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import create_engine, text

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.device import Standing
from quitus_collector.domain.history import Recognised
from quitus_collector.domain.install import SourceStatus
from quitus_collector.domain.perimeter import Placement
from quitus_collector.services import ledger
from quitus_collector.services.ports import UnitOfWork
from quitus_collector.services.recognition import Recogniser, recount, refresh
from quitus_collector.services.reporting import Decision, accept_offline, settle
from tests.builders import a_certificate, a_device, a_report, an_inventory
from tests.contract.office import DRAW, WORD, Office
from tests.contract.rules import a_catalogue
from tests.fakes.clock import FakeClock


def set_as_nobody_should(url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        for setting in (
            "default_transaction_isolation = 'serializable'",
            "synchronous_commit = off",
        ):
            connection.execute(text(f"ALTER DATABASE {name} SET {setting}"))
    engine.dispose()


@pytest.fixture
def office(database_url: str, clock: FakeClock) -> Iterator[Office]:
    store = SQLStore(database_url, create=True, now=clock.now)
    store.upgrade()
    yield Office(store, clock)
    store.close()


def meanwhile(deed: Callable[[], object]) -> Thread:
    """Begins it on a thread, and gives it the time to end or to wait for us."""
    thread = Thread(target=deed)
    thread.start()
    thread.join(0.4)
    return thread


def recognise_while(office: Office, catalogue: Catalogue, deed: Callable[[], object]) -> None:
    """Has the fleet counted by another catalogue; meanwhile it does the deed."""
    threads: list[Thread] = []

    class Slow(Recogniser):
        def recognise(self, records: Iterable[int]) -> Recognised:
            if not threads:
                threads.append(meanwhile(deed))
            return super().recognise(records)

    with office.store.writing() as work:
        Slow(lambda: catalogue).refresh(work)
    threads[0].join()


def test_a_file_that_is_read_while_the_fleet_is_recognised_is_not_lost_to_it(
    office: Office,
) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD)
    other = a_catalogue(office="acme/other")
    with office.store.reading() as work:
        device = work.devices.get("d-1")
    office.clock.advance(timedelta(hours=1))
    said = replace(a_report(an_inventory(DRAW)), taken_at=office.clock.now())

    def take_in() -> None:
        accept_offline(office.store, office.clock, a_certificate(device), said)

    recognise_while(office, other, take_in)
    refresh(office.store, other)

    assert list(recount(office.store, other)) == []


def test_a_device_is_found_while_its_sources_change(office: Office) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD)
    found = []

    def look() -> None:
        with office.store.writing() as work:
            found.extend(work.devices.known(["d-1"]))

    with office.store.writing() as work:
        device = work.devices.get("d-1")
        sources = an_inventory(sources={"rpm": SourceStatus.READ}).sources
        work.devices.add(replace(device, sources=sources))
        looking = meanwhile(look)
    looking.join()

    assert found == ["d-1"]


def test_two_devices_of_one_machine_that_report_at_once_are_told(office: Office) -> None:
    same = {"smbios_uuid": "4c4c4544-0042", "serial": "PC-4711"}
    for each in ("d-0", "d-1", "d-2"):
        office.enrol(each)
    # Known already, else the second one would wait for the record that the first one brings.
    office.report("d-0", WORD)
    threads: list[Thread] = []

    class Slow(Recogniser):
        def take_in(self, work: UnitOfWork) -> None:
            super().take_in(work)
            if not threads:
                threads.append(meanwhile(lambda: office.report("d-2", WORD, **same)))

    office.recogniser = Slow(lambda: office.catalogue)
    office.report("d-1", WORD, **same)
    threads[0].join()

    with office.store.reading() as work:
        standings = [each.standing for each in work.devices.list()]
    assert standings.count(Standing.QUARANTINED) == 1


@pytest.mark.parametrize("deed", ["set apart", "forgotten"])
def test_a_device_that_is_taken_out_while_the_fleet_is_recognised_is_out(
    office: Office, deed: str
) -> None:
    office.enrol("d-1")
    office.report("d-1", WORD)
    office.after(1)
    done: list[object] = []

    def take_out() -> None:
        if deed == "forgotten":
            done.append(ledger.forget(office.store, office.clock, "d-1", actor="op"))
        else:
            done.append(settle(office.store, office.clock, "d-1", Decision.QUARANTINE, "op"))

    recognise_while(office, a_catalogue(office="acme/other"), take_out)

    assert done
    with office.store.reading() as work:
        standings = [each.standing for each in work.fleet.snapshots()]
        names = {each.name for each in work.fleet.snapshots(office.clock.now() - timedelta(1))}
    assert standings == ([] if deed == "forgotten" else [Standing.QUARANTINED])
    assert names == ({""} if deed == "forgotten" else {"pc-d-1"})


def test_of_a_device_that_is_forgotten_meanwhile_nothing_is_said_any_more(office: Office) -> None:
    office.enrol("d-1")

    def forget() -> None:
        ledger.forget(office.store, office.clock, "d-1", actor="op")

    with office.store.writing() as work:
        work.decisions.place([Placement("d-1", site="Lyon")])
        forgetting = meanwhile(forget)
    forgetting.join()

    with office.store.reading() as work:
        assert {each.site for each in work.decisions.placements()} <= {""}


def test_two_who_say_something_of_one_device_at_once_leave_one_of_it(office: Office) -> None:
    office.enrol("d-1")

    def place(site: str) -> None:
        with office.store.writing() as work:
            work.decisions.hold()
            work.decisions.place([Placement("d-1", site=site)])

    with office.store.writing() as work:
        work.decisions.hold()
        work.decisions.place([Placement("d-1", site="Lyon")])
        placing = meanwhile(lambda: place("Nice"))
    placing.join()

    with office.store.reading() as work:
        assert len(work.decisions.placements()) == 1


def test_a_device_that_reports_while_its_rival_is_settled_keeps_its_report(office: Office) -> None:
    office.enrol("d-2")
    with office.store.writing() as work:
        work.devices.add(a_device("d-1", standing=Standing.QUARANTINED, rival="d-2"))
    office.report("d-2", WORD)
    settled: list[object] = []

    def decide() -> None:
        settled.append(settle(office.store, office.clock, "d-1", Decision.REPLACEMENT, "op"))

    class Slow(Recogniser):
        def take_in(self, work: UnitOfWork) -> None:
            super().take_in(work)
            if not threads:
                threads.append(meanwhile(decide))

    threads: list[Thread] = []
    office.recogniser = Slow(lambda: office.catalogue)
    office.report("d-2", DRAW)
    threads[0].join()

    with office.store.reading() as work:
        rival = work.devices.get("d-2")
        held = [each.name for each in work.inventories.list("d-2")]
    assert settled
    assert (rival.standing, rival.installs, held) == (Standing.REPLACED, 1, [DRAW.name])
    office.report("d-2", DRAW)


def test_what_is_acknowledged_is_kept_however_the_server_is_set(
    postgresql: Callable[[], str], clock: FakeClock
) -> None:
    url = postgresql()
    set_as_nobody_should(url)
    store = SQLStore(url, now=clock.now)
    store.upgrade()
    said = {}
    with store.writing() as work:
        connection = work.inventories._connection  # type: ignore[attr-defined]
        for name in ("transaction_isolation", "synchronous_commit"):
            said[name] = connection.exec_driver_sql(f"SHOW {name}").scalar_one()
    store.close()

    assert said == {"transaction_isolation": "read committed", "synchronous_commit": "local"}
