"""Reasons for figures, and changes tried on paper."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from quitus_collector.adapters import pools as readers
from quitus_collector.services import explaining, remedying, trying
from quitus_collector.services.explaining import Reasons
from quitus_collector.services.intake.headings import PRICES
from quitus_collector.services.remedying import Advice
from quitus_collector.services.trying import Move, Purchase, Uninstall, WhatIf
from quitus_collector.wiring.collector import Collector


def why(
    collector: Collector, product: str, device: str | None, day: date | None, *, changes: bool
) -> Reasons:
    """Everything behind a product's line of the position."""
    return explaining.why(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        product,
        device=device,
        day=day,
        changes=changes,
    )


def what_if(
    collector: Collector,
    uninstalls: Sequence[Uninstall],
    purchases: Sequence[Purchase],
    moves: Sequence[Move],
    pools: Path | None,
) -> WhatIf:
    """The position after changes that nobody has made; `pools` is a list of licences."""
    return trying.what_if(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        uninstalls=uninstalls,
        purchases=purchases,
        pools=readers.read(pools) if pools else None,
        moves=moves,
    )


def advise(collector: Collector, prices: Path | None, publisher: str | None) -> Advice:
    """What would close the gaps; `prices` is a list of offers."""
    return remedying.advise(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        readers.read_table(prices, PRICES) if prices else None,
        publisher,
        source=prices.name if prices else "",
    )
