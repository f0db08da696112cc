"""Scenario documents through the engine, as the command takes them.

QUITUS_SOAK says how many cases are tried; `make soak` tries thousands.
"""

import json
import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings

from quitus_collector.adapters.scenarios import Scenario
from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.licensing.situation import Reconciliation

CASES = int(os.environ.get("QUITUS_SOAK", "300"))
thorough = settings(
    max_examples=CASES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
fewer = settings(thorough, max_examples=max(1, CASES // 3))


def reconciled(
    doc: Mapping[str, Any], *, solver: HighsSolver | None = None, **how: Any
) -> Reconciliation:
    exact = json.loads(json.dumps(doc, default=float), parse_float=Decimal)
    return reconcile(Scenario.model_validate(exact).situation(), solver or HighsSolver(), **how)
