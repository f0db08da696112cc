"""The two services of proto/quitus/v1: each method translates and calls one use case."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any, TypeVar

from quitus.v1 import (
    enrolment_pb2,
    enrolment_pb2_grpc,
    identity_pb2,
    identity_pb2_grpc,
    inventory_pb2,
    inventory_pb2_grpc,
)
from quitus_collector.domain.certificate import ClientCertificate
from quitus_collector.domain.device import EnrolmentRequest
from quitus_collector.domain.report import Unchanged
from quitus_collector.entrypoints.grpc import translate
from quitus_collector.entrypoints.grpc.peers import address_of
from quitus_collector.entrypoints.grpc.rates import Rate
from quitus_collector.entrypoints.grpc.together import BRIEF, LONG, Together
from quitus_collector.errors import CollectorError, FullReportWanted
from quitus_collector.services.access import trust_digest
from quitus_collector.services.enrolment import Applicant, Enrolled
from quitus_collector.services.ports import CompanyProof
from quitus_collector.services.reporting import Accepted, Incoming

log = logging.getLogger(__name__)
Result = TypeVar("Result")
# What to tell an agent of this version of the one that is wanted in its place, if any is.
WantedAgent = Callable[[str], inventory_pb2.AgentRelease | None]


@dataclass(frozen=True, slots=True)
class UseCases:
    """What the servicers call; blocking, so they run on `executor`."""

    enrol: Callable[[str, CompanyProof | None, Applicant], Enrolled | EnrolmentRequest]
    reenter: Callable[[bytes, bytes, Applicant], Enrolled]
    renew: Callable[[ClientCertificate, Applicant], Enrolled]
    accept_reports: Callable[[Sequence[Incoming]], Sequence[Accepted | CollectorError]]
    # The caller's certificate, once everything is checked that needs no record of the device.
    peer: Callable[[Any], ClientCertificate]
    # Who was refused and why.
    refused: Callable[[str, str], None]
    trust_roots: Callable[[], tuple[bytes, ...]]
    pseudonym_key: bytes
    executor: Executor
    wanted_agent: WantedAgent

    async def run(self, call: Callable[..., Result], *arguments: object) -> Result:
        """Runs a use case without holding up the other calls."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, call, *arguments)


class EnrolmentServicer(enrolment_pb2_grpc.EnrolmentServiceServicer):
    """Admits devices."""

    def __init__(
        self,
        use_cases: UseCases,
        rate: Rate,
        inventory_port: int,
        is_balancer: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """`rate` is that of one address, but of a balancer's, from which many devices come."""
        self._use_cases = use_cases
        self._rate = rate
        self._inventory_port = inventory_port
        self._is_balancer = is_balancer

    async def Enrol(
        self, request: enrolment_pb2.EnrolRequest, context: Any
    ) -> enrolment_pb2.EnrolResponse:
        """See enrolment.proto."""
        shares_address = self._spend(context)
        answer = await self._use_cases.run(
            self._use_cases.enrol,
            translate.text(request.token_secret, "token_secret"),
            translate.company_proof(request),
            _applicant(request.signing_request, request.hostname, context, shares_address),
        )
        if isinstance(answer, EnrolmentRequest):
            log.info("device waits for approval", extra={"request": answer.id})
            return enrolment_pb2.EnrolResponse(waiting_request=answer.id)
        log.info("device enrolled", extra={"device_id": answer.device_id})
        return self._response(answer)

    async def Reenter(
        self, request: enrolment_pb2.ReenterRequest, context: Any
    ) -> enrolment_pb2.EnrolResponse:
        """See enrolment.proto."""
        self._spend(context)
        admitted = await self._use_cases.run(
            self._use_cases.reenter,
            request.public_key,
            request.signature,
            _applicant(request.signing_request, "", context),
        )
        log.info("device re-entered", extra={"device_id": admitted.device_id})
        return self._response(admitted)

    def _spend(self, context: Any) -> bool:
        """Counts a call of an address; returns whether it is a balancer's, which is not counted."""
        if self._is_balancer(address := address_of(context)):
            return True
        self._rate.spend(address, asyncio.get_running_loop().time())
        return False

    def _response(self, admitted: Enrolled) -> enrolment_pb2.EnrolResponse:
        return enrolment_pb2.EnrolResponse(
            device_id=admitted.device_id,
            certificate_chain=admitted.certificate.chain,
            trust_roots=self._use_cases.trust_roots(),
            inventory_port=self._inventory_port,
            pseudonym_key=self._use_cases.pseudonym_key,
        )


class IdentityServicer(identity_pb2_grpc.IdentityServiceServicer):
    """Renews certificates."""

    def __init__(self, use_cases: UseCases, rate: Rate) -> None:
        """Identity comes from the certificate of each call; `rate` is each device's."""
        self._use_cases = use_cases
        self._rate = rate

    async def Renew(
        self, request: identity_pb2.RenewRequest, context: Any
    ) -> identity_pb2.RenewResponse:
        """See identity.proto."""
        peer = self._use_cases.peer(context)
        self._rate.spend(peer.device_id, asyncio.get_running_loop().time())
        renewed = await self._use_cases.run(
            self._use_cases.renew, peer, _applicant(request.signing_request, "", context)
        )
        log.info("certificate renewed", extra={"device_id": renewed.device_id})
        return identity_pb2.RenewResponse(
            certificate_chain=renewed.certificate.chain,
            trust_roots=self._use_cases.trust_roots(),
        )


class InventoryServicer(inventory_pb2_grpc.InventoryServiceServicer):
    """Takes in reports."""

    def __init__(self, use_cases: UseCases, rate: Rate) -> None:
        """`rate` is that of one device, whose identity is the certificate of each call."""
        self._use_cases = use_cases
        self._rate = rate
        # Apart: what brings nothing need not wait as long as pays for what does.
        self._unchanged, self._others = (
            Together[Incoming, Accepted](use_cases.accept_reports, use_cases.executor, patience)
            for patience in (BRIEF, LONG)
        )

    async def Report(
        self, request: inventory_pb2.ReportRequest, context: Any
    ) -> inventory_pb2.ReportResponse:
        """See inventory.proto."""
        peer = self._use_cases.peer(context)
        self._rate.spend(peer.device_id, asyncio.get_running_loop().time())
        report = translate.report(request)
        known = {"device_id": peer.device_id}
        is_unchanged = isinstance(report.content, Unchanged)
        try:
            together = self._unchanged if is_unchanged else self._others
            accepted = await together.ask((peer, report))
        except FullReportWanted as error:
            log.info("full report wanted", extra=known | {"reason": str(error)})
            return inventory_pb2.ReportResponse(full_wanted=True)
        # Most reports of a day say nothing new; that they came is in the store.
        level = logging.DEBUG if is_unchanged else logging.INFO
        log.log(level, "report accepted", extra=known | {"installs": accepted.installs})
        roots = self._use_cases.trust_roots()
        return inventory_pb2.ReportResponse(
            installs=accepted.installs,
            receipt=accepted.receipt,
            trust_roots=() if report.trust_digest == trust_digest(roots) else roots,
            wanted_agent=self._use_cases.wanted_agent(report.agent_version),
        )


def _applicant(
    signing_request: bytes, hostname: str, context: Any, shares_address: bool = False
) -> Applicant:
    hostname = translate.text(hostname, "hostname")[:255]
    return Applicant(signing_request, hostname, address_of(context), shares_address)
