"""A sealed declaration holds, and no byte of it, of what is inside or of a proof can be another."""

import importlib.util
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pypdf import PdfReader, PdfWriter

from quitus_collector.adapters.declaration import evidence as evidence_files
from quitus_collector.adapters.declaration import typst
from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.seal import pades
from quitus_collector.cli import main
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.evidence import Evidence
from tests.integration.test_declaration_pdf import PARIS
from tests.makers.declarations import a_whole_declaration
from tests.makers.signing import Authority
from tests.tsa import timestamp_server

VERIFIER = Path(__file__).parents[2] / "deploy" / "verifier" / "quitus_verify.py"


def standalone() -> ModuleType:
    """The verifier of one file, as a module."""
    specification = importlib.util.spec_from_file_location("quitus_verify", VERIFIER)
    assert specification
    assert specification.loader
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


STANDALONE = standalone()


class Dossier(NamedTuple):
    """A sealed declaration, a proof, who vouches, and what they were made from."""

    pdf: Path
    proof: Path
    trust: Path
    declaration: Declaration
    evidence: Evidence


def typeset(declaration: Declaration) -> bytes:
    return typst.render(declaration, Messages("fr", PARIS))


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """Signed and stamped; the tests work on copies."""
    folder = tmp_path_factory.mktemp("sealed")
    declaration, evidence = a_whole_declaration()
    with timestamp_server() as tsa:
        company = tsa.authority.certify("Ateliers Mercure").pkcs12(folder)
        by = pades.credential(company, folder / "passphrase", datetime.now(UTC))
        pdf = pades.seal(
            typeset(declaration), by, reason="essai", at=datetime.now(UTC), timestamp_url=tsa.url
        )
        trust = folder / "ca.pem"
        trust.write_bytes(tsa.authority.pem)
    (folder / "sealed.pdf").write_bytes(pdf)
    proof = folder / "proof.json"
    proof.write_bytes(evidence_files.write_proof(evidence.proofs("poste-1")[0]))
    return Dossier(folder / "sealed.pdf", proof, trust, declaration, evidence)


@pytest.fixture
def dossier(sealed: Dossier, tmp_path: Path) -> Dossier:
    """A copy to change."""
    copies = {}
    for name in ("pdf", "proof", "trust"):
        original = getattr(sealed, name)
        copies[name] = tmp_path / original.name
        copies[name].write_bytes(original.read_bytes())
    return sealed._replace(**copies)


def verify(
    dossier: Dossier, capsys: pytest.CaptureFixture[str], *, with_proof: bool = True
) -> tuple[int, dict[str, str], str]:
    """The exit status, each subject's outcome, and what was said of the failures.

    The verifier of one file, which shares no code with this one, must agree; what a file that is
    not even signed holds besides, each may read as far as it can.
    """
    words = [str(dossier.pdf), "--trust", str(dossier.trust), "--format", "json"]
    words += ["--proof", str(dossier.proof)] if with_proof else []
    status = main(["declaration", "verify", *words])
    said = capsys.readouterr()
    found = outcomes(said.out)
    alone = STANDALONE.main(words)
    found_alone = outcomes(capsys.readouterr().out)
    assert bool(alone) == bool(status), (found, found_alone)
    if found.get("signature") == found_alone.get("signature") == "passed":
        assert found == found_alone
    return status, found, said.err


def outcomes(printed: str) -> dict[str, str]:
    checks = json.loads(printed)["checks"] if printed else []
    return {check["subject"]: check["outcome"] for check in checks}


