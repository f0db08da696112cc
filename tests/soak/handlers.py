"""The collector's request handlers, called with the bytes that a caller would send.

Everything is the collector's own from the deserializer to the answer: servicers, use cases, limits,
authority, refusals. Only gRPC's connection is played, and the store is in memory. Each message
meets a collector that knows one device, one join token and one authority of the company's own, so
that a finding can be repeated.
"""

import asyncio
import copy
import hashlib
import random
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import grpc
from cryptography import x509 as x509_names
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf.message import DecodeError, Message

from quitus.v1 import (
    enrolment_pb2,
    enrolment_pb2_grpc,
    identity_pb2,
    identity_pb2_grpc,
    inventory_pb2,
    inventory_pb2_grpc,
)
from quitus_agent import inventory, keys, statement, wire
from quitus_agent.device import DeviceFacts
from quitus_agent.spool import Accepted
from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority import x509
from quitus_collector.domain.audit import Kind
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.device import CompanyAuthority, JoinToken
from quitus_collector.entrypoints.grpc.rates import Rate
from quitus_collector.entrypoints.grpc.servicers import (
    EnrolmentServicer,
    IdentityServicer,
    InventoryServicer,
)
from quitus_collector.entrypoints.grpc.status import AUDITED, ErrorInterceptor
from quitus_collector.services import enrolment
from quitus_collector.services.audit import Refusals
from quitus_collector.services.enrolment import Applicant
from quitus_collector.services.recognition import Recogniser
from quitus_collector.wiring.serving import use_cases
from tests.builders import NOON
from tests.fakes.clock import FakeClock
from tests.fakes.store import MemoryStore
from tests.makers import company

ADDRESS = "ipv4:192.0.2.7:50000"
RECEIPT = b"r" * 16
SECRET = "the-secret-of-a-join-token"


HANDLERS: dict[str, type[Message]] = {
    "Report": inventory_pb2.ReportRequest,
    "Enrol": enrolment_pb2.EnrolRequest,
    "Reenter": enrolment_pb2.ReenterRequest,
    "Renew": identity_pb2.RenewRequest,
}


def fixed_key(number: int) -> bytes:
    """The same key in every run, so that what a run kept is as good in the next; PEM."""
    return x509.key_pem(ec.derive_private_key(number, ec.SECP256R1()))


PRESENT, FRESH, NEWCOMER = map(fixed_key, (1001, 1002, 1003))
COMPANY = company.Authority("Mercure root", NOON)


