"""Reasons for figures, and changes tried on paper."""

from datetime import date

from quitus_collector.services import explaining
from quitus_collector.services.explaining import Reasons
from quitus_collector.wiring.collector import Collector


def why(collector: Collector, product: str, device: str | None, day: date | None) -> Reasons:
    """Everything behind a product's line of the position."""
    return explaining.why(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        product,
        device=device,
        day=day,
    )
