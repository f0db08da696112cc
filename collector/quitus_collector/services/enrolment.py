"""Letting devices in: by a join token, a company certificate, a person; again after an absence."""

import base64
import hashlib
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.certificate import after_use, check_standing
from quitus_collector.domain.device import Device, EnrolmentRequest, JoinToken, Standing
from quitus_collector.errors import EnrolmentRefused, UsageError
from quitus_collector.services.ports import (
    CertificateAuthority,
    Clock,
    CompanyProof,
    IssuedCertificate,
    Store,
    UnitOfWork,
    Vouching,
)

TOKEN_PREFIX = "qt1"  # noqa: S105 - a format, not a secret
REFUSAL = "the join token is unknown, used up or expired"
# What a device signs to come back begins with this, so that no other signature can be taken for it.
REENTRY_CONTEXT = b"quitus re-entry 1\0"
# The same of what a company certificate's key signs, and how far that may be from now.
COMPANY_CONTEXT = b"quitus company enrolment 1\0"
MAX_PROOF_AGE = timedelta(hours=1)
# What stands in place of a join token where a person let the device in.
APPROVED = "request "
# Requests that wait for a person; anybody can make them, so there are only so many, for so long.
MAX_REQUESTS = 1_000
MAX_REQUESTS_OF_ADDRESS = 20
REQUEST_VALIDITY = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Applicant:
    """A device that asks to be let in: its PKCS#10 request, what it calls itself, its address.

    Where the address is a balancer's many devices share it, and nothing is counted by it.
    """

    signing_request: bytes
    hostname: str
    address: str
    shares_address: bool = False


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What a device gets when it is admitted."""

    device_id: str
    certificate: IssuedCertificate


def create_token(
    store: Store,
    authority: CertificateAuthority,
    clock: Clock,
    *,
    actor: str,
    uses: int,
    valid_for: timedelta,
    entity: str | None = None,
    label: str = "",
) -> str:
    """Makes a join token and returns it; the secret cannot be had again."""
    secret = secrets.token_urlsafe(24)
    now = clock.now()
    token = JoinToken(
        id=uuid.uuid4().hex[:8],
        secret_sha256=_sha256(secret),
        uses_allowed=uses,
        created_at=now,
        expires_at=now + valid_for,
        entity=entity,
        label=label,
    )
    detail = {"uses": str(uses), "until": token.expires_at.isoformat(), "entity": entity or ""}
    with store.writing() as work:
        work.tokens.add(token)
        work.audit.add(Event(now, Kind.TOKEN_MADE, actor, f"token {token.id}", detail))
    fingerprint = hashlib.sha256(authority.root()).digest()
    root = base64.urlsafe_b64encode(fingerprint).decode().rstrip("=")
    return f"{TOKEN_PREFIX}.{root}.{secret}"


def revoke_token(store: Store, clock: Clock, token_id: str, *, actor: str) -> JoinToken:
    """Ends a token now; devices that it admitted stay. Raises UsageError if there is none."""
    now = clock.now()
    with store.writing() as work:
        token = next((each for each in work.tokens.list() if each.id == token_id), None)
        if token is None:
            raise UsageError("no token has the id {token_id!r}", token_id=token_id)
        token = replace(token, expires_at=min(token.expires_at, now))
        work.tokens.add(token)
        work.audit.add(Event(now, Kind.TOKEN_REVOKED, actor, f"token {token.id}"))
    return token


def enrol(
    store: Store,
    authority: CertificateAuthority,
    clock: Clock,
    *,
    token_secret: str,
    applicant: Applicant,
) -> Enrolled:
    """Admits a device; asking again with the same token and key gives the same device.

    Raises EnrolmentRefused, InvalidRequest, or DeviceRefused where the device was revoked since.
    """
    key = authority.key_sha256(applicant.signing_request)
    now = clock.now()
    with store.writing() as work:
        token = work.tokens.find(_sha256(token_secret))
        if token is None or now >= token.expires_at:
            raise EnrolmentRefused(REFUSAL)
        device = work.devices.find(key)
        if device is None or device.token_id != token.id:
            if device is not None or not token.has_uses_left:
                raise EnrolmentRefused(REFUSAL)
            work.tokens.add(token.used_once_more())
            device = _new_device(key, applicant, now, token_id=token.id, entity=token.entity)
        return _let_in(work, authority, now, device, applicant, {"token": token.id})


def enrol_by_company(
    store: Store,
    authority: CertificateAuthority,
    vouching: Vouching,
    clock: Clock,
    *,
    proof: CompanyProof,
    applicant: Applicant,
) -> Enrolled:
    """Admits the device that a company certificate names, which its key has to prove.

    A second device of one name is set apart until a person decides, and none comes in beside one
    that was revoked. Raises EnrolmentRefused, InvalidRequest or DeviceRefused.
    """
    key = authority.key_sha256(applicant.signing_request)
    now = clock.now()
    if abs(now - proof.signed_at) > MAX_PROOF_AGE:
        raise EnrolmentRefused(
            f"this device's clock says {proof.signed_at:%Y-%m-%d %H:%M} UTC, and the collector's "
            f"{now:%Y-%m-%d %H:%M} UTC: set the clock that is wrong"
        )
    message = company_message(authority.root(), proof.signed_at, applicant.signing_request)
    with store.writing() as work:
        of, name = vouching(work.company_authorities.list(), proof, message, now)
        if not of.admits(name):
            raise EnrolmentRefused(f"{name} is not one of the names that may come in")
        device = work.devices.find(key)
        if device is not None and device.company_name != name:
            raise EnrolmentRefused("this key is a known device's: enrol with a fresh one")
        detail = {"company authority": of.id, "name": name}
        if device is not None:
            return _let_in(work, authority, now, device, applicant, detail)
        made = _new_device(key, applicant, now, token_id=f"company {of.id}", entity=of.entity)
        made = _beside_others(work, replace(made, company_name=name))
        enrolled = _let_in(work, authority, now, made, applicant, detail)
        if made.standing is Standing.QUARANTINED:
            who, reason = f"device {made.id}", {"reason": made.standing_reason}
            work.audit.add(Event(now, Kind.QUARANTINED, who, who, reason))
        return enrolled


def company_message(root: bytes, signed_at: datetime, signing_request: bytes) -> bytes:
    """What a company certificate's key signs, given the collector's root (DER)."""
    seconds = int(signed_at.timestamp()).to_bytes(8)
    return COMPANY_CONTEXT + hashlib.sha256(root).digest() + seconds + signing_request


def _beside_others(work: UnitOfWork, made: Device) -> Device:
    """The new device, set apart where its company certificate let another one in already."""
    known = work.devices.of_company(made.company_name)
    if any(each.revoked_at for each in known):
        raise EnrolmentRefused(
            f"the device of the company certificate {made.company_name} was revoked: ask the "
            "collector's administrators to restore or to remove it"
        )
    present = [each for each in known if each.standing is not Standing.REPLACED]
    if any(each.standing is Standing.QUARANTINED for each in present):
        raise EnrolmentRefused(
            f"a person has to decide first about another device of {made.company_name}"
        )
    if not present:
        return made
    rival = present[-1]
    reason = f"its company certificate is also that of {rival.name} ({rival.id})"
    return replace(
        made, standing=Standing.QUARANTINED, standing_reason=reason[:255], rival=rival.id
    )


def ask(
    store: Store, authority: CertificateAuthority, clock: Clock, applicant: Applicant
) -> Enrolled | EnrolmentRequest:
    """Lets a device in that a person has approved, or has it wait for one.

    Raises EnrolmentRefused where it was denied or too many wait already, or InvalidRequest.
    """
    key = authority.key_sha256(applicant.signing_request)
    now = clock.now()
    with store.writing() as work:
        request = work.requests.find(key)
        if request is not None and now >= request.requested_at + REQUEST_VALIDITY:
            work.requests.remove(request.id)
            request = None
        if request is None:
            device = work.devices.find(key)
            if device is not None:
                approved = device.token_id.startswith(APPROVED)
                if not approved or now >= device.enrolled_at + REQUEST_VALIDITY:
                    raise EnrolmentRefused("this key is a known device's: enrol with a fresh one")
                # The answer to an approved request was lost on its way.
                return _let_in(work, authority, now, device, applicant, {})
            return _queued(work, now, key, applicant)
        if request.approved is None:
            return request
        if not request.approved:
            raise EnrolmentRefused(f"the request {request.id} of this device was denied")
        work.requests.remove(request.id)
        token_id = f"{APPROVED}{request.id}"
        device = _new_device(key, applicant, now, token_id=token_id, entity=request.entity)
        return _let_in(work, authority, now, device, applicant, {"request": request.id})


def decide(
    store: Store, clock: Clock, request_id: str, *, approved: bool, entity: str | None, actor: str
) -> EnrolmentRequest:
    """Approves or denies a request; the device learns it when it asks again.

    Raises UsageError if there is no such request.
    """
    now = clock.now()
    with store.writing() as work:
        request = next((each for each in work.requests.list() if each.id == request_id), None)
        if request is None:
            raise UsageError(
                "no device waits under the request {request_id!r}", request_id=request_id
            )
        request = replace(request, approved=approved, entity=entity)
        work.requests.add(request)
        kind = Kind.APPROVED if approved else Kind.DENIED
        detail = {"hostname": request.hostname, "entity": entity or ""}
        work.audit.add(Event(now, kind, actor, f"request {request.id}", detail))
    return request


def reenter(
    store: Store,
    authority: CertificateAuthority,
    clock: Clock,
    *,
    public_key: bytes,
    signature: bytes,
    applicant: Applicant,
    grace: timedelta,
) -> Enrolled:
    """A new certificate for a device whose last one ended less than `grace` ago.

    Its key proves who it is; the signature binds the new request to it. Raises EnrolmentRefused,
    InvalidRequest or DeviceRefused.
    """
    message = REENTRY_CONTEXT + applicant.signing_request
    known = authority.proven_key_sha256(public_key, signature, message)
    key = authority.key_sha256(applicant.signing_request)
    now = clock.now()
    with store.writing() as work:
        device = work.devices.find(known)
        if device is None or now >= device.certificate_expires_at + grace:
            raise EnrolmentRefused(
                "this device was away for too long or is not known any more: enrol again "
                "with quitus-agent enrol --again and a new join token"
            )
        check_standing(device)
        device = after_use(device, known)
        return renewed(work, authority, now, device, key, applicant, Kind.REENTERED)


def renewed(
    work: UnitOfWork,
    authority: CertificateAuthority,
    now: datetime,
    device: Device,
    key: str,
    applicant: Applicant,
    kind: Kind,
) -> Enrolled:
    """Certifies a fresh key of a known device; the present one stays good until that one is used.

    Raises EnrolmentRefused where the key is not a fresh one.
    """
    holder = work.devices.find(key)
    if holder is not None and (holder.id != device.id or key == device.public_key_sha256):
        raise EnrolmentRefused("a renewal needs a fresh key")
    certificate = authority.issue(applicant.signing_request, device.id, now)
    work.devices.add(
        replace(device, next_key_sha256=key, certificate_expires_at=certificate.expires_at)
    )
    detail = {"until": certificate.expires_at.isoformat(), "address": applicant.address}
    work.audit.add(Event(now, kind, f"device {device.id}", f"device {device.id}", detail))
    return Enrolled(device.id, certificate)


def _queued(work: UnitOfWork, now: datetime, key: str, applicant: Applicant) -> EnrolmentRequest:
    waiting = work.requests.list()
    for old in waiting:
        if now >= old.requested_at + REQUEST_VALIDITY:
            work.requests.remove(old.id)
    waiting = [each for each in waiting if now < each.requested_at + REQUEST_VALIDITY]
    of_address = sum(each.address == applicant.address for each in waiting)
    is_one_too_many = of_address >= MAX_REQUESTS_OF_ADDRESS and not applicant.shares_address
    if len(waiting) >= MAX_REQUESTS or is_one_too_many:
        raise EnrolmentRefused("too many devices wait for a person already: try again later")
    request = EnrolmentRequest(
        id=uuid.uuid4().hex[:8],
        public_key_sha256=key,
        hostname=applicant.hostname,
        address=applicant.address,
        requested_at=now,
    )
    work.requests.add(request)
    detail = {"hostname": applicant.hostname}
    work.audit.add(Event(now, Kind.REQUESTED, applicant.address, f"request {request.id}", detail))
    return request


def _new_device(
    key: str, applicant: Applicant, now: datetime, *, token_id: str, entity: str | None
) -> Device:
    return Device(
        id=str(uuid.uuid4()),
        hostname=applicant.hostname,
        public_key_sha256=key,
        token_id=token_id,
        enrolled_at=now,
        certificate_expires_at=now,
        entity=entity,
    )


def _let_in(
    work: UnitOfWork,
    authority: CertificateAuthority,
    now: datetime,
    device: Device,
    applicant: Applicant,
    detail: dict[str, str],
) -> Enrolled:
    check_standing(device)
    certificate = authority.issue(applicant.signing_request, device.id, now)
    work.devices.add(replace(device, certificate_expires_at=certificate.expires_at))
    detail = {**detail, "hostname": applicant.hostname, "until": certificate.expires_at.isoformat()}
    work.audit.add(Event(now, Kind.ENROLLED, applicant.address, f"device {device.id}", detail))
    return Enrolled(device.id, certificate)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
