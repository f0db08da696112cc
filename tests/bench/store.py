"""What the store takes and how fast it is read: `make bench-store`.

Databases of several sizes on SQLite and on a PostgreSQL of the bench's own; every figure is of the
collector's own code, the loading apart.
"""

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, TypeVar

from sqlalchemy import create_engine, text

from quitus_collector.adapters import pools
from quitus_collector.adapters.catalogue import files as catalogue_files
from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.cli.program import SEARCHES
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.holding import NOBODY
from quitus_collector.domain.install import row_digest
from quitus_collector.domain.patterns import Pattern
from quitus_collector.domain.position import Position
from quitus_collector.domain.product import Product
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.domain.report import Changes, update
from quitus_collector.domain.rule import Rule
from quitus_collector.services.intake.lines import Cell, Reading
from quitus_collector.services.licensing import position
from quitus_collector.services.pools import take_in
from quitus_collector.services.recognition import Recogniser, recount, refresh
from quitus_collector.services.reporting import accept_reports
from tests import postgresql
from tests.bench.loading import LOADED_AT, load, tail_names
from tests.bench.measure import Ratio, cpu_s, write
from tests.builders import a_certificate, a_report
from tests.fakes.clock import FakeClock

T = TypeVar("T")
POOLS = Path("deploy/demo/pools.csv")
# The pools of the demo are those of so many devices.
DEMO_DEVICES = 250
BYTES, BYTES_A_DAY = 3_072, 200
POSITION_S, PAST_S, AGAIN_S = 2, 4, 30
TARGET = 100_000
# Devices and days on which the bytes of history are measured.
HISTORY, DAYS = 2_000, 5
# Days before those: pages that loading left full to the brim get the room that a day needs.
SETTLING = 2
# Reports that are committed together.
BATCH = 100
# Whose processor time counts beside our own.
SERVERS: list[postgresql.Server] = []


