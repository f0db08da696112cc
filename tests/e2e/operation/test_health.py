"""What those who watch the collector are told, and what the log says to machines."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.programs import AgentFolder, CollectorFolder
from tests.waiting import until

pytestmark = pytest.mark.e2e


def asked(collector: CollectorFolder, path: str) -> tuple[int, str]:
    lines = collector.log().splitlines()
    said = next(line for line in lines if "health and metrics are told" in line)
    port = int(said.rpartition("port=")[2])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code, refusal.read().decode()


def figures(collector: CollectorFolder) -> dict[str, float]:
    status, text = asked(collector, "/metrics")
    assert status == 200
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_metrics_count_what_every_process_did(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path, workers: str
) -> None:
    others = [AgentFolder(tmp_path / f"agent-{number}") for number in range(3)]
    token = collector.token_file("--uses", "5")
    with collector.serving("--workers", workers, "--health", "127.0.0.1:0") as (port, _):
        for each in (agent, *others):
            assert each.enrol(port, token).status == 0
            assert each.run("report").status == 0
        assert agent.run("report").status == 0
        told = figures(collector)
        text = asked(collector, "/metrics")[1]

    assert told['quitus_call_seconds_count{method="Enrol",status="OK"}'] == 4
    assert told['quitus_reports_total{answer="Accepted",content="Inventory"}'] == 4
    assert told['quitus_reports_total{answer="Accepted",content="Unchanged"}'] == 1
    assert told["quitus_transaction_seconds_count"] == 5
    assert told["quitus_ready"] == 1
    assert told["quitus_workers"] == int(workers)
    memory = [v for k, v in told.items() if k.startswith("quitus_resident_memory_bytes")]
    assert len(memory) == int(workers)
    assert all(20e6 < each < 250e6 for each in memory)
    device = json.loads(agent.run("status", "--format", "json").out)["device_id"]
    assert device not in text


def test_a_refusal_is_counted_by_its_status(collector: CollectorFolder, agent: AgentFolder) -> None:
    token = collector.token_file("--uses", "1")
    with collector.serving("--health", "127.0.0.1:0") as (port, _):
        assert agent.enrol(port, token).status == 0
        assert AgentFolder(agent.state / "other").enrol(port, token).status != 0
        told = figures(collector)

    assert told['quitus_call_seconds_count{method="Enrol",status="PERMISSION_DENIED"}'] == 1


def test_ready_is_who_can_serve(collector: CollectorFolder) -> None:
    database = collector.home / "quitus.db"
    with collector.serving("--workers", "2", "--health", "127.0.0.1:0"):
        alive, ready = asked(collector, "/livez"), asked(collector, "/readyz")
        beside = database.rename(database.with_name("away.db"))
        away = asked(collector, "/readyz")
        still_alive = asked(collector, "/livez")
        beside.rename(database)
        back = until(lambda: asked(collector, "/readyz")[0] == 200)
        unknown = asked(collector, "/")

    assert (alive[0], ready[0], still_alive[0], unknown[0]) == (200, 200, 200, 404)
    assert away[0] == 503
    assert str(database) in away[1]
    assert back


def test_logs_are_json_where_machines_read_them(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    collector.set("logs", '"json"')
    with collector.serving("--workers", "2") as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        assert agent.run("report").status == 0

    lines = [json.loads(line) for line in collector.log().splitlines()]
    (accepted,) = [each for each in lines if each["message"] == "report accepted"]
    assert accepted["level"] == "INFO"
    assert accepted["worker"] in (1, 2)
    assert accepted["installs"] >= 0
    assert accepted["device_id"]
    assert accepted["time"].endswith("Z")
