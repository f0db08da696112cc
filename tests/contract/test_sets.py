"""How what devices have is shared in a database, which no port shows."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import create_engine, text

from quitus_collector.adapters.sql.packed import unpack_numbers
from quitus_collector.adapters.sql.store import SQLStore
from tests.builders import NOON, a_device, an_install, an_inventory
from tests.contract.test_store import keep

A, B, C = (an_install(name) for name in "abc")
WRITERS, ROUNDS = 4, 12


@pytest.fixture
def store(database_url: str) -> Iterator[SQLStore]:
    made = SQLStore(database_url, create=True)
    made.upgrade()
    with made.writing() as work:
        for number in range(WRITERS):
            work.devices.add(a_device(f"d-{number}"))
    yield made
    made.close()


def sets(url: str) -> list[int]:
    """How many records each set has."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT records FROM software_set")).all()
    engine.dispose()
    return sorted(len(unpack_numbers(row.records)) for row in found)


def names(store: SQLStore, device: str) -> list[str]:
    with store.reading() as work:
        return [each.name for each in work.inventories.list(device)]


def test_devices_with_the_same_records_share_a_set(store: SQLStore, database_url: str) -> None:
    with store.writing() as work:
        keep(work, "d-0", an_inventory(A, B))
        keep(work, "d-1", an_inventory(B, A))

    assert sets(database_url) == [2]


def test_a_device_that_changes_leaves_the_set_of_the_others(
    store: SQLStore, database_url: str
) -> None:
    with store.writing() as work:
        keep(work, "d-0", an_inventory(A, B))
        keep(work, "d-1", an_inventory(A, B))
        keep(work, "d-1", an_inventory(A, B, C))

    assert sets(database_url) == [2, 3]
    assert names(store, "d-0") == ["a", "b"]


def test_sets_that_nobody_has_any_more_do_not_stay(store: SQLStore, database_url: str) -> None:
    with store.writing() as work:
        keep(work, "d-0", an_inventory(A))
        keep(work, "d-0", an_inventory(A, B))
        keep(work, "d-1", an_inventory(A, B, C))
        keep(work, "d-1", an_inventory(A, B))
        keep(work, "d-2", an_inventory(C))
        work.devices.remove("d-2")

    assert sets(database_url) == [2]


def test_devices_that_change_to_and_fro_at_once_keep_what_is_theirs(
    store: SQLStore, database_url: str
) -> None:
    together = Barrier(WRITERS)

    def change(device: int) -> None:
        together.wait()
        for turn in range(ROUNDS):
            with store.writing() as work:
                wanted = (A, B, C)[: 1 + (turn + device) % 3]
                keep(work, f"d-{device}", an_inventory(*wanted))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(change, range(WRITERS)))

    with store.writing() as work:
        work.fleet.purge(NOON)
    last = [1 + (ROUNDS - 1 + device) % 3 for device in range(WRITERS)]
    assert [len(names(store, f"d-{device}")) for device in range(WRITERS)] == last
    assert sets(database_url) == sorted(set(last))


def test_a_record_that_was_purged_may_come_again(store: SQLStore) -> None:
    with store.writing() as work:
        keep(work, "d-0", an_inventory(A))
    with store.writing() as work:
        keep(work, "d-0", an_inventory(B))
        numbering = work.inventories.numbering
    with store.writing() as work:
        work.fleet.purge(datetime.now(UTC) + timedelta(days=1))
    with store.writing() as work:
        assert work.inventories.numbering != numbering
        keep(work, "d-1", an_inventory(C))
        keep(work, "d-2", an_inventory(A))

    assert [names(store, f"d-{number}") for number in range(3)] == [["b"], ["c"], ["a"]]


def test_what_a_transaction_brought_that_failed_is_not_known(store: SQLStore) -> None:
    def half_done() -> None:
        with store.writing() as work:
            keep(work, "d-0", an_inventory(A))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half_done()
    with store.writing() as work:
        keep(work, "d-1", an_inventory(B))
    with store.writing() as work:
        keep(work, "d-2", an_inventory(A, B))

    assert [names(store, f"d-{number}") for number in range(3)] == [[], ["b"], ["a", "b"]]
