import json
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from quitus_collector.adapters import scenarios
from quitus_collector.domain.entitlement import Right
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.covers import Cover, Covers
from quitus_collector.domain.licensing.situation import Reconciliation
from quitus_collector.errors import UsageError
from tests.builders import rows_of

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

    assert situation.terms_of("a/b/c@1").unit_cost == Decimal("0.1")
    assert situation.terms_of("a/b/c@2").unit_cost == 1
    assert set(situation.installs) == {("pc-1", "a/b/c@1")}
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
        ("entitlements.0.virtual_machines", "two", "entitlements[0].virtual_machines: is neither"),
        ("entitlements.0.virtual_machines", True, "entitlements[0].virtual_machines: is neither"),
        ("entitlements.0.virtual_machines", 2, "entitlements[0].virtual_machines: does not go"),
        ("entitlements.0.devices_per_user", 0, "entitlements[0].devices_per_user: "),
        ("entitlements.0.devices_per_user", 5, "entitlements[0].devices_per_user: does not go"),
        ("products", {}, "products: "),
        ("products.0.price", 1, "products[0].price: unknown key"),
        ("products.0.unit_cost", -1, "products[0].unit_cost: "),
        ("products.1.id", "a/b/c@1", "products[1].id: 'a/b/c@1' is used twice"),
        ("products.0.unit_cost", "1", "products[0].unit_cost: is not a number"),
        ("products.0.unit_cost", True, "products[0].unit_cost: is not a number"),
        ("products.0.unit_cost", 1e300, "products[0].unit_cost: is not an amount of money"),
        ("products.0.includes", ["a/b/c"], "products[0].includes: 'a/b/c@1' includes itself"),
        ("products.0.includes", "a/b/d", "products[0].includes: "),
        ("products.0.includes", [1], "products[0].includes[0]: "),
        ("products.0.core_pack", 0, "products[0].core_pack: "),
        ("products.0.default_metric", "seat", "products[0].default_metric: 'seat' is not one of"),
        ("products.0.default_metric", "employee", "employees: missing, products[0].default_metric"),
        ("devices.1.host", "pc-9", "devices[1].host: 'pc-9' is not defined"),
        ("devices.1.kind", "cloud", "devices[1].kind: "),
        ("installs.0.device", "pc-9", "installs[0].device: 'pc-9' is not defined"),
        ("installs.0.product", "a/b/c@9", "installs[0].product: 'a/b/c@9' is not defined"),
        ("entitlements.0.quantity", -1, "entitlements[0].quantity: "),
        ("entitlements.0.quantity", 1.5, "entitlements[0].quantity: "),
        ("entitlements.0.quantity", "1", "entitlements[0].quantity: "),
        ("entitlements.0.metric", "seat", "entitlements[0].metric: "),
        ("entitlements.0.metric", "employee", "employees: missing, entitlements[0].metric"),
        ("entitlements.0.second_use", "yes", "entitlements[0].second_use: "),
        ("entitlements.0.requires_base", "", "entitlements[0].requires_base: "),
        ("employees", 1.5, "employees: "),
        ("peaks", [{"product": "a/b/c@9", "concurrent": 1}], "peaks[0].product: 'a/b/c@9' is not"),
        ("peaks", [{"product": "a/b/c@1", "concurrent": 1}] * 2, "peaks[1].product: 'a/b/c@1' is"),
        (
            "access",
            [{"product": "a/b/d", "user": "u"}],
            "access[0].product: 'a/b/d' is not",
        ),
        ("access", [{"product": "a/b/c@1"}], "access[0]: names neither a user nor a device"),
        ("devices.0.a\nb", 1, "devices[0].'a\\nb': unknown key"),
        ("entitlements.0.right", True, "entitlements[0].right: unknown key"),
        ("entitlements.0.product", "a/b", "entitlements[0].product: 'a/b' is not defined"),
        ("entitlements.0.valid_from", "2026-13-01", "entitlements[0].valid_from: "),
        ("entitlements.0.metric", None, "entitlements[0].metric: is not one of device, user"),
        ("entitlements.0.metric", 1.5, "entitlements[0].metric: is not one of device, user"),
        ("devices.0.cores", 10**13, "devices[0].cores: input should be less than or equal to"),
        ("expected", {"position": {}}, "expected.position: unknown key"),
        ("expected", {"consumed": []}, "expected.consumed: "),
        ("expected", {"covered_by": [{"colour": 1}]}, "expected.covered_by[0]."),
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

    with pytest.raises(UsageError, match=r"entitlements\[0\].valid_from: is after valid_until"):
        scenarios.read(written(tmp_path, document))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "line 1: Expecting value"),
        ('{\n"as_of": }', "line 2: Expecting value"),
        ("[]", "document: is no table of keys and values"),
        ('{"as_of": 1, "as_of": 2}', "document: the key 'as_of' is given twice"),
        ('{"devices": [{"a": {"b": 1, "b": 1}}]}', "devices[0].a: the key 'b' is given twice"),
        ('{"employees": ' + "9" * 5000 + "}", "employees: is too long a number"),
        ('{"products": [{"unit_cost": 1e' + "9" * 20 + "}]}", "products[0].unit_cost: is too long"),
        ("{}", "as_of: missing"),
        ("[" * 100_000, "nested too deep"),
        ('{"employees": NaN}', "employees: NaN is not a number of JSON"),
        ('{"a\\nb": [1, -Infinity]}', "'a\\nb'[1]: -Infinity is not a number of JSON"),
        ("\ufeff{}", "begins with a byte order mark"),
    ],
)
def test_what_is_not_a_scenario_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "scenario.json"
    file.write_text(text)

    with pytest.raises(UsageError) as raised:
        scenarios.read(file)

    assert str(raised.value).startswith(f"{file}: {complaint}")