def test_a_sealed_declaration_and_a_proof_hold(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found, _ = verify(dossier, capsys)

    assert status == 0
    assert found == dict.fromkeys(
        (
            "signature",
            "certificate",
            "timestamp",
            "attachments",
            "evidence",
            "lines",
            "proof",
        ),
        "passed",
    )


def test_the_table_names_the_level_and_every_check_in_french(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["declaration", "verify", str(dossier.pdf), "--proof", str(dossier.proof)])

    said = " ".join(capsys.readouterr().out.split())
    assert "Niveau atteint : PAdES-B-T : signée et horodatée" in said
    assert "signature tient signée par Ateliers Mercure, inchangée depuis" in said
    assert "certificat inconnu personne ne répond du certificat de Ateliers Mercure" in said
    assert "preuve d’un poste tient le poste poste-1 est l’un des" in said


def test_no_byte_of_the_pdf_can_be_another(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    content = dossier.pdf.read_bytes()
    signature = content.index(b"/Contents <") + len(b"/Contents <")
    end = content.index(b">", signature)
    # Between those two lies the signature itself, which cannot sign itself: its padding must be
    # zeros, and what is not padding is looked at below.
    places = [at for at in range(0, len(content), len(content) // 40) if not signature < at < end]

    for at in [*places, signature - 1, end, end - 2, len(content) - 1]:
        changed = bytearray(content)
        changed[at] ^= 1
        dossier.pdf.write_bytes(changed)
        status, found, said = verify(dossier, capsys, with_proof=False)
        assert status == 1, at
        assert "does not hold: signature" in said, (at, found)


def test_no_byte_of_what_the_signature_says_can_be_another(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever signed, what, when, and the timestamp: only copies of authorities may differ."""
    content = dossier.pdf.read_bytes()
    start = content.index(b"/Contents <") + len(b"/Contents <")
    der = bytes.fromhex(content[start : content.index(b">", start)].decode())
    signed = cms.ContentInfo.load(der)["content"]
    (info,) = signed["signer_infos"]
    (token,) = info["unsigned_attrs"][0]["values"]
    (stamped,) = token["content"]["signer_infos"]
    for part in (
        info["signature"].contents,
        info["signed_attrs"].contents,
        stamped["signature"].contents,
        stamped["signed_attrs"].contents,
        token["content"]["encap_content_info"].contents,
    ):
        begins = start + 2 * der.index(part)
        for at in range(begins, begins + 2 * len(part), max(1, len(part) // 8)):
            changed = bytearray(content)
            changed[at] = ord("0") if content[at] != ord("0") else ord("1")
            dossier.pdf.write_bytes(changed)
            status, found, _ = verify(dossier, capsys, with_proof=False)
            assert status == 1, at
            assert "failed" in (found["signature"], found.get("timestamp")), (at, found)


def test_nothing_can_be_added_after_the_seal(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    with dossier.pdf.open("ab") as file:
        file.write(b"\n% a comment\n")

    status, found, _ = verify(dossier, capsys)

    assert status == 1
    assert found["signature"] == "failed"


def test_an_attachment_cannot_be_swapped(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(typeset(dossier.declaration))))
    (each,) = [a for a in writer.attachment_list if a.name == "declaration.json"]
    document = json.loads(each.content)
    document["lines"][1]["missing"] = 0
    each.content = json.dumps(document).encode()
    out = BytesIO()
    writer.write(out)
    dossier.pdf.write_bytes(out.getvalue())

    status, found, said = verify(dossier, capsys)

    assert status == 1
    assert found["attachments"] == "failed"
    assert "attachments" in said


def test_a_declaration_whose_lines_are_not_its_evidence_is_refused(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    position = dossier.declaration.position
    fewer = replace(position.lines[1], missing=0, installed=3)
    lines = (position.lines[0], fewer, *position.lines[2:])
    false = replace(dossier.declaration, position=replace(position, lines=lines))
    dossier.pdf.write_bytes(typeset(false))

    status, found, said = verify(dossier, capsys)

    assert status == 1
    assert found["attachments"] == found["evidence"] == "passed"
    assert found["lines"] == "failed"
    assert "signature, lines" in said


def test_a_draft_is_not_signed_and_says_so(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    dossier.pdf.write_bytes(typeset(dossier.declaration))

    status, found, _ = verify(dossier, capsys)

    assert status == 1
    assert found["signature"] == "failed"
    assert found["lines"] == found["proof"] == "passed"


def test_no_byte_of_a_proof_can_be_another(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    content = dossier.proof.read_bytes()

    for at in range(0, len(content), 7):
        changed = bytearray(content)
        changed[at] ^= 1
        dossier.proof.write_bytes(changed)
        status, found, _ = verify(dossier, capsys)
        if chr(content[at]).isspace():
            continue  # blanks between the parts of JSON
        assert status in (1, 2), at
        assert found.get("proof") != "passed", at


def test_a_proof_of_another_device_is_refused(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads(dossier.proof.read_text())
    dossier.proof.write_text(json.dumps(document | {"device": "poste-2"}))

    status, found, _ = verify(dossier, capsys)

    assert status == 1
    assert found["proof"] == "failed"


def test_another_authority_does_not_vouch(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    dossier.trust.write_bytes(Authority(datetime.now(UTC)).pem)

    status, found, _ = verify(dossier, capsys)

    assert status == 1
    assert found["signature"] == "passed"
    assert found["certificate"] == found["timestamp"] == "failed"


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7\n", b"\x00" * 4096, b"Bonjour"])
def test_what_is_no_declaration_is_refused(
    dossier: Dossier, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    dossier.pdf.write_bytes(content)

    status, found, _ = verify(dossier, capsys)

    assert status == 1
    assert found["signature"] == "failed"


def test_why_it_is_refused_is_told_in_the_reader_s_language(
    dossier: Dossier, capsys: pytest.CaptureFixture[str]
) -> None:
    other = json.loads(dossier.proof.read_text()) | {"root": "0" * 64}
    dossier.proof.write_text(json.dumps(other))
    main(["declaration", "verify", str(dossier.pdf), "--proof", str(dossier.proof)])
    proof = " ".join(capsys.readouterr().out.split())
    dossier.pdf.write_bytes(b"Bonjour")
    main(["declaration", "verify", str(dossier.pdf)])
    letter = " ".join(capsys.readouterr().out.split())

    assert "preuve d’un poste ÉCHOUE la preuve appartient à une autre déclaration" in proof
    assert "signature ÉCHOUE le fichier n’est pas un PDF" in letter


def test_files_that_cannot_be_read_are_named(
    dossier: Dossier, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["declaration", "verify", str(tmp_path / "none.pdf")]) == 2
    assert "none.pdf: No such file" in capsys.readouterr().err
    words = ["declaration", "verify", str(dossier.pdf), "--trust", str(dossier.proof)]
    assert main(words) == 2
    assert "proof.json: holds no certificates" in capsys.readouterr().err


def test_proofs_are_made_from_the_evidence_that_the_company_keeps(
    dossier: Dossier, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    kept = tmp_path / "evidence.json"
    kept.write_bytes(evidence_files.write(dossier.evidence))
    words = ["declaration", "prove", str(kept), "--out", str(tmp_path), "--device"]

    assert main([*words, "poste-4"]) == 0
    files = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert len(files) == 2
    for file in files:
        assert verify(dossier._replace(proof=file), capsys)[0] == 0
    assert main([*words, "poste-9"]) == 2
    assert "no count has a part of the device 'poste-9'" in capsys.readouterr().err


def alone(dossier: Dossier, *options: str) -> subprocess.CompletedProcess[str]:
    """The verifier of one file as a program, away from the project."""
    words = [sys.executable, "-I", *options, str(VERIFIER), str(dossier.pdf)]
    words += ["--proof", str(dossier.proof), "--trust", str(dossier.trust)]
    return subprocess.run(
        words, capture_output=True, text=True, check=False, cwd=dossier.pdf.parent
    )


def test_one_file_is_enough_to_verify(dossier: Dossier) -> None:
    done = alone(dossier)

    assert done.returncode == 0, done.stderr
    assert "level        PAdES-B-T" in done.stdout
    assert done.stdout.count(" passed ") == 7
    assert "quitus_collector" not in VERIFIER.read_text()


def test_without_cryptography_it_checks_the_rest_and_does_not_say_that_all_is_well(
    dossier: Dossier,
) -> None:
    done = alone(dossier, "-S")

    assert done.returncode == 1
    assert "signature    failed   the Python package `cryptography` is needed" in done.stdout
    assert done.stdout.count(" passed ") == 4


@pytest.mark.parametrize("kind", ["rsa", "pss", "p384", "ed25519"])
def test_both_verifiers_know_the_keys_that_companies_have(
    dossier: Dossier, capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: str
) -> None:
    keys = {
        "rsa": lambda: rsa.generate_private_key(65537, 3072),
        "pss": lambda: rsa.generate_private_key(65537, 2048),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    now = datetime.now(UTC)
    authority = Authority(now)
    company = authority.certify("Ateliers Mercure", key=keys[kind]()).pkcs12(tmp_path)
    by = pades.credential(company, tmp_path / "passphrase", now)
    by.signer.prefer_pss = kind == "pss"
    dossier.pdf.write_bytes(pades.seal(typeset(dossier.declaration), by, reason="essai", at=now))
    dossier.trust.write_bytes(authority.pem)

    status, found, _ = verify(dossier, capsys)

    assert status == 0, found
    assert found["timestamp"] == "absent"
