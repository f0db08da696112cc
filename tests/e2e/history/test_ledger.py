"""What a collector tells of the past, asked as an operator would."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e


@pytest.fixture
def reported(collector: CollectorFolder, agent: AgentFolder, tmp_path: Path) -> str:
    """The id of this machine, which has reported once."""
    with collector.serving() as (enrolment, _):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
    assert agent.run("report", "--to", str(tmp_path / "report")).status == 0
    collector.ok("reports", "import", str(tmp_path / "report"))
    (device,) = json.loads(collector.run("devices", "list", "--format", "json").out)
    return str(device["id"])


def test_an_install_has_its_history_and_a_day_its_position(
    collector: CollectorFolder, reported: str
) -> None:
    found = json.loads(collector.run("devices", "history", reported, "--format", "json").out)
    earlier = collector.run("position", "--as-of", "2020-01-31")
    future = collector.run("position", "--as-of", "2999-01-31")
    nonsense = collector.run("position", "--as-of", "31/01/2020")

    assert found
    assert {each["gone_at"] for each in found} == {None}
    assert all(each["first_seen"] and each["last_seen"] for each in found)
    assert [each.status for each in (earlier, future, nonsense)] == [2, 2, 2]
    begins = f"it begins on {datetime.now(UTC):%Y-%m}"
    assert f"the history has no position of 2020-01-31: {begins}" in earlier.err
    assert "2999-01-31 is not over yet" in future.err
    assert "'31/01/2020' is not a day like 2026-12-31" in nonsense.err


def test_what_is_forgotten_is_told_without_a_name(
    collector: CollectorFolder, reported: str
) -> None:
    shown = collector.run("devices", "history", reported)
    collector.ok("devices", "forget", reported)
    collector.ok("purge", "--older-than", "365")
    log = json.loads(collector.run("audit", "list", "--last", "2", "--format", "json").out)
    gone = collector.run("devices", "history", reported)
    removals = collector.run("removals", "--since", "2020-01-31")
    unknown = collector.run("removals", "--since", "2020-01-31", "--product", "nobody/nothing")

    assert "Vu en dernier" in shown.out
    assert [(each["event"], each["subject"]) for each in log] == [
        ("forgotten", "device number 1"),
        ("purged", "history"),
    ]
    assert (gone.status, f"{reported!r}" in gone.err) == (1, True)
    assert "Rien n’a disparu." in removals.out
    assert (unknown.status, "has no product 'nobody/nothing'" in unknown.err) == (2, True)
