"""A company's own authority as Active Directory's looks, and the machine certificates of it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
# What Windows writes besides: the version of the authority's own key, the template's policies.
CA_VERSION = x509.ObjectIdentifier("1.3.6.1.4.1.311.21.1")
POLICIES = x509.ObjectIdentifier("1.3.6.1.4.1.311.21.10")
PEM = serialization.Encoding.PEM


def upn(text: str) -> x509.OtherName:
    encoded = text.encode()
    return x509.OtherName(UPN, bytes((0x0C, len(encoded))) + encoded)


class Machine:
    """A machine's certificate with its issuers, and its key."""

    def __init__(
        self, certificate: x509.Certificate, issuers: Sequence[x509.Certificate], key: Key
    ):
        self.certificate, self.issuers, self.key = certificate, issuers, key

    @property
    def chain(self) -> tuple[bytes, ...]:
        der = serialization.Encoding.DER
        return tuple(each.public_bytes(der) for each in (self.certificate, *self.issuers))

    def files(self, folder: Path) -> tuple[Path, Path]:
        """The certificates and the key as an administrator would lay them down."""
        folder.mkdir(parents=True, exist_ok=True)
        certificate, key = folder / "machine.pem", folder / "machine.key"
        certificate.write_bytes(
            b"".join(each.public_bytes(PEM) for each in (self.certificate, *self.issuers))
        )
        key.write_bytes(
            self.key.private_bytes(
                PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, key


class Authority:
    """A root, or what it issues below itself."""

    def __init__(self, name: str, now: datetime, above: "Authority | None" = None) -> None:
        self.name, self.now, self.above = _name(name), now, above
        self.key = rsa.generate_private_key(65537, 2048)
        signer = above or self
        self.certificate = (
            certificate_builder(self.name, signer.name, self.key, now - DAY, now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            # Microsoft's own leaves this one uncritical.
            .add_extension(_key_usage(signs=True), critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False
            )
            .add_extension(_issued_by(signer.key), critical=False)
            .add_extension(x509.UnrecognizedExtension(CA_VERSION, b"\x02\x01\x00"), critical=False)
            .sign(signer.key, hashes.SHA256())
        )

    def file(self, folder: Path) -> Path:
        path = folder / "company-root.pem"
        path.write_bytes(self.certificate.public_bytes(PEM))
        return path

    def machine(
        self,
        *names: x509.GeneralName,
        key: Key | None = None,
        usage: Iterable[x509.ObjectIdentifier] = (CLIENT, SERVER),
        starts: datetime | None = None,
        ends: datetime | None = None,
    ) -> Machine:
        """A machine's certificate; `names` are DNS names where they are texts."""
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = (
            certificate_builder(
                _name(""),
                self.name,
                key,
                starts or self.now - DAY,
                ends or self.now + 365 * DAY,
            )
            .add_extension(_key_usage(signs=False), critical=True)
            .add_extension(_issued_by(self.key), critical=False)
            .add_extension(x509.UnrecognizedExtension(POLICIES, b"\x30\x00"), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=True)
        )
        if usage:
            builder = builder.add_extension(x509.ExtendedKeyUsage(usage), critical=False)
        issuers = [self.certificate] if self.above else []
        return Machine(builder.sign(self.key, hashes.SHA256()), issuers, key)

    def revocations(
        self,
        *revoked: Machine,
        ends: datetime | None = None,
        extension: x509.ExtensionType | None = None,
    ) -> bytes:
        """Its revocation list, PEM."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(self.now - DAY)
            .next_update(ends or self.now + 7 * DAY)
        )
        if extension:
            builder = builder.add_extension(extension, critical=True)
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(each.certificate.serial_number)
                .revocation_date(self.now - DAY)
                .build()
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(PEM)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)] if text else [])


def certificate_builder(
    subject: x509.Name, issuer: x509.Name, key: Key, starts: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(starts)
        .not_valid_after(ends)
    )


def _issued_by(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )
