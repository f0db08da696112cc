"""Counting scenarios with the right answers, through the command."""

import json
from pathlib import Path

import pytest

from tests.capabilities import SHARED
from tests.programs import run

pytestmark = pytest.mark.needs("shared")
SCENARIOS = SHARED / "licensing/scenarios"


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.json")), ids=lambda file: file.stem)
def test_a_scenario_gets_the_stated_answer(file: Path) -> None:
    expected = json.loads(file.read_text(encoding="utf-8"))["expected"]

    answer = run("quitus-collector", "reconcile", str(file), "--format", "json")

    assert answer.status == 0, answer.err
    found = json.loads(answer.out)
    assert found["optimal"] is True
    for key in ("uncovered", "consumed", "shortfall_cost"):
        assert found[key] == expected[key]
    for cover in expected.get("covered_by", ()):
        assert cover in found["covered"]
