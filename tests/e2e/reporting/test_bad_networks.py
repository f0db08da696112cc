"""A network that loses, delays and breaks, and a collector that is killed: nothing is lost."""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.network import HERE, Hosts, two_hosts
from tests.programs import COMMANDS, AgentFolder, CollectorFolder

pytestmark = [pytest.mark.e2e, pytest.mark.needs("namespaces")]
AGENTS = 5
ENROLMENT, INVENTORY = 7443, 7444


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    with two_hosts() as made:
        yield made


@contextmanager
def serving(collector: CollectorFolder, hosts: Hosts) -> Iterator[subprocess.Popen[str]]:
    """The collector on its host; it may be killed meanwhile."""
    command = [COMMANDS / "quitus-collector", "--home", collector.home, "serve"]
    with (
        (collector.home / "serve.log").open("a") as log,
        subprocess.Popen(
            [*hosts.here, *command], stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline().startswith("enrolment port")
        try:
            yield process
        finally:
            process.kill()


def start(agent: AgentFolder, hosts: Hosts, *words: str) -> subprocess.Popen[str]:
    command = [COMMANDS / "quitus-agent", "--state", agent.state, *words]
    return subprocess.Popen(
        [*hosts.there, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def outcomes(processes: list[subprocess.Popen[str]]) -> list[str]:
    """What went wrong, of those that did not end well."""
    said = [process.communicate(timeout=120) for process in processes]
    return [err for process, (_, err) in zip(processes, said, strict=True) if process.returncode]


def test_what_agents_say_arrives_whole_through_loss_partition_and_a_killed_collector(
    tmp_path: Path, hosts: Hosts
) -> None:
    collector = CollectorFolder(tmp_path / "collector")
    collector.ok("init", "--name", HERE)
    token = collector.token_file("--uses", str(AGENTS))
    agents = [AgentFolder(tmp_path / f"agent-{number}") for number in range(AGENTS)]
    enrol = ("enrol", "--collector", f"{HERE}:{ENROLMENT}", "--token-file", str(token))

    with serving(collector, hosts) as first:
        assert outcomes([start(agent, hosts, *enrol) for agent in agents]) == []
        hosts.link.loss, hosts.link.delay_s = 0.2, 0.02
        reports = [start(agent, hosts, "report", "--patience", "90") for agent in agents]
        wait_for_a_report(collector)
        first.send_signal(signal.SIGKILL)
        first.wait()
    hosts.link.up = False
    with serving(collector, hosts):
        time.sleep(1)
        hosts.link.up = True
        assert outcomes(reports) == []

    assert hosts.link.lost > 50
    held = {
        each["id"]: each for each in json.loads(collector.ok("devices", "list", "--format=json"))
    }
    assert len(held) == AGENTS
    for agent in agents:
        said = json.loads(agent.run("status", "--format", "json").out)
        assert said["waiting"] == 0
        device = held[said["device_id"]]
        assert device["digest"] == said["last_report"]["digest"]
        shown = json.loads(collector.ok("devices", "show", device["id"], "--format=json"))
        assert len(shown["software"]) == device["installs"] == said["last_report"]["installs"]


def wait_for_a_report(collector: CollectorFolder) -> None:
    for _ in range(600):
        if "report accepted" in collector.log():
            return
        time.sleep(0.05)
    pytest.fail("no report arrived within 30 seconds")
