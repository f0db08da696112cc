"""Reports through the collector's real door: `make bench-collector`.

Mutual TLS on loopback, a fresh handshake for each report, an answer after the commit. Everything is
measured in turns in one run, beside Debian's ocsinventory-server and beside a bare grpc.aio echo;
the load generators share the machine's processors with what they measure, and so does whatever else
runs there: the processor time that the servers took for each report does not depend on that.
"""

import argparse
import asyncio
import json
import os
import pickle
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import count
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
import psutil
import psycopg

from quitus.v1 import inventory_pb2
from quitus_agent.identity import Identity
from quitus_agent.spool import Accepted
from quitus_agent.wiring import read_token
from tests.bench import ocs
from tests.bench.measure import Floor, cpu_s, write
from tests.bench.reporting import OPTIONS, Stream, credentials, echo, echo_call, load, report_call
from tests.fleet.sample import SampleDevice
from tests.fleet.simulator import Device, enrolled, lost, workstations
from tests.postgresql import Server, server
from tests.programs import CollectorFolder

OCS_CLIENTS = 8
# Reports under way at once from each load generator, and how many of those there are.
AT_ONCE, GENERATORS = 64, 2
# More than two workers each wait for before they begin: see entrypoints/grpc/together.py.
CALLERS = 64
MAX_WORKER_MB = 250


class Contestant:
    """A collector that serves while the bench runs."""

    def __init__(
        self, folder: CollectorFolder, url: str, ports: tuple[int, int], database: Server
    ) -> None:
        self.folder, self.url, self.port = folder, url, ports[0]
        self._database = database
        self.token = read_token(folder.token_file("--uses", "100000"))
        self.devices: list[Device] = []
        self.rates: list[float] = []
        self.cpu_ms: list[float] = []
        self.callers_ms: list[float] = []
        self.wrong = 0

    def enrol(self, samples: Sequence[SampleDevice]) -> Sequence[Device]:
        return enrolled(iter(samples), "localhost", self.port, self.token)

    def take_in(self, devices: Sequence[Device]) -> None:
        """Every device's first report; what is stored is compared with what was sent."""
        before = self.cpu_s()
        took = _first_reports(devices)
        self.rates.append(len(devices) / took.wall_s)
        self.callers_ms.append(took.callers_s / len(devices) * 1e3)
        self.cpu_ms.append((self.cpu_s() - before) / len(devices) * 1e3)
        self.wrong += len(lost(self.url, devices))
        self.devices += devices

    def cpu_s(self) -> float:
        """Processor time of its processes so far, and of the database's, where it has some."""
        database = [self._database.pid()] if "postgresql" in self.url else []
        return cpu_s(self.folder.pid, *database)

    def memory_mb(self) -> float:
        """Of the largest process that serves."""
        process = psutil.Process(self.folder.pid)
        serving = process.children() or [process]
        return max(each.memory_info().rss for each in serving) / 1e6


class Took(NamedTuple):
    """Seconds until the last answer, and of processor time of those who called."""

    wall_s: float
    callers_s: float


class Sent(NamedTuple):
    """A first report that is ready to go."""

    known: Identity
    request: bytes


