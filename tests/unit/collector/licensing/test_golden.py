"""Cases from published licensing guides, in tests/golden/licensing, for licence managers."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.collector.licensing.documents import reconciled

CASES = sorted((Path(__file__).parents[3] / "golden/licensing").glob("*.json"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_case_from_a_licensing_guide_gets_its_answer(case: Path) -> None:
    doc = json.loads(case.read_text(encoding="utf-8"), parse_float=Decimal)
    expected = doc["expected"]

    found = reconciled(doc)

    assert found.optimal
    assert found.uncovered == expected["uncovered"]
    assert found.uncovered_access == expected.get("uncovered_access", {})
    assert found.consumed == expected["consumed"]
    assert found.shortfall_cost == expected["shortfall_cost"]
    covered = [cover._asdict() for cover in found.covered]
    for cover in expected.get("covered_by", ()):
        assert {"user": "", **cover} in covered


def test_every_case_says_what_it_shows_and_where_it_comes_from() -> None:
    documents = [json.loads(case.read_text(encoding="utf-8")) for case in CASES]

    assert len(documents) >= 40
    assert all(document["title"] and document["source"] for document in documents)
    assert len({document["title"] for document in documents}) == len(documents)
