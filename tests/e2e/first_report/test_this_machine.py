"""This very machine enrols, reports, is set against licence pools and declared."""

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest
from pypdf import PdfReader

from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e


def test_from_an_empty_folder_to_a_declaration(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    with collector.serving() as (enrolment, _):
        enrolled = agent.enrol(enrolment, collector.token_file())
        assert enrolled.status == 0, enrolled
        reported = agent.run("report")
        assert reported.status == 0, reported

    status = json.loads(agent.run("status", "--format", "json").out)
    (device,) = json.loads(collector.ok("devices", "list", "--format", "json"))
    assert device["id"] == status["device_id"]
    assert device["name"] == socket.gethostname()
    assert device["installs"] == status["last_report"]["installs"]

    pools = tmp_path / "pools.csv"
    pools.write_text("id;product;quantity\nVL-1;microsoft/office/standard@2019;5\n")
    assert "1 entitlements added" in collector.ok("pools", "import", str(pools))

    position = json.loads(collector.ok("position", "--format", "json"))
    (line,) = [each for each in position["lines"] if each["entitled"]]
    assert (line["installed"], line["available"], line["state"]) == (0, 5, "compliant")
    assert "Microsoft Office Standard 2019" in collector.ok("position")
    assert "microsoft/office/standard@2019,Microsoft Office" in collector.ok(
        "position", "--format", "csv"
    )

    out = tmp_path / "declaration"
    collector.ok("declaration", "draft", "--publisher", "microsoft", "--out", str(out))
    document = json.loads((out / "declaration.json").read_text())
    assert [each["product"] for each in document["lines"]] == ["microsoft/office/standard@2019"]
    text = "".join(page.extract_text() for page in PdfReader(out / "declaration.pdf").pages)
    assert "Microsoft Office Standard 2019" in text


@pytest.mark.needs("dpkg")
def test_every_package_of_this_machine_reaches_the_collector(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    query = [
        "dpkg-query",
        "-W",
        "-f",
        "${Package}\t${Version}\t${Architecture}\t${db:Status-Status}\n",
    ]
    listed = subprocess.run(query, capture_output=True, text=True, check=True).stdout.splitlines()
    # dpkg-query also lists packages that were removed and left their configuration behind.
    expected = sorted(
        tuple(line.split("\t")[:3]) for line in listed if not line.endswith("config-files")
    )

    with collector.serving() as (enrolment, _):
        agent.enrol(enrolment, collector.token_file())
        assert agent.run("report").status == 0

    name = socket.gethostname()
    shown = json.loads(collector.ok("devices", "show", name, "--format", "json"))["software"]
    assert sorted((s["name"], s["version"], s["architecture"]) for s in shown) == expected
    assert collector.ok("devices", "show", name).splitlines()[-1] == f"{len(expected)} installs"


def test_a_report_survives_a_restart_of_the_collector(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, inventory):
        agent.enrol(enrolment, collector.token_file())

    # The collector comes back on other ports: the device is told by its own settings where.
    identity = agent.state / "identity.json"
    with collector.serving() as (_, moved):
        identity.write_text(identity.read_text().replace(str(inventory), str(moved)))
        assert agent.run("report").status == 0


def test_what_the_programs_keep_is_theirs_alone(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        agent.enrol(enrolment, collector.token_file())

    private = [*agent.state.iterdir(), *collector.home.glob("authority/*.key")]
    private.append(collector.home / "authority/issuing.pem")
    assert len(private) == 3
    for name in ("pseudonym.key", "quitus.db"):
        assert (collector.home / name).stat().st_mode & 0o077 == 0, name
    for path in (*private, agent.state, collector.home, collector.home / "authority"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_no_secret_reaches_the_log_or_the_screen(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    token = collector.token_file()
    secret = token.read_text().strip().rpartition(".")[2]

    with collector.serving() as (enrolment, _):
        answers = [agent.enrol(enrolment, token), agent.run("report"), agent.run("status")]

    said = collector.log() + "".join(answer.out + answer.err for answer in answers)
    assert secret not in said
    assert "PRIVATE KEY" not in said
    assert secret not in collector.ok("token", "list")
    assert re.search(r'INFO report accepted device_id="[0-9a-f-]{36}" installs=\d+', said)
