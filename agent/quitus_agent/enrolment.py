"""Enrolment: this device's certificate, from a collector that proved to be the right one."""

from quitus.v1 import enrolment_pb2, enrolment_pb2_grpc
from quitus_agent import keys, transport
from quitus_agent.company_certificate import CompanyCertificate
from quitus_agent.errors import EnrolmentRefused, EnrolmentWaits
from quitus_agent.identity import NEVER, Identity
from quitus_agent.join_token import JoinToken
from quitus_agent.transport import TIMEOUT_S, target


def enrol(
    host: str,
    port: int,
    token: JoinToken,
    private_key: bytes,
    hostname: str,
    company: CompanyCertificate | None = None,
) -> Identity:
    """Asks for this device's certificate; nothing is sent before the collector is known.

    A token without a secret lets the company certificate speak, or asks a person: raises
    EnrolmentWaits until there is a decision. Raises EnrolmentRefused or CollectorUnreachable.
    """
    root = _pinned_root(host, port, token)
    wanted = keys.signing_request(private_key)
    request = enrolment_pb2.EnrolRequest(
        token_secret=token.secret,
        signing_request=wanted,
        hostname=hostname,
        company=company.proof(token.root_sha256, wanted) if company else None,
    )
    with transport.channel(host, port, keys.pem([root])) as channel:
        stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
        with transport.translated(host, port, EnrolmentRefused):
            answer = stub.Enrol(request, timeout=TIMEOUT_S)
    if answer.waiting_request:
        raise EnrolmentWaits(
            f"the collector has this device wait under {answer.waiting_request}: once it is "
            "approved there, the same command enrols it"
        )
    known = Identity(
        device_id=answer.device_id,
        collector_host=host,
        inventory_port=answer.inventory_port,
        private_key=private_key,
        certificate_chain=b"",
        trust_roots=keys.pem(list(answer.trust_roots)),
        expires_at=NEVER,
        pseudonym_key=answer.pseudonym_key,
        enrolment_port=port,
    )
    return keys.certified(known, private_key, keys.pem(list(answer.certificate_chain)))


def _pinned_root(host: str, port: int, token: JoinToken) -> bytes:
    """The authority that the token names, as the collector presents it, DER."""
    for certificate in transport.presented_chain(host, port):
        if token.names(certificate):
            return certificate
    given = "join token was made for" if token.secret else "fingerprint is of"
    raise EnrolmentRefused(f"the collector at {target(host, port)} is not the one this {given}")
