"""A machine that Active Directory knows enrols without a token, and nobody else does."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from quitus.v1 import enrolment_pb2, enrolment_pb2_grpc
from quitus_agent import company_certificate, keys
from tests.makers import company
from tests.makers.company import Authority, Machine
from tests.programs import AgentFolder, Answer, CollectorFolder

pytestmark = pytest.mark.e2e
NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)
PC = x509.DNSName("PC-1.corp.example")


class Scene(NamedTuple):
    """A collector that trusts a company's authority."""

    collector: CollectorFolder
    folder: Path
    root: Authority
    issuing: Authority
    port: int

    @property
    def fingerprint(self) -> str:
        return str(
            x509.load_pem_x509_certificate(
                (self.collector.home / "authority/root.pem").read_bytes()
            )
            .fingerprint(company.hashes.SHA256())
            .hex()
        )

    def enrol(self, machine: Machine, name: str = "agent") -> Answer:
        certificate, key = machine.files(self.folder / name)
        return self.agent(name).run(
            *("enrol", "--collector", f"localhost:{self.port}", "--company", self.fingerprint),
            *("--company-cert", str(certificate), "--company-key", str(key)),
        )

    def agent(self, name: str = "agent") -> AgentFolder:
        return AgentFolder(self.folder / name / "state")

    def audit(self) -> list[dict[str, object]]:
        return list(json.loads(self.collector.ok("audit", "list", "--format", "json")))

    def reasons(self) -> list[str]:
        return [each["detail"]["reason"] for each in self.audit() if each["event"] == "refused"]  # type: ignore[index]


@pytest.fixture
def scene(collector: CollectorFolder, tmp_path: Path) -> Iterator[Scene]:
    root = Authority("Mercure root", NOW)
    issuing = Authority("Mercure issuing", NOW, above=root)
    added = collector.ok(
        *("authority", "company", "add", "ad", str(root.file(tmp_path))),
        *("--names", "*.corp.example", "--entity", "732829320"),
    )
    assert "machines named *.corp.example come in" in added
    with collector.serving() as (port, _):
        yield Scene(collector, tmp_path, root, issuing, port)
    collector.ok("audit", "verify")


def test_a_machine_of_the_company_enrols_reports_and_is_seen_with_its_name(scene: Scene) -> None:
    machine = scene.issuing.machine(PC, key=rsa.generate_private_key(65537, 2048))

    enrolled, reported = scene.enrol(machine), scene.agent().run("report")

    assert (enrolled.status, reported.status) == (0, 0), (enrolled, reported)
    (device,) = json.loads(scene.collector.ok("devices", "list", "--format", "json"))
    assert device["company_name"] == "pc-1.corp.example"
    assert device["entity"] == "732829320"
    assert scene.audit()[-1]["detail"] == {  # type: ignore[comparison-overlap]
        "company authority": "ad",
        "name": "pc-1.corp.example",
        "hostname": device["facts"]["hostname"],
        "until": device["certificate_expires_at"],
    }


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("expired", "the company certificate ended on"),
        ("not yet", "the company certificate is not valid before"),
        ("purpose", "the company certificate is not one for client authentication"),
        ("other authority", "not issued by an authority that this collector trusts"),
        ("name", "pc-9.elsewhere.example is not one of the names that may come in"),
        ("nameless", "the company certificate names no machine"),
    ],
)
def test_a_certificate_that_is_not_good_lets_nobody_in(
    scene: Scene, case: str, reason: str
) -> None:
    machine = {
        "expired": lambda: scene.issuing.machine(PC, starts=NOW - 9 * DAY, ends=NOW - DAY),
        "not yet": lambda: scene.issuing.machine(PC, starts=NOW + DAY),
        "purpose": lambda: scene.issuing.machine(PC, usage=()),
        "other authority": lambda: Authority("Mercure root", NOW).machine(PC),
        "name": lambda: scene.issuing.machine(x509.DNSName("pc-9.elsewhere.example")),
        "nameless": lambda: scene.issuing.machine(x509.RFC822Name("anne@corp.example")),
    }[case]()

    refused = scene.enrol(machine)

    assert refused.status == 1
    assert reason in refused.err
    assert refused.err.count("\n") == 1
    (written,) = scene.reasons()
    assert reason in written
    # The others are served.
    assert scene.enrol(scene.issuing.machine(PC), "honest").status == 0


def test_a_certificate_that_its_authority_revoked_lets_nobody_in(scene: Scene) -> None:
    stolen, honest = scene.issuing.machine(PC), scene.issuing.machine(PC)
    lists = scene.folder / "issuing.crl"
    lists.write_bytes(scene.issuing.revocations(stolen))

    scene.collector.ok("authority", "company", "revocations", "ad", str(lists))
    refused, enrolled = scene.enrol(stolen, "thief"), scene.enrol(honest)

    assert "the company certificate was revoked by its authority" in refused.err
    assert enrolled.status == 0, enrolled
    assert f"{NOW + 7 * DAY:%Y-%m-%d}" in scene.collector.ok("authority", "company", "list")


