"""Consoles that the tests of its pages share."""

from collections.abc import Iterator

import pytest

from tests.console import ConsoleHouse


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """With a fleet and licence pools; shared by a module, so that only reading is safe."""
    made = ConsoleHouse(tmp_path_factory.mktemp("house") / "collector", devices=60)
    yield made
    made.close()


@pytest.fixture
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """Without devices, and a test's own."""
    made = ConsoleHouse(tmp_path_factory.mktemp("house") / "collector")
    yield made
    made.close()