def main() -> int:
    """Measures and prints the tables; the exit status tells whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--devices", type=int, default=600, help="first reports a round")
    parser.add_argument("--ocs-devices", type=int, default=48, help="the same, to the other server")
    parser.add_argument("--seconds", type=float, default=3.0, help="of unchanged reports a round")
    parser.add_argument("--load", type=Path, help="send what this file holds")
    arguments = parser.parse_args()
    if arguments.load:
        return asyncio.run(_generate(pickle.loads(arguments.load.read_bytes())))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        contestants = _contestants(stack, folder)
        other = stack.enter_context(ocs.serving(8099))
        return _measure(contestants, other, arguments)


def _contestants(stack: ExitStack, folder: Path) -> dict[tuple[str, int], Contestant]:
    databases = stack.enter_context(server())
    return {
        (kind, workers): stack.enter_context(_serving(folder / f"{kind}-{workers}", databases))
        for kind in ("SQLite", "PostgreSQL")
        for workers in (1, 2)
    }


@contextmanager
def _serving(home: Path, databases: Server) -> Iterator[Contestant]:
    kind, _, workers = home.name.partition("-")
    folder, url = CollectorFolder(home), f"sqlite:///{home / 'quitus.db'}"
    if kind == "PostgreSQL":
        with closing(psycopg.connect(databases.uri, autocommit=True)) as connection:
            connection.execute(f"CREATE DATABASE workers{workers}".encode())
        url = databases.url.replace("/postgres?", f"/workers{workers}?")
        home.mkdir()
        (home / "collector.toml").write_text(f'database = "{url}"\n')
    folder.ok("init")
    text = (home / "collector.toml").read_text()
    if "[limits]" not in text:
        text += "[limits]\n"
    limits = "[limits]\nreports_per_hour = 100000\nenrolments_per_minute = 100000\n"
    (home / "collector.toml").write_text(text.replace("[limits]", limits + "#", 1))
    with folder.serving("--workers", workers) as ports:
        yield Contestant(folder, url, ports, databases)


def _measure(
    contestants: dict[tuple[str, int], Contestant],
    other: ocs.Server,
    arguments: argparse.Namespace,
) -> int:
    samples = list(workstations(arguments.rounds * arguments.devices))
    theirs: list[float] = []
    their_cpu_ms: list[float] = []
    stored = 0
    numbers = count(1)
    for number in range(arguments.rounds):
        part = samples[number * arguments.devices :][: arguments.devices]
        # Enrolled before anything is timed.
        ready = {key: each.enrol(part) for key, each in contestants.items()}
        inventories = [ocs.Inventory(each, next(numbers)) for each in part[: arguments.ocs_devices]]
        for key, each in contestants.items():
            each.take_in(ready[key])
        before = cpu_s(*other.pids())
        theirs.append(len(inventories) / other.take_in(inventories, OCS_CLIENTS))
        their_cpu_ms.append((cpu_s(*other.pids()) - before) / len(inventories) * 1e3)
        stored += other.stored(inventories)
    unchanged = _unchanged(contestants, arguments)
    return _print(contestants, theirs, their_cpu_ms, stored, unchanged, arguments)


def _first_reports(devices: Sequence[Device]) -> Took:
    """Sends them from processes of their own."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        generators = []
        for number in range(GENERATORS):
            file = Path(folder) / str(number)
            share = devices[number::GENERATORS]
            sent = [Sent(each.known, each.request().SerializeToString()) for each in share]
            file.write_bytes(pickle.dumps(sent))
            words = [sys.executable, "-m", "tests.bench.collector", "--load", str(file)]
            pipe = subprocess.PIPE
            generators.append(
                stack.enter_context(subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True))
            )
        for each in generators:
            assert each.stdout is not None
            each.stdout.readline()
        began = time.perf_counter()
        for each in generators:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        answers = [json.loads(each.communicate()[0]) for each in generators]
        took = time.perf_counter() - began
    receipts = {
        device: bytes.fromhex(each) for found, _ in answers for device, each in found.items()
    }
    for device in devices:
        rows = {digest: each.source for digest, each in device.said.rows.items()}
        digest, receipt = device.request().digest, receipts[device.known.device_id]
        device.accepted = Accepted(digest, receipt, rows)
    return Took(took, sum(spent for _, spent in answers))


async def _generate(sent: Sequence[Sent]) -> int:
    """One load generator: says that it is ready, waits for a line, and prints the receipts.

    Beside them, the processor seconds that it took to call.
    """
    waiting = [(each, credentials(each.known)) for each in reversed(sent)]
    receipts: dict[str, str] = {}

    async def send() -> None:
        while waiting:
            each, shown = waiting.pop()
            target = f"localhost:{each.known.inventory_port}"
            async with grpc.aio.secure_channel(target, shown, options=OPTIONS) as channel:
                call = channel.unary_unary(
                    "/quitus.v1.InventoryService/Report",
                    response_deserializer=inventory_pb2.ReportResponse.FromString,
                )
                answer = await call(each.request, timeout=120, compression=grpc.Compression.Gzip)
                receipts[each.known.device_id] = answer.receipt.hex()

    print("ready", flush=True)
    sys.stdin.readline()
    before = time.process_time()
    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    print(json.dumps((receipts, time.process_time() - before)))
    return 0


# Calls a second of unchanged reports and of the echo beside them, by round.
Rates = dict[tuple[str, int, bool], list[float]]


