"""What explaining, trying and remedying take for a large estate: `make bench-reasons`.

The fleet and the licences are those of `make bench-store`; seconds of processor time stand beside
those of the clock, which a busy machine stretches.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.services import explaining, licensing, pools, remedying, trying
from quitus_collector.services.recognition import refresh
from tests.bench.loading import LOADED_AT, load
from tests.bench.measure import write
from tests.bench.store import _pools
from tests.fakes.clock import FakeClock

TARGET_S = 60


def main() -> int:
    """Measures and prints the table; the exit status tells whether all stayed below a minute."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    devices: int = parser.parse_args().devices
    with tempfile.TemporaryDirectory() as folder:
        clock = FakeClock(LOADED_AT)
        store = SQLStore(f"sqlite:///{Path(folder) / 'bench.db'}", create=True, now=clock.now)
        store.upgrade()
        catalogue = catalogue_files.load(catalogue_files.SHIPPED)
        records = load(store, devices)
        pools.import_pools(store, catalogue, _pools(devices))
        refresh(store, catalogue)
        solver = HighsSolver()
        position = licensing.position(store, catalogue, solver, clock)
        widest = max((line for line in position.lines if line.missing), key=lambda x: x.installed)
        at = (store, catalogue, solver, clock)
        prices = [
            remedying.PriceLine(
                number,
                Entitlement(f"O-{number}", line.product, 1, line.metric),
                Decimal(99),
                "EUR",
                "",
            )
            for number, line in enumerate(position.lines, start=2)
            if line.missing
        ]
        product, purchases = widest.product, [trying.Purchase(widest.product, 10)]
        work: dict[str, Callable[[], object]] = {
            "position": lambda: licensing.position(*at),
            "explain": lambda: explaining.why(*at, product),
            "explain --no-changes": lambda: explaining.why(*at, product, changes=False),
            "what-if": lambda: trying.what_if(*at, purchases=purchases),
            "remedies": lambda: remedying.advise(*at),
            "remedies --prices": lambda: remedying.advise(*at, prices),
        }
        print(
            f"{devices:,} devices, {records:,} records; explained: {product}, {widest.installed:,}"
        )
        print("| command | seconds | of processor time |", "| --- | ---: | ---: |", sep="\n")
        found = {name: _timed(name, run) for name, run in work.items()}
        store.close()
    print(f"\nfigures in {write('reasons', {'devices': devices, 'seconds': found})}")
    return 0 if all(processor <= TARGET_S for _, processor in found.values()) else 1


def _timed(name: str, run: Callable[[], object]) -> tuple[float, float]:
    clock, processor = time.perf_counter(), time.process_time()
    run()
    taken = time.perf_counter() - clock, time.process_time() - processor
    print(f"| {name} | {taken[0]:.1f} | {taken[1]:.1f} |", flush=True)
    return taken


if __name__ == "__main__":
    sys.exit(main())