def test_suites_that_include_each_other_are_refused(tmp_path: Path) -> None:
    document = changed("products.0.includes", ["a/b/c@2"])
    document["products"][1]["includes"] = ["a/b/d", "a/b/c@1"]

    with pytest.raises(UsageError, match=r"products\[0\].includes: 'a/b/c@1' includes itself"):
        scenarios.read(written(tmp_path, document))


@pytest.mark.parametrize(
    ("metric", "right", "value"),
    [
        ("user", "second_use", True),
        ("device", "devices_per_user", 2),
        ("device", "virtual_machines", "unlimited"),
        ("concurrent", "requires_base", "a/b/c@1"),
        ("user_cal", "requires_base", "a/b/c@1"),
        ("employee", "bound_to", "pc-1"),
        ("concurrent", "entity", "A"),
    ],
)
def test_a_right_that_does_not_go_with_the_metric_is_refused(
    tmp_path: Path, metric: str, right: str, value: object
) -> None:
    document = changed(f"entitlements.0.{right}", value)
    document["entitlements"][0]["metric"] = metric
    document["employees"] = 3

    with pytest.raises(UsageError, match=rf"entitlements\[0\].{right}: does not go with"):
        scenarios.read(written(tmp_path, document))


def test_what_is_bound_to_a_retired_device_is_no_error(tmp_path: Path) -> None:
    document = changed("entitlements.0.bound_to", "pc-9-retired")

    assert scenarios.read(written(tmp_path, document)).entitlements[0].bound_to == "pc-9-retired"


@pytest.mark.parametrize("at_a_time", [1, 2, 3])
def test_an_answer_is_one_document_however_many_covers_are_written_at_a_time(
    monkeypatch: pytest.MonkeyPatch, at_a_time: int
) -> None:
    names = Names(("", 'p"c', "pc-é"), ("", "u"), ("a/b/c@1", "cal"), ("E", "F"))
    covers = [
        Cover("", "cal", "F", "u", Right.DIRECT),
        Cover('p"c', "a/b/c@1", "E", "", Right.DOWNGRADE),
        Cover("pc-é", "a/b/c@1", "E", "", Right.DOWNGRADE),
    ]
    amount = Decimal("12345678901234567890.1")
    found = Reconciliation({"a": 1}, {"E": 2}, amount, Covers(names, [rows_of(covers, names)]))
    monkeypatch.setattr(scenarios, "COVERS_AT_A_TIME", at_a_time)

    document = json.loads("".join(scenarios.answer(found)), parse_float=Decimal)

    assert document["shortfall_cost"] == amount
    assert [tuple(each.values()) for each in document["covered"]] == [
        ("", "cal", "F", "direct", "u"),
        ('p"c', "a/b/c@1", "E", "downgrade"),
        ("pc-é", "a/b/c@1", "E", "downgrade"),
    ]


def test_an_answer_without_covers_has_an_empty_list() -> None:
    names = Names(("",), ("",), (), ())
    found = Reconciliation({}, {}, Decimal(0), Covers(names, []))

    assert json.loads("".join(scenarios.answer(found)))["covered"] == []


ONE = '{"device": "pc-1", "product": "a/b/c@1"}'


