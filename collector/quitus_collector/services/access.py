"""Who may stay in: renewal of certificates, revocation, and what devices trust."""

import hashlib
from dataclasses import replace
from functools import lru_cache

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.certificate import ClientCertificate, admitted
from quitus_collector.domain.device import Device
from quitus_collector.errors import UsageError
from quitus_collector.services.enrolment import Applicant, Enrolled, renewed
from quitus_collector.services.ports import CertificateAuthority, Clock, Store
from quitus_collector.services.reporting import show_device


def renew(
    store: Store,
    authority: CertificateAuthority,
    clock: Clock,
    peer: ClientCertificate,
    applicant: Applicant,
) -> Enrolled:
    """A new certificate under the same identity, for a fresh key.

    Asking again with the same key, because an answer was lost, gives another certificate for it.
    Raises UnknownDevice, DeviceRefused, EnrolmentRefused or InvalidRequest.
    """
    key = authority.key_sha256(applicant.signing_request)
    now = clock.now()
    with store.writing() as work:
        device = admitted(work.devices.get(peer.device_id), peer, now)
        return renewed(work, authority, now, device, key, applicant, Kind.RENEWED)


def revoke(store: Store, clock: Clock, name: str, *, actor: str, reason: str = "") -> Device:
    """Shuts a device out from its next call on; what it reported stays.

    Raises UnknownDevice, or UsageError where it is revoked already.
    """
    device, _ = show_device(store, name)
    if device.revoked_at:
        raise UsageError("{name} ({id}) is revoked already", name=device.name, id=device.id)
    return _set_revoked(store, clock, device, Kind.REVOKED, actor, reason)


def restore(store: Store, clock: Clock, name: str, *, actor: str, reason: str = "") -> Device:
    """Lets a revoked device in again; raises UnknownDevice, or UsageError where it is in."""
    device, _ = show_device(store, name)
    if not device.revoked_at:
        raise UsageError("{name} ({id}) is not revoked", name=device.name, id=device.id)
    return _set_revoked(store, clock, device, Kind.RESTORED, actor, reason)


def remove(store: Store, clock: Clock, name: str, *, actor: str) -> Device:
    """Forgets a device and its installs; its certificate opens nothing any more.

    Raises UnknownDevice, or UsageError where several devices have the name.
    """
    device, _ = show_device(store, name)
    with store.writing() as work:
        work.devices.remove(device.id)
        detail = {"name": device.name}
        work.audit.add(Event(clock.now(), Kind.REMOVED, actor, f"device {device.id}", detail))
    return device


@lru_cache(maxsize=8)
def trust_digest(roots: tuple[bytes, ...]) -> bytes:
    """What a device says of the roots that it trusts: SHA-256 over their sorted SHA-256."""
    return hashlib.sha256(
        b"".join(sorted(hashlib.sha256(each).digest() for each in roots))
    ).digest()


def _set_revoked(
    store: Store, clock: Clock, device: Device, kind: Kind, actor: str, reason: str
) -> Device:
    now = clock.now()
    with store.writing() as work:
        device = replace(
            work.devices.get(device.id), revoked_at=now if kind is Kind.REVOKED else None
        )
        work.devices.add(device)
        work.audit.add(Event(now, kind, actor, f"device {device.id}", {"reason": reason}))
    return device
