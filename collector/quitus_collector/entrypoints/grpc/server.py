"""The two listeners: enrolment without client certificates, inventory with them."""

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass

# What gRPC itself writes on standard error repeats our own errors, with addresses inside.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from quitus.v1 import enrolment_pb2_grpc, inventory_pb2_grpc
from quitus_collector.entrypoints.grpc.rates import Rate
from quitus_collector.entrypoints.grpc.servicers import (
    EnrolmentServicer,
    InventoryServicer,
    UseCases,
)
from quitus_collector.entrypoints.grpc.status import ErrorInterceptor
from quitus_collector.entrypoints.grpc.translate import MAX_ENROLMENT_BYTES
from quitus_collector.errors import UsageError

# How long calls under way may take once the collector is told to stop.
GRACE_S = 10.0
OPTIONS = (
    # A second collector on the same port is a mistake that must be seen.
    ("grpc.so_reuseport", 0),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is taken from outside, at most.

    A message counts as it is once unpacked; `calls` are those under way at once on each port;
    enrolments are counted by address, reports by device.
    """

    message_mib: int
    reports_per_hour: int
    enrolments_per_minute: int
    calls: int
    handshake_s: int


@dataclass(frozen=True, slots=True)
class Identity:
    """What the listeners show and whom they trust, PEM."""

    private_key: bytes
    chain: bytes
    client_roots: bytes


async def serve(
    use_cases: UseCases,
    identity: Identity,
    *,
    enrolment_address: str,
    inventory_address: str,
    limits: Limits,
    ready: Callable[[int, int], None],
) -> None:
    """Serves until SIGTERM or SIGINT, then finishes the calls under way.

    `ready` is called with the enrolment and the inventory port once both answer; a port 0 in an
    address takes a free one. Raises UsageError if an address cannot be bound.
    """
    _raise_file_limit()
    bound: dict[str, int] = {}
    servers = [
        _server(size, limits) for size in (MAX_ENROLMENT_BYTES, limits.message_mib * 1024 * 1024)
    ]
    address_rate = Rate(limits.enrolments_per_minute, 60)
    device_rate = Rate(limits.reports_per_hour, 3600)
    enrolment_pb2_grpc.add_EnrolmentServiceServicer_to_server(
        EnrolmentServicer(use_cases, address_rate, lambda: bound["inventory"]), servers[0]
    )
    inventory_pb2_grpc.add_InventoryServiceServicer_to_server(
        InventoryServicer(use_cases, device_rate), servers[1]
    )
    bound["enrolment"] = _bind(servers[0], enrolment_address, identity, clients=False)
    bound["inventory"] = _bind(servers[1], inventory_address, identity, clients=True)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    for server in servers:
        await server.start()
    ready(bound["enrolment"], bound["inventory"])
    await stopping.wait()
    await asyncio.gather(*(server.stop(GRACE_S) for server in servers))


def _server(max_bytes: int, limits: Limits) -> grpc.aio.Server:
    return grpc.aio.server(
        options=(
            *OPTIONS,
            # Of a message as it is once unpacked.
            ("grpc.max_receive_message_length", max_bytes),
            # Who connects and does not get through the handshake is not waited for.
            ("grpc.server_handshake_timeout_ms", limits.handshake_s * 1000),
        ),
        interceptors=[ErrorInterceptor()],
        maximum_concurrent_rpcs=limits.calls,
    )


def _raise_file_limit() -> None:
    """Each connection is an open file; the default limit is meant for people's programs."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _bind(server: grpc.aio.Server, address: str, identity: Identity, *, clients: bool) -> int:
    credentials = grpc.ssl_server_credentials(
        [(identity.private_key, identity.chain)],
        root_certificates=identity.client_roots if clients else None,
        require_client_auth=clients,
    )
    try:
        port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise UsageError(f"cannot listen on {address}: is the port taken?") from error
    return port