class Refused(Exception):
    """What a caller is answered in place of a message."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code


class Context:
    """A call on a connection whose handshake is done."""

    def __init__(self, certificate: bytes | None) -> None:
        self._certificate = certificate
        self._code = grpc.StatusCode.OK

    def code(self) -> grpc.StatusCode:
        return self._code

    def auth_context(self) -> dict[str, list[bytes]]:
        shown = {"x509_pem_cert": [self._certificate]} if self._certificate else {}
        return {"ssl_tls_version": [b"TLSv1.3"], **shown}

    def peer(self) -> str:
        return ADDRESS

    async def abort(self, code: grpc.StatusCode, details: str, trailers: object = ()) -> None:
        self._code = code
        raise Refused(code, details)


class AtOnce(Executor):
    """Runs what it is given before it returns."""

    def submit(self, call: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(call(*arguments, **named))
        except Exception as error:
            future.set_exception(error)
        return future


class Handlers:
    """Takes what the generated code registers on a server."""

    def __init__(self) -> None:
        self.by_name: dict[str, Any] = {}

    def add_generic_rpc_handlers(self, handlers: object) -> None:
        """The same ones again."""

    def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
        self.by_name |= handlers


class Collector:
    """A collector with one device that has reported, whatever arrived before."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._clock = FakeClock()
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home) / "authority"
            authority_folder.create(folder, "Mercure", NOON)
            self.authority = x509.Authority(folder)
        self._known = MemoryStore()
        with self._known.writing() as work:
            digest = hashlib.sha256(SECRET.encode()).hexdigest()
            work.tokens.add(JoinToken("t-1", digest, 2, NOON, NOON + timedelta(days=1)))
            pem = COMPANY.certificate.public_bytes(company.PEM).decode()
            revocations = COMPANY.revocations().decode()
            work.company_authorities.add(
                CompanyAuthority("ad", pem, NOON, "pc-*", revocations=revocations)
            )
        applicant = Applicant(keys.signing_request(PRESENT), "PC-1", "192.0.2.7")
        made = enrolment.enrol(
            self._known, self.authority, self._clock, token_secret=SECRET, applicant=applicant
        )
        self.certificate = keys.pem(list(made.certificate.chain[:1]))
        self.device_id = made.device_id
        self.answer("Report", wire.full_request(SAID, Accepted()).SerializeToString(), keep=True)
        with self._known.writing() as work:
            device = work.devices.get(self.device_id)
            # The same in every run, so that kept inputs still show it.
            work.devices.add(replace(device, receipt=RECEIPT.hex(), shown=""))

    def answer(self, name: str, content: bytes, *, keep: bool = False) -> Message | Refused:
        """What these bytes are answered.

        Raises AssertionError where the answer is not one that the collector promises.
        """
        store = copy.deepcopy(self._known)
        refusals = Refusals(store, self._clock)
        served = use_cases(
            store,
            lambda: self.authority,
            self._clock,
            refusals,
            Recogniser(Catalogue),
            reentry=timedelta(days=180),
            pseudonym_key=bytes(32),
            executor=AtOnce(),
        )

        async def refused(actor: str, reason: str) -> None:
            refusals.note(actor, reason)

        rate, registered = Rate(10, 60), Handlers()
        server: Any = registered
        enrolment_pb2_grpc.add_EnrolmentServiceServicer_to_server(
            EnrolmentServicer(served, rate, 7444), server
        )
        identity_pb2_grpc.add_IdentityServiceServicer_to_server(
            IdentityServicer(served, rate), server
        )
        inventory_pb2_grpc.add_InventoryServiceServicer_to_server(
            InventoryServicer(served, rate), server
        )
        handler = registered.by_name[name]
        enrolling = name in ("Enrol", "Reenter")
        context = Context(None if enrolling else self.certificate)

        async def call() -> Message:
            async def registered_one(_: object) -> Any:
                return handler

            guarded = await ErrorInterceptor(
                refused, lambda peer: None, lambda *call: None
            ).intercept_service(registered_one, Details(f"/quitus.v1/{name}"))
            message: Message = await guarded.unary_unary(content, context)
            return message

        try:
            made = self._loop.run_until_complete(call())
            handler.response_serializer(made)
        except Refused as error:
            self._check_refusal(store, error)
            return error
        self._check_taken_in(store, handler.request_deserializer(content))
        if keep:
            self._known = store
        return made

    def seeds(self, name: str) -> list[bytes]:
        """Whole requests to start from: those that are taken in and those that are refused."""
        requests = {
            "Report": _reports,
            "Enrol": lambda: _enrolments(self.authority.root()),
            "Reenter": _reentries,
            "Renew": _renewals,
        }[name]
        return [each.SerializeToString() for each in requests()]

    def _check_refusal(self, store: MemoryStore, error: Refused) -> None:
        """A refusal is one that is promised, is written down, and leaves everything as it was."""
        assert error.code is not grpc.StatusCode.INTERNAL, error
        with store.reading() as now, self._known.reading() as before:
            entries = list(now.audit.list())
            if error.code in AUDITED:
                assert entries[-1].event.kind is Kind.REFUSED
            assert [each.digest for each in now.devices.list()] == [
                each.digest for each in before.devices.list()
            ]
            assert now.tokens.list() == before.tokens.list()
            assert now.inventories.list(self.device_id) == before.inventories.list(self.device_id)

    def _check_taken_in(self, store: MemoryStore, request: Message) -> None:
        """The fleet is never larger than it should be, and what is held is what was stated."""
        with store.reading() as work:
            devices = work.devices.list()
            assert len(devices) <= 2
            if isinstance(request, inventory_pb2.ReportRequest):
                assert len(devices) == 1
                held = work.inventories.list(self.device_id)
                assert len(held) == devices[0].installs
                assert devices[0].digest in (request.digest.hex(), self._digest())

    def _digest(self) -> str:
        with self._known.reading() as work:
            return work.devices.get(self.device_id).digest


class Details(NamedTuple):
    """What gRPC tells an interceptor of a call."""

    method: str


