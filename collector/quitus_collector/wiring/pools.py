"""Licence pools from files."""

from pathlib import Path

from quitus_collector.adapters import pools_csv
from quitus_collector.errors import UsageError
from quitus_collector.services import pools
from quitus_collector.services.pools import ImportSummary
from quitus_collector.wiring.collector import Collector


def import_pools(collector: Collector, file: Path) -> ImportSummary:
    """Takes in licence pools from a CSV file, all of it or nothing."""
    lines = pools_csv.read(file)
    try:
        return pools.import_pools(collector.store, collector.catalogue, lines)
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from error
