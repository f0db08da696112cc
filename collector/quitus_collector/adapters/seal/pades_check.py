"""Checks a sealed PDF off-line, by pyHanko: signature, certificate, timestamp, what is inside."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import NamedTuple

from asn1crypto import cms, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from pyhanko.sign.validation.pdf_embedded import EmbeddedPdfSignature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko.sign.validation.status import PdfSignatureStatus, SignatureCoverageLevel
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.errors import PathError, ValidationError

from quitus_collector.domain.verification import Check, Level, Outcome, Subject, failed

# What it has to say is in the checks; its log would show a traceback for a certificate.
logging.getLogger("pyhanko").setLevel(logging.CRITICAL)


# A PDF says so near its beginning.
HEADER_BYTES = 1024


class Inside(NamedTuple):
    """What a PDF was found to hold: files by name, and its keywords."""

    files: dict[str, bytes]
    keywords: str


def check_seal(
    content: bytes, roots: Sequence[bytes] | None, at: datetime
) -> tuple[Level, list[Check]]:
    """The level that was reached, and the checks of signature, certificate and timestamp.

    `roots` (DER) vouch for signer and authority; with None nobody does, and trust stays unknown.
    """
    if b"%PDF-" not in content[:HEADER_BYTES]:
        return Level.NONE, [failed(Subject.SIGNATURE, "the file is no PDF")]
    try:
        reader = PdfFileReader(BytesIO(content))
        signatures = reader.embedded_regular_signatures
    except Exception as error:
        # What a hostile file makes the library raise, nobody has a list of.
        said = failed(Subject.SIGNATURE, "the PDF is damaged: it cannot be read", why=str(error))
        return Level.NONE, [said]
    if not signatures:
        return Level.NONE, [failed(Subject.SIGNATURE, "it is not signed")]
    if len(signatures) > 1:
        said = failed(Subject.SIGNATURE, "the PDF has {number} signatures", number=len(signatures))
        return Level.NONE, [said]
    try:
        return asyncio.run(_check(reader, signatures[0], roots, at))
    except Exception as error:
        return Level.NONE, [failed(Subject.SIGNATURE, "the signature is malformed", why=str(error))]


def inside(content: bytes) -> Inside:
    """The files that the document holds; raises ValueError where it cannot be read."""
    try:
        reader = PdfFileReader(BytesIO(content))
        files = {}
        for each in reader.root.get("/AF", ()):
            specification = each.get_object()
            stream = specification["/EF"]["/F"]
            files[str(specification["/UF"])] = bytes(stream.data)
        information = reader.trailer_view["/Info"]
        return Inside(files, str(information["/Keywords"]))
    except Exception as error:
        raise ValueError(f"the PDF cannot be read: {error}") from error


async def _check(
    reader: PdfFileReader,
    signature: EmbeddedPdfSignature,
    roots: Sequence[bytes] | None,
    at: datetime,
) -> tuple[Level, list[Check]]:
    found = await _validated(signature, roots, at)
    stamp = found.timestamp_validity
    is_stamped = stamp is not None and stamp.intact and stamp.valid
    if stamp is not None and is_stamped:
        # What was good when it was stamped stays good: years later, that moment counts.
        found = await _validated(signature, roots, stamp.timestamp)
    signed = _signature(found, signature)
    checks = [signed, _certificate(found, roots), _timestamp(found, roots)]
    if signed.outcome is not Outcome.PASSED:
        return Level.NONE, checks
    if stamp is None or not is_stamped or checks[2].outcome is Outcome.FAILED:
        return Level.B_B, checks
    if roots and await _proves_later(reader, signature, roots, stamp.timestamp):
        return Level.B_LT, checks
    return Level.B_T, checks


async def _validated(
    signature: EmbeddedPdfSignature,
    roots: Sequence[bytes] | None,
    at: datetime,
    context: ValidationContext | None = None,
) -> PdfSignatureStatus:
    context = context or ValidationContext(
        trust_roots=[x509.Certificate.load(each) for each in roots or ()],
        moment=at,
        allow_fetching=False,
        revocation_mode="soft-fail",
    )
    return await async_validate_pdf_signature(
        signature,
        signer_validation_context=context,
        key_usage_settings=KeyUsageConstraints(
            key_usage={"digital_signature", "non_repudiation"}, match_all_key_usages=False
        ),
    )


def _signature(found: PdfSignatureStatus, signature: EmbeddedPdfSignature) -> Check:
    name = _name(found.signing_cert)
    if not (found.intact and found.valid):
        return failed(Subject.SIGNATURE, "the document is not the one that was signed")
    if found.coverage is not SignatureCoverageLevel.ENTIRE_FILE or not found.docmdp_ok:
        return failed(Subject.SIGNATURE, "something was added after the document was signed")
    encoded = cms.ContentInfo.load(signature.pkcs7_content).dump()
    if signature.pkcs7_content[len(encoded) :].strip(b"\0"):
        return failed(Subject.SIGNATURE, "something lies behind the signature")
    if signature.sig_object.get("/SubFilter") != "/ETSI.CAdES.detached":
        return failed(Subject.SIGNATURE, "the signature is not a PAdES one")
    detail = f"signed by {name}, and not changed since"
    return Check(Subject.SIGNATURE, Outcome.PASSED, detail, {"name": name})


def _certificate(found: PdfSignatureStatus, roots: Sequence[bytes] | None) -> Check:
    name = _name(found.signing_cert)
    if roots is None:
        detail = f"nobody vouches for the certificate of {name}: name its authority with --trust"
        return Check(Subject.CERTIFICATE, Outcome.UNKNOWN, detail, {"name": name})
    if not found.trusted:
        reason = getattr(found.trust_problem_indic, "standard_name", "") or "no chain"
        return failed(
            Subject.CERTIFICATE,
            "the certificate of {name} is not vouched for by that authority ({reason})",
            name=name,
            reason=reason,
        )
    detail = f"the certificate of {name} was good then"
    return Check(Subject.CERTIFICATE, Outcome.PASSED, detail, {"name": name})


def _timestamp(found: PdfSignatureStatus, roots: Sequence[bytes] | None) -> Check:
    stamp = found.timestamp_validity
    if stamp is None:
        return Check(Subject.TIMESTAMP, Outcome.ABSENT, "no third party attests the date")
    if not (stamp.intact and stamp.valid):
        return failed(Subject.TIMESTAMP, "the timestamp is not of this signature")
    name = _name(stamp.signing_cert)
    moment = f"{stamp.timestamp:%Y-%m-%d %H:%M:%S} UTC"
    if roots is None:
        detail = f"{moment} by {name}, for whom nobody vouches"
        return Check(Subject.TIMESTAMP, Outcome.UNKNOWN, detail, {"name": name, "moment": moment})
    if not stamp.trusted:
        return failed(Subject.TIMESTAMP, "{name}, who gave it, is not vouched for", name=name)
    values = {"name": name, "moment": moment}
    return Check(Subject.TIMESTAMP, Outcome.PASSED, f"{moment} by {name}", values)


async def _proves_later(
    reader: PdfFileReader, signature: EmbeddedPdfSignature, roots: Sequence[bytes], at: datetime
) -> bool:
    """Whether the document itself holds what shows that no certificate was revoked."""
    try:
        store = DocumentSecurityStore.read_dss(reader)
    except NoDSSFoundError:
        return False
    context = store.as_validation_context(
        {
            "trust_roots": [x509.Certificate.load(each) for each in roots],
            "moment": at,
            "allow_fetching": False,
            "revocation_mode": "hard-fail",
            "retroactive_revinfo": True,
        }
    )
    try:
        found = await _validated(signature, roots, at, context)
    except (PathError, ValidationError):
        return False
    stamp = found.timestamp_validity
    return bool(found.trusted and stamp is not None and stamp.trusted)


def _name(certificate: x509.Certificate) -> str:
    subject = certificate.subject.native
    return str(subject.get("organization_name") or subject.get("common_name") or subject)
