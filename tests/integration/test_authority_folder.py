"""The authority over the years: what is renewed when, and what is served meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509 import verification

from quitus_agent import keys
from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority.folder import LiveAuthority, RootKey
from quitus_collector.adapters.authority.x509 import Authority, Validity
from quitus_collector.errors import UsageError
from tests.builders import NOON
from tests.fakes.clock import FakeClock

DAY = timedelta(days=1)
VALIDITY = Validity()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    authority_folder.create(tmp_path / "authority", "Mercure", NOON)
    return tmp_path / "authority"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files are looked at each time."""
    monkeypatch.setattr(authority_folder, "LOOK_EVERY_S", 0)


def live(folder: Path, clock: FakeClock) -> LiveAuthority:
    return LiveAuthority(folder, ["localhost"], clock, VALIDITY)


def is_trusted(chain: bytes, roots: tuple[bytes, ...], clock: FakeClock) -> bool:
    store = verification.Store([x509.load_der_x509_certificate(each) for each in roots])
    leaf, *issuers = x509.load_pem_x509_certificates(chain)
    builder = verification.PolicyBuilder().store(store).time(clock.now())
    try:
        builder.build_server_verifier(x509.DNSName("localhost")).verify(leaf, issuers)
    except verification.VerificationError:
        return False
    return True


def test_the_server_certificate_is_replaced_in_the_last_third_of_its_life(folder: Path) -> None:
    clock = FakeClock()
    served = live(folder, clock)
    first = served.server()

    clock.advance(59 * DAY)
    assert served.server() == first
    clock.advance(2 * DAY)

    assert served.server().chain != first.chain
    assert is_trusted(served.server().chain, served.current().trust_roots(), clock)


def test_the_issuing_authority_is_renewed_in_time_and_the_old_chains_stay_good(
    folder: Path, at_once: None
) -> None:
    clock = FakeClock()
    served = live(folder, clock)
    clock.advance(230 * DAY)
    assert not served.keep_up()
    old = served.server()
    clock.advance(20 * DAY)

    assert served.keep_up()

    assert not served.keep_up()
    assert served.server().chain != old.chain
    for chain in (old.chain, served.server().chain):
        assert is_trusted(chain, served.current().trust_roots(), clock)


@pytest.mark.parametrize(
    "hide",
    [lambda key: key.unlink(), lambda key: key.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----")],
    ids=["off-line", "encrypted"],
)
def test_without_the_roots_key_the_collector_renews_nothing(
    folder: Path, hide: Callable[[Path], None]
) -> None:
    clock = FakeClock()
    served = live(folder, clock)
    hide(folder / "root.key")
    clock.advance(300 * DAY)

    assert not served.keep_up()


def test_a_prepared_root_is_sent_out_before_anything_is_shown_under_it(
    folder: Path, at_once: None
) -> None:
    clock = FakeClock()
    served = live(folder, clock)
    (old_root,) = served.current().trust_roots()

    authority_folder.prepare(folder, NOON)

    both = served.current().trust_roots()
    assert both[0] == old_root
    assert len(both) == 2
    assert is_trusted(served.server().chain, (old_root,), clock)

    authority_folder.activate(folder, NOON, validity=VALIDITY)

    assert set(served.current().trust_roots()) == set(both)
    assert not is_trusted(served.server().chain, (old_root,), clock)
    assert is_trusted(served.server().chain, both, clock)

    assert authority_folder.retire(folder) == ["root"]
    assert served.current().trust_roots() == both[1:]


def test_roots_are_prepared_and_activated_one_at_a_time(folder: Path) -> None:
    with pytest.raises(UsageError, match="no root is prepared"):
        authority_folder.activate(folder, NOON, validity=VALIDITY)
    authority_folder.prepare(folder, NOON)
    with pytest.raises(UsageError, match="is prepared already"):
        authority_folder.prepare(folder, NOON)


def test_what_an_interrupted_renewal_leaves_is_no_obstacle(folder: Path) -> None:
    (folder / ".issuing.pem").write_text("half a key")

    authority_folder.renew(folder, NOON, validity=VALIDITY)

    certificate = Authority(folder).issue(keys.signing_request(keys.new_key()), "d-1", NOON)
    assert len(certificate.chain) == 2


def test_a_folder_that_breaks_while_it_is_served_is_told_and_mended(
    folder: Path, at_once: None, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    served = live(folder, clock)
    whole = (folder / "issuing.pem").read_bytes()
    before = served.server()

    (folder / "issuing.pem").write_bytes(whole[:200])
    kept = served.server()
    (folder / "issuing.pem").write_bytes(whole)
    mended = served.server()

    assert kept == before
    assert "is damaged" in caplog.records[0].reason  # type: ignore[attr-defined]
    assert mended.chain != before.chain
    assert is_trusted(mended.chain, served.current().trust_roots(), clock)


def test_a_root_key_that_is_there_already_is_used(tmp_path: Path) -> None:
    key = RootKey(tmp_path / "root.key", lambda: b"correct horse")
    public = key.read_or_make().public_key()

    authority_folder.create(tmp_path / "authority", "Mercure", NOON, root_key=key)

    root = x509.load_der_x509_certificate(Authority(tmp_path / "authority").root())
    assert root.public_key() == public
    with pytest.raises(UsageError, match="passphrase is not its own"):
        RootKey(tmp_path / "root.key", lambda: b"battery staple").read()