def test_a_machine_that_is_installed_anew_waits_for_a_decision(scene: Scene) -> None:
    machine = scene.issuing.machine(PC)
    first, second = scene.enrol(machine, "before"), scene.enrol(machine, "after")
    reported = scene.agent("after").run("report")
    third = scene.enrol(machine, "once more")

    assert (first.status, second.status, reported.status) == (0, 0, 0)
    devices = json.loads(scene.collector.ok("devices", "list", "--format", "json"))
    assert sorted(each["standing"] for each in devices) == ["active", "quarantined"]
    assert "a person has to decide first about another device of pc-1.corp" in third.err
    apart = next(each["id"] for each in devices if each["standing"] == "quarantined")
    scene.collector.ok("devices", "settle", apart, "--as", "replacement")
    devices = json.loads(scene.collector.ok("devices", "list", "--format", "json"))
    assert sorted(each["standing"] for each in devices) == ["active", "replaced"]


def test_a_revoked_device_does_not_come_back_by_its_company_certificate(scene: Scene) -> None:
    machine = scene.issuing.machine(PC)
    assert scene.enrol(machine).status == 0
    (device,) = json.loads(scene.collector.ok("devices", "list", "--format", "json"))
    scene.collector.ok("devices", "revoke", device["id"], "--reason", "stolen")

    refused = scene.enrol(machine, "thief")

    assert "the device of the company certificate pc-1.corp.example was revoked" in refused.err
    assert len(scene.reasons()) == 1


def test_what_was_overheard_certifies_no_other_key(scene: Scene) -> None:
    """The signature is over the request for the first key, and the collector's root."""
    files = scene.issuing.machine(PC).files(scene.folder / "m")
    shown = company_certificate.read(*files)
    root = bytes.fromhex(scene.fingerprint)
    first, thief = (keys.signing_request(keys.new_key()) for _ in range(2))
    proof = shown.proof(root, first)
    elsewhere = shown.proof(b"another collector's root, 32 byte", thief)
    roots = (scene.collector.home / "authority/root.pem").read_bytes()
    credentials = grpc.ssl_channel_credentials(roots)

    with grpc.secure_channel(f"localhost:{scene.port}", credentials) as channel:
        stub = enrolment_pb2_grpc.EnrolmentServiceStub(channel)

        def ask(request: bytes, company: enrolment_pb2.CompanyProof, secret: str = "") -> str:
            message = enrolment_pb2.EnrolRequest(
                signing_request=request, company=company, token_secret=secret
            )
            try:
                return str(stub.Enrol(message, timeout=20).device_id)
            except grpc.RpcError as error:
                return f"{error.code().name} {error.details()}"

        answers = [ask(first, proof), ask(first, proof)]
        stolen, relayed = ask(thief, proof), ask(thief, elsewhere)
        both = ask(thief, proof, "a secret as well")

    assert answers[0] == answers[1]
    refusal = "PERMISSION_DENIED the company certificate is not this device's"
    assert (stolen, relayed) == (refusal, refusal)
    assert both.startswith("INVALID_ARGUMENT company: a join token or a company certificate")
    (device,) = json.loads(scene.collector.ok("devices", "list", "--format", "json"))
    assert device["id"] == answers[0]


def test_files_that_do_not_fit_are_named_and_nothing_is_kept(scene: Scene) -> None:
    machine = scene.issuing.machine(PC)
    certificate, key = machine.files(scene.folder / "one")
    other, _ = scene.issuing.machine(PC).files(scene.folder / "two")
    cut = scene.folder / "cut.pem"
    cut.write_bytes(certificate.read_bytes()[:200])
    way = ("enrol", "--collector", f"localhost:{scene.port}", "--company", scene.fingerprint)

    def said(shown: Path, shown_key: Path) -> str:
        answer = scene.agent().run(
            *way, "--company-cert", str(shown), "--company-key", str(shown_key)
        )
        assert answer.status == 2
        assert answer.err.count("\n") == 1
        return answer.err

    assert "machine.key is not the key of" in said(other, key)
    assert "cut.pem holds no certificate in PEM" in said(cut, key)
    assert "machine.pem holds no private key in PEM" in said(certificate, certificate)
    assert "absent: No such file" in said(certificate, scene.folder / "absent")
    alone = scene.agent().run(*way)
    assert "--company, --company-cert and --company-key go together" in alone.err
    assert not scene.agent().state.exists()


def test_an_authority_that_is_removed_lets_nobody_in(scene: Scene) -> None:
    assert scene.enrol(scene.issuing.machine(PC), "before").status == 0

    scene.collector.ok("authority", "company", "remove", "ad")

    refused = scene.enrol(scene.issuing.machine(x509.DNSName("pc-2.corp.example")))
    assert "this collector takes no company certificates" in refused.err
    assert scene.agent("before").run("report").status == 0
    events = [each["event"] for each in scene.audit()]
    assert "company authority trusted" in events
    assert "company authority distrusted" in events
