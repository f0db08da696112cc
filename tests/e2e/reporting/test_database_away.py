"""A database that stops under the collector: agents keep what they say, the rest heals itself."""

import json
from pathlib import Path
from threading import Thread

import pytest

from tests.postgresql import Server
from tests.programs import AgentFolder, Answer, CollectorFolder

pytestmark = pytest.mark.e2e


def test_reports_wait_for_a_database_that_stops_and_are_kept_once_it_is_back(
    postgresql: Server, tmp_path: Path
) -> None:
    collector = CollectorFolder(tmp_path / "collector")
    collector.ok("init")
    agent = AgentFolder(tmp_path / "agent")
    answers: list[Answer] = []
    with collector.serving() as (enrolment, _):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        assert agent.run("report").status == 0
        postgresql.stop()
        told = agent.run("report")
        waiting = Thread(target=lambda: answers.append(agent.run("report", "--patience", "50")))
        waiting.start()
        postgresql.start()
        waiting.join()
        (device,) = json.loads(collector.ok("devices", "list", "--format", "json"))

    assert told.status == 1
    assert "answers: the collector cannot reach its database for now" in told.err
    assert "Traceback" not in collector.log()
    assert answers[0].status == 0, answers
    said = json.loads(agent.run("status", "--format", "json").out)
    assert (said["waiting"], said["trouble"]) == (0, None)
    assert device["digest"] == said["last_report"]["digest"]
