"""Keys and certificates in their encodings: made when a device enrols, checked when one fails."""

from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quitus_agent import identity
from quitus_agent.errors import AgentError
from quitus_agent.files import write_whole
from quitus_agent.identity import PENDING_KEY_FILE, Identity


def new_key() -> bytes:
    """A fresh P-256 key, PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def pending_key(state: Path) -> bytes:
    """The key of an enrolment that is under way, PEM, P-256.

    It is on disk before the collector hears of it: when the answer is lost, asking again with the
    same key brings the same device instead of spending another use of the token.
    """
    path = state / PENDING_KEY_FILE
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


def expires_at(certificate_chain: bytes) -> datetime:
    """When the first certificate of a PEM chain ends, UTC."""
    return x509.load_pem_x509_certificate(certificate_chain).not_valid_after_utc


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


def _current_key(state: Path) -> bytes | None:
    """The key in use: a crash may have left it pending although its enrolment is done."""
    try:
        return identity.load(state).private_key
    except AgentError:
        return None
