"""Certificates of the company's own authorities: which machine they name, whether they are good.

RFC 5280 paths by `cryptography`'s verifier; on top of it the purpose has to be stated, and where
revocation lists were given, one of the certificate's issuer has to be there and in its time.
"""

import itertools
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID

from quitus_collector.adapters.authority.x509 import MALFORMED
from quitus_collector.domain.device import CompanyAuthority
from quitus_collector.errors import EnrolmentRefused, InvalidRequest, UsageError
from quitus_collector.services.ports import CompanyProof

# Of a name in a certificate that is a Windows account ([MS-WCCE] 2.2.2.7.5); a machine's has a $
# at its end, "PC-1$@corp.example". A person's is no machine.
UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
MACHINE = re.compile(r"[^@]+\$@[^@]+")
MAX_NAME = 255
BEGIN_LIST = "-----BEGIN X509 CRL-----"
Parsed = TypeVar("Parsed")


def read_authority(file: Path) -> str:
    """The certificates of an authority, PEM or DER, as PEM; raises UsageError naming the file."""
    certificates = _read(file, x509.load_pem_x509_certificates, x509.load_der_x509_certificate)
    for each in certificates:
        if not _is_authority(each):
            raise UsageError(f"{file}: {_shown(each)} is not the certificate of an authority")
    return "".join(map(_pem, certificates))


def read_revocations(files: Sequence[Path]) -> str:
    """Revocation lists, PEM or DER, as PEM; raises UsageError naming the file."""
    found: list[x509.CertificateRevocationList] = []
    for file in files:
        for each in _read(file, _pem_lists, x509.load_der_x509_crl):
            # Parts and differences would say of a revoked certificate that it is good.
            if any(extension.critical for extension in each.extensions):
                raise UsageError(f"{file}: is a part of a revocation list: give a whole one")
            found.append(each)
    return "".join(map(_pem, found))


def revocations_end(authority: CompanyAuthority) -> datetime | None:
    """When the first of an authority's revocation lists ends; None where it has none."""
    ends = [each.next_update_utc for each in _lists(authority.revocations)]
    return min((each for each in ends if each), default=None)


def vouched(
    authorities: Sequence[CompanyAuthority], proof: CompanyProof, message: bytes, now: datetime
) -> tuple[CompanyAuthority, str]:
    """Implements ports.Vouching."""
    try:
        leaf, *issuers = map(x509.load_der_x509_certificate, proof.chain)
        _check_life(leaf, now)
        anchors = {
            certificate: authority
            for authority in authorities
            for certificate in _certificates(authority.certificates)
        }
        if not anchors:
            raise EnrolmentRefused("this collector takes no company certificates")
        store = verification.Store(list(anchors))
        verifier = verification.PolicyBuilder().store(store).time(now).build_client_verifier()
        chain = verifier.verify(leaf, issuers).chain
        _check_purpose(leaf)
        _check_signature(leaf, proof.signature, message)
        authority = anchors[chain[-1]]
        _check_revocations(authority, chain, now)
        return authority, _name(leaf)
    except verification.VerificationError as error:
        raise EnrolmentRefused(
            "the company certificate was not issued by an authority that this collector trusts"
        ) from error
    except InvalidSignature as error:
        raise EnrolmentRefused("the company certificate is not this device's") from error
    except (x509.ExtensionNotFound, x509.DuplicateExtension, *MALFORMED) as error:
        raise InvalidRequest("the company certificate is malformed") from error


def _check_life(certificate: x509.Certificate, now: datetime) -> None:
    starts_at, ends_at = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < starts_at:
        raise EnrolmentRefused(
            f"the company certificate is not valid before {starts_at:%Y-%m-%d %H:%M} UTC"
        )
    if now > ends_at:
        raise EnrolmentRefused(f"the company certificate ended on {ends_at:%Y-%m-%d %H:%M} UTC")


