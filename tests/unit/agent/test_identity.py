import stat
from datetime import timedelta
from pathlib import Path

import pytest

from quitus_agent import identity, keys
from quitus_agent.errors import AgentError
from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority import x509
from quitus_collector.services import access
from tests.builders import NOON


@pytest.fixture
def issued(tmp_path: Path) -> identity.Identity:
    """An identity as an enrolment leaves it in `tmp_path / "state"`."""
    authority_folder.create(tmp_path / "authority", "Test", NOON)
    authority = x509.Authority(tmp_path / "authority")
    state = tmp_path / "state"
    key = keys.pending_key(state)
    certificate = authority.issue(keys.signing_request(key), "d-1", NOON)
    blank = identity.Identity(
        "d-1",
        "collector",
        7444,
        b"",
        b"",
        keys.pem([authority.root()]),
        identity.NEVER,
        bytes(32),
        7443,
    )
    known = keys.certified(blank, key, keys.pem(list(certificate.chain)))
    identity.save(state, known)
    return known


def test_an_identity_is_read_back_as_it_was_kept(tmp_path: Path, issued: identity.Identity) -> None:
    assert identity.load(tmp_path / "state") == issued


def test_only_the_owner_may_read_what_is_kept(tmp_path: Path, issued: identity.Identity) -> None:
    keys.pending_key(tmp_path / "state")
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()
    }

    assert modes == {"pending-key.pem": 0o600, "identity.json": 0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_asking_again_signs_with_the_same_key(tmp_path: Path) -> None:
    assert keys.pending_key(tmp_path / "s") == keys.pending_key(tmp_path / "s")


def test_an_enrolment_that_is_done_leaves_no_pending_key(
    tmp_path: Path, issued: identity.Identity
) -> None:
    assert not (tmp_path / "state/pending-key.pem").exists()
    assert keys.pending_key(tmp_path / "state") != issued.private_key


def test_a_crash_right_after_an_enrolment_does_not_bring_its_key_back(
    tmp_path: Path, issued: identity.Identity
) -> None:
    (tmp_path / "state/pending-key.pem").write_bytes(issued.private_key)

    assert keys.pending_key(tmp_path / "state") != issued.private_key


def test_an_identity_ends_with_its_certificate(issued: identity.Identity) -> None:
    assert not identity.is_expired(issued, issued.expires_at - timedelta(seconds=1))
    assert identity.is_expired(issued, issued.expires_at)


def test_a_damaged_key_or_certificate_is_told_from_a_whole_one(issued: identity.Identity) -> None:
    assert keys.are_whole(issued)
    for part in ("private_key", "certificate_chain", "trust_roots"):
        cut = getattr(issued, part).replace(b"\nMI", b"\n")
        assert not keys.are_whole(issued._replace(**{part: cut})), part


def test_a_damaged_pending_key_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "pending-key.pem").write_bytes(b"garbage")

    assert keys.pending_key(tmp_path).startswith(b"-----BEGIN PRIVATE KEY")


def test_each_device_renews_at_its_own_moment_after_two_thirds() -> None:
    start, life = NOON, timedelta(days=30)
    moments = [
        identity.renewal_time(f"device-{n}", start, start + life) - start for n in range(200)
    ]

    assert min(moments) >= life * 2 / 3
    assert max(moments) <= life * (2 / 3 + 1 / 10)
    assert max(moments) - min(moments) > timedelta(days=2)
    assert identity.renewal_time("device-7", start, start + life) - start == moments[7]


def test_both_sides_name_the_trusted_roots_alike(tmp_path: Path, issued: identity.Identity) -> None:
    folder = tmp_path / "authority"
    authority_folder.prepare(folder, NOON)
    roots = x509.Authority(folder).trust_roots()

    keys.keep_trust(tmp_path / "state", reversed(roots))

    kept = identity.load(tmp_path / "state")
    assert identity.trust_digest(kept) == access.trust_digest(roots)
    assert identity.trust_digest(kept) != identity.trust_digest(issued)


def test_a_certificate_for_another_key_is_not_kept(issued: identity.Identity) -> None:
    with pytest.raises(AgentError, match="another key"):
        keys.certified(issued, keys.new_key(), issued.certificate_chain)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"device_id": "d-1"}', "null"])
def test_a_damaged_identity_is_told_with_the_way_out(
    tmp_path: Path, issued: identity.Identity, content: str
) -> None:
    (tmp_path / "state/identity.json").write_text(content)

    with pytest.raises(AgentError, match="enrol again with quitus-agent enrol --again"):
        identity.load(tmp_path / "state")
