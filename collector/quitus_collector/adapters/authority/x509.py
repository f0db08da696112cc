"""The collector's certificate authority: a root that devices pin, an issuing authority below it."""

import hashlib
import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from quitus_collector.domain.certificate import ClientCertificate
from quitus_collector.errors import CollectorError, InvalidRequest
from quitus_collector.services.ports import IssuedCertificate

ISSUING_FILE = "issuing.pem"
ROOT_FILE = re.compile(r"root(?:-(\d+))?\.pem")
ROOT_VALIDITY = timedelta(days=20 * 365)
# A device whose clock is a little late must not find its certificate in the future.
CLOCK_SKEW = timedelta(minutes=10)
# What is left of a certificate's life when it is renewed.
LEFT_AT_RENEWAL = 1 / 3
# What `cryptography` raises over bytes that are not what they should be.
MALFORMED = (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion)


@dataclass(frozen=True, slots=True)
class Validity:
    """How long certificates are good for."""

    device: timedelta = timedelta(days=30)
    server: timedelta = timedelta(days=90)
    issuing: timedelta = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """What a listener shows; PEM, the chain ending with the root that join tokens name."""

    private_key: bytes
    chain: bytes
    renews_at: datetime


class Authority:
    """Implements ports.CertificateAuthority on an authority's folder, as it is now.

    `root*.pem` are the roots that devices are to trust, `issuing.pem` holds the issuing
    authority's key and certificate; the active root is the one that signed it.
    """

    def __init__(self, folder: Path, validity: Validity = Validity()) -> None:
        """Reads certificates and the issuing key; the roots' keys stay where they are."""
        self._validity = validity
        try:
            self._key, self._issuing = _read_issuing(folder)
            roots = {file.stem: _read_certificate(file) for file in root_files(folder)}
        except OSError as error:
            raise CollectorError(f"{error.filename}: {error.strerror}") from error
        except ValueError as error:
            raise CollectorError(f"the authority in {folder} is damaged: {error}") from error
        active = [name for name, root in roots.items() if _has_signed(root, self._issuing)]
        if not active:
            raise CollectorError(
                f"the authority in {folder} is damaged: no root in it signed {ISSUING_FILE}"
            )
        self.active = active[0]
        self.roots = {self.active: roots.pop(self.active)} | roots
        self._root = self.roots[self.active]
        # Asked for at every handshake and call, so encoded once.
        der, pem = serialization.Encoding.DER, serialization.Encoding.PEM
        self._trust_roots = tuple(each.public_bytes(der) for each in self.roots.values())
        self._trust_roots_pem = b"".join(each.public_bytes(pem) for each in self.roots.values())

    def root(self) -> bytes:
        """The active root certificate, DER."""
        return self._root.public_bytes(serialization.Encoding.DER)

    def trust_roots(self) -> tuple[bytes, ...]:
        """All root certificates that devices are to trust, DER; the active one first."""
        return self._trust_roots

    def trust_roots_pem(self) -> bytes:
        """The same, PEM."""
        return self._trust_roots_pem

    def fingerprint(self, name: str) -> str:
        """SHA-256 of a root's certificate, hex: what devices compare before they enrol."""
        return self.roots[name].fingerprint(hashes.SHA256()).hex()

    @property
    def issuing_starts_at(self) -> datetime:
        """When the issuing authority was made."""
        return self._issuing.not_valid_before_utc + CLOCK_SKEW

    @property
    def issuing_ends_at(self) -> datetime:
        """When the issuing authority's certificate ends; no other outlives it."""
        return self._issuing.not_valid_after_utc

    @property
    def issuing_renews_at(self) -> datetime:
        """When the issuing authority is to be renewed, so that the next one overlaps."""
        return _renewal_time(self._issuing)

    def proven_key_sha256(self, public_key: bytes, signature: bytes, message: bytes) -> str:
        """The fingerprint of a key (SubjectPublicKeyInfo, DER) that signed this message, hex.

        ECDSA P-256 with SHA-256; raises InvalidRequest.
        """
        try:
            key = serialization.load_der_public_key(public_key)
            if not isinstance(key, ec.EllipticCurvePublicKey):
                raise InvalidRequest("the key is not on the curve P-256")
            key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
        except MALFORMED as error:
            raise InvalidRequest("the key is malformed") from error
        except InvalidSignature as error:
            raise InvalidRequest("the signature is not by the key that is given") from error
        return _key_sha256(key)

    def key_sha256(self, signing_request: bytes) -> str:
        """The fingerprint of the request's public key, hex; raises InvalidRequest."""
        key = _requested_key(signing_request)
        return _key_sha256(key)

    def issue(self, signing_request: bytes, device_id: str, now: datetime) -> IssuedCertificate:
        """Certifies the request's key under this identity; the request's own name is ignored."""
        name = x509.UniformResourceIdentifier(f"urn:uuid:{device_id}")
        certificate = self._sign(
            _requested_key(signing_request),
            device_id,
            x509.SubjectAlternativeName([name]),
            ExtendedKeyUsageOID.CLIENT_AUTH,
            now,
            self._validity.device,
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
            self._validity.server,
        )
        chain = (certificate, self._issuing, self._root)
        return ServerCertificate(
            key_pem(key),
            b"".join(each.public_bytes(serialization.Encoding.PEM) for each in chain),
            _renewal_time(certificate),
        )

    def vouch(self, content: bytes, now: datetime) -> tuple[bytes, tuple[bytes, ...]]:
        """A signature over some bytes, and the certificates that vouch for it, DER.

        By a key for this one use, certified for signing code and then forgotten: no certificate
        of a device or a listener can stand in for it.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(
            key.public_key(),
            "Quitus agent release",
            None,
            ExtendedKeyUsageOID.CODE_SIGNING,
            now,
            self._validity.issuing,
        )
        der = serialization.Encoding.DER
        signers = tuple(each.public_bytes(der) for each in (certificate, self._issuing))
        return key.sign(content, ec.ECDSA(hashes.SHA256())), signers

    def _sign(
        self,
        key: ec.EllipticCurvePublicKey,
        common_name: str,
        alternative_names: x509.SubjectAlternativeName | None,
        usage: x509.ObjectIdentifier,
        now: datetime,
        validity: timedelta,
    ) -> x509.Certificate:
        ends = min(now + validity, self._issuing.not_valid_after_utc)
        builder = (
            _builder(authority_name(common_name), self._issuing.subject, key, now, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(_issued_by(self._key), critical=False)
        )
        if alternative_names:
            builder = builder.add_extension(alternative_names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def root_files(folder: Path) -> Sequence[Path]:
    """The certificates of the folder's roots, oldest first."""
    found = ((ROOT_FILE.fullmatch(file.name), file) for file in folder.iterdir())
    return [file for _, file in sorted((int(m[1] or 1), file) for m, file in found if m)]


