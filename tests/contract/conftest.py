"""The stores that must keep one contract: in memory, on SQLite, on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.services.ports import Store
from tests.contract.office import Office
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind in turn."""
    if request.param == "postgresql":
        made: str = request.getfixturevalue("postgresql")()
        return made
    return f"sqlite:///{tmp_path / 'quitus.db'}"


@pytest.fixture
def clock() -> FakeClock:
    """What dates the changes in `store`."""
    return FakeClock()


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    """Each implementation of ports.Store in turn, empty."""
    if request.param == "memory":
        yield MemoryStore(clock.now)
        return
    url = f"sqlite:///{tmp_path / 'quitus.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")()
    made = SQLStore(url, create=True, now=clock.now)
    made.upgrade()
    yield made
    made.close()


@pytest.fixture
def office(store: Store, clock: FakeClock) -> Office:
    return Office(store, clock)
