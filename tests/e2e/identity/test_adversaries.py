"""Whoever has no business here is refused, written down, and in nobody's way."""

import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import grpc
import psutil
import pytest
from cryptography import x509 as certificates
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from quitus.v1 import (
    enrolment_pb2,
    enrolment_pb2_grpc,
    inventory_pb2,
    inventory_pb2_grpc,
)
from quitus_agent import identity, keys
from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority import x509
from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
REFUSED = grpc.StatusCode.PERMISSION_DENIED


class Scene(NamedTuple):
    """A collector that serves one honest device."""

    collector: CollectorFolder
    agent: AgentFolder
    enrolment: int
    inventory: int

    @property
    def roots(self) -> bytes:
        return (self.collector.home / "authority/root.pem").read_bytes()

    @property
    def known(self) -> identity.Identity:
        return identity.load(self.agent.state)

    def authority(self, **validity: timedelta) -> x509.Authority:
        return x509.Authority(self.collector.home / "authority", x509.Validity(**validity))

    def channel(self, key: bytes | None, chain: bytes | None) -> grpc.Channel:
        credentials = grpc.ssl_channel_credentials(self.roots, key, chain)
        options = (("grpc.use_local_subchannel_pool", 1),)
        return grpc.secure_channel(f"localhost:{self.inventory}", credentials, options)

    def call(self, key: bytes | None, chain: bytes | None) -> grpc.StatusCode:
        with self.channel(key, chain) as channel:
            return ask(channel)

    def refusals(self) -> list[str]:
        """The reasons of the refusals in the audit log."""
        entries = json.loads(self.collector.ok("audit", "list", "--format", "json"))
        return [each["detail"]["reason"] for each in entries if each["event"] == "refused"]

    def assert_others_are_served(self) -> None:
        reported = self.agent.run("report")
        assert reported.status == 0, reported
        self.collector.ok("audit", "verify")


def ask(channel: grpc.Channel) -> grpc.StatusCode:
    """What a report of nothing is answered: OK for whoever is let in, who is asked for more."""
    request = inventory_pb2.ReportRequest(unchanged=inventory_pb2.Unchanged(), digest=bytes(32))
    try:
        answer = inventory_pb2_grpc.InventoryServiceStub(channel).Report(request, timeout=20)
    except grpc.RpcError as error:
        return error.code()
    assert answer.full_wanted
    return grpc.StatusCode.OK


@pytest.fixture
def scene(collector: CollectorFolder, agent: AgentFolder) -> Iterator[Scene]:
    with collector.serving() as (enrolment, inventory):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        yield Scene(collector, agent, enrolment, inventory)


def certified(key: bytes, device_id: str, authority: x509.Authority, at: datetime) -> bytes:
    return keys.pem(list(authority.issue(keys.signing_request(key), device_id, at).chain))


def test_who_shows_no_certificate_is_refused_in_the_handshake(scene: Scene) -> None:
    assert scene.call(None, None) is grpc.StatusCode.UNAVAILABLE

    scene.assert_others_are_served()
    assert scene.refusals() == ["handshake: no client certificate"]


def test_a_certificate_of_ones_own_making_is_refused_in_the_handshake(
    scene: Scene, tmp_path: Path
) -> None:
    authority_folder.create(tmp_path / "own", "Mercure", NOW)
    key = keys.new_key()
    chain = certified(key, scene.known.device_id, x509.Authority(tmp_path / "own"), NOW)

    assert scene.call(key, chain) is grpc.StatusCode.UNAVAILABLE

    scene.assert_others_are_served()
    (reason,) = scene.refusals()
    assert reason == "handshake: a certificate that is expired or not issued here for devices"


@pytest.mark.parametrize("at", [NOW - 40 * DAY, NOW + DAY], ids=["expired", "not yet valid"])
def test_a_certificate_out_of_its_time_is_refused_in_the_handshake(
    scene: Scene, at: datetime
) -> None:
    chain = certified(scene.known.private_key, scene.known.device_id, scene.authority(), at)

    assert scene.call(scene.known.private_key, chain) is grpc.StatusCode.UNAVAILABLE

    scene.assert_others_are_served()
    assert len(scene.refusals()) == 1


def test_a_certificate_that_ends_on_an_open_connection_opens_nothing_more(scene: Scene) -> None:
    authority = scene.authority(device=timedelta(seconds=6))
    chain = certified(scene.known.private_key, scene.known.device_id, authority, datetime.now(UTC))
    with scene.channel(scene.known.private_key, chain) as channel:
        answers = [ask(channel)]
        while answers[-1] is grpc.StatusCode.OK:
            time.sleep(0.5)
            answers.append(ask(channel))

    assert answers[0] is grpc.StatusCode.OK
    assert answers[-1] is REFUSED
    scene.assert_others_are_served()
    assert any("this certificate ended on" in each for each in scene.refusals())


