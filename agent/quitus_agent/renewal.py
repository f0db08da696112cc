"""Keeping the certificate: renewed over mutual TLS in time, or by its key alone after its end."""

import sys
from datetime import datetime
from pathlib import Path

from quitus.v1 import enrolment_pb2, enrolment_pb2_grpc, identity_pb2, identity_pb2_grpc
from quitus_agent import identity, keys, transport
from quitus_agent.errors import AgentError, EnrolmentRefused, ReportRefused
from quitus_agent.files import locked
from quitus_agent.identity import LOCK_FILE, RENEWAL_KEY_FILE, Identity
from quitus_agent.transport import TIMEOUT_S

# What a device signs to come back begins with this; see enrolment.proto.
REENTRY_CONTEXT = b"quitus re-entry 1\0"


def is_due(known: Identity, now: datetime) -> bool:
    """Whether a new certificate is to be had, by this device's clock."""
    return now >= min(known.renews_at, known.expires_at)


def keep_up(state: Path, now: datetime) -> Identity:
    """The identity with a certificate that is not due, as far as the collector can be had.

    A crash leaves the old identity or the new one; the collector takes both until the new one is
    first used. Raises AgentError only where the old one is of no use any more.
    """
    with locked(state / LOCK_FILE):
        known = identity.load(state)
        if not is_due(known, now):
            # Another process has done it meanwhile.
            return known
        private_key = keys.pending_key(state, RENEWAL_KEY_FILE)
        try:
            if identity.is_expired(known, now):
                made = _reentered(known, private_key)
            else:
                made = renewed(known, private_key)
        except AgentError as error:
            if identity.is_expired(known, now):
                raise
            ends = f"{known.expires_at:%Y-%m-%d}"
            print(
                f"quitus-agent: the certificate, which ends on {ends}, is not renewed yet: {error}",
                file=sys.stderr,
            )
            return known
        identity.save(state, made)
        return made


def renewed(known: Identity, private_key: bytes) -> Identity:
    """The identity with a certificate for a fresh key; raises ReportRefused and its like."""
    request = identity_pb2.RenewRequest(signing_request=keys.signing_request(private_key))
    host, port = known.collector_host, known.inventory_port
    with transport.channel(host, port, known.trust_roots, known) as channel:
        stub = identity_pb2_grpc.IdentityServiceStub(channel)
        with transport.translated(host, port, ReportRefused):
            answer = stub.Renew(request, timeout=TIMEOUT_S)
    return _with(known, private_key, answer.certificate_chain, answer.trust_roots)


def _reentered(known: Identity, private_key: bytes) -> Identity:
    signing_request = keys.signing_request(private_key)
    request = enrolment_pb2.ReenterRequest(
        public_key=keys.public_key(known.private_key),
        signing_request=signing_request,
        signature=keys.sign(known.private_key, REENTRY_CONTEXT + signing_request),
    )
    host, port = known.collector_host, known.enrolment_port
    with transport.channel(host, port, known.trust_roots) as channel:
        stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
        with transport.translated(host, port, EnrolmentRefused):
            answer = stub.Reenter(request, timeout=TIMEOUT_S)
    made = _with(known, private_key, answer.certificate_chain, answer.trust_roots)
    return made._replace(inventory_port=answer.inventory_port)


def _with(known: Identity, private_key: bytes, chain: object, roots: object) -> Identity:
    made = keys.certified(known, private_key, keys.pem(list(chain)))  # type: ignore[call-overload]
    return made._replace(trust_roots=keys.pem(list(roots)))  # type: ignore[call-overload]
