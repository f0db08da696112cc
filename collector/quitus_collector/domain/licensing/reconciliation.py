"""Reconciles what is installed with what is owned.

Exact by integer optimisation; the rules and the order of the objective are those of
docs/licensing.md. The answer does not depend on the order of the input.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.clusters import FEW_PATTERNS
from quitus_collector.domain.licensing.competition import Component, Kind
from quitus_collector.domain.licensing.components import Demand, components
from quitus_collector.domain.licensing.covers import ROW, Covers, Rows
from quitus_collector.domain.licensing.groups import groups
from quitus_collector.domain.licensing.naming.naming import Naming
from quitus_collector.domain.licensing.situation import Reconciliation, Situation
from quitus_collector.domain.optimisation import Solver, total


@dataclass(frozen=True, slots=True)
class Part:
    """The answer for what competes with nothing else."""

    kind: Kind
    cost: Fraction
    bound: Fraction
    is_optimal: bool
    covers: Rows
    consumed: Mapping[str, int]
    uncovered: Mapping[str, int]
    purchases: Mapping[str, int]


# How to do the same for all of some components.
Spread = Callable[[Callable[[Component], Part], Iterable[Component]], Iterable[Part]]


def reconcile(
    situation: Situation,
    solver: Solver,
    *,
    few_patterns: int = FEW_PATTERNS,
    spread: Spread = map,
) -> Reconciliation:
    """Finds the best assignment; raises SolverError where there is none to show.

    Products and licences that cannot compete are solved apart: `spread` does it for all of them,
    as `map` does. `few_patterns` is a matter of speed: how many ways to license devices that share
    licences are listed rather than combined.
    """
    demand = Demand(situation)

    def solved(component: Component) -> Part:
        return _solved(component, situation, demand, solver, few_patterns)

    parts = list(spread(solved, sorted(components(situation, demand), key=_longest_first)))
    missing = {kind: Counter[str]() for kind in Kind}
    purchases: Counter[str] = Counter()
    consumed = dict.fromkeys((line.id for line in situation.entitlements), 0)
    for part in parts:
        missing[part.kind].update(part.uncovered)
        purchases.update(part.purchases)
        consumed |= part.consumed
    return Reconciliation(
        uncovered=_without_zeros(missing[Kind.INSTALLS] + missing[Kind.USES]),
        consumed=consumed,
        shortfall_cost=_decimal(sum((part.cost for part in parts), Fraction(0))),
        covered=Covers(demand.names, [part.covers for part in parts]),
        uncovered_access=_without_zeros(missing[Kind.ACCESS]),
        bound=_decimal(sum((part.bound for part in parts), Fraction(0))),
        optimal=all(part.is_optimal for part in parts),
        purchases=_without_zeros(purchases),
    )


def _longest_first(component: Component) -> tuple[bool, bool, bool]:
    """Hosts with their guests take longest, then second devices, then what people share."""
    terms = [pool.terms for pool in component.pools.values()]
    return (
        not any(each.virtual_machines is not None for each in terms),
        not any(each.second_use for each in terms),
        component.kind is not Kind.ACCESS and not any(each.metric is Metric.USER for each in terms),
    )


def _solved(
    component: Component, situation: Situation, demand: Demand, solver: Solver, few_patterns: int
) -> Part:
    clusters = groups(component, situation, demand)
    assignment = Assignment(situation, component.pools, clusters, solver, few_patterns)
    cost, bound = assignment.solve()
    if component.kind is Kind.USES:
        assignment.settle_lines()
        assignment.settle_uses()
        covers = np.empty(0, ROW)
    else:
        naming = Naming(assignment, demand.names)
        covers = naming.covers()
        naming.settle_lines()
    return Part(
        component.kind,
        cost,
        bound,
        assignment.is_optimal,
        covers,
        assignment.consumed(),
        {
            product: total(count, assignment.solution)
            for product, count in assignment.uncovered.items()
        },
        assignment.purchases(),
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
