"""Admitting devices: join tokens are made, shown once, and spent."""

import base64
import hashlib
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

from quitus_collector.domain.device import Device, JoinToken
from quitus_collector.errors import EnrolmentRefused
from quitus_collector.services.ports import CertificateAuthority, Clock, IssuedCertificate, Store

TOKEN_PREFIX = "qt1"  # noqa: S105 - a format, not a secret
REFUSAL = "the join token is unknown, used up or expired"


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
    with store.writing() as work:
        work.tokens.add(token)
    fingerprint = hashlib.sha256(authority.root()).digest()
    root = base64.urlsafe_b64encode(fingerprint).decode().rstrip("=")
    return f"{TOKEN_PREFIX}.{root}.{secret}"


def enrol(
    store: Store,
    authority: CertificateAuthority,
    clock: Clock,
    *,
    token_secret: str,
    signing_request: bytes,
    hostname: str,
) -> Enrolled:
    """Admits a device; asking again with the same token and key gives the same device.

    Raises EnrolmentRefused or InvalidRequest.
    """
    key = authority.key_sha256(signing_request)
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
            device = Device(
                id=str(uuid.uuid4()),
                hostname=hostname,
                public_key_sha256=key,
                token_id=token.id,
                enrolled_at=now,
                certificate_expires_at=now,
                entity=token.entity,
            )
        certificate = authority.issue(signing_request, device.id, now)
        work.devices.add(replace(device, certificate_expires_at=certificate.expires_at))
    return Enrolled(device.id, certificate)


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
