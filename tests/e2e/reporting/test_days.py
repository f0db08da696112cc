"""A device over days: unchanged, changed, away, copied to a second machine."""

import json
import shutil
from pathlib import Path

import pytest

from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e


def status(agent: AgentFolder) -> dict[str, object]:
    answer = agent.run("status", "--format", "json")
    assert answer.status == 0, answer
    document: dict[str, object] = json.loads(answer.out)
    return document


def test_an_unchanged_day_is_accepted_and_stores_nothing_new(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        agent.enrol(enrolment, collector.token_file())
        first = agent.run("report")
        second = agent.run("report")

    assert (first.status, second.status) == (0, 0), (first, second)
    assert first.out == second.out
    # That an unchanged device was heard is in the store, not in the log.
    assert collector.log().count("report accepted") == 1
    assert status(agent)["waiting"] == 0


def test_what_waits_and_why_is_told_until_the_collector_is_back(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, inventory):
        agent.enrol(enrolment, collector.token_file())

    away = agent.run("report")
    waits = status(agent)
    shown = agent.run("status").out

    assert away.status == 1
    assert waits["waiting"] == 1
    assert "no collector answers at localhost" in str(waits["trouble"])
    assert "waiting reports    1" in shown
    assert "no collector answers" in shown

    with collector.serving_on(enrolment, inventory):
        back = agent.run("report", "--spread", "1")

    assert back.status == 0, back
    assert status(agent)["waiting"] == 0
    assert status(agent)["trouble"] is None


def test_patience_outlasts_a_collector_that_restarts(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    from threading import Thread

    with collector.serving() as (enrolment, inventory):
        agent.enrol(enrolment, collector.token_file())
    answers = []
    waiting = Thread(target=lambda: answers.append(agent.run("report", "--patience", "40")))
    waiting.start()

    with collector.serving_on(enrolment, inventory):
        waiting.join()

    assert answers[0].status == 0, answers


def test_a_copied_machine_shows_itself_and_is_decided_on(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    copy = AgentFolder(tmp_path / "copy")
    with collector.serving() as (enrolment, _):
        agent.enrol(enrolment, collector.token_file())
        agent.run("report")
        shutil.copytree(agent.state, copy.state)
        agent.run("report")
        agent.run("report")
        refused = copy.run("report")
        also_refused = agent.run("report")
        listed = collector.ok("devices", "list")
        position = collector.ok("position", "--format", "json")
        device_id = str(status(agent)["device_id"])
        settled = collector.ok("devices", "settle", device_id, "--as", "separate")
        accepted = agent.run("report")

    assert refused.status == 1
    assert "two machines report with this device's key" in refused.err
    assert "a person has to decide at the collector" in refused.err
    assert refused.err.count("\n") == 1
    assert also_refused.status == 1
    assert "is quarantined and not counted: two machines report" in listed
    assert json.loads(position)["perimeter"]["set_apart"] == 1
    assert json.loads(position)["lines"] == []
    assert settled.strip().endswith("is active")
    assert accepted.status == 0, accepted
