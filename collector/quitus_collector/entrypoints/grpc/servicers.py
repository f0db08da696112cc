"""The two services of proto/quitus/v1: each method translates and calls one use case."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from quitus.v1 import enrolment_pb2, enrolment_pb2_grpc, inventory_pb2, inventory_pb2_grpc
from quitus_collector.domain.report import Unchanged
from quitus_collector.entrypoints.grpc import translate
from quitus_collector.entrypoints.grpc.rates import Rate
from quitus_collector.entrypoints.grpc.together import Together
from quitus_collector.errors import CollectorError, FullReportWanted, UnknownDevice
from quitus_collector.services.enrolment import Enrolled
from quitus_collector.services.reporting import Accepted, Incoming

log = logging.getLogger(__name__)
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicers call; blocking, so they run on `executor`."""

    enrol: Callable[[str, bytes, str], Enrolled]
    accept_reports: Callable[[Sequence[Incoming]], Sequence[Accepted | CollectorError]]
    device_id_of: Callable[[bytes], str]
    trust_roots: tuple[bytes, ...]
    pseudonym_key: bytes
    executor: Executor

    async def run(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Runs a use case without holding up the other calls."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, call, *arguments)


class EnrolmentServicer(enrolment_pb2_grpc.EnrolmentServiceServicer):
    """Admits devices."""

    def __init__(self, use_cases: UseCases, rate: Rate, inventory_port: Callable[[], int]) -> None:
        """`rate` is that of one address.

        `inventory_port` is asked at each call: it is known once that listener is bound.
        """
        self._use_cases = use_cases
        self._rate = rate
        self._inventory_port = inventory_port

    async def Enrol(
        self, request: enrolment_pb2.EnrolRequest, context: Any
    ) -> enrolment_pb2.EnrolResponse:
        """See enrolment.proto."""
        self._rate.spend(_address(context), asyncio.get_running_loop().time())
        admitted = await self._use_cases.run(
            self._use_cases.enrol,
            translate.text(request.token_secret, "token_secret"),
            request.signing_request,
            translate.text(request.hostname, "hostname")[:255],
        )
        log.info("device enrolled", extra={"device_id": admitted.device_id})
        return enrolment_pb2.EnrolResponse(
            device_id=admitted.device_id,
            certificate_chain=admitted.certificate.chain,
            trust_roots=self._use_cases.trust_roots,
            inventory_port=self._inventory_port(),
            pseudonym_key=self._use_cases.pseudonym_key,
        )


class InventoryServicer(inventory_pb2_grpc.InventoryServiceServicer):
    """Takes in reports."""

    def __init__(self, use_cases: UseCases, rate: Rate) -> None:
        """`rate` is that of one device, whose identity is the certificate of each call."""
        self._use_cases = use_cases
        self._rate = rate
        self._reports: Together[Incoming, Accepted] = Together(
            use_cases.accept_reports, use_cases.executor
        )

    async def Report(
        self, request: inventory_pb2.ReportRequest, context: Any
    ) -> inventory_pb2.ReportResponse:
        """See inventory.proto."""
        device_id = self._peer_device_id(context)
        self._rate.spend(device_id, asyncio.get_running_loop().time())
        report = translate.report(request)
        try:
            accepted = await self._reports.ask((device_id, report))
        except FullReportWanted as error:
            log.info("full report wanted", extra={"device_id": device_id, "reason": str(error)})
            return inventory_pb2.ReportResponse(full_wanted=True)
        # Most reports of a day say nothing new; that they came is in the store.
        level = logging.DEBUG if isinstance(report.content, Unchanged) else logging.INFO
        fields = {"device_id": device_id, "installs": accepted.installs}
        log.log(level, "report accepted", extra=fields)
        return inventory_pb2.ReportResponse(installs=accepted.installs, receipt=accepted.receipt)

    def _peer_device_id(self, context: Any) -> str:
        """Who is calling: the only place that knows where identity comes from."""
        certificates = context.auth_context().get("x509_pem_cert")
        if not certificates:
            raise UnknownDevice("a call without a client certificate")
        return self._use_cases.device_id_of(certificates[0])


def _address(context: Any) -> str:
    """Where a call comes from, without its port: `ipv4:192.0.2.7`."""
    return str(context.peer()).rpartition(":")[0]
