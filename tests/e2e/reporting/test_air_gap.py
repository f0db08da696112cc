"""A device that reaches no collector reports by file."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from quitus.v1 import offline_pb2
from quitus_agent import identity
from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e


@pytest.fixture
def enrolled(collector: CollectorFolder, agent: AgentFolder) -> AgentFolder:
    with collector.serving() as (enrolment, _):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
    return agent


def written(agent: AgentFolder, file: Path) -> Path:
    answer = agent.run("report", "--to", str(file))
    assert answer.status == 0, answer
    assert "signed" in answer.out
    return file


def test_a_report_travels_as_a_file_and_counts_once(
    collector: CollectorFolder, enrolled: AgentFolder, tmp_path: Path
) -> None:
    file = written(enrolled, tmp_path / "report")

    first = collector.run("reports", "import", str(file))
    again = collector.run("reports", "import", str(file))

    assert first.status == 0, first
    assert "installs" in first.out
    assert again.status == 1
    assert f"{file}: is not newer than what is held of" in again.err


def test_a_device_may_report_both_ways(
    collector: CollectorFolder, enrolled: AgentFolder, tmp_path: Path
) -> None:
    collector.ok("reports", "import", str(written(enrolled, tmp_path / "report")))

    inventory = int(enrolled.run("status").out.split("localhost:")[1].split()[0])
    with collector.serving_on(0, inventory):
        answers = [enrolled.run("report").status for _ in range(2)]

    assert answers == [0, 0]


def refusals(collector: CollectorFolder) -> list[tuple[str, str]]:
    """What was refused and why, by the audit log."""
    collector.ok("audit", "verify")
    entries = json.loads(collector.ok("audit", "list", "--format", "json"))
    return [
        (each["subject"], each["detail"]["reason"])
        for each in entries
        if each["event"] == "refused"
    ]


def test_a_file_that_a_replaced_key_signed_is_refused(
    collector: CollectorFolder, enrolled: AgentFolder, tmp_path: Path
) -> None:
    """An old copy of the device, or of its key, is not the device any more."""
    old = identity.load(enrolled.state)
    with collector.serving_on(old.enrolment_port, old.inventory_port):
        identity.save(enrolled.state, old._replace(renews_at=datetime.now(UTC)))
        assert enrolled.run("report").status == 0
    renewed = identity.load(enrolled.state)
    identity.save(enrolled.state, old)
    stale = written(enrolled, tmp_path / "stale")
    identity.save(enrolled.state, renewed)
    present = written(enrolled, tmp_path / "present")

    refused = collector.run("reports", "import", str(stale))
    taken = collector.run("reports", "import", str(present))

    assert refused.status == 1
    assert f"{stale}: this device's key was replaced by a newer one" in refused.err
    assert taken.status == 0, taken
    ((subject, reason),) = refusals(collector)
    assert subject == "file stale"
    assert reason.startswith("this device's key was replaced")


def test_a_file_of_a_revoked_device_is_refused(
    collector: CollectorFolder, enrolled: AgentFolder, tmp_path: Path
) -> None:
    file = written(enrolled, tmp_path / "report")
    collector.ok("devices", "revoke", identity.load(enrolled.state).device_id)

    refused = collector.run("reports", "import", str(file))

    assert refused.status == 1
    assert f"{file}: this device was revoked on" in refused.err
    ((subject, reason),) = refusals(collector)
    assert (subject, reason[:23]) == ("file report", "this device was revoked")


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        ("content", "was changed after it was signed"),
        ("signer", "is not signed by a device of this collector"),
        ("bytes", "is not a signed report"),
        ("absent", "No such file or directory"),
    ],
)
def test_a_file_that_is_not_a_devices_own_is_refused_and_the_others_are_taken(
    collector: CollectorFolder,
    enrolled: AgentFolder,
    tmp_path: Path,
    damage: str,
    complaint: str,
) -> None:
    good = written(enrolled, tmp_path / "good")
    bad = tmp_path / "bad"
    signed = offline_pb2.SignedReport.FromString(good.read_bytes())
    if damage == "content":
        signed.report = signed.report.replace(b"dpkg", b"dpkh")
        bad.write_bytes(signed.SerializeToString())
    elif damage == "signer":
        del signed.certificate_chain[0]
        bad.write_bytes(signed.SerializeToString())
    elif damage == "bytes":
        bad.write_bytes(b"\xff" * 100)

    answer = collector.run("reports", "import", str(bad), str(good))

    assert answer.status == 1
    assert complaint in answer.err
    assert answer.err.count("\n") == 1
    assert str(good) in answer.out
    written_down = [reason for _, reason in refusals(collector)]
    assert written_down == ([] if damage == "absent" else [complaint])