def test_a_certificate_for_servers_opens_nothing(scene: Scene) -> None:
    server = scene.authority().issue_server(["localhost"], NOW)

    assert scene.call(server.private_key, server.chain) is grpc.StatusCode.UNAVAILABLE

    scene.assert_others_are_served()
    assert len(scene.refusals()) == 1


def test_a_certificate_for_nobody_and_one_for_another_key_open_nothing(scene: Scene) -> None:
    """Even one that the true authority signed: the device's record has another key."""
    key = keys.new_key()
    nobody = certified(key, "nobody", scene.authority(), NOW)
    forged = certified(key, scene.known.device_id, scene.authority(), NOW)

    assert scene.call(key, nobody) is REFUSED
    assert scene.call(key, forged) is REFUSED

    scene.assert_others_are_served()
    assert len(scene.refusals()) == 2


def test_a_revoked_device_is_refused_on_the_connection_that_it_has(scene: Scene) -> None:
    known = scene.known
    with scene.channel(known.private_key, known.certificate_chain) as channel:
        before = ask(channel)
        scene.collector.ok("devices", "revoke", known.device_id)
        after = ask(channel)
        scene.collector.ok("devices", "restore", known.device_id)

    assert (before, after) == (grpc.StatusCode.OK, REFUSED)
    scene.assert_others_are_served()
    assert any("was revoked on" in each for each in scene.refusals())


