"""Hosts with guests, stated by devices and tightened, against every way to license them listed."""

from random import Random
from typing import Any

from hypothesis import given, settings

from quitus_collector.adapters.solver.highs import HighsSolver
from tests.unit.collector.licensing.cases import Doc, seeds
from tests.unit.collector.licensing.documents import CASES, reconciled, thorough

PRODUCTS = ("m/server/standard@2019", "m/server/standard@2022", "m/server/datacenter@2022")
EVERY = 100_000
# Each case is solved three times.
few = settings(thorough, max_examples=max(1, CASES // 9))


@few
@given(seeds)
def test_what_hosts_serve_comes_to_the_same_however_it_is_stated(random: Random) -> None:
    doc = _estate(random)

    combined = reconciled(doc, few_patterns=0)

    assert combined == reconciled(doc, few_patterns=EVERY)
    assert combined == reconciled(
        doc, few_patterns=0, solver=HighsSolver(few_variables=0, few_broken=1)
    )


def test_a_guest_may_sit_on_a_spare_place_beside_units_that_serve_any_number() -> None:
    """The units for any number are held for the second guest; the first has the lower id."""
    cores = {"default_metric": "core", "unit_cost": 67}
    doc: Doc = {
        "as_of": "2026-06-30",
        "products": [
            {"id": PRODUCTS[0], "edition_rank": 0, "released": "2018-10-01", **cores},
            {"id": PRODUCTS[1], "edition_rank": 0, "released": "2021-08-01", **cores},
            {"id": "m/server/datacenter@2019", "edition_rank": 1, **cores},
        ],
        "devices": [
            {"id": "h", "cores": 16},
            *({"id": f"g{n}", "kind": "virtual", "host": "h"} for n in range(3)),
        ],
        "installs": [
            {"device": "g0", "product": PRODUCTS[0]},
            {"device": "g1", "product": PRODUCTS[0]},
            {"device": "g2", "product": PRODUCTS[1]},
        ],
        "entitlements": [
            _line("Z", "m/server/datacenter@2019", 16, "unlimited", edition_downgrade=True),
            _line("B", PRODUCTS[0], 16, 2, maintenance_until="2022-01-01"),
        ],
    }

    found = reconciled(doc, few_patterns=0)

    assert not found.uncovered
    assert [cover.entitlement for cover in found.covered] == ["B", "Z", "B"]


def test_a_guest_that_a_licence_for_all_employees_covers_too_is_named_directly() -> None:
    """The employees are licensed for another device, the host's units for another guest."""
    cores = {"default_metric": "core", "unit_cost": 67}
    doc: Doc = {
        "as_of": "2026-06-30",
        "employees": 5,
        "products": [
            {"id": PRODUCTS[0], "edition_rank": 0, **cores},
            {"id": PRODUCTS[1], "edition_rank": 0, **cores},
            {"id": PRODUCTS[2], "edition_rank": 1, **cores},
        ],
        "devices": [
            {"id": "d", "cores": 16},
            {"id": "h", "cores": 16},
            *({"id": f"h{n}", "kind": "virtual", "host": "h"} for n in range(2)),
        ],
        "installs": [
            {"device": "d", "product": PRODUCTS[0]},
            {"device": "h0", "product": PRODUCTS[0]},
            {"device": "h1", "product": PRODUCTS[1]},
        ],
        "entitlements": [
            {"id": "Z", "product": PRODUCTS[0], "quantity": 5, "metric": "employee"},
            _line("A", PRODUCTS[2], 16, "unlimited", edition_downgrade=True, downgrade=True),
        ],
    }

    found = reconciled(doc, few_patterns=0)

    assert [cover.entitlement for cover in found.covered] == ["Z", "Z", "A"]


def _line(name: str, product: str, quantity: int, machines: Any, **rights: Any) -> Doc:
    line = {"id": name, "product": product, "quantity": quantity, "metric": "core", **rights}
    return line if machines is None else line | {"virtual_machines": machines}


def _estate(random: Random) -> Doc:
    devices: list[Doc] = []
    for host in range(random.choice((1, 1, 1, 2))):
        devices.append({"id": f"h{host}", "cores": random.choice((8, 16)), "entity": "e"})
        devices += [
            {"id": f"h{host}g{guest}", "kind": "virtual", "host": f"h{host}", "cores": 4}
            for guest in range(random.randrange(4))
        ]
    lines = [
        _line(
            f"L{number}",
            random.choice(PRODUCTS),
            random.choice((4, 16, 24, 48)),
            random.choice((None, 1, 2, 2, 3, "unlimited", "unlimited")),
            downgrade=random.random() < 0.6,
            edition_downgrade=random.random() < 0.6,
            **({"entity": "e"} if random.random() < 0.3 else {}),
            **({"valid_until": "2027-01-01"} if random.random() < 0.3 else {}),
        )
        for number in range(random.randrange(1, 5))
    ]
    return {
        "as_of": "2026-06-30",
        "products": [
            {
                "id": product,
                "unit_cost": random.choice((10, 67, 385)),
                "default_metric": "core",
                "edition_rank": int("datacenter" in product),
                "core_pack": random.choice((1, 2)),
                "core_minimum_per_device": random.choice((0, 8)),
            }
            for product in PRODUCTS
        ],
        "devices": devices,
        "installs": [
            {"device": device["id"], "product": random.choice(PRODUCTS)}
            for device in devices
            if device.get("host") or random.random() < 0.7
        ],
        "entitlements": lines,
    }
