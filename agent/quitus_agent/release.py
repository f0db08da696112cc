"""Another release of the agent that the company wants here: told, checked, never installed.

What the collector says of it is kept as it was signed and verified each time it is read.
"""

import hashlib
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from google.protobuf.message import DecodeError

from quitus.v1 import inventory_pb2
from quitus_agent.errors import AgentError
from quitus_agent.files import write_whole
from quitus_agent.version import RELEASE_FILE

PREFIX = b"quitus agent release 1\0"
# What a collector that is in its senses says stays far below.
MAX_BYTES = 64 * 1024


class Package(NamedTuple):
    """One package: its file name, where it lies, the SHA-256 of its content, and its size."""

    name: str
    location: str
    sha256: bytes
    size_bytes: int


class Release(NamedTuple):
    """The version that is wanted, and its packages for all kinds of systems."""

    version: str
    packages: tuple[Package, ...]


def note(state: Path, trust_roots: bytes, answer: inventory_pb2.ReportResponse) -> None:
    """Keeps what an answer says, or forgets what an earlier one said.

    Raises AgentError where it is not signed as it has to be: then nothing is kept.
    """
    file = state / RELEASE_FILE
    with suppress(OSError):
        file.unlink(missing_ok=True)
    if not answer.HasField("wanted_agent"):
        return
    content = answer.wanted_agent.SerializeToString()
    _verified(content, trust_roots)
    try:
        write_whole(file, content)
    except OSError as error:
        raise AgentError(f"{file} cannot be written: {error.strerror}") from error


def load(state: Path, trust_roots: bytes) -> Release | None:
    """What was kept; raises AgentError where its signature does not hold, or not any more."""
    file = state / RELEASE_FILE
    try:
        return _verified(file.read_bytes(), trust_roots)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AgentError(f"{file} cannot be read: {error.strerror}") from error


def checked(release: Release, file: Path) -> Package:
    """Which package of a release a file is; raises AgentError where it is none of them."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as opened:
            while piece := opened.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise AgentError(f"{file}: {error.strerror}") from error
    for each in release.packages:
        if each.sha256 == digest.digest():
            return each
    raise AgentError(f"{file} is no package of agent {release.version}: do not install it")


def _verified(content: bytes, trust_roots: bytes) -> Release:
    """What a signed release says; raises AgentError."""
    wrong = "what the collector says of another agent"
    try:
        if len(content) > MAX_BYTES:
            raise AgentError(f"{wrong} is too long")
        signed = inventory_pb2.AgentRelease.FromString(content)
        signer, issuer = (x509.load_der_x509_certificate(each) for each in signed.signers)
        if not _is_trusted(signer, issuer, x509.load_pem_x509_certificates(trust_roots)):
            raise AgentError(f"{wrong} is not signed by an authority that this device trusts")
        key = signer.public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise AgentError(f"{wrong} is signed with a key of another kind")
        key.verify(signed.signature, PREFIX + signed.offer, ec.ECDSA(hashes.SHA256()))
        offer = inventory_pb2.AgentOffer.FromString(signed.offer)
    except InvalidSignature as error:
        raise AgentError(f"{wrong} was changed after it was signed") from error
    except (DecodeError, ValueError, TypeError, x509.ExtensionNotFound) as error:
        raise AgentError(f"{wrong} is damaged") from error
    packages = (
        Package(each.name, each.location, each.sha256, each.size_bytes) for each in offer.packages
    )
    return Release(offer.version, tuple(packages))


def _is_trusted(
    signer: x509.Certificate, issuer: x509.Certificate, roots: list[x509.Certificate]
) -> bool:
    """Whether a root vouches, through the issuing authority, for this signer of agents."""
    now = datetime.now(UTC)
    if not all(
        each.not_valid_before_utc <= now < each.not_valid_after_utc for each in (signer, issuer)
    ):
        return False
    constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
    usage = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if not constraints.ca or ExtendedKeyUsageOID.CODE_SIGNING not in usage:
        return False
    return _issued(signer, issuer) and any(_issued(issuer, root) for root in roots)


def _issued(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
