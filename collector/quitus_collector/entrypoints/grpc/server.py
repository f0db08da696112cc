"""The two listeners: enrolment without client certificates, inventory with them."""

import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

# gRPC has no setting for the oldest TLS: with an elliptic-curve certificate, a cipher for RSA
# alone leaves TLS 1.2 nothing to agree on. TLS 1.3 has its own ciphers.
os.environ["GRPC_SSL_CIPHER_SUITES"] = "ECDHE-RSA-AES256-GCM-SHA384"
# Where a handshake fails, gRPC tells nobody but its log: `handshakes` reads it.
os.environ["GRPC_VERBOSITY"] = "INFO"

import grpc

from quitus.v1 import enrolment_pb2_grpc, identity_pb2_grpc, inventory_pb2_grpc
from quitus_collector.entrypoints.grpc.connections import Connections
from quitus_collector.entrypoints.grpc.peers import balancers
from quitus_collector.entrypoints.grpc.rates import Rate
from quitus_collector.entrypoints.grpc.servicers import (
    EnrolmentServicer,
    IdentityServicer,
    InventoryServicer,
    UseCases,
)
from quitus_collector.entrypoints.grpc.status import Answered, ErrorInterceptor
from quitus_collector.entrypoints.grpc.translate import MAX_ENROLMENT_BYTES
from quitus_collector.errors import CollectorError, UsageError

# How long calls under way may take once the collector is told to stop.
GRACE_S = 10.0
OPTIONS = (
    # Calls under way when a connection ends are finished.
    ("grpc.max_connection_age_grace_ms", 60_000),
    ("grpc.max_connection_idle_ms", 120_000),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken from outside, at most.

    A message counts as it is once unpacked; `calls` are those under way at once on each port,
    `connections` the open ones, each for `connection_s` at the most; a call whose message has not
    come after `message_s` is written down; enrolments are counted by address, but for those of
    `balancers` (networks), reports by device.
    """

    message_mib: int
    reports_per_hour: int
    enrolments_per_minute: int
    calls: int
    connections: int
    connection_s: int
    handshake_s: int
    message_s: int
    balancers: Sequence[str] = ()


# How often `UseCases.tick` is called.
TICK_S = 1.0
# How often the connections are looked at while a handshake may last; gRPC closes a silent one at
# the end of that time, and it is told after half of it.
LOOKS = 4

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Identity:
    """What the listeners show and whom they trust, PEM."""

    private_key: bytes
    chain: bytes
    client_roots: bytes


async def serve(
    use_cases: UseCases,
    identity: Callable[[], Identity],
    *,
    enrolment_address: str,
    inventory_address: str,
    limits: Limits,
    ready: Callable[[int, int], None],
    tick: Callable[[], None],
    answered: Answered,
    supervised: bool = False,
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the calls under way.

    A `supervised` process shares its ports with others, and stops too where its standard input
    ends: then whoever started it is gone. `identity` is asked at each handshake, on threads of
    gRPC's own. `ready` is called with the enrolment and the inventory port once both answer; a
    port 0 in an address takes a free one. `tick` is called every second or so, `answered` with
    each call's method, status and seconds. Raises UsageError if an address cannot be bound.
    """
    _raise_file_limit()

    async def refused(actor: str, reason: str) -> None:
        # The call is refused either way.
        with suppress(CollectorError):
            await use_cases.run(use_cases.refused, actor, reason)

    connections = Connections()
    guards = [ErrorInterceptor(refused, connections.heard, answered) for _ in range(2)]
    enrolment, inventory = (
        _server(size, limits, guard, shares_port=supervised)
        for size, guard in zip(
            (MAX_ENROLMENT_BYTES, limits.message_mib * 1024 * 1024), guards, strict=True
        )
    )
    inventory_port = _bind(inventory, inventory_address, identity, clients=True)
    enrolment_port = _bind(enrolment, enrolment_address, identity, clients=False)
    _answer(use_cases, limits, enrolment, inventory, inventory_port)
    stopping = _told_to_stop(supervised=supervised)
    for server in (enrolment, inventory):
        await server.start()
    ready(enrolment_port, inventory_port)
    connections.follow((enrolment_port, inventory_port))
    upkeep = _Upkeep(use_cases, limits, connections, guards, refused)
    while not stopping.is_set():
        try:
            await use_cases.run(tick)
            await upkeep.look()
        except CollectorError as error:
            log.warning("upkeep failed", extra={"reason": str(error)})
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), TICK_S)
    await asyncio.gather(*(server.stop(GRACE_S) for server in (enrolment, inventory)))


