"""Reasons for figures, and changes tried on paper."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from quitus_collector.adapters import pools as readers
from quitus_collector.services import explaining, pools, prices, remedying, trying
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
    licences: Path | None,
) -> WhatIf:
    """The position after changes that nobody has made; `licences` is a list of some."""
    return trying.what_if(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        uninstalls=uninstalls,
        purchases=purchases,
        pools=readers.read(licences) if licences else None,
        moves=moves,
    )


def must_be_licences(collector: Collector, file: Path) -> None:
    """Raises UsageError for a file whose licences cannot be tried."""
    with collector.store.reading() as work:
        owned = work.entitlements.list()
    pools.on_paper(collector.catalogue, owned, readers.read(file))


def must_be_prices(collector: Collector, file: Path) -> None:
    """Raises UsageError for a file whose prices cannot be counted by."""
    with collector.store.reading() as work:
        owned = work.entitlements.list()
    prices.price_lines(collector.catalogue, owned, readers.read_table(file, PRICES), file.name)


def advise(collector: Collector, offers: Path | None, publisher: str | None) -> Advice:
    """What would close the gaps, at the prices of a list of offers or of the one that is kept."""
    return remedying.advise(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        readers.read_table(offers, PRICES) if offers else None,
        publisher,
        source=offers.name if offers else "",
    )
