"""Counting scenarios with the right answers, through the command."""

import json

import pytest

from tests.capabilities import SHARED
from tests.programs import run

pytestmark = pytest.mark.needs("shared")
SCENARIOS = SHARED / "licensing/scenarios"


@pytest.mark.parametrize("name", ["01-downgrade-without-waste", "05-oem-and-entity"])
def test_a_scenario_gets_the_stated_answer(name: str) -> None:
    file = SCENARIOS / f"{name}.json"
    expected = json.loads(file.read_text(encoding="utf-8"))["expected"]

    answer = run("quitus-collector", "reconcile", str(file), "--format", "json")

    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert found["optimal"] is True
    for key in ("uncovered", "consumed", "shortfall_cost"):
        assert found[key] == expected[key]
    for cover in expected["covered_by"]:
        assert cover in found["covered"]


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("03-sql-server-core-minimum", "core"),
        ("04-named-user-five-devices", "user"),
        ("06-cal-mix", "access"),
    ],
)
def test_a_scenario_that_is_not_counted_yet_says_so_and_answers_nothing(
    name: str, what: str
) -> None:
    answer = run("quitus-collector", "reconcile", str(SCENARIOS / f"{name}.json"))

    assert answer.status == 2
    assert answer.out == ""
    assert what in answer.err
    assert "not counted by this version" in answer.err
    assert answer.err.count("\n") == 1
