"""What the console's pages take on the server for a large fleet: `make bench-console`.

Every GET route of the application is asked for in turns, by an account that may see them all, in
this process: the figures hold the application, its database and the rendering, no network and no
TLS. What a page has counted behind it is waited for before the turns begin, and told apart.
Processor time, that of PostgreSQL's processes included, stands beside that of the clock, which a
busy machine stretches.
"""

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

import psutil
from fastapi.routing import APIRoute

from quitus_collector.domain.account import Role
from quitus_collector.domain.device import Standing
from quitus_collector.domain.holding import NOBODY
from quitus_collector.domain.perimeter import Placement
from quitus_collector.domain.roster import Sought
from quitus_collector.services import roster
from quitus_collector.services.pools import take_in
from quitus_collector.web.app import PAGES, guards
from quitus_collector.web.paging import told
from quitus_collector.web.rendering import STATIC
from tests.bench.measure import write
from tests.bench.store import _pools
from tests.console import Browser, ConsoleHouse
from tests.postgresql import server

MEDIAN_MS, MOST_MS = 150, 400
FIRST_PAGE_BYTES = 200_000
ROUNDS = 25
PATIENCE_S = 900
# The process below which PostgreSQL's others are, where it is measured.
DATABASE: list[psutil.Process] = []


class Page(NamedTuple):
    """What one page took: the first look, which may wait for a count; then the turns, in ms.

    `processor` is the median of the processor time.
    """

    path: str
    first_s: float
    median: float
    p95: float
    processor: float
    bytes: int

    @property
    def is_kept(self) -> bool:
        return self.median <= MEDIAN_MS and self.p95 <= MOST_MS

    def __str__(self) -> str:
        mark = "" if self.is_kept else " NOT KEPT"
        return (
            f"| `{self.path}` | {self.first_s:.1f} | {self.median:.0f} | {self.p95:.0f}{mark} "
            f"| {self.processor:.0f} | {self.bytes / 1000:.0f} |"
        )


def main() -> int:
    """Measures and prints the tables; the exit status tells whether all pages keep the target."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--only", default="", help="pages whose address has this in it")
    arguments = parser.parse_args()
    found: dict[str, list[Page]] = {}
    began = time.monotonic()
    for name in arguments.databases:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = name
            DATABASE.clear()
            if name == "postgresql":
                started = stack.enter_context(server())
                url = started.database()
                DATABASE.append(psutil.Process(started.pid()))
            house = ConsoleHouse(folder / "collector", database=url)
            stack.callback(house.close)
            print(f"\n{arguments.devices:,} devices on {name}\n", flush=True)
            _fill(house, arguments.devices)
            print(f"filled after {time.monotonic() - began:.0f} s\n", flush=True)
            found[name] = _measure(house, arguments.only)
            print(_verdict(name, found[name]), flush=True)
    path = write("console", {"devices": arguments.devices, "pages": found})
    print(f"\nfigures in {path}, after {time.monotonic() - began:.0f} s in all")
    return 0 if all(page.is_kept for pages in found.values() for page in pages) else 1


def _verdict(name: str, pages: list[Page]) -> str:
    """Whether each page keeps the target, by the clock, and what the slowest take."""
    late = [page.path for page in pages if not page.is_kept]
    said = f"NOT KEPT by {', '.join(late)}" if late else f"kept by all {len(pages)} pages"
    slowest = max(page.median for page in pages), max(page.p95 for page in pages)
    processor = max(page.processor for page in pages)
    return (
        f"{name}: a median of {MEDIAN_MS} ms and a 95th percentile of {MOST_MS} ms: {said}; "
        f"at most {slowest[0]:.0f} ms, {slowest[1]:.0f} ms, and {processor:.0f} ms of processor"
    )


def _fill(house: ConsoleHouse, devices: int) -> None:
    house.fill(devices)
    collector = house.collector
    take_in(collector.store, collector.catalogue, collector.clock, _pools(devices), NOBODY)
    # As in a real fleet: sites, and a few devices in each of the states that are looked for.
    now = collector.clock.now()
    with collector.store.writing() as work:
        fleet = list(work.devices.list())
        few = [
            *(replace(each, revoked_at=now) for each in fleet[::1999]),
            *(replace(each, standing=Standing.QUARANTINED) for each in fleet[1::1999]),
            *(replace(each, last_report_at=now - timedelta(days=60)) for each in fleet[2::199]),
        ]
        fresh = {each.id for each in few}
        until = now + timedelta(days=60)
        rest = [
            replace(each, last_report_at=now, certificate_expires_at=until)
            for each in fleet
            if each.id not in fresh
        ]
        work.devices.add(*few, *rest)
        work.decisions.place(
            Placement(each.id, site=f"Site {n % 40}") for n, each in enumerate(fleet)
        )
    house.console.figures.expire()


def _measure(house: ConsoleHouse, only: str) -> list[Page]:
    browser = house.browser(Role.ADMINISTRATOR, Role.LICENCE_MANAGER, language="fr")
    paths = [path for path in _paths(house) if only in path]
    firsts = {path: _first(browser, path) for path in paths}
    times: dict[str, list[tuple[float, float]]] = {path: [] for path in paths}
    sizes = {}
    for _ in range(ROUNDS):
        for path in paths:
            clock, processor = time.perf_counter(), _processor_s()
            answer = browser.get(path)
            taken = time.perf_counter() - clock, _processor_s() - processor
            times[path].append((taken[0] * 1e3, taken[1] * 1e3))
            assert answer.status_code == 200, (path, answer.status_code)
            sizes[path] = len(answer.content)
    print("| page | first look, s | median, ms | 95th percentile, ms | of processor, ms | kB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    pages = []
    for path in paths:
        walls, processors = zip(*times[path], strict=True)
        p95 = statistics.quantiles(walls, n=20)[-1]
        medians = statistics.median(walls), p95, statistics.median(processors)
        pages.append(Page(path, firsts[path], *medians, sizes[path]))
        print(pages[-1], flush=True)
    loaded = sum(file.stat().st_size for file in STATIC.iterdir() if file.suffix != ".LICENSE")
    whole = sizes.get("/", 0) + loaded
    said = "kept" if whole <= FIRST_PAGE_BYTES else "NOT KEPT"
    print(f"\nthe first page with all that it loads: {whole / 1000:.0f} kB, at most 200 ({said})")
    return pages


def _processor_s() -> float:
    """Of this process and of the database's, where there are such."""
    found = time.process_time()
    for each in DATABASE:
        with suppress(psutil.NoSuchProcess):
            for process in (each, *each.children()):
                spent = process.cpu_times()
                found += spent.user + spent.system
    return found


def _first(browser: Browser, path: str) -> float:
    """How long it is until the page is there with all that is counted behind it."""
    begun = time.perf_counter()
    while time.perf_counter() - begun < PATIENCE_S:
        answer = browser.get(path)
        assert answer.status_code in (200, 202), (path, answer.status_code, answer.text[-600:])
        if answer.status_code == 200 and 'role="status"' not in answer.text:
            return time.perf_counter() - begun
        time.sleep(0.5)
    raise SystemExit(f"{path} was not there after {PATIENCE_S} s")


def _paths(house: ConsoleHouse) -> list[str]:
    """Every page that a person may open: of those with a name in their address, one."""
    collector = house.collector
    widest = max(
        house.console.figures.position().value.lines, key=lambda line: line.missing or 0
    ).product
    turned = roster.turn(collector.store, collector.clock, Sought(), most=1)
    device = turned.rows[0].id
    middle = told(turned.rows[0].place)
    paths = [
        f"/position/line?product={quote(widest)}",
        f"/position/line?product={quote(widest)}&without=true",
        "/position?sort=-missing&state=gap",
        "/position?reading=worst",
        "/devices?text=12",
        "/unknown/rule?name=Outil+metier&as=component",
        "/devices?text=nothing-is-called-like-this",
        "/devices?condition=stale",
        "/devices?condition=revoked",
        "/devices?condition=quarantined",
        "/devices?condition=failed-sources",
        "/devices?site=Site+7",
        "/devices?ending=true",
        f"/devices?after={quote(middle)}",
        *(f"/devices/{device}{part}" for part in ("", "/history", "/cyclonedx")),
        *(f"/position/export?form={form}" for form in ("csv", "xlsx", "json")),
    ]
    for route in (route for router in PAGES for route in router.routes):
        if (
            isinstance(route, APIRoute)
            and "GET" in (route.methods or ())
            and "{" not in route.path
            and not any(each.field_info.is_required() for each in route.dependant.query_params)
            # One leads to another page; files are written as they are read, and are no pages.
            and route.path not in {"/administration", "/account/password"}
            and not any(part in route.path for part in ("/sign-in", "/export"))
            and guards(route)
        ):
            paths.append(route.path)
    return sorted(dict.fromkeys(paths))


if __name__ == "__main__":
    sys.exit(main())
