"""Rules that a person wrote wrong are their trouble, not the devices'."""

import pytest

from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e


def test_a_rule_that_is_wrong_keeps_no_device_from_reporting(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    rules = collector.home / "catalogue"
    rules.mkdir()
    (rules / "maison.toml").write_text("label = 1\n")
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        reported = agent.run("report")
        log = collector.log()
    told = collector.run("position")
    (rules / "maison.toml").unlink()

    assert reported.status == 0, reported
    assert "maison.toml" in log
    assert told.status == 1
    assert "maison.toml" in told.err
    assert "1 sur 1" in collector.ok("position")
