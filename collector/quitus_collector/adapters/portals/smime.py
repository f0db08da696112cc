"""Messages that are signed, and closed for whom they are for: S/MIME (RFC 8551)."""

import secrets
from base64 import encodebytes
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7, pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from quitus_collector.errors import UsageError

# Of the message itself, which stay outside; all others are signed and closed.
OUTSIDE = ("From", "To", "Subject", "Date", "Message-ID")
MAIL = {ExtendedKeyUsageOID.EMAIL_PROTECTION, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
CRLF = b"\r\n"


class Signer:
    """Who signs: a PKCS#12 file whose certificate is of the sender's address."""

    def __init__(self, file: Path, passphrase: str, sender: str, at: datetime) -> None:
        """Raises UsageError naming the file and why nothing is signed with it."""
        try:
            found = pkcs12.load_pkcs12(file.read_bytes(), passphrase.encode() or None)
        except OSError as error:
            raise UsageError("{file}: {strerror}", file=file, strerror=error.strerror) from error
        except ValueError as error:
            raise UsageError(
                "{file}: is no PKCS#12 file, or its passphrase is not the one of the credentials",
                file=file,
            ) from error
        key = found.key
        if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) or not found.cert:
            raise UsageError(
                "{file}: holds no certificate with an RSA or elliptic-curve key", file=file
            )
        self._key, self._certificate = key, found.cert.certificate
        self._issuers = [each.certificate for each in found.additional_certs]
        _check(self._certificate, sender, at, str(file))

    def signed(self, entity: bytes) -> bytes:
        """The MIME entity (lines end in CRLF) in one that holds its signature too."""
        builder = (
            pkcs7.PKCS7SignatureBuilder()
            .set_data(entity)
            .add_signer(self._certificate, self._key, hashes.SHA256())
        )
        for each in self._issuers:
            builder = builder.add_certificate(each)
        options = [pkcs7.PKCS7Options.DetachedSignature, pkcs7.PKCS7Options.Binary]
        signature = builder.sign(Encoding.DER, options)
        between = f"quitus-{secrets.token_hex(16)}".encode()
        head = (
            b"Content-Type: multipart/signed; protocol=application/pkcs7-signature;\r\n"
            b' micalg=sha-256; boundary="' + between + b'"' + CRLF
        )
        parts = (entity, _part("application/pkcs7-signature", "smime.p7s", signature))
        body = b"".join(b"--" + between + CRLF + each + CRLF for each in parts)
        return head + CRLF + body + b"--" + between + b"--" + CRLF


def closed(entity: bytes, file: Path, recipient: str, at: datetime) -> bytes:
    """The MIME entity for the holders of the file's certificates alone; raises UsageError.

    AES with 256 bits, CBC, as all mail programs read it.
    """
    try:
        certificates = x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise UsageError("{file}: {strerror}", file=file, strerror=error.strerror) from error
    except ValueError as error:
        raise UsageError("{file}: holds no certificates (PEM)", file=file) from error
    builder = pkcs7.PKCS7EnvelopeBuilder().set_data(entity).set_content_encryption_algorithm(AES256)
    for each in certificates:
        if not isinstance(each.public_key(), rsa.RSAPublicKey):
            raise UsageError(
                "{file}: only certificates with RSA keys can be encrypted to", file=file
            )
        _check(each, recipient, at, str(file))
        builder = builder.add_recipient(each)
    content = builder.encrypt(Encoding.DER, [pkcs7.PKCS7Options.Binary])
    return _part("application/pkcs7-mime; smime-type=enveloped-data", "smime.p7m", content)


def split(message: EmailMessage) -> tuple[bytes, bytes]:
    """What of a message stays outside, and what is inside: a MIME entity with lines in CRLF."""
    outside = b"".join(
        message.policy.fold_binary(name, message[name]) for name in OUTSIDE if name in message
    )
    inside = EmailMessage(policy=SMTP.clone(cte_type="7bit"))
    inside.set_payload(message.get_payload())
    for name, value in message.items():
        if name.lower().startswith("content-"):
            inside[name] = value
    return outside + b"MIME-Version: 1.0" + CRLF, inside.as_bytes()


def _part(kind: str, name: str, content: bytes) -> bytes:
    head = (
        f"Content-Type: {kind}; name={name}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; filename={name}\r\n\r\n"
    )
    return head.encode() + encodebytes(content).replace(b"\n", CRLF)


def _check(certificate: x509.Certificate, address: str, at: datetime, where: str) -> None:
    """Raises UsageError unless it is good then, for mail, and of that address."""
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        ends = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
        raise UsageError(
            "{where}: the certificate of {address} is not valid now (until {ends})",
            where=where,
            address=address,
            ends=ends,
        )
    addresses: Sequence[str] = [
        str(each.value)
        for each in certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
    ]
    for extension in certificate.extensions:
        known = extension.value
        if isinstance(known, x509.SubjectAlternativeName):
            addresses = [*addresses, *known.get_values_for_type(x509.RFC822Name)]
        if isinstance(known, x509.ExtendedKeyUsage) and MAIL.isdisjoint(known):
            raise UsageError(
                "{where}: the certificate is not for mail (extended key usage)", where=where
            )
    if address.casefold() not in {each.casefold() for each in addresses}:
        raise UsageError(
            "{where}: the certificate is not of {address}, but of {value}",
            where=where,
            address=address,
            value=", ".join(addresses) or "no address",
        )
