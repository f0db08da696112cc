import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from quitus_collector.adapters import scenarios
from quitus_collector.errors import UsageError

SCENARIO: dict[str, Any] = {
    "as_of": "2026-06-30",
    "products": [{"id": "a/b/c@1", "unit_cost": 0.1}, {"id": "a/b/c@2"}],
    "devices": [{"id": "pc-1", "entity": "A"}, {"id": "vm-1", "kind": "virtual", "host": "pc-1"}],
    "installs": [{"device": "pc-1", "product": "a/b/c@1"}],
    "entitlements": [
        {"id": "E", "product": "a/b/c@2", "quantity": 1, "metric": "device", "downgrade": True}
    ],
}


def written(folder: Path, document: object) -> Path:
    file = folder / "scenario.json"
    file.write_text(json.dumps(document))
    return file


def test_a_scenario_states_a_situation(tmp_path: Path) -> None:
    situation = scenarios.read(written(tmp_path, SCENARIO))

    assert situation.unit_costs == {"a/b/c@1": Decimal("0.1"), "a/b/c@2": Decimal(1)}
    assert situation.installs == {("pc-1", "a/b/c@1")}
    assert [device.entity for device in situation.devices] == ["A", None]
    assert situation.entitlements[0].downgrade


def changed(path: str, value: object) -> dict[str, Any]:
    """The scenario with one thing changed, like "entitlements.0.quantity"."""
    document = deepcopy(SCENARIO)
    *steps, last = path.split(".")
    place: Any = document
    for step in steps:
        place = place[int(step)] if step.isdecimal() else place[step]
    place[last] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "complaint"),
    [
        ("colour", 1, "colour: unknown key"),
        ("as_of", "30/06/2026", "as_of: '30/06/2026' is not a date like 2026-12-31"),
        ("as_of", "1767225600", "as_of: '1767225600' is not a date"),
        ("as_of", 1767225600, "as_of: "),
        ("entitlements.0.virtual_machines", 0, "entitlements[0].virtual_machines: not counted"),
        ("entitlements.0.devices_per_user", 0, "entitlements[0].devices_per_user: not counted"),
        ("products", {}, "products: "),
        ("products.0.price", 1, "products[0].price: unknown key"),
        ("products.0.unit_cost", -1, "products[0].unit_cost: "),
        ("products.1.id", "a/b/c@1", "products[1].id: 'a/b/c@1' is used twice"),
        ("products.0.includes", ["a/b/d"], "products[0].includes: not counted"),
        ("products.0.default_metric", "core", "products[0].default_metric: not counted"),
        ("devices.1.host", "pc-9", "devices[1].host: 'pc-9' is not defined"),
        ("devices.1.kind", "cloud", "devices[1].kind: "),
        ("installs.0.device", "pc-9", "installs[0].device: 'pc-9' is not defined"),
        ("installs.0.product", "a/b/c@9", "installs[0].product: 'a/b/c@9' is not defined"),
        ("entitlements.0.quantity", -1, "entitlements[0].quantity: "),
        ("entitlements.0.quantity", 1.5, "entitlements[0].quantity: "),
        ("entitlements.0.quantity", "1", "entitlements[0].quantity: "),
        ("entitlements.0.metric", "seat", "entitlements[0].metric: "),
        ("entitlements.0.metric", "core", "entitlements[0].metric: core is not counted"),
        ("entitlements.0.second_use", True, "entitlements[0].second_use: not counted"),
        ("entitlements.0.right", True, "entitlements[0].right: unknown key"),
        ("entitlements.0.product", "a/b", "entitlements[0].product: 'a/b' is not defined"),
        ("entitlements.0.valid_from", "2026-13-01", "entitlements[0].valid_from: "),
        ("access", [{"product": "a/b/c@1", "user": "u"}], "access: not counted"),
        ("peaks", [{"product": "a/b/c@1", "concurrent": 1}], "peaks: not counted"),
    ],
)
def test_a_wrong_scenario_is_refused_with_the_path(
    tmp_path: Path, path: str, value: object, complaint: str
) -> None:
    file = written(tmp_path, changed(path, value))

    with pytest.raises(UsageError) as raised:
        scenarios.read(file)

    assert str(raised.value).startswith(f"{file}: {complaint}")
    assert "\n" not in str(raised.value)


def test_dates_in_the_wrong_order_are_refused(tmp_path: Path) -> None:
    document = changed("entitlements.0.valid_from", "2026-02-01")
    document["entitlements"][0]["valid_until"] = "2026-01-01"

    with pytest.raises(UsageError, match=r"entitlements\[0\]: valid_from is after valid_until"):
        scenarios.read(written(tmp_path, document))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: Expecting value"),
        ('{\n"as_of": }', "line 2: Expecting value"),
        ("[]", "document: "),
        ('{"as_of": 1, "as_of": 2}', "the key 'as_of' is given twice in one object"),
        ('{"employees": ' + "9" * 5000 + "}", "Exceeds the limit"),
        ("{}", "as_of: missing"),
        ("[" * 100_000, "nested too deep"),
        ('{"as_of": "2026-06-30", "products": [{"id": "a/b", "unit_cost": NaN}]}', "products[0]"),
    ],
)
def test_what_is_not_a_scenario_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(text)

    with pytest.raises(UsageError) as raised:
        scenarios.read(file)

    assert str(raised.value).startswith(f"{file}: {complaint}")