def with_installs(folder: Path, installs: str, **more: object) -> Path:
    """The scenario with installs written like this, and what else it has after them."""
    rest = {key: value for key, value in SCENARIO.items() if key != "installs"}
    text = json.dumps(rest | more)
    file = folder / "scenario.json"
    file.write_text(f'{{"installs": {installs}, {text[1:]}', encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("installs", "complaint"),
    [
        (f"[{ONE},]", "line 1: "),
        (f"[{ONE}, {ONE}}}]", "line 1: "),
        (f"[{ONE}", "line 1: "),
        (f"[,{ONE}]", "line 1: "),
        (f"[{ONE}\v, {ONE}]", "line 1: "),
        ("NaN", "installs: NaN is not a number of JSON"),
        (
            '[{"device": NaN, "product": "a/b/c@1"}]',
            "installs[0].device: NaN is not a number of JSON",
        ),
        (f"[{ONE}, {ONE[:-1]}, {ONE[1:]}]", "installs[1]: the key 'device' is given twice"),
        (f'[{ONE[:-1]}, "d\\u0065vice": "pc-1"}}]', "installs[0]: the key 'device' is given twice"),
        (f'[{ONE}], "installs": [{ONE}]', "document: the key 'installs' is given twice"),
        (f'[{ONE[:-1]}, "colour": 1}}]', "installs[0].colour: unknown key"),
        ('[{"device": "pc-1"}]', "installs[0].product: missing"),
        (f'[{ONE}, {{"device": "device", "colour": "product"}}]', "installs[1].product: missing"),
        ('[{"device": 1, "product": "a/b/c@1"}]', "installs[0].device: "),
        ('[{"device": "", "product": "a/b/c@1"}]', "installs[0].device: "),
        ('[{"device": ["pc-1"], "product": "a/b/c@1"}]', "installs[0].device: "),
        ("[[]]", "installs[0]: is no table of keys and values"),
        ("{}", "installs: "),
        (f"[{'[' * 100_000}", "nested too deep"),
    ],
    ids=range(19),
)
def test_installs_that_are_wrong_are_refused_with_the_path(
    tmp_path: Path, installs: str, complaint: str
) -> None:
    file = with_installs(tmp_path, installs)

    with pytest.raises(UsageError) as raised:
        scenarios.read(file)

    assert str(raised.value).startswith(f"{file}: {complaint}")


@pytest.mark.parametrize("written_as", ["[]", "[ ]", " [\n]", f"[{ONE}]", f"[\n{ONE}\t,\r\n{ONE}]"])
def test_installs_are_read_however_they_are_spaced(tmp_path: Path, written_as: str) -> None:
    found = scenarios.read(with_installs(tmp_path, written_as))

    assert set(found.installs) == ({("pc-1", "a/b/c@1")} if ONE in written_as else set())


def test_more_installs_than_are_read_at_a_time_are_all_read(tmp_path: Path) -> None:
    devices = [f"pc-{number}" for number in range(6000)]
    names = ["a/b/c@1", "a/b/d}, {]"]
    pairs = [{"device": device, "product": name} for device in devices for name in names]
    entries = {"devices": [{"id": d} for d in devices], "products": [{"id": n} for n in names]}
    lines = {"entitlements": [], **entries}

    found = scenarios.read(with_installs(tmp_path, json.dumps(pairs), **lines))
    plain = [each for each in pairs if each["product"] == names[0]]
    without_brackets = scenarios.read(with_installs(tmp_path, json.dumps(plain), **lines))

    assert sorted(found.installs) == sorted((each["device"], each["product"]) for each in pairs)
    assert sorted(without_brackets.installs) == sorted((device, names[0]) for device in devices)


def test_installs_are_read_whatever_their_names_are_and_however_they_are_written(
    tmp_path: Path,
) -> None:
    names = ["device", "product", 'poste "é"', "\\", "},{", "]"]
    lists = {"devices": [{"id": name} for name in names], "products": [{"id": n} for n in names]}
    pairs = [{"device": device, "product": name} for device in names for name in names]

    for plain in (True, False):
        text = json.dumps(pairs, ensure_ascii=plain)
        found = scenarios.read(with_installs(tmp_path, text, entitlements=[], **lists))

        assert sorted(found.installs) == sorted((d, n) for d in names for n in names)


def test_installs_elsewhere_in_the_document_are_not_taken_for_the_list(tmp_path: Path) -> None:
    expected = json.dumps({"installs": [{"device": "vm-1", "product": "a/b/c@2"}]})
    rest = {key: value for key, value in SCENARIO.items() if key != "installs"}
    file = tmp_path / "scenario.json"

    for key in ('"installs"', '"inst\\u0061lls"'):
        file.write_text(f'{{"expected": {expected}, {key}: [{ONE}], {json.dumps(rest)[1:]}')
        with pytest.raises(UsageError, match=r"expected\.installs: unknown key"):
            scenarios.read(file)


def test_a_scenario_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    file = with_installs(tmp_path, f'[{ONE}, {{"device": "pc-é", "product": "a/b/c@1"}}]')
    file.write_bytes(file.read_text(encoding="utf-8").encode("latin-1"))

    with pytest.raises(UsageError, match="is not UTF-8 text"):
        scenarios.read(file)
