"""Counting by groups gives what naming every device gives, wherever the best answer is one."""

from collections import Counter
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.catalogue import CountingTerms
from quitus_collector.domain.counting import position_lines
from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.columns import Installs
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.licensing.situation import CountedDevice, ProductTerms, Situation
from quitus_collector.domain.licensing.tally import tally
from quitus_collector.domain.position import PositionLine
from quitus_collector.domain.product import Product
from tests.builders import an_entitlement

DAY = date(2026, 6, 30)
LINES = ("m/office", "m/visio")
PRODUCTS = [f"{line}@{version}" for line in LINES for version in (2016, 2019)] + ["a/cc"]
METRICS = {"m/office": Metric.DEVICE, "m/visio": Metric.DEVICE, "a/cc": Metric.USER}
TERMS = CountingTerms(
    "", "", {line: Product(line, line, metric=METRICS[line]) for line in METRICS}, frozenset(LINES)
)
SOLVER = HighsSolver()

devices = st.lists(
    st.builds(
        CountedDevice,
        id=st.just(""),
        entity=st.sampled_from([None, "1", "2"]),
        user=st.sampled_from(["p", "q", "r", "s"]),
    ),
    max_size=9,
).map(lambda found: [replace(each, id=f"d-{n}") for n, each in enumerate(found)])
lines = st.lists(
    st.builds(
        Entitlement,
        id=st.just(""),
        product=st.sampled_from(PRODUCTS),
        quantity=st.integers(0, 4),
        metric=st.sampled_from([Metric.DEVICE, Metric.USER]),
        downgrade=st.booleans(),
        bound_to=st.sampled_from([None, None, "d-0"]),
        entity=st.sampled_from([None, None, "1"]),
        valid_until=st.sampled_from([None, date(2026, 12, 31)]),
    ),
    max_size=6,
).map(
    lambda found: [
        replace(each, id=f"L-{n}", devices_per_user=2 if each.metric is Metric.USER else None)
        for n, each in enumerate(found)
    ]
)


def position(
    fleet: list[CountedDevice], installed: dict[str, frozenset[str]], owned: list[Entitlement]
) -> dict[str, PositionLine]:
    found = position_lines(DAY, fleet, installed, owned, TERMS, SOLVER)
    return {line.product: line for line in found}


@settings(deadline=None)
@given(devices, lines, st.data())
def test_a_position_is_as_good_as_the_answer_that_names_every_device(
    fleet: list[CountedDevice], owned: list[Entitlement], data: st.DataObject
) -> None:
    sets = st.frozensets(st.sampled_from(PRODUCTS))
    installed = {device.id: data.draw(sets) for device in fleet}
    pairs = Installs.of((each, product) for each, found in installed.items() for product in found)
    terms = {
        product: ProductTerms(product, default_metric=METRICS[product.partition("@")[0]])
        for product in PRODUCTS
    }

    named = reconcile(Situation(DAY, fleet, pairs, owned, terms), SOLVER)
    counted = position(fleet, installed, owned)

    assert sum(line.missing or 0 for line in counted.values()) == sum(named.uncovered.values())
    assert sum(line.consumed or 0 for line in counted.values()) == sum(named.consumed.values())
    assert sum(line.to_buy or 0 for line in counted.values()) == named.shortfall_cost
    direct = sum(
        each.installs
        for line in counted.values()
        for each in line.covered
        if each.right is Right.DIRECT
    )
    assert direct == sum(cover.right is Right.DIRECT for cover in named.covered)
    for line in counted.values():
        assert sum(each.installs for each in line.covered) == line.covered_installs
        assert (line.consumed or 0) <= line.entitled


@settings(deadline=None)
@given(devices, lines, st.permutations(range(9)), st.data())
def test_a_position_does_not_depend_on_what_devices_are_called(
    fleet: list[CountedDevice], owned: list[Entitlement], order: list[int], data: st.DataObject
) -> None:
    owned = [replace(each, bound_to=None) for each in owned]
    sets = st.frozensets(st.sampled_from(PRODUCTS))
    installed = {device.id: data.draw(sets) for device in fleet}
    names = {device.id: f"d-{order[n]}" for n, device in enumerate(fleet)}
    renamed = [replace(each, id=names[each.id]) for each in reversed(fleet)]

    assert position(fleet, installed, owned) == position(
        renamed, {names[each]: found for each, found in installed.items()}, owned
    )


def test_copies_count_as_often_as_they_stand_for_a_device() -> None:
    one = [CountedDevice("d-1"), CountedDevice("d-2")]
    installs = Installs.of([("d-1", PRODUCTS[0]), ("d-2", PRODUCTS[1])])
    owned = [
        an_entitlement("A", PRODUCTS[1], 700, downgrade=True),
        an_entitlement("B", PRODUCTS[1], 50),
    ]
    many = Situation(DAY, one, installs, owned, copies={"d-1": 600, "d-2": 300})

    found = tally(many, SOLVER)

    assert +found.uncovered == {PRODUCTS[0]: 150}
    assert found.consumed == {"A": 700, "B": 50}
    by_line = Counter[str]()
    for (_, line, _), count in found.covered.items():
        by_line[line] += count
    assert by_line == {"A": 700, "B": 50}
    assert found.lent == {PRODUCTS[1]: 450}
