"""What a device shows at each call, and whether it opens anything."""

from dataclasses import dataclass, replace
from datetime import datetime

from quitus_collector.domain.device import Device
from quitus_collector.errors import DeviceRefused


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate whose issuer the handshake has verified; its dates may be over since."""

    device_id: str
    key_sha256: str
    starts_at: datetime
    ends_at: datetime
    for_clients: bool


def check_certificate(certificate: ClientCertificate, now: datetime) -> None:
    """What can be told without the device's record; raises DeviceRefused."""
    if not certificate.for_clients:
        raise DeviceRefused("this certificate is not one for devices")
    if now < certificate.starts_at:
        raise DeviceRefused(
            f"this certificate is not valid before {certificate.starts_at:%Y-%m-%d %H:%M} UTC"
        )
    if now >= certificate.ends_at:
        raise DeviceRefused(
            f"this certificate ended on {certificate.ends_at:%Y-%m-%d %H:%M} UTC: "
            "run quitus-agent report again"
        )


def admitted(device: Device, certificate: ClientCertificate, now: datetime) -> Device:
    """The device as it is after this call, to be kept; raises DeviceRefused.

    The first use of a renewed key ends the one before it.
    """
    check_certificate(certificate, now)
    return shown_by(device, certificate.key_sha256)


def shown_by(device: Device, key_sha256: str) -> Device:
    """The device as it is after it showed this key; raises DeviceRefused where that is not its own.

    One that a newer key replaced is not.
    """
    check_standing(device)
    device = after_use(device, key_sha256)
    if key_sha256 != device.public_key_sha256:
        raise DeviceRefused(
            "this device's key was replaced by a newer one: "
            "is this an old copy of the machine? enrol again with quitus-agent enrol --again"
        )
    return device


def after_use(device: Device, key_sha256: str) -> Device:
    """The device once it has shown this key: a renewed one takes the place of the one before."""
    if key_sha256 != device.next_key_sha256:
        return device
    return replace(device, public_key_sha256=key_sha256, next_key_sha256=None)


def check_standing(device: Device) -> None:
    """Raises DeviceRefused where a person shut the device out."""
    if device.revoked_at:
        raise DeviceRefused(
            f"this device was revoked on {device.revoked_at:%Y-%m-%d %H:%M} UTC: "
            "ask the collector's administrators to restore it"
        )
