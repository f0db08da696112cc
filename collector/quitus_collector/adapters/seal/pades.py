"""Seals a PDF with the company's certificate: PAdES, by pyHanko."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, NameOID
from pyhanko.pdf_utils.extensions import DeveloperExtension
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign import fields, signers
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers.pdf_signer import DSSContentSettings, SigDSSPlacementPreference
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from quitus_collector.adapters.seal.timestamps import HTTPTimeStamper
from quitus_collector.adapters.secret_files import read_line
from quitus_collector.errors import SealError, UsageError

FIELD = "Quitus"
# What a certificate that limits its purposes must name one of: e-mail, documents (RFC 9336, Adobe,
# Microsoft), or any.
PURPOSES = {
    ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string,
    "1.3.6.1.5.5.7.3.36",
    "1.2.840.113583.1.1.5",
    "1.3.6.1.4.1.311.10.3.12",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string,
}


@dataclass(frozen=True, slots=True)
class Credential:
    """The company's certificate with its key, fit to sign at the time it was read for."""

    signer: signers.Signer
    name: str


@dataclass(frozen=True, slots=True)
class LongTerm:
    """Who vouches for the signer and the authority (DER); their revocation services are asked."""

    roots: Sequence[bytes]


class _Writer(IncrementalPdfFileWriter):
    """Leaves the document a PDF/A-3: its metadata and its version as they are.

    pyHanko writes the metadata anew, in a form that PDF/A's extension schemas do not have, and for
    an elliptic-curve key calls the file PDF 2.0. A PDF/A-3 is a PDF 1.7 (ISO 19005-3), in which
    ETSI's extension tells of the signature (ETSI EN 319 142-1).
    """

    def _update_meta(self) -> None:
        return

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        """Stays as it is."""

    def register_extension(self, ext: DeveloperExtension) -> None:
        """Leaves out what extends PDF 2.0."""
        if ext.base_version == "/1.7":
            super().register_extension(ext)


def credential(
    file: Path, passphrase_file: Path | None, at: datetime, credentials: Path | None = None
) -> Credential:
    """The certificate and key of a PKCS#12 file; raises SealError naming the file and why.

    `credentials` is as in `secret_files`.
    """
    content = _read(file)
    passphrase = None
    if passphrase_file:
        try:
            passphrase = read_line(passphrase_file, credentials).encode()
        except UsageError as error:
            raise SealError(str(error)) from error
    try:
        key, certificate, _ = pkcs12.load_key_and_certificates(content, passphrase)
    except ValueError as error:
        # The library does not tell one from the other.
        where = passphrase_file or "seal.passphrase_file"
        raise SealError(
            "{file}: is no PKCS#12 file, or its passphrase is not the one of {where}",
            file=file,
            where=where,
        ) from error
    if key is None or certificate is None:
        raise SealError("{file}: holds no certificate with its key", file=file)
    if reason := unfit(certificate, at):
        raise SealError("{file}: {reason}", file=file, reason=reason)
    signer = signers.SimpleSigner.load_pkcs12_data(content, [], passphrase)
    return Credential(signer, holder(certificate))


def seal(
    pdf: bytes,
    by: Credential,
    *,
    reason: str,
    at: datetime,
    timestamp_url: str = "",
    long_term: LongTerm | None = None,
) -> bytes:
    """The document with one signature over all of it; raises SealError, and nothing is sealed.

    Without a URL there is no timestamp, and nothing is sent to anybody. What level was reached is
    for `pades_check` to find out.
    """
    timestamper = HTTPTimeStamper(timestamp_url) if timestamp_url else None
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        reason=reason,
        name=by.name,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
        subfilter=fields.SigSeedSubFilter.PADES,
        signer_key_usage=set(),  # `unfit` has looked already, and says more
        embed_validation_info=long_term is not None,
        validation_context=_long_term_context(long_term) if long_term else None,
        dss_settings=DSSContentSettings(
            include_vri=False, placement=SigDSSPlacementPreference.TOGETHER_WITH_SIGNATURE
        ),
    )
    place = fields.SigFieldSpec(
        FIELD, invis_sig_settings=fields.InvisSigSettings(box_out_of_bounds=True)
    )
    signer = signers.PdfSigner(metadata, by.signer, timestamper=timestamper, new_field_spec=place)
    try:
        out = signer.sign_pdf(_Writer(BytesIO(pdf)))
    except TimestampRequestError as error:
        raise SealError(
            "{timestamp_url}: {error}", timestamp_url=timestamp_url, error=error
        ) from error
    except (PathError, ValidationError) as error:
        raise SealError(
            "{timestamp_url}: no proof for later could be had: {error}",
            timestamp_url=timestamp_url,
            error=error,
        ) from error
    except (SigningError, PdfError, OSError) as error:
        why = f": {error.__cause__}" if error.__cause__ else ""
        raise SealError(
            "the declaration could not be sealed: {error}{why}", error=error, why=why
        ) from error
    return bytes(out.getvalue())


def attest(content: bytes, by: Credential, timestamp_url: str = "") -> bytes:
    """The content in a CMS signature (RFC 5652), timestamped where there is a URL; DER.

    Raises SealError.
    """
    timestamper = HTTPTimeStamper(timestamp_url) if timestamp_url else None
    try:
        signed = asyncio.run(
            by.signer.async_sign_general_data(
                content, "sha256", detached=False, use_cades=True, timestamper=timestamper
            )
        )
    except (SigningError, TimestampRequestError, OSError) as error:
        raise SealError("the receipt could not be sealed: {error}", error=error) from error
    return bytes(signed.dump())


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SealError("{file}: {strerror}", file=file, strerror=error.strerror) from error


def unfit(certificate: x509.Certificate, at: datetime) -> str:
    """Why nothing may be signed with it at that time; empty where it may."""
    name = holder(certificate)
    starts, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if at > ends:
        return f"the certificate of {name} ended on {ends:%Y-%m-%d}: have it renewed"
    if at < starts:
        return f"the certificate of {name} is not valid before {starts:%Y-%m-%d %H:%M} UTC"
    for extension in certificate.extensions:
        known = extension.value
        if isinstance(known, x509.BasicConstraints) and known.ca:
            return f"the certificate of {name} is an authority's, not one to sign documents with"
        if isinstance(known, x509.KeyUsage) and not (
            known.digital_signature or known.content_commitment
        ):
            return f"the certificate of {name} is not for signatures (key usage)"
        if extension.oid == ExtensionOID.EXTENDED_KEY_USAGE and PURPOSES.isdisjoint(
            each.dotted_string for each in known
        ):
            return f"the certificate of {name} is not for documents (extended key usage)"
    return ""


def holder(certificate: x509.Certificate) -> str:
    """Who it was issued to: the organisation, else the common name."""
    for kind in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        for found in certificate.subject.get_attributes_for_oid(kind):
            return str(found.value)
    return certificate.subject.rfc4514_string()


def _long_term_context(long_term: LongTerm) -> ValidationContext:
    return ValidationContext(
        trust_roots=[asn1.Certificate.load(each) for each in long_term.roots],
        allow_fetching=True,
        revocation_mode="hard-fail",
    )
