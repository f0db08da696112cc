"""The company's price list, from files."""

from collections.abc import Mapping
from pathlib import Path

from quitus_collector.adapters import pools as readers
from quitus_collector.domain.holding import Act
from quitus_collector.services import prices
from quitus_collector.services.intake.headings import PRICES
from quitus_collector.services.prices import PricePreview
from quitus_collector.wiring.collector import Collector


def preview_prices(
    collector: Collector,
    file: Path,
    decisions: Mapping[str, str] | None = None,
    *,
    name: str = "",
) -> PricePreview:
    """What taking a file in would do; `name` is what the person calls it."""
    reading = readers.read_table(file, PRICES)
    source = name or file.name
    return prices.preview(collector.store, collector.catalogue, reading, source, decisions)


def import_prices(
    collector: Collector,
    file: Path,
    decisions: Mapping[str, str] | None = None,
    *,
    reason: str = "",
    without_unmatched: bool = False,
    name: str = "",
) -> PricePreview:
    """Takes in a price list, all of it or nothing; raises pools.Refused."""
    return prices.take_in(
        collector.store,
        collector.catalogue,
        collector.clock,
        readers.read_table(file, PRICES),
        Act(collector.actor, reason or name or file.name),
        source=name or file.name,
        decisions=decisions,
        without_unmatched=without_unmatched,
    )
