"""The channel to the collector: TLS, both services, and their refusals in plain words."""

import os
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# gRPC's own lines on standard error would bury the one sentence that the person needs.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

import grpc

from quitus.v1 import enrolment_pb2, enrolment_pb2_grpc, inventory_pb2, inventory_pb2_grpc
from quitus_agent import identity as identities
from quitus_agent.errors import CollectorUnreachable, EnrolmentRefused, ReportRefused
from quitus_agent.identity import Identity
from quitus_agent.join_token import JoinToken

TIMEOUT_S = 30.0
# A proxy is for the way out of the company; the collector is inside.
CHANNEL_OPTIONS = (("grpc.enable_http_proxy", 0),)
# Details of a call that never reached a collector, as gRPC words them.
NOT_REACHED = ("failed to connect", "connection refused", "dns resolution failed", "handshake")


def enrol(host: str, port: int, token: JoinToken, private_key: bytes, hostname: str) -> Identity:
    """Asks for this device's certificate; nothing is sent before the collector is known.

    Raises EnrolmentRefused or CollectorUnreachable.
    """
    root = _pinned_root(host, port, token)
    credentials = grpc.ssl_channel_credentials(root_certificates=identities.pem([root]))
    request = enrolment_pb2.EnrolRequest(
        token_secret=token.secret,
        signing_request=identities.signing_request(private_key),
        hostname=hostname,
    )
    with grpc.secure_channel(_target(host, port), credentials, options=CHANNEL_OPTIONS) as channel:
        stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
        with _translated(host, port, EnrolmentRefused):
            answer = stub.Enrol(request, timeout=TIMEOUT_S)
    return Identity(
        device_id=answer.device_id,
        collector_host=host,
        inventory_port=answer.inventory_port,
        private_key=private_key,
        certificate_chain=identities.pem(list(answer.certificate_chain)),
        trust_roots=identities.pem(list(answer.trust_roots)),
        pseudonym_key=answer.pseudonym_key,
    )


def report(identity: Identity, request: inventory_pb2.ReportRequest) -> int:
    """Sends a report; returns how many installs the collector holds for this device now.

    Raises ReportRefused or CollectorUnreachable.
    """
    host, port = identity.collector_host, identity.inventory_port
    credentials = grpc.ssl_channel_credentials(
        root_certificates=identity.trust_roots,
        private_key=identity.private_key,
        certificate_chain=identity.certificate_chain,
    )
    with grpc.secure_channel(
        _target(host, port),
        credentials,
        options=CHANNEL_OPTIONS,
        compression=grpc.Compression.Gzip,
    ) as channel:
        stub = inventory_pb2_grpc.InventoryServiceStub(channel)
        with _translated(host, port, ReportRefused):
            answer = stub.Report(request, timeout=TIMEOUT_S)
    return int(answer.installs)


def _pinned_root(host: str, port: int, token: JoinToken) -> bytes:
    """The authority that the token names, as the collector presents it, DER."""
    for certificate in _presented_chain(host, port):
        if token.names(certificate):
            return certificate
    raise EnrolmentRefused(
        f"the collector at {_target(host, port)} is not the one this join token was made for"
    )


def _presented_chain(host: str, port: int) -> list[bytes]:
    """The certificates that a server shows, unverified: good for comparing a fingerprint only."""
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
            f"what answers at {_target(host, port)} is not a Quitus collector ({error.reason})"
        ) from error
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise _unreachable(host, port, reason) from error


def _chain(tls: ssl.SSLSocket) -> list[bytes]:
    # A public method since Python 3.13; before, the same one of the object underneath.
    if sys.version_info >= (3, 13):
        return list(tls.get_unverified_chain())
    chain = tls._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
    return [ssl.PEM_cert_to_DER_cert(certificate.public_bytes()) for certificate in chain]


@contextmanager
def _translated(host: str, port: int, refusal: type[Exception]) -> Iterator[None]:
    """Turns gRPC's statuses into the agent's errors, in the words of the person who reads them."""
    try:
        yield
    except grpc.RpcError as error:
        code, details = error.code(), error.details() or ""
        if code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED):
            raise refusal(f"the collector refused: {details}") from error
        if "CERTIFICATE_VERIFY_FAILED" in details:
            raise refusal(
                f"the certificate of {_target(host, port)} is not one that this device trusts"
            ) from error
        if "Hostname Verification" in details or "not match" in details:
            raise refusal(
                f"the collector's certificate is not made out to {host}: use one of its own names"
            ) from error
        reached = details and not any(mark in details.lower() for mark in NOT_REACHED)
        if reached and code is grpc.StatusCode.UNAVAILABLE:
            raise CollectorUnreachable(f"{_target(host, port)} answers: {details}") from error
        raise _unreachable(host, port, "") from error


def _unreachable(host: str, port: int, reason: str) -> CollectorUnreachable:
    return CollectorUnreachable(
        f"no collector answers at {_target(host, port)}{f': {reason}' if reason else ''}"
    )


def _target(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
