"""What must hold between the answers to two scenarios that differ in one thing."""

from collections import Counter
from random import Random
from typing import Any

import pytest
from hypothesis import given

from quitus_collector.domain.licensing.covers import Cover
from quitus_collector.domain.licensing.naming import search
from tests.unit.collector.licensing.cases import Dice, Doc, a_line, a_scenario, seeds
from tests.unit.collector.licensing.documents import fewer, reconciled

LISTS = ("products", "devices", "installs", "access", "peaks", "entitlements")


@fewer
@given(seeds)
def test_the_order_of_the_input_changes_nothing(random: Random) -> None:
    doc = a_scenario(random)

    shuffled = doc | {name: random.sample(doc[name], len(doc[name])) for name in LISTS}

    assert reconciled(shuffled) == reconciled(doc)


@fewer
@given(seeds)
def test_repeated_installs_and_access_lines_count_once(random: Random) -> None:
    doc = a_scenario(random)

    twice = doc | {name: doc[name] * 2 for name in ("installs", "access")}

    assert reconciled(twice) == reconciled(doc)


@fewer
@given(seeds)
def test_one_more_entitlement_never_raises_the_shortfall(random: Random) -> None:
    """Except where it says how many devices a bought unit serves, and says fewer than before."""
    doc = a_scenario(random)
    more = a_line(Dice(random), *what_competes(doc)) | {"id": "more"}
    if lowers_what_a_bought_unit_serves(more, doc):
        more.pop("devices_per_user")

    richer = doc | {"entitlements": [*doc["entitlements"], more]}

    assert reconciled(richer).shortfall_cost <= reconciled(doc).shortfall_cost


def test_a_line_with_fewer_devices_per_user_makes_a_purchase_serve_fewer() -> None:
    """The reading "Purchases" makes the one exception to the property above."""
    doc: Doc = {
        "as_of": "2026-06-30",
        "products": [{"id": "x/app", "default_metric": "user"}],
        "devices": [{"id": f"d{n}", "user": "u"} for n in range(3)],
        "installs": [{"device": f"d{n}", "product": "x/app"} for n in range(3)],
    }
    line = {"id": "e", "product": "x/app", "quantity": 1, "metric": "user", "devices_per_user": 1}

    assert reconciled(doc).shortfall_cost == 1
    assert reconciled(doc | {"entitlements": [line]}).shortfall_cost == 2


@fewer
@given(seeds)
def test_one_more_install_never_lowers_the_shortfall(random: Random) -> None:
    doc = a_scenario(random)
    _, names, ids = what_competes(doc)
    more = {"device": random.choice(ids), "product": random.choice(names)}

    fuller = doc | {"installs": [*doc["installs"], more]}

    assert reconciled(fuller).shortfall_cost >= reconciled(doc).shortfall_cost


@fewer
@given(seeds)
def test_splitting_an_entitlement_in_two_equal_ones_changes_nothing_but_names(
    random: Random,
) -> None:
    doc = a_scenario(random)
    for line in doc["entitlements"]:
        line["quantity"] *= 2
    chosen = random.randrange(len(doc["entitlements"]))
    halves = []
    for number, line in enumerate(doc["entitlements"]):
        half = {"quantity": line["quantity"] // 2}
        halves += (
            [line | half, line | half | {"id": line["id"] + "~"}] if number == chosen else [line]
        )

    whole, split = reconciled(doc), reconciled(doc | {"entitlements": halves})

    assert split.shortfall_cost == whole.shortfall_cost
    assert split.uncovered == whole.uncovered
    assert split.uncovered_access == whole.uncovered_access
    assert sum(split.consumed.values()) == sum(whole.consumed.values())
    assert sorted((c.device, c.product, c.user, unsplit(c.entitlement)) for c in split.covered) == [
        (c.device, c.product, c.user, c.entitlement) for c in sorted(whole.covered, key=by_place)
    ]
    for name, units in whole.consumed.items():
        assert sum(n for each, n in split.consumed.items() if unsplit(each) == name) == units


def unsplit(name: str) -> str:
    return name.rstrip("~")


def by_place(cover: Cover) -> tuple[str, str, str]:
    return cover.device, cover.product, cover.user


def what_competes(doc: Doc) -> tuple[list[str], list[str], list[str]]:
    """The metrics, products and devices that a further line or install may name."""
    metrics = sorted({line["metric"] for line in doc["entitlements"]})
    names = sorted({install["product"] for install in doc["installs"]})
    return metrics, names, [device["id"] for device in doc["devices"]]


def lowers_what_a_bought_unit_serves(line: Doc, doc: Doc) -> bool:
    limits: list[Any] = [
        each["devices_per_user"]
        for each in doc["entitlements"]
        if each["product"] == line["product"] and "devices_per_user" in each
    ]
    return line.get("devices_per_user", 99) < min(limits, default=99)


@fewer
@given(seeds)
def test_names_that_were_not_looked_for_are_consumed_all_the_same(random: Random) -> None:
    """As in large estates, where the solution at hand gives the names."""
    products = [f"p/app@{version}" for version in range(1, 3)]
    doc: Doc = {
        "as_of": "2026-06-30",
        "products": [{"id": product} for product in products],
        "devices": [{"id": f"d{n}", "entity": random.choice("ef")} for n in range(40)],
        "installs": [{"device": f"d{n}", "product": random.choice(products)} for n in range(40)],
        "entitlements": [
            {
                "id": f"L{number}",
                "product": random.choice(products),
                "quantity": random.randrange(1, 20),
                "metric": "device",
                "downgrade": random.random() < 0.5,
                **({"entity": "e"} if random.random() < 0.2 else {}),
            }
            for number in random.sample(range(10), 6)
        ],
    }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "EFFORT", -1)
        found = reconciled(doc)

    named = Counter(cover.entitlement for cover in found.covered)
    assert {line: units for line, units in found.consumed.items() if units} == named
