from datetime import date

import numpy as np

from quitus_collector.domain.licensing.columns import Installs, alike
from quitus_collector.domain.licensing.components import Demand, components
from quitus_collector.domain.licensing.groups import groups
from quitus_collector.domain.licensing.situation import Access, Situation

DAY = date(2026, 6, 30)
CAL = "p/server/cal@2022"


def test_installs_are_kept_once_whatever_their_order() -> None:
    pairs = [("pc-2", "a"), ("pc-1", "b"), ("pc-1", "a"), ("pc-2", "a")]

    installs = Installs.of(pairs)

    assert len(installs) == 3
    assert set(installs) == set(pairs)
    assert {product: on.tolist() for product, on in installs.on.items()} == {"a": [0, 1], "b": [0]}


def test_rows_are_alike_where_every_column_is() -> None:
    first, kinds = alike(5, [np.array([7, 1, 7, 1, 1]), np.array([True, False, True, True, False])])

    assert first.tolist() == [0, 1, 3]
    assert kinds.tolist() == [0, 1, 0, 2, 1]


def test_rows_are_told_apart_by_more_columns_than_a_number_has_digits() -> None:
    """Devices of 100 products that compete: each has all of them but one."""
    columns = [np.arange(100) != number for number in range(100)]

    first, kinds = alike(100, columns)

    assert first.tolist() == kinds.tolist() == list(range(100))


def test_a_chain_of_users_and_devices_is_one_cluster_however_long() -> None:
    """u0 on d0, u1 on d0, u1 on d1, u2 on d1 ..., called so that neighbours are far apart."""
    names = [f"{number * 7919 % 1000:03}" for number in range(1000)]
    chain = [Access(CAL, f"u{names[(n + 1) // 2]}", f"d{names[n // 2]}") for n in range(1999)]
    single = [Access(CAL, "alone", "apart")]
    situation = Situation(DAY, [], Installs(), [], access=frozenset(chain + single))
    demand = Demand(situation)

    (component,) = components(situation, demand)
    found = groups(component, situation, demand)

    assert sorted((len(each.places), each.size) for each in found) == [(1, 1), (1999, 1)]
    (long,) = (each for each in found if len(each.places) > 1)
    on = [demand.names.devices[number] for number in long.members.devices[0]]
    users = [demand.names.users[number] for number in long.members.users[0]]
    assert set(zip(users, on, strict=True)) == {(line.user, line.device) for line in chain}
