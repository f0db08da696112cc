"""What the agent has to say, put into the messages of the wire."""

from collections.abc import Iterable, Iterator

from quitus.v1 import inventory_pb2
from quitus_agent import inventory as inventories
from quitus_agent.device import PHYSICAL, VIRTUAL
from quitus_agent.inventory import Install, SourceOutcome
from quitus_agent.spool import Accepted
from quitus_agent.statement import Statement, read_sources
from quitus_agent.version import version

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


def report_request(statement: Statement, accepted: Accepted) -> inventory_pb2.ReportRequest:
    """The smallest request that says this to a collector that holds what it accepted."""
    request = _request(statement, accepted)
    if request.digest == accepted.digest:
        request.unchanged.SetInParent()
        return request
    if not accepted.digest:
        request.full.CopyFrom(inventory(statement))
        return request
    read, rows = read_sources(statement), statement.rows
    request.changes.device.CopyFrom(_device(statement))
    request.changes.sources.extend(map(_outcome, statement.sources))
    request.changes.added.extend(
        _install(each) for digest, each in rows.items() if digest not in accepted.rows
    )
    request.changes.removed.extend(
        digest for digest, source in accepted.rows.items() if digest not in rows and source in read
    )
    return request


def full_request(statement: Statement, accepted: Accepted) -> inventory_pb2.ReportRequest:
    """The same, said whole."""
    request = _request(statement, accepted)
    request.full.CopyFrom(inventory(statement))
    return request


def offline_content(statement: Statement) -> bytes:
    """The same, encoded, for a file that is signed."""
    return full_request(statement, Accepted()).SerializeToString()


def inventory(statement: Statement) -> inventory_pb2.Inventory:
    """The whole inventory as a message."""
    return inventory_pb2.Inventory(
        device=_device(statement),
        sources=map(_outcome, statement.sources),
        installs=_installs(statement.installs),
    )


def _request(statement: Statement, accepted: Accepted) -> inventory_pb2.ReportRequest:
    request = inventory_pb2.ReportRequest(
        digest=statement.digest, receipt=accepted.receipt, agent_version=version()
    )
    request.taken_at.FromDatetime(statement.taken_at)
    return request


def _device(statement: Statement) -> inventory_pb2.DeviceFacts:
    facts = dict(statement.facts)
    kind = KINDS.get(str(facts.pop("kind", "")), inventory_pb2.DEVICE_KIND_UNSPECIFIED)
    return inventory_pb2.DeviceFacts(kind=kind, **facts)  # type: ignore[arg-type]


def _outcome(outcome: SourceOutcome) -> inventory_pb2.SourceOutcome:
    return inventory_pb2.SourceOutcome(
        name=outcome.name, status=STATUSES[outcome.status], reason=outcome.reason
    )


def _installs(installs: Iterable[Install]) -> Iterator[inventory_pb2.Install]:
    return map(_install, installs)


def _install(install: Install) -> inventory_pb2.Install:
    return inventory_pb2.Install(
        name=install.name,
        version=install.version,
        publisher=install.publisher,
        architecture=install.architecture,
        source=install.source,
        scope=SCOPES[install.scope],
        identifiers=dict(install.identifiers),
        hidden=install.hidden,
        installed_on=install.installed_on,
    )