@pytest.fixture(params=["sqlite", "postgresql"])
def shared(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> CollectorFolder:
    """A collector on a database that several processes may serve."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").database()
        monkeypatch.setenv("QUITUS_COLLECTOR_DATABASE", url)
    folder = CollectorFolder(tmp_path / "shared")
    folder.ok("init")
    return folder


def test_a_revocation_holds_at_the_next_call_on_every_process(
    shared: CollectorFolder, agent: AgentFolder
) -> None:
    with shared.serving() as (enrolment, here), shared.serving() as (_, there):
        assert agent.enrol(enrolment, shared.token_file()).status == 0
        scene = Scene(shared, agent, enrolment, here)
        known = scene.known
        with ExitStack() as stack:
            channels = [
                stack.enter_context(each.channel(known.private_key, known.certificate_chain))
                for each in (scene, scene._replace(inventory=there))
            ]
            before = [ask(each) for each in channels]
            shared.ok("devices", "revoke", known.device_id)
            after = [ask(each) for each in channels]
            shared.ok("devices", "restore", known.device_id)
            restored = [ask(each) for each in channels]

    assert before == restored == [grpc.StatusCode.OK] * 2
    assert after == [REFUSED] * 2
    shared.ok("audit", "verify")


def test_a_renewal_at_one_process_ends_the_old_key_at_every_other(
    shared: CollectorFolder, agent: AgentFolder
) -> None:
    with shared.serving() as (enrolment, here), shared.serving() as (_, there):
        assert agent.enrol(enrolment, shared.token_file()).status == 0
        scene = Scene(shared, agent, enrolment, here)
        old = scene.known
        elsewhere = scene._replace(inventory=there)
        with elsewhere.channel(old.private_key, old.certificate_chain) as channel:
            before = ask(channel)
            identity.save(agent.state, old._replace(renews_at=NOW))
            assert agent.run("report").status == 0
            after = ask(channel)
        new = scene.known
        with elsewhere.channel(new.private_key, new.certificate_chain) as channel:
            renewed = ask(channel)

    assert (before, after, renewed) == (grpc.StatusCode.OK, REFUSED, grpc.StatusCode.OK)


def test_connections_end_at_the_age_that_is_set_without_a_failed_call(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    collector.set("connection_s", "2")
    with collector.serving() as (enrolment, inventory):
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        scene = Scene(collector, agent, enrolment, inventory)
        with scene.channel(scene.known.private_key, scene.known.certificate_chain) as channel:
            answers, connections = [ask(channel)], ends_of(inventory)
            assert len(connections) == 1
            ended = time.monotonic() + 30
            while connections & ends_of(inventory):
                assert time.monotonic() < ended, "the connection outlives its age"
                time.sleep(0.1)
            answers.append(ask(channel))

    assert answers == [grpc.StatusCode.OK] * 2


def ends_of(port: int) -> set[int]:
    """Our ends of the connections to a port."""
    return {
        each.laddr.port
        for each in psutil.Process().net_connections("tcp")
        if each.raddr and each.raddr.port == port and each.status == psutil.CONN_ESTABLISHED
    }


def test_more_connections_than_are_set_are_closed_at_once_and_others_come_later(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    collector.set("connections", "8")
    collector.set("handshake_s", "3")
    with collector.serving() as (enrolment, inventory), ExitStack() as stack:
        assert agent.enrol(enrolment, collector.token_file()).status == 0
        lorises = [
            stack.enter_context(socket.create_connection(("localhost", inventory)))
            for _ in range(12)
        ]
        lorises[-1].settimeout(2)
        closed = lorises[-1].recv(1)
        reported = agent.run("report", "--patience", "40")

    assert closed == b""
    assert reported.status == 0, reported


def test_a_token_is_good_for_its_uses_and_no_more(scene: Scene, tmp_path: Path) -> None:
    token = scene.collector.token_file("--uses", "2")
    agents = [AgentFolder(tmp_path / f"agent-{n}") for n in range(3)]

    answers = [agent.enrol(scene.enrolment, token).status for agent in agents]

    assert answers == [0, 0, 1]
    scene.assert_others_are_served()
    assert scene.refusals() == ["Enrol: the join token is unknown, used up or expired"]


def test_an_enrolment_flood_is_written_down_in_few_lines(scene: Scene) -> None:
    request = enrolment_pb2.EnrolRequest(
        token_secret="guessed", signing_request=keys.signing_request(keys.new_key())
    )
    credentials = grpc.ssl_channel_credentials(scene.roots)
    with grpc.secure_channel(f"localhost:{scene.enrolment}", credentials) as channel:
        stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
        calls = [stub.Enrol.future(request, timeout=60) for _ in range(300)]
        codes = {call.code() for call in calls}

    assert grpc.StatusCode.OK not in codes
    assert grpc.StatusCode.PERMISSION_DENIED in codes
    scene.assert_others_are_served()
    assert len(scene.refusals()) <= 2


def test_connections_that_never_finish_their_handshake_keep_nobody_out(scene: Scene) -> None:
    lorises = [socket.create_connection(("localhost", scene.inventory)) for _ in range(200)]
    try:
        for each in lorises:
            each.sendall(b"\x16\x03\x01")

        scene.assert_others_are_served()

        lorises[0].settimeout(30)
        assert lorises[0].recv(1) == b""
    finally:
        for each in lorises:
            each.close()
    assert scene.refusals() == ["connection: no call for 5 seconds"]
    scene.collector.ok("audit", "verify")


def test_a_connection_that_never_says_anything_is_written_down_by_its_address(
    scene: Scene,
) -> None:
    """The enrolment port asks for no certificate: anybody gets through its handshake."""
    context = ssl.create_default_context(cadata=scene.roots.decode())
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("localhost", scene.enrolment)) as connection,
        context.wrap_socket(connection, server_hostname="localhost"),
    ):
        while not scene.refusals():
            time.sleep(0.5)

    scene.assert_others_are_served()
    entries = json.loads(scene.collector.ok("audit", "list", "--format", "json"))
    (refused,) = (each for each in entries if each["event"] == "refused")
    assert refused["actor"] == "127.0.0.1"


@pytest.mark.parametrize("port", ["enrolment", "inventory"])
def test_tls_12_is_refused_on_both_ports(scene: Scene, port: str) -> None:
    context = ssl.create_default_context(cadata=scene.roots.decode())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("localhost", getattr(scene, port))) as connection,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(connection, server_hostname="localhost")

    scene.assert_others_are_served()
    assert scene.refusals() == ["handshake: TLS older than 1.3"]


def test_a_request_to_come_back_that_was_overheard_gives_nothing_away(scene: Scene) -> None:
    """It can only be answered for the key that it names, which the eavesdropper lacks."""
    known, thief = scene.known, keys.new_key()
    stolen = keys.signing_request(thief)
    request = enrolment_pb2.ReenterRequest(
        public_key=keys.public_key(known.private_key),
        signing_request=stolen,
        signature=keys.sign(thief, b"quitus re-entry 1\0" + stolen),
    )
    credentials = grpc.ssl_channel_credentials(scene.roots)
    with (
        grpc.secure_channel(f"localhost:{scene.enrolment}", credentials) as channel,
        pytest.raises(grpc.RpcError) as raised,
    ):
        enrolment_pb2_grpc.EnrolmentServiceStub(channel).Reenter(request, timeout=20)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    scene.assert_others_are_served()
    assert scene.refusals() == ["Reenter: the signature is not by the key that is given"]


def test_a_device_cannot_issue_certificates(scene: Scene) -> None:
    """A chain through a device's own certificate is no chain."""
    known = scene.known
    parent = certificates.load_pem_x509_certificate(known.certificate_chain)
    parent_key = serialization.load_pem_private_key(known.private_key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    name = certificates.Name(
        [certificates.NameAttribute(certificates.NameOID.COMMON_NAME, known.device_id)]
    )
    child = (
        certificates.CertificateBuilder()
        .subject_name(name)
        .issuer_name(parent.subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .sign(parent_key, hashes.SHA256())  # type: ignore[arg-type]
    )
    pem = child.public_bytes(serialization.Encoding.PEM) + known.certificate_chain

    assert scene.call(x509.key_pem(key), pem) is grpc.StatusCode.UNAVAILABLE

    scene.assert_others_are_served()
    assert len(scene.refusals()) == 1
