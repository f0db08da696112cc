"""The engine against every other way to hand out the same licences."""

import pytest
from hypothesis import assume, given

from quitus_collector.domain.licensing.clusters import FEW_PATTERNS
from tests.unit.collector.licensing.brute_force import BruteForce, TooLarge
from tests.unit.collector.licensing.cases import Doc, scenarios
from tests.unit.collector.licensing.documents import reconciled, thorough


@pytest.mark.parametrize("few_patterns", [FEW_PATTERNS, 0], ids=["listed", "combined"])
@thorough
@given(scenarios)
def test_the_answer_is_the_best_of_all(few_patterns: int, doc: Doc) -> None:
    brute = BruteForce(doc)
    try:
        *levels, covers, rights, units, uncovered = brute.best()
    except TooLarge:
        assume(False)

    found = reconciled(doc, few_patterns=few_patterns)

    assert found.optimal
    assert found.shortfall_cost == levels[0] == found.bound
    missing = sum(found.uncovered.values()) + sum(found.uncovered_access.values())
    assert missing == levels[1]
    assert [(c.device, c.product, c.entitlement, c.user) for c in found.covered] == covers
    assert [c.right for c in found.covered] == rights
    assert tuple(-found.consumed[name] for name in sorted(brute.lines)) == units
    assert (found.uncovered, found.uncovered_access) == uncovered
