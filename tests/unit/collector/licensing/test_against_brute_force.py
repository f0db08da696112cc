"""The engine against every other way to hand out the same licences."""

from typing import Any

import pytest
from hypothesis import assume, given

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.licensing.clusters import FEW_PATTERNS
from quitus_collector.domain.licensing.naming import runs
from tests.unit.collector.licensing.brute_force import BruteForce, TooLarge
from tests.unit.collector.licensing.cases import Doc, scenarios
from tests.unit.collector.licensing.documents import fewer, reconciled, thorough


@pytest.mark.parametrize("few_patterns", [FEW_PATTERNS, 0], ids=["listed", "combined"])
@thorough
@given(scenarios)
def test_the_answer_is_the_best_of_all(few_patterns: int, doc: Doc) -> None:
    _is_best(doc, few_patterns=few_patterns)


@fewer
@given(scenarios)
def test_cutting_the_relaxation_changes_nothing(doc: Doc) -> None:
    """As is done to large estates only; nor does naming devices in stretches of all lengths."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "FIRST_STRETCH", 1)
        _is_best(doc, few_patterns=0, solver=HighsSolver(few_variables=0, few_broken=1))


@fewer
@given(scenarios)
def test_a_limit_that_is_hit_gives_a_position_and_its_bound(doc: Doc) -> None:
    best = reconciled(doc)

    found = reconciled(doc, few_patterns=0, solver=HighsSolver(0.0))

    assert found.bound <= best.shortfall_cost <= found.shortfall_cost
    assert not found.optimal or found.covered == best.covered
    assert all(found.consumed[line["id"]] <= line["quantity"] for line in doc["entitlements"])


def _is_best(doc: Doc, **how: Any) -> None:
    brute = BruteForce(doc)
    try:
        *levels, covers, rights, units, uncovered = brute.best()
    except TooLarge:
        assume(False)

    found = reconciled(doc, **how)

    assert found.optimal
    assert found.shortfall_cost == levels[0] == found.bound
    missing = sum(found.uncovered.values()) + sum(found.uncovered_access.values())
    assert missing == levels[1]
    assert [(c.device, c.product, c.entitlement, c.user) for c in found.covered] == covers
    assert [c.right for c in found.covered] == rights
    assert tuple(-found.consumed[name] for name in sorted(brute.lines)) == units
    assert (found.uncovered, found.uncovered_access) == uncovered
