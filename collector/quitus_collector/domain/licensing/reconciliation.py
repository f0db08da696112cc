"""Reconciles what is installed with what is owned.

Exact by integer optimisation; the rules and the order of the objective are those of
docs/licensing.md. The answer does not depend on the order of the input.
"""

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.clusters import FEW_PATTERNS
from quitus_collector.domain.licensing.competition import Kind
from quitus_collector.domain.licensing.components import Demand, components
from quitus_collector.domain.licensing.covers import Covers, Rows
from quitus_collector.domain.licensing.groups import groups
from quitus_collector.domain.licensing.naming.naming import Naming
from quitus_collector.domain.licensing.situation import Reconciliation, Situation
from quitus_collector.domain.optimisation import Solver, total


def reconcile(
    situation: Situation, solver: Solver, *, few_patterns: int = FEW_PATTERNS
) -> Reconciliation:
    """Finds the best assignment; raises SolverError where there is none to show.

    Products and licences that cannot compete are solved apart. `few_patterns` is a matter of speed:
    how many ways to license devices that share licences are listed rather than combined.
    """
    demand = Demand(situation)
    uncovered: Counter[str] = Counter()
    purchases: Counter[str] = Counter()
    uncovered_access: Counter[str] = Counter()
    consumed = dict.fromkeys((line.id for line in situation.entitlements), 0)
    covered: list[Rows] = []
    cost, bound = Fraction(0), Fraction(0)
    is_optimal = True
    for component in components(situation, demand):
        clusters = groups(component, situation, demand)
        assignment = Assignment(situation, component.pools, clusters, solver, few_patterns)
        reached, proven = assignment.solve()
        cost += reached
        bound += proven
        if component.kind is Kind.USES:
            assignment.settle_lines()
            assignment.settle_uses()
        else:
            naming = Naming(assignment, demand.names)
            covered.append(naming.covers())
            naming.settle_lines()
        consumed |= assignment.consumed()
        missing = uncovered_access if component.kind is Kind.ACCESS else uncovered
        for product, count in assignment.uncovered.items():
            missing[product] += total(count, assignment.solution)
        purchases.update(assignment.purchases())
        is_optimal &= assignment.is_optimal
    return Reconciliation(
        uncovered=_without_zeros(uncovered),
        consumed=consumed,
        shortfall_cost=_decimal(cost),
        covered=Covers(demand.names, covered),
        uncovered_access=_without_zeros(uncovered_access),
        bound=_decimal(bound),
        optimal=is_optimal,
        purchases=_without_zeros(purchases),
    )


def _without_zeros(counts: Counter[str]) -> dict[str, int]:
    return {product: count for product, count in sorted(counts.items()) if count}


def _decimal(amount: Fraction) -> Decimal:
    """The same number: sums of decimals end."""
    places = 0
    while (amount * 10**places).denominator > 1:
        places += 1
    digits = int(amount * 10**places)
    return Decimal((int(digits < 0), tuple(map(int, str(abs(digits)))), -places))
