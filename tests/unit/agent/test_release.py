"""What the agent believes of another release, and what it does not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quitus.v1 import inventory_pb2
from quitus_agent import release
from quitus_agent.errors import AgentError
from quitus_agent.version import RELEASE_FILE
from quitus_collector.adapters.authority.folder import create
from quitus_collector.adapters.authority.x509 import Authority
from quitus_collector.entrypoints import agent_release

NOW = datetime.now(UTC)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return made_authority(tmp_path / "authority")


def made_authority(folder: Path) -> Authority:
    create(folder, "Test", NOW)
    return Authority(folder)


def answer(authority: Authority, package: Path, at: datetime = NOW) -> inventory_pb2.ReportResponse:
    """What a collector with this authority answers that offers this package."""
    made = agent_release.make(
        "1.4.0", [package], "https://depot.example.fr/", lambda said: authority.vouch(said, at)
    )
    said = inventory_pb2.AgentRelease.FromString(made)
    return inventory_pb2.ReportResponse(receipt=b"r", wanted_agent=said)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    file = tmp_path / "quitus agent.msi"
    file.write_bytes(b"the agent")
    return file


def test_what_the_collector_signed_is_told_and_its_package_known(
    authority: Authority, package: Path, tmp_path: Path
) -> None:
    release.note(tmp_path, authority.trust_roots_pem(), answer(authority, package))

    found = release.load(tmp_path, authority.trust_roots_pem())

    assert found is not None
    assert found.version == "1.4.0"
    (known,) = found.packages
    assert known.location == "https://depot.example.fr/quitus%20agent.msi"
    assert known.size_bytes == 9
    assert release.checked(found, package) == known
    package.write_bytes(b"another")
    with pytest.raises(AgentError, match=r"is no package of agent 1\.4\.0: do not install it"):
        release.checked(found, package)


def test_an_answer_without_one_ends_it(authority: Authority, package: Path, tmp_path: Path) -> None:
    roots = authority.trust_roots_pem()
    release.note(tmp_path, roots, answer(authority, package))

    release.note(tmp_path, roots, inventory_pb2.ReportResponse(receipt=b"r"))

    assert release.load(tmp_path, roots) is None


def test_what_was_changed_after_it_was_signed_is_not_believed(
    authority: Authority, package: Path, tmp_path: Path
) -> None:
    said = answer(authority, package)
    offer = inventory_pb2.AgentOffer.FromString(said.wanted_agent.offer)
    offer.packages[0].sha256 = b"x" * 32
    said.wanted_agent.offer = offer.SerializeToString()

    with pytest.raises(AgentError, match="was changed after it was signed"):
        release.note(tmp_path, authority.trust_roots_pem(), said)

    assert not (tmp_path / RELEASE_FILE).exists()


def test_another_authority_cannot_vouch(
    authority: Authority, package: Path, tmp_path: Path
) -> None:
    other = made_authority(tmp_path / "other")

    with pytest.raises(AgentError, match="not signed by an authority that this device trusts"):
        release.note(tmp_path, authority.trust_roots_pem(), answer(other, package))


def test_a_device_cannot_vouch_with_its_own_certificate(
    authority: Authority, package: Path, tmp_path: Path
) -> None:
    from quitus_agent import keys

    key = keys.new_key()
    issued = authority.issue(keys.signing_request(key), "d-1", NOW)
    said = answer(authority, package)
    del said.wanted_agent.signers[:]
    said.wanted_agent.signers.extend(issued.chain)
    said.wanted_agent.signature = keys.sign(key, release.PREFIX + said.wanted_agent.offer)

    with pytest.raises(AgentError, match="not signed by an authority that this device trusts"):
        release.note(tmp_path, authority.trust_roots_pem(), said)


def test_what_was_signed_long_ago_is_not_told_for_ever(
    authority: Authority, package: Path, tmp_path: Path
) -> None:
    long_ago = answer(authority, package, NOW - timedelta(days=400))

    with pytest.raises(AgentError, match="not signed by an authority that this device trusts"):
        release.note(tmp_path, authority.trust_roots_pem(), long_ago)


@pytest.mark.parametrize("damage", [b"", b"\xff" * 40, b"x" * 100_000])
def test_a_damaged_file_is_said_to_be(authority: Authority, damage: bytes, tmp_path: Path) -> None:
    (tmp_path / RELEASE_FILE).write_bytes(damage)

    with pytest.raises(AgentError, match=r"is damaged|is too long"):
        release.load(tmp_path, authority.trust_roots_pem())
