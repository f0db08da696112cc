"""From the wire to the domain; what comes from outside is bounded here."""

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern

from google.protobuf.timestamp_pb2 import Timestamp

from quitus.v1 import enrolment_pb2, inventory_pb2
from quitus_collector.domain.install import (
    DeviceFacts,
    DeviceKind,
    Install,
    Inventory,
    Scope,
    SourceOutcome,
    SourceStatus,
)
from quitus_collector.domain.report import Changes, Report, Unchanged
from quitus_collector.errors import InvalidRequest
from quitus_collector.services.ports import CompanyProof

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
# Anybody may knock at the enrolment port; what it needs is small.
MAX_ENROLMENT_BYTES = 64 * 1024
MAX_INSTALLS = 50_000
MAX_SOURCES = 64
MAX_TEXT = 1_024
MAX_SOURCE_NAME = 64
MAX_IDENTIFIERS = 32
MAX_GUESTS = 4_096
# Certificates from a machine's own to the one below what the collector trusts.
MAX_CHAIN = 8
DIGEST_BYTES = 32
MAX_VERSION = 64
# So many rows of the wire, of at most so many bytes, are kept with what they are: most devices have
# most of what others have. Together they take at most 30 MB.
ROWS, ROW_BYTES = 1 << 14, 512
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

STATUSES = {
    inventory_pb2.SOURCE_STATUS_READ: SourceStatus.READ,
    inventory_pb2.SOURCE_STATUS_ABSENT: SourceStatus.ABSENT,
    inventory_pb2.SOURCE_STATUS_FAILED: SourceStatus.FAILED,
}
SCOPES = {
    inventory_pb2.SCOPE_UNSPECIFIED: Scope.MACHINE,
    inventory_pb2.SCOPE_MACHINE: Scope.MACHINE,
    inventory_pb2.SCOPE_USER: Scope.USER,
}
KINDS = {
    inventory_pb2.DEVICE_KIND_UNSPECIFIED: DeviceKind.UNKNOWN,
    inventory_pb2.DEVICE_KIND_PHYSICAL: DeviceKind.PHYSICAL,
    inventory_pb2.DEVICE_KIND_VIRTUAL: DeviceKind.VIRTUAL,
}


def company_proof(message: enrolment_pb2.EnrolRequest) -> CompanyProof | None:
    """What an enrolment shows of the company's own authority, if it does; raises InvalidRequest."""
    if not message.HasField("company"):
        return None
    if message.token_secret:
        raise InvalidRequest("company: a join token or a company certificate lets in, not both")
    chain = tuple(message.company.certificate_chain)
    if not 0 < len(chain) <= MAX_CHAIN:
        raise InvalidRequest(f"company.certificate_chain: not 1 to {MAX_CHAIN} certificates")
    signed_at = _time(message.company.signed_at, "company.signed_at")
    return CompanyProof(chain, message.company.signature, signed_at)


def report(message: inventory_pb2.ReportRequest) -> Report:
    """The report that a message carries; raises InvalidRequest naming the field."""
    match message.WhichOneof("content"):
        case "full":
            content: Inventory | Changes | Unchanged = inventory(message.full)
        case "changes":
            content = _changes(message.changes)
        case "unchanged":
            content = Unchanged()
        case _:
            raise InvalidRequest("content: nothing that this collector understands")
    if len(message.digest) != DIGEST_BYTES:
        raise InvalidRequest(f"digest: not {DIGEST_BYTES} bytes")
    if len(message.receipt) > DIGEST_BYTES:
        raise InvalidRequest(f"receipt: more than {DIGEST_BYTES} bytes")
    taken_at = _time(message.taken_at, "taken_at")
    if len(message.trust_digest) not in (0, DIGEST_BYTES):
        raise InvalidRequest(f"trust_digest: not {DIGEST_BYTES} bytes")
    version = text(message.agent_version, "agent_version", MAX_VERSION)
    return Report(taken_at, message.digest, message.receipt, content, message.trust_digest, version)


def inventory(message: inventory_pb2.Inventory) -> Inventory:
    """The inventory that a message carries; raises InvalidRequest naming the field."""
    sources = _sources(message.sources)
    return Inventory(
        facts(message.device), sources, _installs(message.installs, sources, "installs")
    )


def _changes(message: inventory_pb2.Changes) -> Changes:
    sources = _sources(message.sources)
    if len(message.removed) > MAX_INSTALLS:
        raise InvalidRequest(f"removed: {len(message.removed)} are more than {MAX_INSTALLS}")
    return Changes(
        facts(message.device),
        sources,
        _installs(message.added, sources, "added"),
        frozenset(message.removed),
    )


