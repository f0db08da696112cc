"""What every implementation of ports.Store promises of identities and of the audit log."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from threading import Event as Signal

import pytest
from sqlalchemy import create_engine, text

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.audit import Event, Kind, first_broken
from quitus_collector.domain.device import CompanyAuthority, EnrolmentRequest
from quitus_collector.services.audit import verify
from quitus_collector.services.ports import AuditFilter, Store
from tests.builders import NOON, a_device
from tests.fakes.store import MemoryStore

WRITERS, ENTRIES = 4, 15


def an_event(actor: str = "192.0.2.7") -> Event:
    return Event(NOON, Kind.ENROLLED, actor, "device d-1", {"token": "été", "uses": "1"})


def test_a_device_is_found_by_its_present_and_by_its_renewed_key(store: Store) -> None:
    device = a_device(next_key_sha256="renewed", revoked_at=NOON)
    with store.writing() as work:
        work.devices.add(device)

    with store.reading() as work:
        assert work.devices.find("key of d-1") == device
        assert work.devices.find("renewed") == device


def test_a_request_comes_back_as_it_was_kept_until_it_is_removed(store: Store) -> None:
    first = EnrolmentRequest("r-1", "key 1", "pc-1", "192.0.2.7", NOON)
    second = EnrolmentRequest("r-2", "key 2", "pc-2", "192.0.2.8", NOON, False, "999000110")
    with store.writing() as work:
        work.requests.add(second)
        work.requests.add(first)

    with store.writing() as work:
        assert work.requests.list() == [first, second]
        assert work.requests.find("key 2") == second
        assert work.requests.find("key 3") is None
        work.requests.remove("r-1")
        work.requests.remove("r-9")

    with store.reading() as work:
        assert work.requests.list() == [second]


def test_a_company_authority_comes_back_as_it_was_kept_until_it_is_removed(store: Store) -> None:
    first = CompanyAuthority("ad", "PEM", NOON)
    second = CompanyAuthority("filiale", "PEM 2", NOON, "*.corp.example", "999000110", "CRL")
    with store.writing() as work:
        work.company_authorities.add(second)
        work.company_authorities.add(first)

    with store.writing() as work:
        assert work.company_authorities.list() == [first, second]
        work.company_authorities.remove("ad")
        work.company_authorities.remove("none")

    with store.reading() as work:
        assert work.company_authorities.list() == [second]


def test_devices_are_found_by_the_name_in_their_company_certificate(store: Store) -> None:
    later = a_device("d-1", company_name="pc-1.corp", enrolled_at=NOON + timedelta(days=1))
    first = a_device("d-2", company_name="pc-1.corp")
    with store.writing() as work:
        for each in (later, first, a_device("d-3")):
            work.devices.add(each)

    with store.reading() as work:
        assert work.devices.of_company("pc-1.corp") == [first, later]
        assert work.devices.of_company("pc-2.corp") == []


def test_the_log_is_read_as_it_was_written(store: Store) -> None:
    with store.writing() as work:
        entries = [*work.audit.add(an_event("192.0.2.0"))]
        entries += work.audit.add(*(an_event(f"192.0.2.{n}") for n in range(1, 5)))
        assert work.audit.add() == []

    with store.reading() as work:
        assert list(work.audit.list()) == entries
        assert list(work.audit.list(last=2)) == entries[-2:]
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert first_broken(entries) is None


def test_the_log_is_turned_page_by_page_newest_first(store: Store) -> None:
    with store.writing() as work:
        work.audit.add(*(an_event(f"192.0.2.{n}") for n in range(5)))
        work.audit.add(Event(NOON + timedelta(days=1), Kind.REVOKED, "operator Ada_1", "pool p"))

    def page(wanted: AuditFilter, before: int | None = None, limit: int = 2) -> list[int]:
        with store.reading() as work:
            found = work.audit.page(wanted, before=before, limit=limit)
        return [entry.number for entry in found]

    assert page(AuditFilter()) == [6, 5]
    assert page(AuditFilter(), before=5) == [4, 3]
    assert page(AuditFilter(kind=Kind.REVOKED)) == [6]
    assert page(AuditFilter(actor="ada_")) == page(AuditFilter(actor="POOL")) == [6]
    assert page(AuditFilter(actor="ada%")) == []
    assert page(AuditFilter(since=NOON + timedelta(hours=1)), limit=9) == [6]
    assert page(AuditFilter(until=NOON + timedelta(hours=1)), limit=9) == [5, 4, 3, 2, 1]


def test_a_block_that_raises_leaves_no_entry_and_no_gap(store: Store) -> None:
    def half_done() -> None:
        with store.writing() as work:
            work.audit.add(an_event())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with store.writing() as work:
        work.audit.add(an_event())

    assert verify(store)[:2] == (None, 1)


def test_several_writers_continue_one_chain(store: Store) -> None:
    if isinstance(store, MemoryStore):
        return  # it serves one thread
    together = Barrier(WRITERS)

    def write(writer: int) -> None:
        together.wait()
        for _ in range(ENTRIES):
            with store.writing() as work:
                work.audit.add(an_event(f"writer {writer}"))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))

    assert verify(store)[:2] == (None, WRITERS * ENTRIES)


def test_a_report_under_way_does_not_undo_a_revocation(store: Store) -> None:
    """Who changes a device has it alone until it is done."""
    if isinstance(store, MemoryStore):
        return  # it serves one thread, which has no other to wait for
    with store.writing() as work:
        work.devices.add(a_device())
    started = Signal()

    def revoke() -> None:
        started.set()
        with store.writing() as work:
            work.devices.get("d-1")
            work.devices.add(a_device(revoked_at=NOON))

    with ThreadPoolExecutor(1) as pool:
        with store.writing() as work:
            device = work.devices.get("d-1")
            revoked = pool.submit(revoke)
            started.wait()
            with pytest.raises(TimeoutError):
                revoked.result(timeout=0.3)
            work.devices.add(device)
        revoked.result(timeout=30)

    with store.reading() as work:
        assert work.devices.get("d-1").revoked_at == NOON


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE audit SET actor = 'nobody' WHERE number = 2", 2),
        ("UPDATE audit SET digest = 'x' WHERE number = 3", 3),
        ("DELETE FROM audit WHERE number = 2", 2),
        ("DELETE FROM audit WHERE number = 1", 1),
    ],
)
def test_what_is_changed_behind_the_collectors_back_is_found(
    database_url: str, statement: str, broken: int
) -> None:
    store = SQLStore(database_url, create=True)
    store.upgrade()
    with store.writing() as work:
        for _ in range(4):
            work.audit.add(an_event())
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()

    assert verify(store)[0] == broken
    store.close()
