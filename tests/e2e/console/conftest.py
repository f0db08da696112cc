"""A console with a fleet, served over HTTPS, and the browser at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browsing import Look, ServedConsole, chromium, look, served
from tests.console import ConsoleHouse


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for a module: while it is there, nothing else may run a loop of its own."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[ServedConsole]:
    """With a fleet and licence pools; shared by a module."""
    house = ConsoleHouse(tmp_path_factory.mktemp("console") / "collector", devices=120)
    with served(house, browser) as serving:
        yield serving
    house.close()


@pytest.fixture
def keep(tmp_path: Path) -> Look:
    """Takes a picture, for the handbook where it is asked for."""
    return lambda page, name: look(page, tmp_path, name)
