"""The collector's certificate authority: a root that devices pin, an issuing authority below it."""

import hashlib
import ipaddress
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from quitus_collector.errors import CollectorError, InvalidRequest, UsageError
from quitus_collector.services.ports import IssuedCertificate

ROOT_VALIDITY = timedelta(days=20 * 365)
ISSUING_VALIDITY = timedelta(days=5 * 365)
SERVER_VALIDITY = timedelta(days=365)
# Long, because nothing renews them yet; short-lived certificates come with renewal.
DEVICE_VALIDITY = timedelta(days=365)
# A device whose clock is a little late must not find its certificate in the future.
CLOCK_SKEW = timedelta(minutes=10)

ROOT, ISSUING = "root", "issuing"


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What a listener shows; PEM, the chain ending with the root that join tokens name."""

    private_key: bytes
    chain: bytes


class Authority:
    """Implements ports.CertificateAuthority on the folder that `create` filled."""

    def __init__(self, folder: Path) -> None:
        """Reads certificates and the issuing key; the root's key stays where it is."""
        try:
            self._root = x509.load_pem_x509_certificate((folder / f"{ROOT}.pem").read_bytes())
            self._issuing = x509.load_pem_x509_certificate((folder / f"{ISSUING}.pem").read_bytes())
            key = serialization.load_pem_private_key(
                (folder / f"{ISSUING}.key").read_bytes(), password=None
            )
        except OSError as error:
            raise CollectorError(f"{error.filename}: {error.strerror}") from error
        except ValueError as error:
            raise CollectorError(f"the authority in {folder} is damaged: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise CollectorError(f"{folder / ISSUING}.key is not an elliptic-curve key")
        self._key = key

    def root(self) -> bytes:
        """The root certificate, DER."""
        return self._root.public_bytes(serialization.Encoding.DER)

    def root_pem(self) -> bytes:
        """The root certificate, PEM."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    def key_sha256(self, signing_request: bytes) -> str:
        """The fingerprint of the request's public key, hex; raises InvalidRequest."""
        key = _requested_key(signing_request)
        der = key.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(der).hexdigest()

    def issue(self, signing_request: bytes, device_id: str, now: datetime) -> IssuedCertificate:
        """Certifies the request's key under this identity; the request's own name is ignored."""
        name = x509.UniformResourceIdentifier(f"urn:uuid:{device_id}")
        certificate = self._sign(
            _requested_key(signing_request),
            device_id,
            x509.SubjectAlternativeName([name]),
            ExtendedKeyUsageOID.CLIENT_AUTH,
            now,
            DEVICE_VALIDITY,
        )
        chain = (certificate, self._issuing)
        return IssuedCertificate(
            tuple(each.public_bytes(serialization.Encoding.DER) for each in chain),
            certificate.not_valid_after_utc,
        )

    def issue_server(self, names: Iterable[str], now: datetime) -> ServerCertificate:
        """A fresh key and certificate for the listeners, under these host names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = list(names)
        certificate = self._sign(
            key.public_key(),
            names[0],
            x509.SubjectAlternativeName([_general_name(name) for name in names]),
            ExtendedKeyUsageOID.SERVER_AUTH,
            now,
            SERVER_VALIDITY,
        )
        chain = (certificate, self._issuing, self._root)
        return ServerCertificate(
            _key_pem(key),
            b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain),
        )

    def _sign(
        self,
        key: ec.EllipticCurvePublicKey,
        common_name: str,
        alternative_names: x509.SubjectAlternativeName,
        usage: x509.ObjectIdentifier,
        now: datetime,
        validity: timedelta,
    ) -> x509.Certificate:
        ends = min(now + validity, self._issuing.not_valid_after_utc)
        builder = (
            _builder(_name(common_name[:64]), self._issuing.subject, key, now, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(alternative_names, critical=False)
            .add_extension(_issued_by(self._key), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256())


def create(folder: Path, organisation: str, now: datetime) -> None:
    """Makes root and issuing authority in a new folder, all of it or nothing.

    Raises UsageError if the folder exists.
    """
    if folder.exists():
        raise UsageError(f"{folder} already holds an authority")
    root_key, issuing_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name = _name(f"{organisation} Quitus root".strip())
    root = _authority(root_name, root_name, root_key, root_key, now, ROOT_VALIDITY, path_length=1)
    issuing_name = _name(f"{organisation} Quitus issuing".strip())
    issuing = _authority(
        issuing_name, root_name, issuing_key, root_key, now, ISSUING_VALIDITY, path_length=0
    )
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, certificate, key in ((ROOT, root, root_key), (ISSUING, issuing, issuing_key)):
            pem = certificate.public_bytes(serialization.Encoding.PEM)
            _write(beside / f"{name}.pem", pem, 0o644)
            _write(beside / f"{name}.key", _key_pem(key), 0o600)
        os.rename(beside, folder)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def signer_of(
    root_pem: bytes, chain: Sequence[bytes], signature: bytes, signed: bytes, at: datetime
) -> str:
    """The device whose certificate below this root vouched, at that time, for a signature.

    Raises InvalidRequest where it does not, or the certificate is not a device's.
    """
    try:
        certificates = [x509.load_der_x509_certificate(each) for each in chain]
        store = verification.Store([x509.load_pem_x509_certificate(root_pem)])
        verifier = verification.PolicyBuilder().store(store).time(at).build_client_verifier()
        verifier.verify(certificates[0], certificates[1:])
        key = certificates[0].public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidRequest("is signed with a key that is not a device's")
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except (ValueError, IndexError, verification.VerificationError) as error:
        raise InvalidRequest("is not signed by a device of this collector") from error
    except InvalidSignature as error:
        raise InvalidRequest("was changed after it was signed") from error
    return device_id_of(certificates[0].public_bytes(serialization.Encoding.PEM))


@lru_cache(maxsize=10_000)
def device_id_of(certificate_pem: bytes) -> str:
    """The identity that a device's certificate carries; the TLS handshake has verified it."""
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def _authority(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    validity: timedelta,
    *,
    path_length: int,
) -> x509.Certificate:
    builder = (
        _builder(subject, issuer, key.public_key(), now, now + validity)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(_issued_by(issuer_key), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    ends: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _requested_key(signing_request: bytes) -> ec.EllipticCurvePublicKey:
    try:
        request = x509.load_der_x509_csr(signing_request)
        if not request.is_signature_valid:
            raise InvalidRequest("the signing request is not signed by the key it names")
        key = request.public_key()
    except (ValueError, InvalidSignature, TypeError) as error:
        raise InvalidRequest("the signing request is malformed") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidRequest("the signing request's key is not on the curve P-256")
    return key


def _issued_by(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
