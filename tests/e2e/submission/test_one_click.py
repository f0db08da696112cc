"""From a fleet to a receipt and its proof, as people do it: with commands, at a real site."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import pytest
from pypdf import PdfReader, PdfWriter

from tests.portal.client import CREDENTIALS, PortalSite, serving
from tests.programs import CollectorFolder
from tests.tsa import timestamp_server

pytestmark = pytest.mark.e2e
VERIFIER = Path(__file__).parents[3] / "deploy" / "verifier" / "quitus_verify.py"
COMPANY = {"siren": '"999000110"', "signatory": '"Zoé"', "function": '"DSI"'}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PortalSite]:
    with serving(tmp_path) as started:
        yield started


class Fleet(NamedTuple):
    """A collector with workstations that reported, and who vouches for its seal."""

    collector: CollectorFolder
    trust: Path


@pytest.fixture
def fleet(collector: CollectorFolder, site: PortalSite) -> Iterator[Fleet]:
    """The portal is described, its credentials are in place, a certificate and a stamp are had."""
    with collector.serving() as (enrolment, _):
        token = collector.token_file("--uses", "5")
        words = ["--collector", f"localhost:{enrolment}", "--token-file", str(token)]
        subprocess.run(
            [sys.executable, "-m", "tests.fleet", *words, "--devices", "5"],
            check=True,
            capture_output=True,
        )
    for name, value in COMPANY.items():
        collector.set(name, value)
    # One account runs all commands here.
    collector.set("apart", "false")
    settings = collector.home / "collector.toml"
    text = settings.read_text().replace('# name = "Ateliers Exemple"', 'name = "Œuvres & Fils"')
    settings.write_text(text)
    folder = site.describe()
    (collector.home / "portals").mkdir()
    for name in ("site.toml", "ca.pem"):
        (collector.home / "portals" / name).write_bytes((folder / name).read_bytes())
    (collector.home / "credentials").mkdir()
    secrets = collector.home / "credentials" / "site.toml"
    secrets.touch(0o600)
    secrets.write_text("".join(f'{name} = "{value}"\n' for name, value in CREDENTIALS.items()))
    with timestamp_server() as authority:
        authority.authority.certify("Œuvres & Fils").pkcs12(collector.home)
        (collector.home / "passphrase").chmod(0o600)
        trust = collector.home / "roots.pem"
        trust.write_bytes(authority.authority.pem)
        collector.set("seal.certificate", '"company.p12"')
        collector.set("seal.passphrase_file", '"passphrase"')
        collector.set("timestamp_url", f'"{authority.url}/stamp"')
        collector.set("trust", '"roots.pem"')
        yield Fleet(collector, trust)


def digest_in(shown: str) -> str:
    """The digest of the view, which is all that `show --portal` ends with."""
    return re.findall(r"--portal site --digest ([0-9a-f]{64})$", shown.strip())[0]


def approved(collector: CollectorFolder, filing: str) -> None:
    """Read, shown and approved; where a source could not be read, it is set aside."""
    collector.ok("declaration", "review", filing, "--all")
    digest = digest_in(collector.ok("declaration", "show", filing, "--portal", "site"))
    failed = "failed-sources" in collector.ok("declaration", "status", filing)
    words = ("--override", "failed-sources", "vu avec le service") if failed else ()
    given = ("--portal", "site", "--digest", digest[:12])
    assert "is approved" in collector.ok("declaration", "approve", filing, *given, *words)


def submitted(collector: CollectorFolder, folder: Path) -> str:
    """Drafted, approved, sealed and sent; its files are in the folder."""
    filing = collector.ok("declaration", "draft", "--publisher", "microsoft", "--keep").split()[0]
    approved(collector, filing)
    assert "sealed: PAdES-B-T" in collector.ok("declaration", "seal", filing)
    said = collector.ok("declaration", "submit", filing, "--portal", "site")
    assert "is submitted\n" in said
    collector.ok("declaration", "show", filing, "--out", str(folder))
    return filing


def test_it_goes_from_draft_to_receipt(fleet: Fleet, site: PortalSite, tmp_path: Path) -> None:
    filing = submitted(fleet.collector, tmp_path)

    (receipt,) = site.receipts()
    told = json.loads(fleet.collector.ok("declaration", "status", filing, "--format", "json"))
    assert told["receipt"]["number"] == receipt["number"]
    assert told["sealed"]["sha256"] == receipt["pdf"]
    document = json.loads((tmp_path / "declaration.json").read_text())
    assert (document["state"], document["approvals"][0]["name"]) == ("approved", "Zoé")
    assert document["approvals"][0]["is_author"] is True
    assert sum(each["enrolled"] for each in document["perimeter"]["systems"]) == 5
    assert receipt["number"] in (tmp_path / "receipt.page").read_text()
    openssl = ["openssl", "cms", "-verify", "-inform", "DER", "-purpose", "any"]
    signed = ["-in", tmp_path / "receipt.p7m", "-CAfile", fleet.trust]
    opened = subprocess.run([*openssl, *signed], capture_output=True, check=True).stdout
    stated = json.loads(opened)
    assert (stated["number"], stated["declaration_sha256"]) == (receipt["number"], receipt["pdf"])
    page = (tmp_path / "receipt.page").read_bytes()
    assert stated["page_sha256"] == sha256(page).hexdigest()
    again = fleet.collector.run("declaration", "submit", filing, "--portal", "site")
    assert (again.status, "is submitted" in again.err) == (1, True)
    events = json.loads(fleet.collector.ok("audit", "list", "--format", "json"))
    assert {
        *("declaration approved", "declaration sealed", "declaration submitted", "receipt sealed")
    } <= {each["event"] for each in events}


def test_what_was_sent_holds_and_no_byte_of_it_can_be_another(fleet: Fleet, tmp_path: Path) -> None:
    collector, (_, trust) = fleet.collector, fleet
    submitted(collector, tmp_path)
    pdf, evidence = tmp_path / "declaration.pdf", tmp_path / "evidence.json"
    device = json.loads(evidence.read_text())["counts"][0]["parts"][0][0]
    words = ("declaration", "prove", str(evidence), "--device", device, "--out", str(tmp_path))
    proof = Path(collector.ok(*words).split()[0])

    def verify(file: Path, shown: Path) -> tuple[int, str]:
        given = ("--proof", str(shown), "--trust", str(trust))
        answer = collector.run("declaration", "verify", str(file), *given)
        return answer.status, answer.err.partition("does not hold: ")[2].strip()

    assert verify(pdf, proof) == (0, "")
    alone = [sys.executable, VERIFIER, pdf, "--proof", proof, "--trust", trust]
    assert subprocess.run(alone, capture_output=True, check=False).returncode == 0
    at = len(pdf.read_bytes()) // 2
    changed = tmp_path / "changed.pdf"
    changed.write_bytes(flipped(pdf.read_bytes(), at))
    assert verify(changed, proof)[0] == 1
    writer = PdfWriter(clone_from=PdfReader(pdf))
    writer.add_attachment("declaration.json", flipped((tmp_path / "declaration.json").read_bytes()))
    writer.write(changed)
    status, failed = verify(changed, proof)
    assert (status, "signature" in failed) == (1, True)
    other = json.loads(proof.read_text())
    other["salt"] = flipped(bytes.fromhex(other["salt"])).hex()
    (tmp_path / "other.json").write_text(json.dumps(other))
    assert verify(pdf, tmp_path / "other.json") == (1, "proof")


def flipped(content: bytes, at: int = 0) -> bytes:
    """One bit of one byte is another."""
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def test_nobody_approves_what_they_did_not_see(fleet: Fleet, site: PortalSite) -> None:
    collector = fleet.collector
    said = collector.ok("declaration", "draft", "--publisher", "microsoft", "--keep")
    filing, document = said.split()[0], said.split()[-1]
    assert "lines are unread (unread-lines)" in said

    shown = collector.ok("declaration", "show", filing, "--portal", "site")
    assert "Votre société: N° SIREN: 999000110" in shown
    assert site.receipts() == []

    def approve(digest: str) -> tuple[int, str]:
        words = ("--portal", "site", "--digest", digest)
        answer = collector.run("declaration", "approve", filing, *words)
        return answer.status, answer.err

    status, said = approve(digest_in(shown))
    assert (status, "are unread" in said) == (1, True)
    for digest in (document, "0" * 64):
        status, said = approve(digest)
        assert (status, "does not have the digest" in said) == (2, True)
    # The description decides what leaves the house: another one is another view.
    described = collector.home / "portals" / "site.toml"
    described.write_text(described.read_text().replace("{totals.gap}", "{totals.missing}"))
    assert "does not have the digest" in approve(digest_in(shown))[1]


def test_a_remark_is_another_document(fleet: Fleet, tmp_path: Path) -> None:
    collector = fleet.collector
    said = collector.ok("declaration", "draft", "--publisher", "microsoft", "--keep")
    filing, before = said.split()[0], said.split()[-1]
    shown = collector.ok("declaration", "show", filing, "--portal", "site")
    line = re.findall(r"^\* (\S+)", shown, flags=re.MULTILINE)[0]

    def remark(*words: str) -> str:
        return collector.ok("declaration", "remark", filing, *words)

    assert before not in remark("--reservation", "Brest n’est pas relevé.")
    remark("--remedy", "acheter", "--by", "2027-03-31", "--quantity", "2", "--line", line)
    remark("--reservation", "une erreur")
    remark("--remove", "2")
    strange = collector.run("declaration", "remark", filing, "--reservation", "x", "--line", "x/y")
    assert (strange.status, "has no line x/y" in strange.err) == (2, True)
    without_day = collector.run("declaration", "remark", filing, "--remedy", "acheter")
    assert (without_day.status, "by when" in without_day.err) == (2, True)
    old = collector.run(
        *("declaration", "approve", filing, "--portal", "site", "--digest", digest_in(shown))
    )
    assert "does not have the digest" in old.err

    approved(collector, filing)
    collector.ok("declaration", "seal", filing)
    collector.ok("declaration", "show", filing, "--out", str(tmp_path))
    document = json.loads((tmp_path / "declaration.json").read_text())
    assert document["reservations"] == [{"text": "Brest n’est pas relevé.", "product": ""}]
    assert document["remediation"] == [
        {"product": line, "action": "acheter", "quantity": 2, "due": "2027-03-31"}
    ]
    late = collector.run("declaration", "remark", filing, "--reservation", "trop tard")
    assert (late.status, "is sealed: it can be changed when" in late.err) == (1, True)
