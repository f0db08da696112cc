"""An authority that certifies companies and a timestamp authority, and the files they hand out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.makers.company import certificate_builder

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
DAY = timedelta(days=1)
DOCUMENTS = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
STAMPS = ExtendedKeyUsageOID.TIME_STAMPING
PASSPHRASE = "ouvre-toi"
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER


class Certified:
    """A certificate and its key."""

    def __init__(self, certificate: x509.Certificate, key: Key) -> None:
        self.certificate, self.key = certificate, key

    def pkcs12(self, folder: Path, issuers: Sequence[x509.Certificate] = ()) -> Path:
        """Its PKCS#12 file, under PASSPHRASE; the passphrase lies in `passphrase` beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / "company.p12"
        protection = serialization.BestAvailableEncryption(PASSPHRASE.encode())
        file.write_bytes(
            pkcs12.serialize_key_and_certificates(
                b"company", self.key, self.certificate, issuers, protection
            )
        )
        secret = folder / "passphrase"
        secret.touch(0o600)
        secret.write_text(PASSPHRASE + "\n")
        return file

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(PEM)

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(DER)


class Authority(Certified):
    """A root. `services` is the URL below which its revocation list lies, empty for none."""

    def __init__(self, now: datetime, services: str = "", name: str = "Autorité d’essai") -> None:
        self.now, self.services = now, services
        key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name(name)
        builder = (
            certificate_builder(self.name, self.name, key, now - 400 * DAY, now + 3650 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        super().__init__(builder.sign(key, hashes.SHA256()), key)

    def certify(
        self,
        name: str,
        *,
        key: Key | None = None,
        purposes: Sequence[x509.ObjectIdentifier] = (DOCUMENTS,),
        usage: Sequence[str] = ("digital_signature", "content_commitment"),
        starts: datetime | None = None,
        ends: datetime | None = None,
        is_authority: bool = False,
    ) -> Certified:
        key = key or ec.generate_private_key(ec.SECP256R1())
        builder = certificate_builder(
            _name(name), self.name, key, starts or self.now - DAY, ends or self.now + 365 * DAY
        ).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
            critical=False,
        )
        builder = builder.add_extension(
            x509.BasicConstraints(ca=is_authority, path_length=None), critical=True
        )
        if usage:
            builder = builder.add_extension(_usage(*usage), critical=True)
        if purposes:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage(purposes), critical=STAMPS in purposes
            )
        if self.services:
            there = [x509.UniformResourceIdentifier(f"{self.services}/revoked.crl")]
            point = x509.DistributionPoint(there, None, None, None)
            builder = builder.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return Certified(builder.sign(self.key, hashes.SHA256()), key)

    def timestamper(self, **fields: datetime) -> Certified:
        """A certificate for timestamps alone; its key is RSA, which the test server signs with."""
        key = rsa.generate_private_key(65537, 2048)
        return self.certify(
            "Horodateur d’essai",
            key=key,
            purposes=(STAMPS,),
            usage=("digital_signature",),
            **fields,
        )

    def revocations(self, *revoked: Certified) -> bytes:
        """Its revocation list, DER."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(self.now - DAY)
            .next_update(self.now + 30 * DAY)
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        for each in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(each.certificate.serial_number)
                .revocation_date(self.now - DAY / 2)
                .build()
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(DER)


def _name(text: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "FR"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, text),
            x509.NameAttribute(NameOID.COMMON_NAME, text),
        ]
    )


def _usage(*names: str) -> x509.KeyUsage:
    known = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in names for name in known})
