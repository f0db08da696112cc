"""A console with a fleet, served over HTTPS, and the browser at it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from quitus_collector.wiring import prices
from tests.browsing import Look, ServedConsole, chromium, look, served
from tests.console import POOLS, ConsoleHouse

PRICES = POOLS.with_name("prices.csv")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: while it is there, nothing else may run a loop of its own."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[ServedConsole]:
    """With a fleet and licence pools; shared by a module."""
    house = ConsoleHouse(tmp_path_factory.mktemp("console") / "collector", devices=120)
    most_report_today(house)
    prices.import_prices(house.collector, PRICES)
    with served(house, browser) as serving:
        yield serving
    house.close()


def most_report_today(house: ConsoleHouse) -> None:
    """But one in fifteen, silent since the fleet was made: pictures show a fleet in use."""
    now = house.collector.clock.now()
    with house.collector.store.writing() as work:
        devices = sorted(work.devices.list(), key=lambda each: each.name)
        speaking = [each for number, each in enumerate(devices) if number % 15]
        valid_until = now + timedelta(days=60)
        work.devices.add(
            *(
                replace(each, last_report_at=now, certificate_expires_at=valid_until)
                for each in speaking
            )
        )


@pytest.fixture
def keep(tmp_path: Path) -> Look:
    """Takes a picture, for the handbook where it is asked for."""
    return lambda page, name: look(page, tmp_path, name)