def issuing_pem(
    issuer: x509.Certificate,
    issuer_key: ec.EllipticCurvePrivateKey,
    name: x509.Name,
    now: datetime,
    validity: timedelta,
) -> bytes:
    """A fresh issuing authority: its key and certificate in one text, replaced in one step."""
    key = ec.generate_private_key(ec.SECP256R1())
    ends = min(now + validity, issuer.not_valid_after_utc)
    certificate = authority_certificate(
        name, issuer.subject, key, issuer_key, now, ends, path_length=0
    )
    return key_pem(key) + certificate.public_bytes(serialization.Encoding.PEM)


def signer_of(
    roots_pem: bytes, chain: Sequence[bytes], signature: bytes, signed: bytes, at: datetime
) -> ClientCertificate:
    """The device's certificate below these roots that vouched, at that time, for a signature.

    Raises InvalidRequest where it does not, or the certificate is not a device's.
    """
    try:
        certificates = [x509.load_der_x509_certificate(each) for each in chain]
        store = verification.Store(x509.load_pem_x509_certificates(roots_pem))
        verifier = verification.PolicyBuilder().store(store).time(at).build_client_verifier()
        verifier.verify(certificates[0], certificates[1:])
        key = certificates[0].public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise InvalidRequest("is signed with a key that is not a device's")
        key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except (IndexError, verification.VerificationError, *MALFORMED) as error:
        raise InvalidRequest("is not signed by a device of this collector") from error
    except InvalidSignature as error:
        raise InvalidRequest("was changed after it was signed") from error
    leaf = certificates[0].public_bytes(serialization.Encoding.PEM)
    return client_certificate(leaf)


def authority_certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
    ends: datetime,
    *,
    path_length: int,
) -> x509.Certificate:
    """A certificate of an authority; its own where the two keys are one."""
    builder = (
        _builder(subject, issuer, key.public_key(), now, ends)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(_issued_by(issuer_key), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256())


def authority_name(text: str) -> x509.Name:
    """A distinguished name that is only a common name, cut where X.509 ends it."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    """PKCS#8, encrypted where there is a passphrase."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption(),
    )


@lru_cache(maxsize=20_000)
def client_certificate(certificate_pem: bytes) -> ClientCertificate:
    """What a device's certificate says; the TLS handshake has verified who issued it.

    Devices show the same bytes at every call, so each is parsed once.
    """
    certificate = x509.load_pem_x509_certificate(certificate_pem)
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    key = certificate.public_key()
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE])
    return ClientCertificate(
        device_id=str(names[0].value) if names else "",
        key_sha256=_key_sha256(key) if isinstance(key, ec.EllipticCurvePublicKey) else "",
        starts_at=certificate.not_valid_before_utc,
        ends_at=certificate.not_valid_after_utc,
        for_clients=ExtendedKeyUsageOID.CLIENT_AUTH in usage,
    )


def _renewal_time(certificate: x509.Certificate) -> datetime:
    life = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    return certificate.not_valid_after_utc - life * LEFT_AT_RENEWAL


def _key_sha256(key: ec.EllipticCurvePublicKey) -> str:
    der = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(der).hexdigest()


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
    except (InvalidSignature, *MALFORMED) as error:
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


def _read_issuing(folder: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    text = (folder / ISSUING_FILE).read_bytes()
    key = serialization.load_pem_private_key(text, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{ISSUING_FILE} has no elliptic-curve key")
    return key, x509.load_pem_x509_certificate(text)


def _read_certificate(file: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(file.read_bytes())


def _has_signed(root: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(root)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
