"""What an unchanged report costs the collector: `make bench-reporting`.

Beside a bare grpc.aio echo of 200 bytes with the same TLS settings and certificates, in turns, on
loopback. Both sides are charged with the processor time of the serving process alone, because the
load generator shares the machine's cores.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc
import psutil

from quitus.v1 import inventory_pb2, inventory_pb2_grpc
from quitus_agent import enrolment, keys, statement, wire
from quitus_agent.identity import Identity
from quitus_agent.spool import Accepted
from quitus_agent.wiring import read_token
from quitus_collector.adapters.authority import x509
from tests.bench.measure import Ratio, write
from tests.fleet.sample import fleet
from tests.programs import CollectorFolder

ECHO = "/quitus.bench.Echo/Echo"
PAYLOAD = os.urandom(200)
OPTIONS = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
# One call of one stream; streams run side by side, each waits for its answers.
Call = Callable[[grpc.aio.Channel], Awaitable[None]]


class Stream(NamedTuple):
    """One caller: where it calls, who it is, and what it says."""

    port: int
    known: Identity
    call: Call


class Load(NamedTuple):
    """What came of one load: calls a second, and the server's processor time for each."""

    rate: float
    cpu_ms: float


def main() -> int:
    """Measures and prints the table; the exit status tells whether every promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--devices", type=int, default=16)
    parser.add_argument("--echo", type=Path, help="serve the echo with the key and chain here")
    arguments = parser.parse_args()
    if arguments.echo:
        asyncio.run(serve_echo(arguments.echo))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        return _measure(Path(folder), arguments)


def _measure(folder: Path, arguments: argparse.Namespace) -> int:
    collector = CollectorFolder(folder / "collector")
    collector.ok("init")
    collector.set("reports_per_hour", "100_000")
    with collector.serving() as (enrolment_port, inventory_port), echo(collector) as (bare, port):
        devices = _devices(collector, enrolment_port, arguments.devices)
        reporting = next(
            process
            for process in psutil.Process().children(recursive=True)
            if "serve" in process.cmdline()
        )
        streams = {
            "bare echo": (bare, [Stream(port, each[0], echo_call()) for each in devices]),
            "unchanged report": (
                reporting,
                [Stream(inventory_port, each[0], report_call(each[1])) for each in devices],
            ),
        }
        loads: dict[tuple[str, bool], list[Load]] = {
            (name, fresh): [] for fresh in (True, False) for name in streams
        }
        for _ in range(arguments.rounds):
            for (name, fresh), found in loads.items():
                process, callers = streams[name]
                found.append(asyncio.run(load(process, callers, fresh, arguments.seconds)))
        memory_mb = reporting.memory_info().rss / 1e6
    medians = {
        key: Load(
            statistics.median(each.rate for each in found),
            statistics.median(each.cpu_ms for each in found),
        )
        for key, found in loads.items()
    }
    return _print(medians, loads, arguments, memory_mb)


def _print(
    medians: dict[tuple[str, bool], Load],
    loads: dict[tuple[str, bool], list[Load]],
    arguments: argparse.Namespace,
    memory_mb: float,
) -> int:
    print(f"{arguments.rounds} rounds of {arguments.seconds:g} s, {arguments.devices} devices\n")
    print("| what | connection | server CPU ms a call (least to most) | calls a second |")
    print("| --- | --- | ---: | ---: |")
    for (name, fresh), load in medians.items():
        spread = [each.cpu_ms for each in loads[name, fresh]]
        print(
            f"| {name} | {'fresh' if fresh else 'kept'} | {load.cpu_ms:.3f} "
            f"({min(spread):.3f} to {max(spread):.3f}) | {load.rate:.0f} |"
        )
    ratios = [
        Ratio(
            f"server CPU of an unchanged report, {'fresh' if fresh else 'kept'} connection",
            medians["unchanged report", fresh].cpu_ms,
            medians["bare echo", fresh].cpu_ms,
            limit,
        )
        for fresh, limit in ((True, 1.3), (False, 2.0))
    ]
    print("", *ratios, f"collector's memory after the load: {memory_mb:.0f} MB", sep="\n")
    file = write(
        "reporting",
        {
            "rounds": arguments.rounds,
            "devices": arguments.devices,
            "memory_mb": memory_mb,
            "loads": [
                {"what": name, "fresh": fresh, **load._asdict()}
                for (name, fresh), load in medians.items()
            ],
            "ratios": [each._asdict() for each in ratios],
        },
    )
    print(f"\nfigures in {file}")
    return 0 if all(each.ours <= each.limit * each.theirs for each in ratios) else 1


def _devices(collector: CollectorFolder, port: int, count: int) -> list[tuple[Identity, Accepted]]:
    """Enrolled devices whose inventories the collector holds."""
    token = read_token(collector.token_file("--uses", str(count)))

    def joined(device: object) -> tuple[Identity, Accepted]:
        known = enrolment.enrol("localhost", port, token, keys.new_key(), "bench")
        said = statement.make(device.facts, device.inventory, datetime.now(UTC))  # type: ignore[attr-defined]
        request = wire.report_request(said, Accepted())
        target = f"localhost:{known.inventory_port}"
        with grpc.secure_channel(target, credentials(known)) as channel:
            answer = inventory_pb2_grpc.InventoryServiceStub(channel).Report(request, timeout=30)
        return known, Accepted(request.digest, answer.receipt)

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(joined, fleet(count)))


def report_call(accepted: Accepted) -> Call:
    """Says that nothing changed, each time with the receipt of the time before."""
    request = inventory_pb2.ReportRequest(digest=accepted.digest, receipt=accepted.receipt)
    request.unchanged.SetInParent()
    request.taken_at.FromDatetime(datetime.now(UTC))

    async def call(channel: grpc.aio.Channel) -> None:
        answer = await inventory_pb2_grpc.InventoryServiceStub(channel).Report(request, timeout=30)
        assert not answer.full_wanted
        request.receipt = answer.receipt

    return call


def echo_call() -> Call:
    async def call(channel: grpc.aio.Channel) -> None:
        assert await channel.unary_unary(ECHO)(PAYLOAD, timeout=30) == PAYLOAD

    return call


async def load(process: psutil.Process, callers: list[Stream], fresh: bool, seconds: float) -> Load:
    """Every caller calls again and again until the time is over; `process` is charged."""
    calls = 0
    ends = time.perf_counter() + seconds

    async def run(stream: Stream) -> None:
        nonlocal calls
        target, shown = f"localhost:{stream.port}", credentials(stream.known)
        channel = grpc.aio.secure_channel(target, shown, options=OPTIONS)
        while time.perf_counter() < ends:
            await stream.call(channel)
            calls += 1
            if fresh:
                await channel.close()
                channel = grpc.aio.secure_channel(target, shown, options=OPTIONS)
        await channel.close()

    start, before = time.perf_counter(), _cpu_s(process)
    await asyncio.gather(*map(run, callers))
    return Load(calls / (time.perf_counter() - start), (_cpu_s(process) - before) / calls * 1e3)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def credentials(known: Identity) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials(
        known.trust_roots, known.private_key, known.certificate_chain
    )


@contextmanager
def echo(collector: CollectorFolder) -> Iterator[tuple[psutil.Process, int]]:
    """The floor: a process that answers with what it was sent, behind the same handshake."""
    authority = x509.Authority(collector.home / "authority")
    certificate = authority.issue_server(["localhost"], datetime.now(UTC))
    folder = collector.home / "echo"
    folder.mkdir()
    for name, content in (
        ("key.pem", certificate.private_key),
        ("chain.pem", certificate.chain),
        ("roots.pem", authority.trust_roots_pem()),
    ):
        (folder / name).write_bytes(content)
    words = [sys.executable, "-m", "tests.bench.reporting", "--echo", str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        try:
            yield psutil.Process(serving.pid), json.loads(serving.stdout.readline())
        finally:
            serving.terminate()


async def serve_echo(folder: Path) -> None:
    """Serves the echo until it is killed; prints its port."""

    async def echo(request: bytes, context: object) -> bytes:
        return request

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(echo)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("quitus.bench.Echo", {"Echo": handler}),)
    )
    key, chain, roots = (
        (folder / name).read_bytes() for name in ("key.pem", "chain.pem", "roots.pem")
    )
    credentials = grpc.ssl_server_credentials([(key, chain)], roots, require_client_auth=True)
    port = server.add_secure_port("127.0.0.1:0", credentials)
    await server.start()
    print(json.dumps(port), flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    sys.exit(main())
