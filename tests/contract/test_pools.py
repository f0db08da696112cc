"""Licence lines and prices that several people change at once, on the databases that serve them."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from quitus_collector.adapters.pools import delimited
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.holding import Act
from quitus_collector.errors import UsageError
from quitus_collector.services import pools, prices
from quitus_collector.services.intake.headings import PRICES
from tests.builders import shipped_catalogue
from tests.fakes.clock import FakeClock

PEOPLE = 4
CATALOGUE = shipped_catalogue()
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


def test_a_price_list_that_several_people_take_in_at_once_is_kept_once(database_url: str) -> None:
    store, clock, together = SQLStore(database_url, create=True), FakeClock(), Barrier(PEOPLE)
    store.upgrade()
    lines = [f"P{number};{VALUES['product']};{number + 1}" for number in range(20)]
    reading = delimited.parse("\n".join(["id;produit;prix", *lines]), PRICES)

    def take_in(person: int) -> int:
        together.wait()
        act = Act(f"operator {person}")
        return prices.take_in(store, CATALOGUE, clock, reading, act, source="tarif.csv").added

    def remove(person: int) -> str:
        together.wait()
        try:
            prices.remove_price(store, clock, "P7", Act(f"operator {person}"), seen=seen)
        except UsageError:
            return "refused"
        return "removed"

    with ThreadPoolExecutor(PEOPLE) as pool:
        added = sorted(pool.map(take_in, range(PEOPLE)))
        listed = prices.listed(store)
        seen = prices.fingerprint(each for each in listed if each.licence.id == "P7")
        removals = sorted(pool.map(remove, range(PEOPLE)))
    left = prices.listed(store)
    store.close()

    assert added == [*[0] * (PEOPLE - 1), 20]
    assert (len(listed), len(left)) == (20, 19)
    assert removals == [*["refused"] * (PEOPLE - 1), "removed"]
