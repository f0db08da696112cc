"""Licence lines that several people change at once, on the databases that serve them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from quitus_collector.adapters import catalogue_files
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.holding import Act
from quitus_collector.errors import UsageError
from quitus_collector.services import pools
from tests.fakes.clock import FakeClock

PEOPLE = 4
CATALOGUE = catalogue_files.load()
VALUES = {"id": "A", "product": "microsoft/visio/professional@2019", "quantity": "5"}


def test_what_several_people_add_or_remove_at_once_is_done_by_one(database_url: str) -> None:
    store, clock, together = SQLStore(database_url, create=True), FakeClock(), Barrier(PEOPLE)
    store.upgrade()

    def add(person: int) -> str:
        together.wait()
        try:
            pools.add(store, CATALOGUE, clock, VALUES, Act(f"operator {person}"))
        except pools.Refused:
            return "refused"
        return "added"

    def change(person: int) -> str:
        seen = pools.fingerprint(line)
        together.wait()
        try:
            if person % 2:
                told = {"quantity": str(10 + person)}
                act = Act(f"operator {person}")
                pools.edit(store, CATALOGUE, clock, "A", told, act, seen=seen)
            else:
                pools.remove_entitlement(store, clock, "A", Act(f"operator {person}"), seen=seen)
        except UsageError:
            return "refused"
        return "changed"

    with ThreadPoolExecutor(PEOPLE) as pool:
        additions = sorted(pool.map(add, range(PEOPLE)))
        ((line, _),) = pools.owned(store)
        changes = sorted(pool.map(change, range(PEOPLE)))
    happened = pools.history(store, "A")
    store.close()

    assert additions == ["added", *["refused"] * (PEOPLE - 1)]
    assert changes == ["changed", *["refused"] * (PEOPLE - 1)]
    assert len(happened) == 2