HEADINGS = (
    "seconds by the clock, and in brackets of processors, the server's own among them\n",
    "| database | devices | load | records | loaded | bytes a device | recognised | position "
    "| recognised again | past position | recount |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)
HISTORY_HEADINGS = (
    f"\n| database | bytes a device and day ({HISTORY:,} devices, {DAYS} days, 2 changed rows) "
    "| reports a second |",
    "| --- | ---: | ---: |",
)


class Took(NamedTuple):
    """Seconds by the clock, and of processors."""

    wall_s: float
    cpu_s: float

    def __str__(self) -> str:
        """Both."""
        return f"{self.wall_s:.2f} ({self.cpu_s:.2f})"


class Run(NamedTuple):
    """One database of one size; `load` is how many processes wanted a processor in the end."""

    database: str
    devices: int
    load: float
    records: int
    loaded: Took
    bytes_a_device: float
    first: Took
    position: Took
    again: Took
    past: Took
    recount: Took


def main() -> int:
    """Measures and prints the tables; the exit status tells whether the promises were kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, nargs="+", default=[10_000, TARGET])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), action="append")
    arguments = parser.parse_args()
    # As a command does.
    gc.freeze()
    gc.set_threshold(*SEARCHES)
    runs, ratios = [], []
    with _databases(arguments.database or ["sqlite", "postgresql"]) as makers:
        print(*HEADINGS, sep="\n", flush=True)
        for name, make in makers.items():
            for devices in arguments.devices:
                run = _measure(name, make(), devices)
                runs.append(run)
                print(_row(run), flush=True)
                ratios += _ratios(run)
        print(*HISTORY_HEADINGS, sep="\n", flush=True)
        for name, make in makers.items():
            grown, rate = _history(make())
            print(f"| {name} | {grown:.0f} | {rate:.0f} |", flush=True)
            ratios.append(Ratio(f"{name}, bytes a device and day", grown, BYTES_A_DAY, 1))
    print("", *ratios, sep="\n")
    kept = write(
        "store",
        {"runs": [each._asdict() for each in runs], "ratios": [each._asdict() for each in ratios]},
    )
    print(f"\nfigures in {kept}")
    return 0 if all(each.ours <= each.limit * each.theirs for each in ratios) else 1


def _row(run: Run) -> str:
    took = (run.first, run.position, run.again, run.past, run.recount)
    return (
        f"| {run.database} | {run.devices:,} | {run.load:.0f} | {run.records:,} | {run.loaded} "
        f"| {run.bytes_a_device:,.0f} | {' | '.join(map(str, took))} |"
    )


def _ratios(run: Run) -> list[Ratio]:
    """Against the promises, which are made for one size."""
    if run.devices != TARGET:
        return []
    return [
        Ratio(f"{run.database}, {run.devices:,}: {what}", ours, limit, 1)
        for what, ours, limit in (
            ("bytes a device", run.bytes_a_device, BYTES),
            ("position", run.position.wall_s, POSITION_S),
            ("past position", run.past.wall_s, PAST_S),
            ("recognised again", run.again.wall_s, AGAIN_S),
        )
    ]


@contextmanager
def _databases(names: list[str]) -> Iterator[dict[str, Callable[[], str]]]:
    with tempfile.TemporaryDirectory() as folder, postgresql.server() as server:
        SERVERS.append(server)
        numbers = iter(range(99))
        makers = {
            "sqlite": lambda: f"sqlite:///{folder}/{next(numbers)}.db",
            "postgresql": server.database,
        }
        yield {name: makers[name] for name in names}


def _measure(name: str, url: str, devices: int) -> Run:
    clock = FakeClock(LOADED_AT)
    store = SQLStore(url, create=True, now=clock.now)
    store.upgrade()
    empty = _size(url)
    records, loaded = _timed(lambda: load(store, devices))
    catalogue = catalogue_files.load(catalogue_files.SHIPPED)
    _, first = _timed(lambda: refresh(store, catalogue))
    take_in(store, catalogue, clock, _pools(devices), NOBODY)
    size = (_size(url) - empty) / devices
    solver = HighsSolver()
    # A first one loads the solver and the pages.
    position(store, catalogue, solver, clock)
    now, present = _least(lambda: position(store, catalogue, solver, clock))
    day = clock.today()
    clock.advance(timedelta(days=2))
    other = _other(catalogue)
    _, again = _timed(lambda: refresh(store, other))
    past, before = _least(lambda: position(store, other, solver, clock, day))
    wrong, recounted = _timed(lambda: recount(store, other))
    assert past.lines == now.lines
    assert past.unknown == now.unknown
    assert not wrong
    store.close()
    took = (first, present, again, before, recounted)
    return Run(name, devices, os.getloadavg()[0], records, loaded, size, *took)


def _least(call: Callable[[], Position]) -> tuple[Position, Took]:
    """The answer, and the least of three times: what else the machine did is not ours."""
    times = []
    for _ in range(3):
        answer, took = _timed(call)
        times.append(took)
    return answer, Took(*map(min, zip(*times, strict=True)))


def _timed(call: Callable[[], T]) -> tuple[T, Took]:
    gc.collect()
    start, before = time.perf_counter(), _cpu()
    answer = call()
    return answer, Took(time.perf_counter() - start, _cpu() - before)


def _cpu() -> float:
    """Processor seconds of this process and of the server's, those that have ended among them."""
    return time.process_time() + cpu_s(*(each.pid() for each in SERVERS))


def _size(url: str) -> int:
    """Bytes of the whole database, indexes included."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            size = connection.execute(text("SELECT pg_database_size(current_database())")).scalar()
        else:
            connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
            pages = connection.execute(text("PRAGMA page_count")).scalar_one()
            size = pages * connection.execute(text("PRAGMA page_size")).scalar_one()
    engine.dispose()
    return int(size or 0)


def _pools(devices: int) -> Reading:
    """The demo's licences, as many more as there are more devices."""
    demo = pools.read(POOLS)
    return replace(
        demo,
        lines=[
            replace(line, cells={**line.cells, "quantity": _more(line.cells["quantity"], devices)})
            for line in demo.lines
        ],
    )


def _more(quantity: Cell, devices: int) -> int:
    return int(str(quantity)) * devices // DEMO_DEVICES


def _other(catalogue: Catalogue) -> Catalogue:
    """Knows the hundred most usual names of the long tail too: no device stays as it was."""
    line = "bench/tool"
    names = [name for name, _ in zip(tail_names(), range(100), strict=False)]
    rule = Rule(
        id=line,
        software_class=SoftwareClass.COMMERCIAL,
        line=line,
        names=tuple(Pattern(name) for name in names),
        is_own=True,
    )
    products = catalogue.products | {line: Product(line, "Tool", metric=Metric.DEVICE)}
    return replace(catalogue, rules=[*catalogue.rules, rule], products=products, digest="other")


def _history(url: str) -> tuple[float, float]:
    """Bytes that a device adds in a day on which two rows changed, and how fast that is taken."""
    clock = FakeClock(LOADED_AT)
    store = SQLStore(url, create=True, now=clock.now)
    store.upgrade()
    load(store, HISTORY)
    catalogue = catalogue_files.load(catalogue_files.SHIPPED)
    refresh(store, catalogue)
    recogniser = Recogniser(lambda: catalogue)
    for number in range(SETTLING):
        _day(store, clock, recogniser, number)
        _night(url)
    before, seconds = _size(url), 0.0
    for number in range(SETTLING, SETTLING + DAYS):
        seconds += _day(store, clock, recogniser, number)
        _night(url)
    grown = (_size(url) - before) / HISTORY / DAYS
    store.close()
    return grown, HISTORY * DAYS / seconds


def _night(url: str) -> None:
    """PostgreSQL uses the room of former rows again, as it does by itself where it has the time."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("VACUUM"))
    engine.dispose()


def _day(store: SQLStore, clock: FakeClock, recogniser: Recogniser, number: int) -> float:
    """Every device replaces one row by another version of it; returns the seconds of the store."""
    clock.advance(timedelta(days=1))
    with store.reading() as work:
        devices = work.devices.list()
    seconds = 0.0
    for start in range(0, len(devices), BATCH):
        batch = []
        with store.reading() as work:
            ids = [device.id for device in devices[start : start + BATCH]]
            held_now = work.inventories.held(ids)
            for device in devices[start : start + BATCH]:
                held = held_now[device.id]
                # One that many have: what is updated on a day is updated everywhere.
                gone = held[number * 9 % 60]
                ((_, record),) = work.inventories.records([gone.number])
                new = replace(record, version=f"9.{number}", installed_on=f"{clock.today()}")
                gone_digest = row_digest(gone.record, gone.installed_on)
                content = Changes(device.facts, device.sources, (new,), frozenset({gone_digest}))
                said = a_report(
                    content,
                    digest=update(content, held, device.sources).digest,
                    receipt=bytes.fromhex(device.receipt),
                )
                peer = a_certificate(
                    device,
                    starts_at=LOADED_AT - timedelta(days=9),
                    ends_at=LOADED_AT + timedelta(days=99),
                )
                batch.append((peer, said))
        begun = time.perf_counter()
        answers = accept_reports(store, clock, batch, recogniser)
        seconds += time.perf_counter() - begun
        assert not [each for each in answers if isinstance(each, Exception)], answers
    return seconds


if __name__ == "__main__":
    sys.exit(main())
