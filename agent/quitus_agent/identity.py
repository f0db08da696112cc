"""This device's key and certificate: made here, kept for the service account alone."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quitus_agent.errors import AgentError, NotEnrolled
from quitus_agent.files import write_whole

IDENTITY_FILE = "identity.json"
PENDING_KEY_FILE = "pending-key.pem"


class Identity(NamedTuple):
    """What a device shows and whom it trusts; certificates and key in PEM."""

    device_id: str
    collector_host: str
    inventory_port: int
    private_key: bytes
    certificate_chain: bytes
    trust_roots: bytes
    pseudonym_key: bytes = b""

    @property
    def expires_at(self) -> datetime:
        """When the device's own certificate ends, UTC."""
        return x509.load_pem_x509_certificate(self.certificate_chain).not_valid_after_utc


def load(state: Path) -> Identity:
    """Reads the identity kept in `state`; raises NotEnrolled where there is none."""
    try:
        document = json.loads((state / IDENTITY_FILE).read_text(encoding="utf-8"))
        found = Identity(
            device_id=document["device_id"],
            collector_host=document["collector_host"],
            inventory_port=document["inventory_port"],
            private_key=document["private_key"].encode(),
            certificate_chain=document["certificate_chain"].encode(),
            trust_roots=document["trust_roots"].encode(),
            pseudonym_key=bytes.fromhex(document.get("pseudonym_key", "")),
        )
        # What is damaged is found now, not in the middle of a handshake.
        serialization.load_pem_private_key(found.private_key, password=None)
        x509.load_pem_x509_certificates(found.certificate_chain)
        x509.load_pem_x509_certificates(found.trust_roots)
        return found
    except FileNotFoundError as error:
        raise NotEnrolled(
            f"this device is not enrolled ({state} holds no identity): run quitus-agent enrol"
        ) from error
    except PermissionError as error:
        raise AgentError(f"{error.filename} is readable by the agent's account alone") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AgentError(
            f"the identity in {state} is damaged: enrol again with quitus-agent enrol --again"
        ) from error


def save(state: Path, identity: Identity) -> None:
    """Keeps an identity, key and all, in one write that takes the place of the one before."""
    document = {
        "device_id": identity.device_id,
        "collector_host": identity.collector_host,
        "inventory_port": identity.inventory_port,
        "private_key": identity.private_key.decode(),
        "certificate_chain": identity.certificate_chain.decode(),
        "trust_roots": identity.trust_roots.decode(),
        "pseudonym_key": identity.pseudonym_key.hex(),
    }
    write_whole(state / IDENTITY_FILE, json.dumps(document, indent=1).encode())
    (state / PENDING_KEY_FILE).unlink(missing_ok=True)


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


def _is_key(pem_text: bytes) -> bool:
    try:
        serialization.load_pem_private_key(pem_text, password=None)
    except (ValueError, TypeError):
        return False
    return True


def _current_key(state: Path) -> bytes | None:
    """The key in use: a crash may have left it pending although its enrolment is done."""
    try:
        return load(state).private_key
    except AgentError:
        return None


def signing_request(private_key: bytes) -> bytes:
    """PKCS#10, DER; the subject stays empty because the collector names the device."""
    key = serialization.load_pem_private_key(private_key, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise AgentError("the device's key is not an elliptic-curve key: remove it and enrol again")
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def pem(certificates: list[bytes]) -> bytes:
    """DER certificates, in their order, as one PEM text."""
    return b"".join(
        x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)
        for der in certificates
    )


def is_expired(identity: Identity, now: datetime | None = None) -> bool:
    """Whether the certificate has ended, by this device's clock."""
    return identity.expires_at <= (now or datetime.now(UTC))
