"""The certificate of the company's own authority, which lets a machine in without a token."""

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from quitus.v1 import enrolment_pb2
from quitus_agent.errors import UsageError

# What its key signs begins with this; see enrolment.proto.
CONTEXT = b"quitus company enrolment 1\0"


class CompanyCertificate(NamedTuple):
    """The machine's certificate and its issuers, DER, with its key."""

    chain: list[bytes]
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    def __repr__(self) -> str:
        """Keeps the key out of logs and tracebacks."""
        return f"CompanyCertificate({len(self.chain)} certificates)"

    def proof(self, root_sha256: bytes, signing_request: bytes) -> enrolment_pb2.CompanyProof:
        """That this machine asks the collector with this root to certify this request, now."""
        proof = enrolment_pb2.CompanyProof(certificate_chain=self.chain)
        proof.signed_at.FromSeconds(int(datetime.now(UTC).timestamp()))
        seconds = proof.signed_at.seconds.to_bytes(8, "big")
        message = CONTEXT + root_sha256 + seconds + signing_request
        if isinstance(self.key, rsa.RSAPrivateKey):
            proof.signature = self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        else:
            proof.signature = self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        return proof


def read(certificate_file: Path, key_file: Path) -> CompanyCertificate:
    """Reads PEM files; raises UsageError naming the one that is of no use, and why."""
    try:
        certificates = x509.load_pem_x509_certificates(_content(certificate_file))
        certified = certificates[0].public_key()
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise UsageError(f"{certificate_file} holds no certificate in PEM") from error
    try:
        key = serialization.load_pem_private_key(_content(key_file), password=None)
    except TypeError as error:
        raise UsageError(f"{key_file} is encrypted: give the key without a passphrase") from error
    except ValueError as error:
        raise UsageError(f"{key_file} holds no private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise UsageError(f"{key_file} holds a key that is neither RSA nor elliptic-curve")
    if key.public_key() != certified:
        raise UsageError(f"{key_file} is not the key of {certificate_file}")
    der = serialization.Encoding.DER
    return CompanyCertificate([each.public_bytes(der) for each in certificates], key)


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
