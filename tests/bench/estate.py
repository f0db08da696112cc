"""A made-up estate of any size as a scenario file: what the licence engine is measured on.

Of 100,000 devices, 94 % are workstations with their users, the rest hosts, their guests and other
servers; 300 lines hold suites, downgrade, maintenance, second use, users, cores, guests and CALs.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

ENTITIES = [f"99900{number:04}" for number in range(12)]
OFFICE = ("2013", "2016", "2019", "2021")
PARTS = ("word", "excel", "powerpoint", "outlook", "access")
FAMILIES = 36
VERSIONS = ("2020", "2022", "2024")
DAYS = (None, None, "2026-12-31", "2027-06-30", "2027-12-31")


def write(path: Path, devices: int, installs_each: int = 20, lines: int = 300) -> dict[str, int]:
    """Writes the scenario, one entry a line; returns how large it is."""
    random = Random(19770)
    fleet = list(_devices(random, devices))
    counts = {"devices": devices, "entitlements": lines}
    with path.open("w", encoding="utf-8") as file:
        file.write(
            '{"title": "bench", "source": "made up", "as_of": "2026-06-30", "employees": 90000'
        )
        parts = {
            "products": _products(),
            "devices": ({k: v for k, v in d.items() if k != "role"} for d in fleet),
            "installs": _installs(random, fleet, devices * installs_each),
            "access": _access(random, fleet),
            "entitlements": _lines(random, devices, lines),
        }
        for name, entries in parts.items():
            file.write(f',\n"{name}": [')
            number = 0
            for entry in entries:
                file.write(("," if number else "") + "\n" + json.dumps(entry))
                number += 1
            file.write("]")
            counts[name] = number
        file.write("}\n")
    return counts


def _products() -> Iterator[dict[str, Any]]:
    for rank, edition in enumerate(("standard", "professional-plus")):
        for version in OFFICE:
            yield {
                "id": f"m/office/{edition}@{version}",
                "unit_cost": 350 + 100 * rank,
                "edition_rank": rank,
                "released": f"{version}-09-01",
                "includes": [f"m/office/{part}" for part in PARTS[: 3 + 2 * rank]],
            }
    for part in PARTS:
        for version in OFFICE[1:]:
            yield {
                "id": f"m/office/{part}@{version}",
                "unit_cost": 120,
                "released": f"{version}-09-01",
            }
    yield {"id": "m/365/apps", "unit_cost": 140, "default_metric": "user"}
    cores = {"default_metric": "core", "core_pack": 2}
    for rank, edition in enumerate(("standard", "datacenter")):
        for version in ("2019", "2022"):
            yield {
                "id": f"m/server/{edition}@{version}",
                "unit_cost": 67 + 318 * rank,
                "edition_rank": rank,
                "core_minimum_per_processor": 8,
                "core_minimum_per_device": 16,
                **cores,
            }
    for version in ("2019", "2022"):
        yield {
            "id": f"m/sql/standard@{version}",
            "unit_cost": 1800,
            "core_minimum_per_device": 4,
            **cores,
        }
        yield {"id": f"m/server/cal@{version}", "unit_cost": 35, "default_metric": "user_cal"}
    for family in range(FAMILIES):
        for version in VERSIONS:
            yield {
                "id": f"v{family}/app@{version}",
                "unit_cost": 50 + family,
                "released": f"{version}-03-01",
            }


def _devices(random: Random, count: int) -> Iterator[dict[str, Any]]:
    hosts: list[str] = []
    person = 0
    for number in range(count):
        device: dict[str, Any] = {"id": f"d{number:06}", "entity": random.choice(ENTITIES)}
        kind = random.random()
        if kind < 0.94:
            # One person in eight has a second device, a portable one.
            second = person > 0 and random.random() < 1 / 9
            person += not second
            portable = second or random.random() < 0.4
            device |= {"user": f"u{person}", "portable": portable, "role": "desk"}
        elif kind < 0.945:
            device |= {"processors": 2, "cores": random.choice([16, 24, 32, 64]), "role": "host"}
            hosts.append(device["id"])
        elif kind < 0.985 and hosts:
            device |= {"kind": "virtual", "cores": random.choice([2, 4, 8]), "role": "guest"}
            device["host"] = random.choice(hosts)
        else:
            device |= {"cores": random.choice([8, 16, 32]), "role": "server"}
        yield device


def _installs(random: Random, fleet: list[dict[str, Any]], count: int) -> Iterator[dict[str, str]]:
    left = count
    for number, device in enumerate(fleet):
        share = left // (len(fleet) - number)
        chosen = set()
        if device["role"] == "desk":
            if random.random() < 0.6:
                edition = random.choice(("standard", "professional-plus", "professional-plus"))
                chosen.add(f"m/office/{edition}@{random.choice(OFFICE)}")
            else:
                chosen.add("m/365/apps")
            if random.random() < 0.2:
                chosen.add(f"m/office/{random.choice(PARTS)}@{random.choice(OFFICE[1:])}")
        else:
            chosen.add(f"m/server/{random.choice(('standard', 'standard', 'datacenter'))}@2022")
            if random.random() < 0.3:
                chosen.add(f"m/sql/standard@{random.choice(('2019', '2022'))}")
        for family in random.sample(range(FAMILIES), max(0, share - len(chosen))):
            chosen.add(f"v{family}/app@{random.choice(VERSIONS)}")
        left -= len(chosen)
        for product in sorted(chosen):
            yield {"device": device["id"], "product": product}


def _access(random: Random, fleet: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    for device in fleet:
        if device["role"] == "desk":
            for user in {device["user"]} | {
                f"s{random.randrange(9)}" for _ in range(random.random() < 0.001)
            }:
                product = f"m/server/cal@{random.choice(('2019', '2022', '2022'))}"
                yield {"product": product, "user": user, "device": device["id"]}


def _lines(random: Random, devices: int, count: int) -> Iterator[dict[str, Any]]:
    """A third for what is named below, the rest for the families."""

    def line(
        number: int, product: str, quantity: float, metric: str, **rights: Any
    ) -> dict[str, Any]:
        ends = random.choice(DAYS)
        entity = random.choice([None, None, None, *ENTITIES[:2]])
        given = {"valid_until": ends, "entity": entity, **rights}
        return {
            "id": f"L{number:04}",
            "product": product,
            "quantity": int(quantity),
            "metric": metric,
            **{key: value for key, value in given.items() if value is not None},
        }

    for number in range(count):
        kind = number % 12
        share = devices / count
        if kind == 0:
            edition, version = (
                random.choice(("standard", "professional-plus")),
                random.choice(OFFICE),
            )
            yield line(
                number,
                f"m/office/{edition}@{version}",
                share * 8,
                "device",
                downgrade=True,
                edition_downgrade=random.random() < 0.3 or None,
                second_use=random.random() < 0.2 or None,
            )
        elif kind == 1:
            yield line(number, "m/365/apps", share * 8, "user", devices_per_user=5)
        elif kind == 2:
            edition = random.choice(("standard", "datacenter"))
            yield line(
                number,
                f"m/server/{edition}@2022",
                share * 12,
                "core",
                downgrade=True,
                edition_downgrade=True,
                virtual_machines=random.choice([None, 2, "unlimited"]),
            )
        elif kind == 3:
            metric = random.choice(("user_cal", "device_cal"))
            version = random.choice(("2019", "2022"))
            yield line(number, f"m/server/cal@{version}", share * 8, metric, downgrade=True)
        elif kind == 4:
            yield line(
                number,
                f"m/sql/standard@{random.choice(('2019', '2022'))}",
                share * 4,
                "core",
                downgrade=random.random() < 0.5 or None,
            )
        else:
            family, version = random.randrange(FAMILIES), random.choice(VERSIONS)
            until = random.choice((None, "2023-12-31", "2025-12-31"))
            yield line(
                number,
                f"v{family}/app@{version}",
                share * 80,
                "device",
                downgrade=random.random() < 0.5 or None,
                maintenance_until=until,
            )