def _unchanged(
    contestants: dict[tuple[str, int], Contestant], arguments: argparse.Namespace
) -> Rates:
    first = contestants["SQLite", 1]
    with echo(first.folder) as (bare, port):
        streams = {
            key: [
                Stream(each.known.inventory_port, each.known, report_call(each.accepted))
                for each in contestant.devices[:CALLERS]
            ]
            for key, contestant in contestants.items()
        }
        streams["bare echo", 1] = [
            Stream(port, each.known, echo_call()) for each in first.devices[:CALLERS]
        ]
        rates: Rates = {(*key, fresh): [] for fresh in (True, False) for key in streams}
        for _ in range(arguments.rounds):
            for (kind, workers, fresh), found in rates.items():
                callers = streams[kind, workers]
                found.append(asyncio.run(load(bare, callers, fresh, arguments.seconds)).rate)
    return rates


def _print(
    contestants: dict[tuple[str, int], Contestant],
    theirs: Sequence[float],
    their_cpu_ms: Sequence[float],
    stored: int,
    unchanged: Rates,
    arguments: argparse.Namespace,
) -> int:
    rounds, devices = arguments.rounds, arguments.devices
    print(f"{rounds} rounds; first reports of 200 rows, {devices} devices a round and collector\n")
    print(
        "| first reports | a second (least to most) | CPU ms each | of its caller | stored right "
        "| worker MB |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for (kind, workers), each in contestants.items():
        right = f"{len(each.devices) - each.wrong} of {len(each.devices)}"
        print(
            f"| {kind}, workers: {workers} | {_spread(each.rates)} "
            f"| {statistics.median(each.cpu_ms):.1f} "
            f"| {statistics.median(each.callers_ms):.1f} | {right} | {each.memory_mb():.0f} |"
        )
    sent = rounds * arguments.ocs_devices
    name = f"ocsinventory-server, {OCS_CLIENTS} clients"
    their_cpu = statistics.median(their_cpu_ms)
    print(f"| {name} | {_spread(theirs)} | {their_cpu:.1f} | | {stored} of {sent} | |")
    print("\n| unchanged reports | connection | calls a second (least to most) |")
    print("| --- | --- | ---: |")
    for (kind, workers, fresh), rates in unchanged.items():
        what = kind if kind == "bare echo" else f"{kind}, workers: {workers}"
        print(f"| {what} | {'fresh' if fresh else 'kept'} | {_spread(rates)} |")
    floors = _floors(contestants, theirs, unchanged)
    memory = max(each.memory_mb() for each in contestants.values())
    wrong = sum(each.wrong for each in contestants.values())
    print("", *floors, sep="\n")
    print(f"largest worker: {memory:.0f} MB of at most {MAX_WORKER_MB}")
    file = write(
        "collector",
        {
            "rounds": rounds,
            "devices": devices,
            "first": {f"{kind} {n}": each.rates for (kind, n), each in contestants.items()},
            "first CPU ms": {f"{kind} {n}": each.cpu_ms for (kind, n), each in contestants.items()},
            "ocsinventory-server": {
                "rates": list(theirs),
                "CPU ms": list(their_cpu_ms),
                "stored": stored,
                "sent": sent,
            },
            "unchanged": {
                f"{kind} {n} {'fresh' if fresh else 'kept'}": rates
                for (kind, n, fresh), rates in unchanged.items()
            },
            "memory_mb": memory,
            "floors": [each._asdict() for each in floors],
        },
    )
    print(f"\nfigures in {file}")
    kept = all(each.is_kept for each in floors) and memory < MAX_WORKER_MB and not wrong
    return 0 if kept else 1


def _floors(
    contestants: dict[tuple[str, int], Contestant], theirs: Sequence[float], unchanged: Rates
) -> list[Floor]:
    median = statistics.median
    floors = [
        Floor(
            f"first reports, {kind} with {workers} worker(s), beside ocsinventory-server",
            median(each.rates),
            median(theirs),
            40,
        )
        for (kind, workers), each in contestants.items()
    ]
    floors += [
        Floor(
            f"{kind}: two workers beside one, first reports",
            median(contestants[kind, 2].rates),
            median(contestants[kind, 1].rates),
            1,
        )
        for kind in ("SQLite", "PostgreSQL")
    ]
    floors += [
        Floor(
            f"unchanged, {kind} with {workers} worker(s), {'fresh' if fresh else 'kept'}, "
            "beside the echo",
            median(rates),
            median(unchanged["bare echo", 1, fresh]),
            0.7 if fresh else 0.4,
        )
        for (kind, workers, fresh), rates in unchanged.items()
        if kind != "bare echo"
    ]
    return floors


def _spread(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):.1f} ({min(rates):.1f} to {max(rates):.1f})"


if __name__ == "__main__":
    sys.exit(main())
