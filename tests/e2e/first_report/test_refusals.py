"""Whoever should not get in does not, and is told in one sentence."""

import json
import shutil
import socket
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import grpc
import pytest

from quitus.v1 import enrolment_pb2, enrolment_pb2_grpc, inventory_pb2_grpc
from quitus_agent import identity as agent_identity
from quitus_agent import keys, statement, wire
from quitus_agent.device import DeviceFacts
from quitus_agent.inventory import Inventory
from quitus_agent.spool import Accepted
from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority import x509
from tests.builders import NOON
from tests.programs import COMMANDS, AgentFolder, Answer, CollectorFolder

pytestmark = pytest.mark.e2e
NOTHING = statement.make(DeviceFacts(), Inventory([], []), NOON)


def one_sentence(answer: Answer) -> str:
    """The single line that a refused command leaves on standard error."""
    assert answer.out == ""
    assert answer.err.count("\n") == 1, answer.err
    return answer.err.strip()


def test_a_used_token_is_refused_and_nothing_is_kept(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    other = AgentFolder(tmp_path / "other")
    token = collector.token_file()

    with collector.serving() as (enrolment, _):
        assert agent.enrol(enrolment, token).status == 0
        refused = other.enrol(enrolment, token)

    assert refused.status == 1
    assert "the join token is unknown, used up or expired" in one_sentence(refused)
    assert not (other.state / "identity.json").exists()
    assert len(json.loads(collector.ok("devices", "list", "--format", "json"))) == 1


def test_a_token_of_another_collector_is_not_shown_to_this_one(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    elsewhere = CollectorFolder(tmp_path / "elsewhere")
    elsewhere.ok("init")

    with collector.serving() as (enrolment, _):
        refused = agent.enrol(enrolment, elsewhere.token_file())

    assert refused.status == 1
    assert f"localhost:{enrolment} is not the one this join token was made for" in one_sentence(
        refused
    )
    assert "enrol" not in collector.log()


def test_a_collector_that_is_not_there_is_named(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = collector.token_file()

    refused = agent.enrol(port, token)

    assert refused.status == 1
    assert one_sentence(refused) == (
        f"quitus-agent: no collector answers at localhost:{port}: Connection refused"
    )


def test_a_report_to_a_collector_that_went_away_is_named(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, inventory):
        agent.enrol(enrolment, collector.token_file())

    refused = agent.run("report")

    assert refused.status == 1
    assert one_sentence(refused) == f"quitus-agent: no collector answers at localhost:{inventory}"


def test_something_else_on_the_port_is_not_taken_for_a_collector(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    token = collector.token_file()
    with socket.create_server(("127.0.0.1", 0)) as server:
        from threading import Thread

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = Thread(target=answer)
        thread.start()
        refused = agent.enrol(server.getsockname()[1], token)
        thread.join()

    assert refused.status == 1
    assert "is not a Quitus collector" in one_sentence(refused)


def test_a_collector_under_another_name_is_refused(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    settings = collector.home / "collector.toml"
    settings.write_text(settings.read_text().replace('"localhost", "127.0.0.1"', '"other.example"'))

    with collector.serving() as (enrolment, _):
        refused = agent.enrol(enrolment, collector.token_file())

    assert refused.status == 1
    assert "certificate is not made out to localhost" in one_sentence(refused)


def test_enrolling_twice_needs_to_be_meant(collector: CollectorFolder, agent: AgentFolder) -> None:
    with collector.serving() as (enrolment, _):
        agent.enrol(enrolment, collector.token_file())
        first = agent_identity.load(agent.state).device_id
        again = agent.enrol(enrolment, collector.token_file())
        meant = agent.enrol(enrolment, collector.token_file(), "--again")

    assert again.status == 2
    assert f"already enrolled with localhost as {first}" in one_sentence(again)
    assert meant.status == 0
    assert agent_identity.load(agent.state).device_id != first


def test_a_failed_second_enrolment_keeps_the_first(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        token = collector.token_file()
        agent.enrol(enrolment, token)
        first = agent_identity.load(agent.state)
        failed = agent.enrol(enrolment, token, "--again")

    assert failed.status == 1
    assert agent_identity.load(agent.state) == first


def report_with(
    collector: CollectorFolder, port: int, key: bytes | None, chain: bytes | None
) -> grpc.StatusCode:
    """What the inventory port answers to an empty report under this identity."""
    root = (collector.home / "authority/root.pem").read_bytes()
    credentials = grpc.ssl_channel_credentials(root, key, chain)
    with grpc.secure_channel(f"localhost:{port}", credentials) as channel:
        stub = inventory_pb2_grpc.InventoryServiceStub(channel)
        try:
            stub.Report(wire.full_request(NOTHING, Accepted()), timeout=10)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def test_only_certificates_of_this_collector_open_the_inventory_port(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    authority_folder.create(tmp_path / "foreign", "Foreign", datetime.now(UTC))
    key = keys.new_key()
    request = keys.signing_request(key)

    def issued(authority: Path, device_id: str, now: datetime) -> bytes:
        chain = x509.Authority(authority).issue(request, device_id, now).chain
        return keys.pem(list(chain))

    with collector.serving() as (enrolment, inventory):
        agent.enrol(enrolment, collector.token_file())
        known = agent_identity.load(agent.state)
        own = collector.home / "authority"
        now = datetime.now(UTC)
        expired = now - timedelta(days=400)
        server = x509.Authority(own).issue_server(["localhost"], now)
        answers = {
            "the device itself": report_with(
                collector, inventory, known.private_key, known.certificate_chain
            ),
            "no certificate": report_with(collector, inventory, None, None),
            "another authority": report_with(
                collector, inventory, key, issued(tmp_path / "foreign", known.device_id, now)
            ),
            "expired": report_with(
                collector, inventory, key, issued(own, known.device_id, expired)
            ),
            "for servers": report_with(collector, inventory, server.private_key, server.chain),
            "nobody enrolled": report_with(collector, inventory, key, issued(own, "nobody", now)),
        }

    refused_in_handshake = grpc.StatusCode.UNAVAILABLE
    assert answers == {
        "the device itself": grpc.StatusCode.OK,
        "no certificate": refused_in_handshake,
        "another authority": refused_in_handshake,
        "expired": refused_in_handshake,
        "for servers": refused_in_handshake,
        "nobody enrolled": grpc.StatusCode.PERMISSION_DENIED,
    }


def test_the_enrolment_port_takes_no_malformed_request(collector: CollectorFolder) -> None:
    root = (collector.home / "authority/root.pem").read_bytes()
    secret = collector.token_file().read_text().strip().rpartition(".")[2]

    with collector.serving() as (enrolment, _):
        credentials = grpc.ssl_channel_credentials(root)
        with grpc.secure_channel(f"localhost:{enrolment}", credentials) as channel:
            stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
            with pytest.raises(grpc.RpcError) as raised:
                stub.Enrol(
                    enrolment_pb2.EnrolRequest(token_secret=secret, signing_request=b"\x30\x00"),
                    timeout=10,
                )

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "the signing request is malformed"
    assert secret not in collector.log()


def test_the_enrolment_port_takes_no_large_message(collector: CollectorFolder) -> None:
    root = (collector.home / "authority/root.pem").read_bytes()

    with collector.serving() as (enrolment, _):
        credentials = grpc.ssl_channel_credentials(root)
        with grpc.secure_channel(f"localhost:{enrolment}", credentials) as channel:
            stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)
            with pytest.raises(grpc.RpcError) as raised:
                stub.Enrol(enrolment_pb2.EnrolRequest(hostname="x" * 100_000), timeout=10)

    assert raised.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


def test_a_proxy_for_the_web_is_not_asked_for_the_collector(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    proxy = {"https_proxy": "http://127.0.0.1:9", "http_proxy": "http://127.0.0.1:9"}

    with collector.serving() as (enrolment, _):
        enrolled = agent.enrol(enrolment, collector.token_file(), **proxy)
        reported = agent.run("report", **proxy)

    assert (enrolled.status, reported.status) == (0, 0), (enrolled, reported)


def test_a_removed_device_is_not_let_in_any_more(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        agent.enrol(enrolment, collector.token_file())
        collector.ok("devices", "remove", agent_identity.load(agent.state).device_id)
        refused = agent.run("report")

    assert refused.status == 1
    assert "this device is not enrolled here" in one_sentence(refused)


def test_a_full_disk_costs_the_receipt_and_not_the_report(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        agent.enrol(enrolment, collector.token_file())
        # Stands for a disk that takes nothing any more: no file may grow.
        words = [COMMANDS / "quitus-agent", "--state", agent.state, "report"]
        reported = subprocess.run(
            ["bash", "-c", 'ulimit -f 0; exec "$@"', "agent", *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        again = agent.run("report")

    assert reported.returncode == 0
    assert "holds" in reported.stdout
    kept, receipt = reported.stderr.splitlines()
    assert "cannot be kept meanwhile" in kept
    assert "its receipt could not be kept" in receipt
    assert again.status == 0


@pytest.mark.parametrize("command", [("devices", "list"), ("position",)])
def test_an_output_that_takes_nothing_is_one_sentence(
    collector: CollectorFolder, command: tuple[str, ...]
) -> None:
    words = [COMMANDS / "quitus-collector", "--home", collector.home, *command]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            words, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )

    assert done.returncode == 1
    assert done.stderr == "quitus-collector: No space left on device\n"


def test_a_terminal_without_accents_gets_escapes_instead_of_a_traceback(
    collector: CollectorFolder,
) -> None:
    answer = collector.run("position", PYTHONIOENCODING="ascii")

    assert answer.status == 0
    assert "enr\\xf4l\\xe9s" in answer.out


def test_two_collectors_are_not_made_in_one_folder(collector: CollectorFolder) -> None:
    before = (collector.home / "authority/root.pem").read_bytes()

    refused = collector.run("init")

    assert refused.status == 2
    assert "already holds a collector" in one_sentence(refused)
    assert (collector.home / "authority/root.pem").read_bytes() == before


@pytest.mark.parametrize("name", ["", "a..b", "x" * 64, "with space"])
def test_a_wrong_name_makes_no_collector(tmp_path: Path, name: str) -> None:
    folder = CollectorFolder(tmp_path / "collector")

    refused = folder.run("init", "--name", name)

    assert refused.status == 2
    assert f"{name!r} is neither a host name nor an address" in one_sentence(refused)
    assert list((tmp_path / "collector").iterdir()) == []
    folder.ok("init", "--name", "collecteur-évreux.fr")


def test_a_second_collector_on_the_same_port_says_so(collector: CollectorFolder) -> None:
    with collector.serving() as (enrolment, _):
        refused = collector.run("serve", "--enrolment", f"127.0.0.1:{enrolment}")

    assert refused.status == 2
    assert f"cannot listen on 127.0.0.1:{enrolment}: is the port taken?" in one_sentence(refused)


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["devices", "show", "PC-9"], 1, "no device has the id or the name 'PC-9'"),
        (["devices", "remove", "PC-9"], 1, "no device has the id or the name 'PC-9'"),
        (["pools", "remove", "X", "--reason", "x"], 2, "no entitlement has the id 'X'"),
        (["pools", "import", "/nowhere/pools.csv"], 2, "/nowhere/pools.csv: No such file"),
        (["pools", "add", "colour=blue"], 2, "'colour' is no field of an entitlement"),
        (["pools", "edit", "X", "quantity=1"], 2, "no entitlement has the id 'X'"),
        (["pools", "edit", "X", "quantity"], 2, "'quantity' is not written NAME=VALUE"),
        (["pools", "history", "X"], 2, "no entitlement has or had the id 'X'"),
        (["proofs", "export", "--out", "x"], 2, "no document is attached to any line"),
        (["position", "--publisher", "microsfot"], 2, "'microsfot'; did you mean microsoft"),
        (["reconcile", "/nowhere/x.json"], 2, "/nowhere/x.json: No such file or directory"),
        (["token", "create", "--entity", "123456789"], 2, "'123456789' is not a SIREN"),
        (["declaration", "draft", "--out", "/proc/x"], 1, "/proc/x"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_a_status(
    collector: CollectorFolder, words: list[str], status: int, complaint: str
) -> None:
    refused = collector.run(*words)

    assert refused.status == status
    assert complaint in one_sentence(refused)


def test_a_folder_without_a_collector_says_how_to_make_one(tmp_path: Path) -> None:
    refused = CollectorFolder(tmp_path / "nothing").run("devices", "list")

    assert refused.status == 2
    assert "there is no collector in" in one_sentence(refused)
    assert "run quitus-collector init" in refused.err
    assert not (tmp_path / "nothing").exists()


def test_a_damaged_database_is_named(collector: CollectorFolder) -> None:
    for part in collector.home.glob("quitus.db*"):
        part.unlink()
    (collector.home / "quitus.db").write_text("this is not a database, whatever its name says" * 20)

    refused = collector.run("position")

    assert refused.status == 1
    assert "quitus.db cannot serve: file is not a database" in one_sentence(refused)


def test_a_missing_authority_stops_the_collector_from_serving(collector: CollectorFolder) -> None:
    shutil.move(collector.home / "authority/issuing.pem", collector.home / "elsewhere.pem")

    refused = collector.run("serve")

    assert refused.status == 1
    assert "issuing.pem: No such file or directory" in one_sentence(refused)


def test_the_inventory_port_speaks_tls_13_to_agents(collector: CollectorFolder) -> None:
    root = (collector.home / "authority/root.pem").read_text()
    context = ssl.create_default_context(cadata=root)
    context.set_alpn_protocols(["h2"])

    with (
        collector.serving() as (enrolment, _),
        socket.create_connection(("localhost", enrolment)) as connection,
        context.wrap_socket(connection, server_hostname="localhost") as tls,
    ):
        assert tls.version() == "TLSv1.3"
