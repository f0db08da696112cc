"""The company says which agent it wants and which are too old; devices and people hear of it."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e


@pytest.fixture
def package(tmp_path: Path) -> Path:
    file = tmp_path / "quitus-agent-99.1.0.deb"
    file.write_bytes(b"not the agent, but its digest is what counts")
    return file


def test_a_device_hears_which_agent_is_wanted_and_checks_its_package(
    collector: CollectorFolder, agent: AgentFolder, package: Path
) -> None:
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        offered = collector.ok("agents", "offer", "99.1.0", str(package), "--at", "/depot")
        assert agent.run("report").status == 0

    told = agent.run("release").out
    state = json.loads(agent.run("status", "--format", "json").out)
    assert "/depot/quitus-agent-99.1.0.deb" in offered
    assert "the company wants 99.1.0 here, signed by its collector" in told
    assert "/depot/quitus-agent-99.1.0.deb" in told
    assert state["wanted_agent"].startswith("99.1.0")
    assert agent.run("release", "--check", str(package)).status == 0
    package.write_bytes(b"something else")
    refused = agent.run("release", "--check", str(package))
    assert (refused.status, "do not install it" in refused.err) == (1, True)


def test_an_offer_that_is_withdrawn_is_forgotten_by_devices(
    collector: CollectorFolder, agent: AgentFolder, package: Path
) -> None:
    collector.ok("agents", "offer", "99.1.0", str(package), "--at", "https://depot.example.fr")
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        assert agent.run("report").status == 0
    collector.ok("agents", "withdraw")
    # Another process that serves has never known of it.
    with collector.serving_on(port, int(agent_port(agent))):
        assert agent.run("report").status == 0

    assert "the collector told of no other one" in agent.run("release").out
    assert "wanted agent" not in agent.run("status").out


def test_an_agent_that_is_too_old_is_told_and_shown(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    collector.set("oldest", '"98.0"')
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        refused = agent.run("report")

    version = agent.run("--version").out.split()[1]
    state = agent.run("status").out
    listed = collector.ok("devices", "list")
    (device,) = json.loads(collector.ok("devices", "list", "--format", "json"))
    assert f"{version:20} 1 device" in collector.ok("agents", "show")
    assert refused.status == 1
    assert f"agent {version} is too old" in refused.err
    assert "98.0" in refused.err
    # Nothing is lost: it waits for the newer agent.
    assert "waiting reports    1" in state
    assert "is too old" in state
    assert f"has agent {version}, older than 98.0: its reports are refused" in listed
    assert (device["agent_version"], device["installs"]) == (version, 0)


def test_what_is_no_version_is_refused_and_nothing_is_offered(
    collector: CollectorFolder, package: Path, tmp_path: Path
) -> None:
    for words, complaint in (
        (("latest", str(package)), "'latest' is not a version like 1.4.0"),
        (("1.4.0", str(tmp_path / "none.msi")), "none.msi: No such file or directory"),
        (("1.4.0", str(package), str(package)), "two packages have the same name"),
    ):
        answer = collector.run("agents", "offer", *words, "--at", "https://depot.example.fr")
        assert (answer.status, complaint in answer.err) == (2, True), answer

    assert "devices are told of no agent" in collector.ok("agents", "show")


def test_with_the_digests_of_a_release_its_packages_alone_are_offered(
    collector: CollectorFolder, package: Path, tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    sums, public = tmp_path / "SHA256SUMS", tmp_path / "release.pub"
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    sums.write_text(f"{digest}  {package.name}\n")
    (tmp_path / "SHA256SUMS.sig").write_bytes(key.sign(sums.read_bytes()))
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, form))
    words = ("agents", "offer", "99.1.0", str(package), "--at", "/depot", "--sums", str(sums))
    whole = (*words, "--key", str(public))

    def refused(*given: str) -> str:
        answer = collector.run(*given)
        assert answer.status == 2, answer
        assert "devices are told of no agent" in collector.ok("agents", "show")
        return answer.err

    assert "--sums and --key go together" in refused(*words)
    package.write_bytes(b"of somebody else")
    assert f"{package.name}: is no file of that release" in refused(*whole)
    sums.write_text(f"{hashlib.sha256(package.read_bytes()).hexdigest()}  {package.name}\n")
    assert "SHA256SUMS: is not signed with this key" in refused(*whole)
    (tmp_path / "SHA256SUMS.sig").write_bytes(key.sign(sums.read_bytes()))
    assert "/depot/quitus-agent-99.1.0.deb" in collector.ok(*whole)


def agent_port(agent: AgentFolder) -> str:
    """Where this agent reports."""
    document = json.loads((agent.state / "identity.json").read_text())
    return str(document["inventory_port"])
