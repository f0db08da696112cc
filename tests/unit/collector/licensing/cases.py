"""Small scenario documents: every metric and right, mixed so that licences compete.

Hypothesis gives the seed: its own choices favour the simplest case, in which nothing is covered.
"""

from random import Random
from typing import Any

from hypothesis import strategies as st

from quitus_collector.domain.entitlement import METRICS_OF_RIGHT

Doc = dict[str, Any]

PRICES = [0, 1, 2.5, 100, 100, 450, 0.1]
PRODUCTS: list[Doc] = [
    {"id": "x/f/pro@2", "edition_rank": 2, "released": "2022-01-01", "includes": ["x/f/part"]},
    {"id": "x/f/pro@3", "edition_rank": 2, "released": "2024-01-01", "includes": ["x/f/part"]},
    {"id": "x/f/std@2", "edition_rank": 1, "released": "2022-01-01"},
    {"id": "x/f/std@1", "edition_rank": 1},
    {"id": "x/f/part@2", "released": "2022-01-01"},
    {"id": "x/t", "includes": ["x/f/part@2", "x/g"]},
    {"id": "x/g"},
]
NAMES = [product["id"] for product in PRODUCTS]
CALS = ["x/cal@1", "x/cal@2", "x/cal@2"]
# What competes: the metrics of a case, and how often each of them comes.
THEMES = [
    ["device"],
    ["device", "user"],
    ["user"],
    ["core"],
    ["core", "processor"],
    ["device", "core"],
    ["employee", "device", "user"],
    ["concurrent", "device"],
    ["user_cal", "device_cal"],
    ["device", "user", "core", "processor", "concurrent", "employee", "user_cal", "device_cal"],
]


class Dice:
    """Chooses; `now_and_then` gives the value in one case of so many, else None."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.one_of = random.choice
        self.between = random.randint

    def now_and_then(self, cases: int, *values: Any) -> Any:
        return self.random.choice(values) if self.random.randrange(cases) == 0 else None


def known(**fields: Any) -> Doc:
    return {key: value for key, value in fields.items() if value is not None}


def a_scenario(random: Random) -> Doc:
    dice = Dice(random)
    metrics = dice.one_of(THEMES)
    names = random.sample(NAMES, dice.between(1, 3))
    fleet = some_devices(dice, "core" in metrics)
    if dice.now_and_then(4, True):
        fleet = alike(fleet)
    ids = [device["id"] for device in fleet]
    pairs = [(device, name) for device in ids for name in names]
    installed = random.sample(pairs, min(len(pairs), dice.between(2, 7)))
    lines = [a_line(dice, metrics, names, ids) for _ in range(dice.between(1, 5))]
    numbers = random.sample(range(9), len(lines))
    access = [
        {"product": dice.one_of(CALS), "user": dice.one_of(["u1", "u2", "u3"]), "device": device}
        for device in random.choices([*ids, "kiosk"], k=dice.between(1, 6))
        if "user_cal" in metrics
    ]
    peaks = [
        {"product": name, "concurrent": dice.between(0, 4)}
        for name in names
        if "concurrent" in metrics and dice.now_and_then(2, True)
    ]
    return {
        "as_of": "2026-06-30",
        "products": some_products(dice, metrics),
        "devices": fleet,
        "installs": [{"device": device, "product": name} for device, name in installed],
        "access": access,
        "peaks": peaks,
        "employees": dice.between(0, 5),
        "entitlements": [
            {"id": f"e{number}", **line} for number, line in zip(numbers, lines, strict=True)
        ],
    }


def alike(fleet: list[Doc]) -> list[Doc]:
    """As many devices like the first, each of a person of its own, if it has one."""
    first = fleet[0]
    person = {"user": None} if "user" in first else {}
    return [
        known(**(first | person | {"id": f"d{n}"} | ({"user": f"u{n}"} if person else {})))
        for n in range(len(fleet))
    ]


def some_products(dice: Dice, metrics: list[str]) -> list[Doc]:
    defaults = ["device", *(metric for metric in metrics if "cal" not in metric)]
    made = []
    for product in PRODUCTS:
        cores = known(
            core_minimum_per_device=dice.now_and_then(3, 2, 4),
            core_minimum_per_processor=dice.now_and_then(3, 1, 2),
            core_pack=dice.now_and_then(3, 2),
        )
        terms = {"unit_cost": dice.one_of(PRICES), "default_metric": dice.one_of(defaults)}
        made.append(product | cores | terms)
    for name, metric in (("x/cal@2", "user_cal"), ("x/cal@1", "device_cal")):
        made.append({"id": name, "default_metric": metric, "unit_cost": dice.one_of(PRICES)})
    return made


def some_devices(dice: Dice, hosting: bool) -> list[Doc]:
    made = []
    for number in range(dice.between(1, 4)):
        virtual = number > 0 and dice.now_and_then(2 if hosting else 6, True)
        made.append(
            known(
                id=f"d{number}",
                kind="virtual" if virtual else None,
                host=dice.one_of(["d0", "d0", "d0", None]) if virtual else None,
                processors=dice.now_and_then(2, 1, 2),
                cores=dice.now_and_then(2, 1, 2, 3, 4),
                user=dice.one_of([None, "u1", "u1", "u1", "u2"]),
                portable=dice.now_and_then(2, True),
                entity=dice.one_of([None, "A", "A", "B"]),
            )
        )
    return made


def a_line(dice: Dice, metrics: list[str], names: list[str], devices: list[str]) -> Doc:
    metric = dice.one_of(metrics)
    owned = dice.one_of(CALS if "cal" in metric else [*names, *names, *NAMES])
    most = {"core": 8, "employee": 8, "processor": 4}.get(metric, 3)
    line = known(
        product=owned,
        quantity=dice.between(
            0 if dice.now_and_then(9, True) else max(1, most - 2 if most > 3 else 1), most
        ),
        metric=metric,
        downgrade=dice.now_and_then(2, True),
        edition_downgrade=dice.now_and_then(3, True),
        maintenance_until=dice.now_and_then(3, "2023-01-01", "2025-01-01"),
        bound_to=dice.now_and_then(6, "gone", *devices),
        entity=dice.now_and_then(5, "A", "A", "B"),
        valid_from=dice.now_and_then(6, "2026-01-01", "2026-06-30", "2026-07-01"),
        valid_until=dice.now_and_then(4, "2026-12-31", "2027-12-31", "2026-07-31"),
        second_use=dice.now_and_then(2, True),
        devices_per_user=dice.now_and_then(2, 1, 2),
        virtual_machines=dice.now_and_then(2, 1, 2, "unlimited"),
        requires_base=dice.now_and_then(4, *names, *names, "x/f/std", "x/f/pro"),
    )
    return {
        key: value
        for key, value in line.items()
        if metric in METRICS_OF_RIGHT.get(key, METRICS_OF_RIGHT["bound_to"] | {metric})
    }


seeds = st.randoms(use_true_random=True)
scenarios = seeds.map(a_scenario)
