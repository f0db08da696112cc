"""The channel to the collector: TLS, and gRPC's refusals in plain words."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

# gRPC's own lines on standard error would bury the one sentence that the person needs.
os.environ["GRPC_VERBOSITY"] = "NONE"

import grpc

from quitus.v1 import inventory_pb2, inventory_pb2_grpc
from quitus_agent.errors import (
    AgentError,
    CollectorUnreachable,
    ComeBackLater,
    ReportRefused,
)
from quitus_agent.identity import Identity

if TYPE_CHECKING:
    import ssl

TIMEOUT_S = 30.0
# A proxy is for the way out of the company; the collector is inside.
CHANNEL_OPTIONS = (("grpc.enable_http_proxy", 0),)
# The trailer in which a collector that is busy says how many seconds to wait.
RETRY_AFTER = "retry-after-s"
# Nobody judged the call, so it is made again. A collector that stops cancels what it did not begin.
AGAIN = (
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
)
# Details of a call that never reached a collector, as gRPC words them.
NOT_REACHED = ("failed to connect", "connection refused", "dns resolution failed", "handshake")


def channel(
    host: str, port: int, trust_roots: bytes, identity: Identity | None = None
) -> grpc.Channel:
    """A channel to a collector that these roots vouch for; with an identity, mutual."""
    credentials = grpc.ssl_channel_credentials(
        root_certificates=trust_roots,
        private_key=identity.private_key if identity else None,
        certificate_chain=identity.certificate_chain if identity else None,
    )
    return grpc.secure_channel(
        target(host, port),
        credentials,
        options=CHANNEL_OPTIONS,
    )


@contextmanager
def reporting(
    identity: Identity,
) -> Iterator[Callable[[inventory_pb2.ReportRequest], inventory_pb2.ReportResponse]]:
    """A connection to the collector, as a function that sends a report over it.

    The function raises ReportRefused, ComeBackLater or CollectorUnreachable.
    """
    host, port = identity.collector_host, identity.inventory_port
    with channel(host, port, identity.trust_roots, identity) as connected:
        stub = inventory_pb2_grpc.InventoryServiceStub(connected)

        def send(request: inventory_pb2.ReportRequest) -> inventory_pb2.ReportResponse:
            with translated(host, port, ReportRefused):
                return stub.Report(request, timeout=TIMEOUT_S, compression=_compression(request))

        yield send


def _compression(request: inventory_pb2.ReportRequest) -> grpc.Compression:
    """A digest does not get smaller; rows do, tenfold."""
    if request.WhichOneof("content") == "unchanged":
        return grpc.Compression.NoCompression
    return grpc.Compression.Gzip


@contextmanager
def translated(host: str, port: int, refusal: type[Exception]) -> Iterator[None]:
    """Turns gRPC's statuses into the agent's errors, in the words of the person who reads them."""
    try:
        yield
    except grpc.RpcError as error:
        code, details = error.code(), error.details() or ""
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
            trailers: Any = error.trailing_metadata() or ()
            after = str(dict(trailers).get(RETRY_AFTER, ""))
            if after.isdecimal():
                raise ComeBackLater(f"the collector asks to wait: {details}", int(after)) from error
        if code not in AGAIN:
            raise refusal(f"the collector refused: {details}") from error
        if "CERTIFICATE_VERIFY_FAILED" in details:
            raise refusal(_distrust(host, port)) from error
        if "Hostname Verification" in details or "not match" in details:
            raise refusal(
                f"the collector's certificate is not made out to {host}: use one of its own names"
            ) from error
        reached = details and not any(mark in details.lower() for mark in NOT_REACHED)
        if reached and code is grpc.StatusCode.UNAVAILABLE:
            raise CollectorUnreachable(f"{target(host, port)} answers: {details}") from error
        raise unreachable(host, port, "") from error


def _distrust(host: str, port: int) -> str:
    """Why a collector's certificate does not do: a clock that is off looks the same to gRPC."""
    from datetime import UTC, datetime

    from quitus_agent import keys

    try:
        starts_at, ends_at = keys.life(keys.pem(presented_chain(host, port)[:1]))
    except (AgentError, ValueError):
        starts_at, ends_at = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    now = datetime.now(UTC)
    if starts_at <= now < ends_at:
        return f"the certificate of {target(host, port)} is not one that this device trusts"
    return (
        f"the certificate of {target(host, port)} is good from {starts_at:%Y-%m-%d} to "
        f"{ends_at:%Y-%m-%d}, and this device's clock says {now:%Y-%m-%d %H:%M} UTC: "
        "set the clock that is wrong"
    )


def presented_chain(host: str, port: int) -> list[bytes]:
    """The certificates that a server shows, unverified: good for comparing a fingerprint only."""
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    try:
        with (
            socket.create_connection((host, port), timeout=TIMEOUT_S) as connection,
            context.wrap_socket(connection, server_hostname=host) as tls,
        ):
            return _chain(tls)
    except ssl.SSLError as error:
        raise CollectorUnreachable(
            f"what answers at {target(host, port)} is not a Quitus collector ({error.reason})"
        ) from error
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise unreachable(host, port, reason) from error


def _chain(tls: "ssl.SSLSocket") -> list[bytes]:
    import ssl

    # A public method since Python 3.13; before, the same one of the object underneath.
    if sys.version_info >= (3, 13):
        return list(tls.get_unverified_chain())
    chain = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain]


def unreachable(host: str, port: int, reason: str) -> CollectorUnreachable:
    """What to say where nothing answers, with the reason if one is known."""
    return CollectorUnreachable(
        f"no collector answers at {target(host, port)}{f': {reason}' if reason else ''}"
    )


def target(host: str, port: int) -> str:
    """Host and port as one text; an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