def _sources(messages: Sequence[inventory_pb2.SourceOutcome]) -> tuple[SourceOutcome, ...]:
    if len(messages) > MAX_SOURCES:
        raise InvalidRequest(f"sources: {len(messages)} are more than {MAX_SOURCES}")
    sources = tuple(_outcome(each, f"sources[{i}]") for i, each in enumerate(messages))
    names = [each.name for each in sources]
    if len(names) != len(set(names)):
        raise InvalidRequest("sources: one is listed twice")
    return sources


def _installs(
    messages: Sequence[inventory_pb2.Install], sources: Iterable[SourceOutcome], field: str
) -> tuple[Install, ...]:
    """The rows, each once and from a source that was read: else nothing says how to replace it."""
    if len(messages) > MAX_INSTALLS:
        raise InvalidRequest(f"{field}: {len(messages)} are more than {MAX_INSTALLS}")
    read = {each.name for each in sources if each.status is SourceStatus.READ}
    installs: dict[bytes, Install] = {}
    for number, message in enumerate(messages):
        row = message.SerializeToString()
        try:
            install = (_install if len(row) <= ROW_BYTES else _install.__wrapped__)(row)
        except InvalidRequest as error:
            raise InvalidRequest(f"{field}[{number}].{error}") from error
        if install.source not in read:
            raise InvalidRequest(f"{field}[{number}].source: {install.source!r} was not read")
        if (record := install.record()) in installs:
            raise InvalidRequest(f"{field}[{number}]: the same record twice")
        installs[record] = install
    return tuple(installs.values())


def facts(message: inventory_pb2.DeviceFacts) -> DeviceFacts:
    """The device's facts; raises InvalidRequest naming the field."""
    return DeviceFacts(
        hostname=text(message.hostname, "device.hostname"),
        system=text(message.system, "device.system"),
        system_version=text(message.system_version, "device.system_version"),
        architecture=text(message.architecture, "device.architecture"),
        processors=message.processors,
        cores=message.cores,
        memory_bytes=message.memory_bytes,
        kind=KINDS.get(message.kind, DeviceKind.UNKNOWN),
        hypervisor=text(message.hypervisor, "device.hypervisor"),
        chassis=text(message.chassis, "device.chassis"),
        portable=message.portable,
        logical_cores=message.logical_cores,
        smbios_uuid=text(message.smbios_uuid, "device.smbios_uuid"),
        serial=text(message.serial, "device.serial"),
        machine_id=text(message.machine_id, "device.machine_id"),
        primary_user=text(message.primary_user, "device.primary_user"),
        domain=text(message.domain, "device.domain"),
        disk_id=text(message.disk_id, "device.disk_id"),
        guests=tuple(text(each, "device.guests") for each in message.guests[:MAX_GUESTS]),
    )


def text(value: str, field: str, limit: int = MAX_TEXT) -> str:
    """A text within its limit, control characters replaced visibly.

    No database keeps a null character, and a terminal obeys an escape.
    """
    if len(value) > limit:
        raise InvalidRequest(f"{field}: longer than {limit} characters")
    return value if value.isprintable() else _CONTROL.sub("\ufffd", value)


def _outcome(message: inventory_pb2.SourceOutcome, field: str) -> SourceOutcome:
    status = STATUSES.get(message.status)
    if status is None or not message.name:
        raise InvalidRequest(f"{field}: a name and a status are needed")
    return SourceOutcome(
        text(message.name, f"{field}.name", MAX_SOURCE_NAME),
        status,
        text(message.reason, f"{field}.reason"),
    )


@lru_cache(maxsize=ROWS)
def _install(row: bytes) -> Install:
    """The record that these bytes of the wire are, worked out once for devices that have it too.

    Raises InvalidRequest naming the field of the record.
    """
    message = inventory_pb2.Install.FromString(row)
    if not message.name:
        raise InvalidRequest("name: empty")
    if message.scope not in SCOPES:
        raise InvalidRequest(f"scope: unknown value {message.scope}")
    if len(message.identifiers) > MAX_IDENTIFIERS:
        raise InvalidRequest(f"identifiers: more than {MAX_IDENTIFIERS}")
    return Install(
        name=text(message.name, "name"),
        version=text(message.version, "version"),
        publisher=intern(text(message.publisher, "publisher")),
        architecture=intern(text(message.architecture, "architecture")),
        source=intern(text(message.source, "source", MAX_SOURCE_NAME)),
        scope=SCOPES[message.scope],
        identifiers={
            text(key, "identifiers"): text(value, f"identifiers[{key[:64]!r}]")
            for key, value in message.identifiers.items()
        },
        hidden=message.hidden,
        installed_on=_date(message.installed_on, "installed_on"),
    )


def _time(message: Timestamp, field: str) -> datetime:
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{field}: not a time") from error


def _date(value: str, field: str) -> str:
    if value and not _DATE.fullmatch(value):
        raise InvalidRequest(f"{field}: not an ISO date")
    return value