def _answer(
    use_cases: UseCases,
    limits: Limits,
    enrolment: grpc.aio.Server,
    inventory: grpc.aio.Server,
    inventory_port: int,
) -> None:
    """Puts what answers behind the doors; who enrols is told the port of the other one."""
    address_rate = Rate(limits.enrolments_per_minute, 60)
    device_rate = Rate(limits.reports_per_hour, 3600)
    enrolment_pb2_grpc.add_EnrolmentServiceServicer_to_server(
        EnrolmentServicer(use_cases, address_rate, inventory_port, balancers(limits.balancers)),
        enrolment,
    )
    inventory_pb2_grpc.add_InventoryServiceServicer_to_server(
        InventoryServicer(use_cases, device_rate), inventory
    )
    identity_pb2_grpc.add_IdentityServiceServicer_to_server(
        IdentityServicer(use_cases, device_rate), inventory
    )


def _told_to_stop(*, supervised: bool) -> asyncio.Event:
    """Set by a signal, and where somebody started this process, by their end."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if supervised:
        # Nothing is ever written there: what can be read is its end.
        loop.add_reader(sys.stdin.fileno(), stopping.set)
    return stopping


class _Upkeep:
    """Finds the connections that say nothing and the messages that never came whole."""

    def __init__(
        self,
        use_cases: UseCases,
        limits: Limits,
        connections: Connections,
        guards: Sequence[ErrorInterceptor],
        refused: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._use_cases = use_cases
        self._limits = limits
        self._connections = connections
        self._guards = guards
        self._refused = refused
        self._looked_at = 0.0

    async def look(self) -> None:
        """Writes down what it finds; connections are looked at a few times in a handshake."""
        now, limits = asyncio.get_running_loop().time(), self._limits
        if now - self._looked_at >= limits.handshake_s / LOOKS:
            self._looked_at = now
            silence_s = limits.handshake_s / 2
            for address in await self._use_cases.run(self._connections.silent, now, silence_s):
                await self._refused(address, f"connection: no call for {silence_s:g} seconds")
        for method in [each for guard in self._guards for each in guard.lost(limits.message_s)]:
            reason = f"no whole message in {limits.message_s} seconds: too large, or cut off"
            await self._refused("unknown", f"{method}: {reason}")


def _server(
    max_bytes: int, limits: Limits, interceptor: ErrorInterceptor, *, shares_port: bool
) -> grpc.aio.Server:
    return grpc.aio.server(
        options=(
            *OPTIONS,
            # Without workers, a second collector on the same port is a mistake that must be seen.
            ("grpc.so_reuseport", int(shares_port)),
            # Of a message as it is once unpacked.
            ("grpc.max_receive_message_length", max_bytes),
            ("grpc.max_allowed_incoming_connections", limits.connections),
            # A connection does not outlive certificates by much; each call is checked besides.
            ("grpc.max_connection_age_ms", limits.connection_s * 1000),
            # Who connects and does not get through the handshake is not waited for.
            ("grpc.server_handshake_timeout_ms", limits.handshake_s * 1000),
        ),
        interceptors=[interceptor],
        maximum_concurrent_rpcs=limits.calls,
    )


def _raise_file_limit() -> None:
    """Each connection is an open file; the default limit is meant for people's programs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bind(
    server: grpc.aio.Server, address: str, identity: Callable[[], Identity], *, clients: bool
) -> int:
    try:
        port = server.add_secure_port(address, _credentials(identity, clients=clients))
    except RuntimeError as error:
        raise UsageError(f"cannot listen on {address}: is the port taken?") from error
    return port


def _credentials(identity: Callable[[], Identity], *, clients: bool) -> grpc.ServerCredentials:
    """Asked at each handshake: certificates change without a restart or a dropped call."""
    shown = identity()

    def configuration(of: Identity) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(of.private_key, of.chain)], root_certificates=of.client_roots if clients else None
        )

    def changed() -> grpc.ServerCertificateConfiguration | None:
        nonlocal shown
        try:
            now = identity()
        except CollectorError as error:
            log.error("the last certificate is kept", extra={"reason": str(error)})
            return None
        if now == shown:
            return None
        shown = now
        log.info("certificates replaced")
        return configuration(now)

    return grpc.dynamic_ssl_server_credentials(
        configuration(shown),
        changed,  # type: ignore[arg-type]  # None says that nothing changed
        require_client_authentication=clients,
    )
