"""What a first report costs in processor time, part by part, without the door: `make bench-first`.

Workstations of 200 rows report in batches as a busy collector gathers them, on SQLite and on a
PostgreSQL of the bench's own. What the door takes is told by `make bench-collector`.
"""

import argparse
import cProfile
import pstats
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from quitus.v1 import inventory_pb2
from quitus_agent import statement, wire
from quitus_agent.spool import Accepted
from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.entrypoints.grpc import translate
from quitus_collector.entrypoints.grpc.together import LONG
from quitus_collector.services import reporting
from quitus_collector.services.recognition import Recogniser, refresh
from tests import postgresql
from tests.bench.measure import cpu_s, write
from tests.builders import NOON as NOW
from tests.builders import a_certificate, a_device
from tests.fakes.clock import FakeClock
from tests.fleet.simulator import workstations

T = TypeVar("T")


class Cost(NamedTuple):
    """Milliseconds of processor time for one report, of the collector and of its database."""

    unpacked: float
    translated: float
    kept: float
    server: float


def main() -> int:
    """Measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--warm", type=int, default=600, help="devices that report before")
    parser.add_argument("--devices", type=int, default=600)
    parser.add_argument("--together", type=int, default=LONG.enough)
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turns; the least counts")
    parser.add_argument("--profile", choices=("sqlite", "postgresql"), help="tell where it goes")
    arguments = parser.parse_args()
    requests = [
        wire.report_request(
            statement.make(each.facts, each.inventory, NOW, each.user), Accepted()
        ).SerializeToString()
        for each in workstations(arguments.warm + arguments.devices)
    ]
    found: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory() as folder, postgresql.server() as server:
        for number in range(arguments.rounds):
            for kind in [arguments.profile] if arguments.profile else ["sqlite", "postgresql"]:
                url = f"sqlite:///{Path(folder) / str(number)}.db"
                url = url if kind == "sqlite" else server.database()
                cost = _measure(
                    url, [server.pid()] if kind == "postgresql" else [], requests, arguments
                )
                found.setdefault(kind, []).append(cost)
    print(
        f"first reports of 200 rows, {arguments.together} together: ms of processor time each, "
        f"the least of {arguments.rounds}\n"
    )
    print(
        "| database | unpacked | translated | kept | its server |",
        "| --- " + "| ---: " * 4 + "|",
        sep="\n",
    )
    least = {kind: Cost(*map(min, zip(*costs, strict=True))) for kind, costs in found.items()}
    for kind, cost in least.items():
        print(f"| {kind} | {' | '.join(f'{each:.2f}' for each in cost)} |")
    print(f"\nfigures in {write('first', {kind: cost._asdict() for kind, cost in least.items()})}")
    return 0


def _measure(
    url: str, server: Sequence[int], requests: Sequence[bytes], arguments: argparse.Namespace
) -> Cost:
    clock = FakeClock(NOW)
    store = SQLStore(url, create=True, now=clock.now)
    store.upgrade()
    catalogue = catalogue_files.load(catalogue_files.SHIPPED)
    refresh(store, catalogue)
    recogniser = Recogniser(lambda: catalogue)
    devices = [
        a_device(f"device-{number:06}", enrolled_at=NOW, hostname=f"PC-{number:06}")
        for number in range(len(requests))
    ]
    with store.writing() as work:
        work.devices.add(*devices)
    peers = [a_certificate(each) for each in devices]
    spent = [0.0, 0.0, 0.0]
    before = profile = None
    for start in range(0, len(requests), arguments.together):
        if start >= arguments.warm and before is None:
            spent, before = [0.0, 0.0, 0.0], cpu_s(*server)
            if arguments.profile:
                profile = cProfile.Profile(time.process_time)
                profile.enable()
        part = requests[start : start + arguments.together]
        unpacked = _timed(
            spent, 0, lambda p=part: [inventory_pb2.ReportRequest.FromString(r) for r in p]
        )
        said = _timed(spent, 1, lambda u=unpacked: [translate.report(each) for each in u])
        batch = list(zip(peers[start:], said, strict=False))
        answers = _timed(
            spent, 2, lambda b=batch: reporting.accept_reports(store, clock, b, recogniser)
        )
        assert not [each for each in answers if isinstance(each, Exception)], answers
    if profile:
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45).sort_stats(
            "cumtime"
        ).print_stats(70)
    taken = cpu_s(*server) - (before or 0.0)
    store.close()
    return Cost(*(each / arguments.devices * 1e3 for each in (*spent, taken)))


def _timed(spent: list[float], part: int, call: Callable[[], T]) -> T:
    before = time.process_time()
    answer = call()
    spent[part] += time.process_time() - before
    return answer


if __name__ == "__main__":
    sys.exit(main())
