"""Keys and certificates in their encodings: made when a device enrols, checked when one fails."""

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quitus_agent import identity
from quitus_agent.errors import AgentError
from quitus_agent.files import locked, write_whole
from quitus_agent.identity import PENDING_KEY_FILE, Identity


def new_key() -> bytes:
    """A fresh P-256 key, PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pending_key(state: Path, name: str = PENDING_KEY_FILE) -> bytes:
    """The key of an enrolment, or of what else `name` is for, that is under way; PEM, P-256.

    It is on disk before the collector hears of it: when the answer is lost, asking again with the
    same key brings the same device instead of spending another use of the token.
    """
    path = state / name
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        pending = path.read_bytes() if path.exists() else b""
        if _is_key(pending) and pending != _current_key(state):
            return pending
        key = new_key()
        write_whole(path, key)
    except OSError as error:
        raise AgentError(f"cannot keep a key in {state}: {error.strerror}") from error
    return key


def signing_request(private_key: bytes) -> bytes:
    """PKCS#10, DER; the subject stays empty because the collector names the device."""
    key = serialization.load_pem_private_key(private_key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AgentError("the device's key is not an elliptic-curve key: remove it and enrol again")
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def sign(private_key: bytes, content: bytes) -> bytes:
    """The device's signature over some bytes: ECDSA with SHA-256, DER."""
    key = serialization.load_pem_private_key(private_key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AgentError("the device's key is not an elliptic-curve key: remove it and enrol again")
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def der(certificate_chain: bytes) -> list[bytes]:
    """The certificates of a PEM text, each in DER."""
    return [
        each.public_bytes(serialization.Encoding.DER)
        for each in x509.load_pem_x509_certificates(certificate_chain)
    ]


def pem(certificates: list[bytes]) -> bytes:
    """DER certificates, in their order, as one PEM text."""
    return b"".join(
        x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
        for der in certificates
    )


def life(certificate_chain: bytes) -> tuple[datetime, datetime]:
    """When the first certificate of a PEM chain begins and ends, UTC."""
    certificate = x509.load_pem_x509_certificate(certificate_chain)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def certified(known: Identity, private_key: bytes, chain: bytes) -> Identity:
    """The identity with another key and its certificate; raises AgentError where they differ."""
    key = serialization.load_pem_private_key(private_key, password=None)
    if x509.load_pem_x509_certificate(chain).public_key() != key.public_key():
        raise AgentError("the collector certified another key than the one that was sent")
    starts_at, ends_at = life(chain)
    return known._replace(
        private_key=private_key,
        certificate_chain=chain,
        expires_at=ends_at,
        renews_at=identity.renewal_time(known.device_id, starts_at, ends_at),
    )


def public_key(private_key: bytes) -> bytes:
    """SubjectPublicKeyInfo, DER."""
    return (
        serialization.load_pem_private_key(private_key, password=None)
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )


def are_whole(known: Identity) -> bool:
    """Whether an identity's key and certificates can be read at all."""
    try:
        x509.load_pem_x509_certificates(known.certificate_chain)
        x509.load_pem_x509_certificates(known.trust_roots)
    except ValueError:
        return False
    return _is_key(known.private_key)


def _is_key(pem_text: bytes) -> bool:
    try:
        serialization.load_pem_private_key(pem_text, password=None)
    except (ValueError, TypeError):
        return False
    return True


def keep_trust(state: Path, roots: Iterable[bytes]) -> None:
    """Trusts these roots (DER) from now on, whatever else changed meanwhile."""
    with locked(state / identity.LOCK_FILE):
        identity.save(state, identity.load(state)._replace(trust_roots=pem(list(roots))))


def _current_key(state: Path) -> bytes | None:
    """The key in use: a crash may have left it pending although its enrolment is done."""
    try:
        return identity.load(state).private_key
    except AgentError:
        return None
