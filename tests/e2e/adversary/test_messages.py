"""Messages made to do harm by an enrolled device: each is refused, the others are served."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from quitus.v1 import inventory_pb2, inventory_pb2_grpc
from quitus_agent import identity, statement, wire
from quitus_agent.device import DeviceFacts
from quitus_agent.identity import Identity
from quitus_agent.inventory import READ, Install, Inventory, SourceOutcome
from quitus_agent.spool import Accepted
from tests.builders import NOON
from tests.programs import AgentFolder, CollectorFolder
from tests.waiting import until

pytestmark = pytest.mark.e2e
METHOD = "/quitus.v1.InventoryService/Report"
MEBIBYTE = 1024 * 1024
TOO_LARGE = "Report: no whole message in 2 seconds: too large, or cut off"
ONE_ROW = statement.make(
    DeviceFacts("PC-1"),
    Inventory([SourceOutcome("dpkg", READ)], [Install("a", source="dpkg")]),
    NOON,
)


class Port:
    """The inventory port of a serving collector, for one enrolled device that may do anything."""

    def __init__(self, port: int, known: Identity) -> None:
        credentials = grpc.ssl_channel_credentials(
            known.trust_roots, known.private_key, known.certificate_chain
        )
        options = [("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)]
        self.channel = grpc.secure_channel(f"localhost:{port}", credentials, options)

    def send(self, content: bytes, compression: grpc.Compression | None = None) -> tuple[str, str]:
        """Sends bytes as they are; returns the status' name and its details."""
        try:
            self.channel.unary_unary(METHOD)(content, timeout=60, compression=compression)
        except grpc.RpcError as error:
            return error.code().name, error.details() or ""
        return "OK", ""

    def report(self, request: inventory_pb2.ReportRequest) -> inventory_pb2.ReportResponse:
        return inventory_pb2_grpc.InventoryServiceStub(self.channel).Report(request, timeout=30)


@pytest.fixture
def port(collector: CollectorFolder, agent: AgentFolder) -> Iterator[Port]:
    collector.set("reports_per_hour", "5")
    collector.set("message_s", "2")
    with collector.serving() as (enrolment, inventory):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        made = Port(inventory, identity.load(agent.state))
        yield made
        made.channel.close()


def refusals(collector: CollectorFolder) -> list[str]:
    """The reasons in the audit log."""
    entries = json.loads(collector.ok("audit", "list", "--format", "json"))
    return [each["detail"]["reason"] for each in entries if each["event"] == "refused"]


def highest_memory_mib(collector: CollectorFolder) -> float:
    (serving,) = (
        process
        for process in psutil.Process().children(recursive=True)
        if {"serve", str(collector.home)} <= {*process.cmdline()}
    )
    status = Path(f"/proc/{serving.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


@pytest.mark.parametrize("compression", [grpc.Compression.NoCompression, grpc.Compression.Gzip])
def test_a_message_far_too_large_is_refused_without_being_held(
    collector: CollectorFolder, port: Port, compression: grpc.Compression
) -> None:
    """Gzip makes 300 MiB of zeros a few hundred kilobytes: it is not unpacked past the limit."""
    before = highest_memory_mib(collector)

    status, _ = port.send(bytes(300 * MEBIBYTE), compression)

    assert status == "RESOURCE_EXHAUSTED"
    assert highest_memory_mib(collector) - before < 100
    assert port.report(wire.full_request(ONE_ROW, Accepted())).installs == 1
    assert until(lambda: refusals(collector) == [TOO_LARGE]), refusals(collector)


def test_bytes_that_are_no_message_are_refused_and_written_down(
    collector: CollectorFolder, port: Port
) -> None:
    answers = {port.send(b"\xff" + os.urandom(200)) for _ in range(4)}

    assert answers == {("INVALID_ARGUMENT", "the request is not a message of this call")}
    assert refusals(collector) == ["Report: the request is not a message of this call"]
    assert port.report(wire.full_request(ONE_ROW, Accepted())).installs == 1


def test_a_message_without_content_or_digest_is_refused_by_field(port: Port) -> None:
    request = wire.full_request(ONE_ROW, Accepted())
    request.digest = b"short"

    assert port.send(b"") == (
        "INVALID_ARGUMENT",
        "content: nothing that this collector understands",
    )
    assert port.send(request.SerializeToString()) == ("INVALID_ARGUMENT", "digest: not 32 bytes")


def test_a_report_that_is_replayed_changes_nothing_and_one_from_before_is_refused(
    port: Port,
) -> None:
    first = wire.full_request(ONE_ROW, Accepted())
    receipt = port.report(first).receipt
    nothing = ONE_ROW._replace(installs=())
    second = wire.full_request(nothing, Accepted(receipt=receipt))
    port.report(second)

    # Its answer may have been lost: the last one may be said again.
    assert port.report(second).installs == 0
    status, details = port.send(first.SerializeToString())

    assert (status, "two machines" in details) == ("FAILED_PRECONDITION", True)


def test_a_device_that_reports_all_the_time_is_told_to_wait(
    collector: CollectorFolder, port: Port
) -> None:
    request = wire.full_request(ONE_ROW, Accepted())
    for _ in range(5):
        port.report(request)

    with pytest.raises(grpc.RpcError) as refused:
        port.report(request)

    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailers = dict(refused.value.trailing_metadata())
    assert 600 <= int(trailers["retry-after-s"]) <= 720
    entries = json.loads(collector.ok("audit", "list", "--format", "json"))
    assert entries[-1]["detail"] == {"reason": "Report: too many calls"}


def test_the_agent_says_that_it_was_told_to_wait_and_keeps_its_report(
    collector: CollectorFolder, port: Port, agent: AgentFolder
) -> None:
    for _ in range(5):
        assert agent.run("report").status == 0

    told = agent.run("report")

    assert told.status == 1
    assert told.err.startswith("quitus-agent: the collector asks to wait: too many calls")
    assert told.err.count("\n") == 1
