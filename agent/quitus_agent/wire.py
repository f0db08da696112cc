"""What the agent knows, put into the messages of the wire."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from quitus.v1 import inventory_pb2
from quitus_agent import inventory as inventories
from quitus_agent import pseudonyms
from quitus_agent.device import PHYSICAL, VIRTUAL, DeviceFacts
from quitus_agent.inventory import Install, Inventory, SourceOutcome

# The collector refuses longer texts; a source's record is cut rather than lost.
MAX_TEXT = 1_024

STATUSES = {
    inventories.READ: inventory_pb2.SOURCE_STATUS_READ,
    inventories.ABSENT: inventory_pb2.SOURCE_STATUS_ABSENT,
    inventories.FAILED: inventory_pb2.SOURCE_STATUS_FAILED,
}
SCOPES = {
    inventories.MACHINE: inventory_pb2.SCOPE_MACHINE,
    inventories.USER: inventory_pb2.SCOPE_USER,
}
KINDS = {
    PHYSICAL: inventory_pb2.DEVICE_KIND_PHYSICAL,
    VIRTUAL: inventory_pb2.DEVICE_KIND_VIRTUAL,
}


def report_request(
    device: DeviceFacts, inventory: Inventory, taken_at: datetime, user_pseudonym: str = ""
) -> inventory_pb2.ReportRequest:
    """What was read, as the wire says it: nothing else leaves the device."""
    message = inventory_pb2.Inventory(
        device=_device(device, user_pseudonym),
        sources=map(_outcome, inventory.sources),
        installs=_installs(inventory.installs),
    )
    message.taken_at.FromDatetime(taken_at)
    return inventory_pb2.ReportRequest(inventory=message)


def _device(device: DeviceFacts, user_pseudonym: str) -> inventory_pb2.DeviceFacts:
    return inventory_pb2.DeviceFacts(
        hostname=device.hostname,
        system=device.system,
        system_version=device.system_version,
        architecture=device.architecture,
        processors=device.processors,
        cores=device.cores,
        memory_bytes=device.memory_bytes,
        kind=KINDS.get(device.kind, inventory_pb2.DEVICE_KIND_UNSPECIFIED),
        hypervisor=device.hypervisor,
        chassis=device.chassis,
        portable=device.portable,
        logical_cores=device.logical_cores,
        smbios_uuid=device.smbios_uuid,
        serial=device.serial,
        machine_id=pseudonyms.of_system(device.system_id),
        primary_user=user_pseudonym,
        domain=device.domain,
        guests=device.guests,
    )


def _outcome(outcome: SourceOutcome) -> inventory_pb2.SourceOutcome:
    return inventory_pb2.SourceOutcome(
        name=outcome.name, status=STATUSES[outcome.status], reason=_short(outcome.reason)
    )


def _installs(installs: Iterable[Install]) -> Iterator[inventory_pb2.Install]:
    for install in installs:
        yield inventory_pb2.Install(
            name=_short(install.name),
            version=_short(install.version),
            publisher=_short(install.publisher),
            architecture=_short(install.architecture),
            source=install.source,
            scope=SCOPES[install.scope],
            identifiers={key: _short(value) for key, value in install.identifiers.items()},
            hidden=install.hidden,
            installed_on=install.installed_on,
        )


def _short(text: str) -> str:
    """A text that the wire takes: half a surrogate pair from a damaged registry is replaced."""
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 1] + "…"
    return (
        text
        if text.isascii()
        else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    )