def _check_purpose(certificate: x509.Certificate) -> None:
    """It has to say that it is for clients: one that says nothing was not made for this."""
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        usage = x509.ExtendedKeyUsage([])
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usage:
        raise EnrolmentRefused("the company certificate is not one for client authentication")


def _check_signature(certificate: x509.Certificate, signature: bytes, message: bytes) -> None:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
    else:
        raise InvalidRequest("the company certificate's key is neither RSA nor elliptic-curve")


def _check_revocations(
    authority: CompanyAuthority, chain: Sequence[x509.Certificate], now: datetime
) -> None:
    """The machine's certificate against its issuer's list; those above it where there is one."""
    lists = _lists(authority.revocations)
    if not lists:
        return
    for certificate, issuer in itertools.pairwise(chain):
        own = [each for each in lists if _has_issued(issuer, each)]
        if not own:
            if certificate is chain[0]:
                raise EnrolmentRefused(
                    f"the collector has no revocation list of {_shown(issuer)}: its "
                    "administrators have to give it one"
                )
            continue
        newest = max(own, key=lambda each: each.last_update_utc)
        if newest.next_update_utc is None or now >= newest.next_update_utc:
            raise EnrolmentRefused(
                f"the collector's revocation list of {_shown(issuer)} is too old: its "
                "administrators have to give it a new one"
            )
        if newest.get_revoked_certificate_by_serial_number(certificate.serial_number):
            raise EnrolmentRefused("the company certificate was revoked by its authority")


def _has_issued(issuer: x509.Certificate, revocations: x509.CertificateRevocationList) -> bool:
    key = issuer.public_key()
    if revocations.issuer != issuer.subject:
        return False
    return isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and (
        revocations.is_signature_valid(key)
    )


def _name(certificate: x509.Certificate) -> str:
    """What the certificate calls its machine: a DNS name, else a URI, else a Windows account."""
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    found = (
        *(name.lower() for name in names.get_values_for_type(x509.DNSName)),
        *names.get_values_for_type(x509.UniformResourceIdentifier),
        *(
            account.lower()
            for other in names.get_values_for_type(x509.OtherName)
            if other.type_id == UPN and MACHINE.fullmatch(account := _utf8_string(other.value))
        ),
    )
    name = next(filter(None, found), "")
    # A wildcard is of web servers, and of many.
    if not name or len(name) > MAX_NAME or not name.isprintable() or "*" in name:
        raise EnrolmentRefused("the company certificate names no machine")
    return name


def _utf8_string(der: bytes) -> str:
    """The text of a UTF8String of up to 127 bytes (X.690 8.1.3.4); empty for what is none."""
    if len(der) < 2 or der[0] != 0x0C or der[1] != len(der) - 2 or der[1] > 0x7F:
        return ""
    return der[2:].decode(errors="replace")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, *MALFORMED):
        return False
    return constraints.value.ca


def _read(
    file: Path, pem: Callable[[bytes], list[Parsed]], der: Callable[[bytes], Parsed]
) -> list[Parsed]:
    try:
        content = file.read_bytes()
        return pem(content) if b"-----BEGIN" in content else [der(content)]
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}") from error
    except MALFORMED as error:
        raise UsageError(f"{file}: is not what is expected here, in PEM or DER") from error


def _pem_lists(content: bytes) -> list[x509.CertificateRevocationList]:
    blocks = content.decode("ascii").split(BEGIN_LIST)[1:]
    return [x509.load_pem_x509_crl((BEGIN_LIST + block).encode()) for block in blocks]


@lru_cache(maxsize=16)
def _certificates(pem: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(pem.encode())


@lru_cache(maxsize=16)
def _lists(pem: str) -> list[x509.CertificateRevocationList]:
    return _pem_lists(pem.encode())


def _pem(each: x509.Certificate | x509.CertificateRevocationList) -> str:
    return each.public_bytes(serialization.Encoding.PEM).decode()


def _shown(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()
