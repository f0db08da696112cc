"""The certificate authority's certificates, judged by OpenSSL's rules through `cryptography`."""

import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import verification

from quitus_agent import keys
from quitus_collector.adapters.authority.folder import create
from quitus_collector.adapters.authority.x509 import Authority, client_certificate
from quitus_collector.errors import CollectorError, InvalidRequest, UsageError
from tests.builders import NOON

REQUEST = keys.signing_request(keys.new_key())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An authority on disk."""
    create(tmp_path / "authority", "Mercure", NOON)
    return tmp_path / "authority"


@pytest.fixture
def authority(folder: Path) -> Authority:
    """The same, read back."""
    return Authority(folder)


def roots(authority: Authority) -> verification.PolicyBuilder:
    store = verification.Store([x509.load_der_x509_certificate(authority.root())])
    return verification.PolicyBuilder().store(store).time(NOON)


def broken(request: bytes, good: bytes, bad: bytes) -> bytes:
    """A request with some of its bytes changed."""
    assert request.count(good) == 1
    return request.replace(good, bad)


def request_for(key: object, subject: str = "whoever") -> bytes:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    signed = builder.sign(key, hashes.SHA256())  # type: ignore[arg-type]
    return signed.public_bytes(serialization.Encoding.DER)


def test_a_device_certificate_chains_to_the_root_and_is_for_clients(authority: Authority) -> None:
    request = keys.signing_request(keys.new_key())

    issued = authority.issue(request, "3f0c", NOON)

    leaf, *issuers = map(x509.load_der_x509_certificate, issued.chain)
    verified = roots(authority).build_client_verifier().verify(leaf, issuers)
    assert len(verified.chain) == 3
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [x509.ExtendedKeyUsageOID.CLIENT_AUTH]
    assert issued.expires_at == NOON + timedelta(days=30)


def test_the_collector_names_the_device_whatever_the_request_says(authority: Authority) -> None:
    request = request_for(ec.generate_private_key(ec.SECP256R1()), subject="the director's laptop")

    issued = authority.issue(request, "d-1", NOON)

    leaf = x509.load_der_x509_certificate(issued.chain[0])
    assert client_certificate(leaf.public_bytes(serialization.Encoding.PEM)).device_id == "d-1"
    assert b"director" not in issued.chain[0]


def test_a_server_certificate_is_good_for_its_names_only(authority: Authority) -> None:
    made = authority.issue_server(["collector.example.fr", "192.0.2.7"], NOON)
    leaf, *issuers = x509.load_pem_x509_certificates(made.chain)

    def is_good_for(name: str) -> bool:
        verifier = roots(authority).build_server_verifier(x509.DNSName(name))
        try:
            verifier.verify(leaf, issuers)
        except verification.VerificationError:
            return False
        return True

    assert is_good_for("collector.example.fr")
    assert not is_good_for("other.example.fr")


def test_no_certificate_outlives_its_issuer(authority: Authority) -> None:
    late = NOON + timedelta(days=365 - 10)

    issued = authority.issue(keys.signing_request(keys.new_key()), "d-1", late)

    assert issued.expires_at == NOON + timedelta(days=365)


def test_keys_are_readable_by_their_owner_alone(folder: Path) -> None:
    modes = {path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in folder.iterdir()}

    assert modes == {
        "root.pem": "0o644",
        "root.key": "0o600",
        "issuing.pem": "0o600",
    }


@pytest.mark.parametrize(
    ("request_bytes", "complaint"),
    [
        (b"", "malformed"),
        (b"\x30\x82\xff\xff", "malformed"),
        (os.urandom(400), "malformed"),
        # Of a version and with a kind of key that nobody knows: found by fuzzing.
        (broken(REQUEST, b"\x02\x01\x00\x30\x00", b"\x02\x01\x08\x30\x00"), "malformed"),
        (
            broken(REQUEST, b"\x2a\x86\x48\xce\x3d\x02\x01", b"\x2a\x86\x49\xce\x3d\x02\x01"),
            "malformed",
        ),
        (request_for(ec.generate_private_key(ec.SECP384R1())), "not on the curve P-256"),
        (request_for(rsa.generate_private_key(65537, 2048)), "not on the curve P-256"),
    ],
    # By number: what is random has another name in each process.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_unsuitable_request_is_refused(
    authority: Authority, request_bytes: bytes, complaint: str
) -> None:
    for ask in (authority.key_sha256, lambda each: authority.issue(each, "d-1", NOON)):
        with pytest.raises(InvalidRequest, match=complaint):
            ask(request_bytes)


def test_a_request_signed_by_another_key_is_refused(authority: Authority) -> None:
    request = bytearray(request_for(ec.generate_private_key(ec.SECP256R1())))
    request[-1] ^= 1

    with pytest.raises(InvalidRequest):
        authority.key_sha256(bytes(request))


def test_an_authority_is_never_written_over(folder: Path) -> None:
    before = (folder / "root.key").read_bytes()

    with pytest.raises(UsageError, match="already holds an authority"):
        create(folder, "Mercure", NOON)

    assert (folder / "root.key").read_bytes() == before


def test_a_damaged_authority_is_named(folder: Path) -> None:
    (folder / "issuing.pem").write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n")

    with pytest.raises(CollectorError, match=r"the authority in .* is damaged"):
        Authority(folder)
