"""A device that reaches no collector reports by file."""

from pathlib import Path

import pytest

from quitus.v1 import offline_pb2
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