def _said(*names: str) -> statement.Statement:
    rows = [
        inventory.Install(
            name,
            "1",
            source="dpkg",
            identifiers={"purl": f"pkg:deb/{name}"},
            installed_on="2026-01-02",
        )
        for name in names
    ]
    outcomes = [
        inventory.SourceOutcome("dpkg", inventory.READ),
        inventory.SourceOutcome("snap", inventory.FAILED, "does not answer"),
    ]
    facts = DeviceFacts(hostname="PC-1", system="Debian", cores=4, serial="AB12CD34", guests=("g",))
    return statement.make(facts, inventory.Inventory(outcomes, rows), NOON)


SAID, LATER = _said("a", "b"), _said("b", "c")


def _reports() -> Iterator[Message]:
    held = SAID.rows
    accepted = Accepted(SAID.digest, RECEIPT, dict.fromkeys(held, "dpkg"), 2, NOON)
    yield wire.report_request(SAID, accepted)
    yield wire.report_request(LATER, accepted)
    yield wire.full_request(LATER, accepted)
    yield wire.full_request(LATER, Accepted(receipt=b"another receipt!"))


def _enrolments(root: bytes) -> Iterator[Message]:
    wanted = keys.signing_request(NEWCOMER)
    for name in ("PC-2", "other-2"):
        machine = COMPANY.machine(x509_names.DNSName(name))
        proof = enrolment_pb2.CompanyProof(certificate_chain=machine.chain)
        proof.signed_at.FromDatetime(NOON)
        proof.signature = machine.key.sign(
            enrolment.company_message(root, NOON, wanted), ec.ECDSA(hashes.SHA256())
        )
        yield enrolment_pb2.EnrolRequest(signing_request=wanted, company=proof)
    for secret in (SECRET, "", "another"):
        for key in (NEWCOMER, PRESENT):
            yield enrolment_pb2.EnrolRequest(
                token_secret=secret, signing_request=keys.signing_request(key), hostname="PC-2"
            )


def _reentries() -> Iterator[Message]:
    for key in (PRESENT, NEWCOMER):
        wanted = keys.signing_request(FRESH)
        yield enrolment_pb2.ReenterRequest(
            public_key=keys.public_key(key),
            signing_request=wanted,
            signature=keys.sign(key, enrolment.REENTRY_CONTEXT + wanted),
        )


def _renewals() -> Iterator[Message]:
    for key in (FRESH, PRESENT):
        yield identity_pb2.RenewRequest(signing_request=keys.signing_request(key))


def mutated(
    name: str, content: bytes, most: int, seed: int, mutate: Callable[[bytes, int], bytes]
) -> bytes:
    """Another message: its bytes changed as they are, or one of its fields with the rest whole.

    Bytes alone rarely stay a message, and what a field says would hardly be reached.
    """
    chance = random.Random(seed)
    message = HANDLERS[name]()
    try:
        message.ParseFromString(content)
    except DecodeError:
        return mutate(content, most)
    places = list(_places(message))
    if not places or chance.random() < 0.25:
        return mutate(content, most)
    _change(*chance.choice(places), chance, mutate)
    return message.SerializeToString()[:most]


def _places(message: Message) -> Iterator[tuple[Message, Any]]:
    """Every field that is set, with the message that has it."""
    for field, value in message.ListFields():
        yield message, field
        if field.message_type and not field.message_type.GetOptions().map_entry:
            for each in value if field.is_repeated else [value]:
                yield from _places(each)


def _change(
    message: Any, field: Any, chance: random.Random, mutate: Callable[[bytes, int], bytes]
) -> None:
    value = getattr(message, field.name)
    if field.message_type and field.message_type.GetOptions().map_entry:
        value[mutate(b"key", 80).decode(errors="replace")] = "value"
    elif field.is_repeated:
        if chance.random() < 0.5:
            del value[chance.randrange(len(value))]
        elif field.message_type:
            value.add().CopyFrom(chance.choice(value))
        elif isinstance(value[0], bytes):
            value.append(mutate(chance.choice(value), 4096))
        else:
            value.append(chance.choice(value))
    elif field.message_type:
        message.ClearField(field.name)
    elif isinstance(value, bytes):
        setattr(message, field.name, mutate(value, 4096))
    elif isinstance(value, str):
        setattr(message, field.name, mutate(value.encode(), 4096).decode(errors="replace"))
    elif isinstance(value, bool):
        setattr(message, field.name, not value)
    else:
        setattr(message, field.name, chance.choice((0, 1, 7, 2**31 - 1)))
