"""A collector that was lost comes back from its backup, and no device is touched."""

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.drill import drill
from tests.fleet.simulator import lost
from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e


def test_a_collector_restored_elsewhere_serves_the_devices_of_the_lost_one(tmp_path: Path) -> None:
    found = drill(tmp_path, live=5)

    after = found.collector
    listed = json.loads(after.ok("devices", "list", "--format", "json"))
    assert found.refusals == []
    assert found.acknowledged >= 5
    assert {each["id"] for each in listed} == {each.known.device_id for each in found.devices}
    assert {each["standing"] for each in listed} == {"active"}
    assert lost(f"sqlite:///{after.home / 'quitus.db'}", found.devices) == []
    assert "backup restored" in after.ok("audit", "list")
    after.ok("audit", "verify")


def test_the_agent_itself_goes_on_without_a_hand_laid_on_it(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    file, phrase = tmp_path / "backup.zip", tmp_path / "passphrase"
    phrase.touch(0o600)
    phrase.write_text("correct horse\n")
    sealed = ("--passphrase-file", str(phrase))
    other = CollectorFolder(tmp_path / "other")
    with collector.serving() as (enrolment, inventory):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        assert agent.run("report").status == 0
        collector.ok("backup", str(file), *sealed)
        # Heard after the backup: the collector that comes back does not know of it.
        assert agent.run("report").status == 0
    shutil.rmtree(collector.home)
    identity = (agent.state / "identity.json").read_bytes()
    away = agent.run("report")

    other.ok("restore", str(file), *sealed)
    with other.serving_on(enrolment, inventory):
        back = agent.run("report")

    assert (away.status, "no collector answers" in away.err) == (1, True)
    assert back.status == 0, back
    assert (agent.state / "identity.json").read_bytes() == identity
    told = agent.run("status", QUITUS_AGENT_COLLECTOR="lyon.example.fr", LC_ALL="fr_FR.UTF-8").out
    assert re.search(r"^rapports en attente +0$", told, re.MULTILINE)
    idle = r"^sans effet +collector 'lyon.example.fr' : ce poste rapporte à localhost"
    assert re.search(idle, told, re.MULTILINE)
