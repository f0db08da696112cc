"""The seal: made with the company's certificate, and refused where it would not hold."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.asymmetric import rsa
from pypdf import PdfReader

from quitus_collector import config
from quitus_collector.adapters.seal import pades
from quitus_collector.domain.verification import Level, Outcome, Subject
from quitus_collector.errors import SealError
from quitus_collector.wiring import declaration as wiring
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.declaration import Sealed
from tests.makers.declarations import a_whole_declaration
from tests.makers.signing import DAY, DOCUMENTS, STAMPS, Authority, Certified
from tests.tsa import TimestampServer, timestamp_server

SERVER = "1.3.6.1.5.5.7.3.1"


@pytest.fixture(scope="module")
def tsa() -> Iterator[TimestampServer]:
    """An authority for certificates and timestamps."""
    with timestamp_server() as server:
        yield server


@pytest.fixture(scope="module")
def company(tsa: TimestampServer) -> Certified:
    """The company's certificate."""
    return tsa.authority.certify("Ateliers Mercure")


def collector(home: Path, company: Certified, tsa: TimestampServer, settings: str) -> Collector:
    company.pkcs12(home)
    (home / "roots.pem").write_bytes(tsa.authority.pem)
    (home / config.FILE).write_text(
        f'[seal]\ncertificate = "company.p12"\npassphrase_file = "passphrase"\n{settings}\n'
    )
    return Collector(config.load(home, {}, {}))


def sealed(home: Path, company: Certified, tsa: TimestampServer, settings: str = "") -> Sealed:
    declaration, _ = a_whole_declaration()
    return wiring.seal(collector(home, company, tsa, settings), declaration)


def outcomes(found: Sealed) -> dict[Subject, Outcome]:
    return {check.subject: check.outcome for check in found.verification.checks}


def first_page(found: Sealed, folder: Path) -> str:
    file = folder / "sealed.pdf"
    file.write_bytes(found.pdf)
    return " ".join(PdfReader(file).pages[0].extract_text().split())


def test_a_certificate_alone_reaches_the_first_level_and_asks_nobody(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    asked = len(tsa.queries)

    found = sealed(tmp_path, company, tsa)

    assert found.verification.level is Level.B_B
    assert found.verification.passed
    assert outcomes(found)[Subject.TIMESTAMP] is Outcome.ABSENT
    assert outcomes(found)[Subject.CERTIFICATE] is Outcome.UNKNOWN
    assert "Pas d’horodatage" in first_page(found, tmp_path)
    assert len(tsa.queries) == asked


def test_with_an_authority_s_timestamp_it_reaches_the_second(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    found = sealed(
        tmp_path, company, tsa, f'timestamp_url = "{tsa.url}/stamp"\ntrust = "roots.pem"'
    )

    assert found.verification.level is Level.B_T
    assert set(outcomes(found).values()) == {Outcome.PASSED}
    assert "À horodater par 127.0.0.1." in first_page(found, tmp_path)


def test_with_proof_that_nothing_was_revoked_it_reaches_the_third(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    settings = f'timestamp_url = "{tsa.url}/stamp"\ntrust = "roots.pem"\nlong_term = true'

    found = sealed(tmp_path, company, tsa, settings)

    assert found.verification.level is Level.B_LT
    assert set(outcomes(found).values()) == {Outcome.PASSED}


@pytest.mark.parametrize("key", [None, rsa.generate_private_key(65537, 2048)], ids=["ec", "rsa"])
def test_what_is_sealed_stays_the_pdf_1_7_that_pdf_a_3_is(
    tmp_path: Path, tsa: TimestampServer, key: rsa.RSAPrivateKey | None
) -> None:
    found = sealed(tmp_path, tsa.authority.certify("Mercure", key=key), tsa)

    read = PdfReader(BytesIO(found.pdf))
    root = read.root_object
    assert read.pdf_header == "%PDF-1.7"
    assert "/Version" not in root
    assert set(root["/Extensions"]) == {"/ESIC"}
    assert b"<pdfaid:part>3</pdfaid:part>" in root["/Metadata"].get_data()


def test_only_a_hash_goes_to_the_authority(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    sealed(tmp_path, company, tsa, f'timestamp_url = "{tsa.url}/stamp"')

    query = tsa.queries[-1].native
    assert query["message_imprint"]["hash_algorithm"]["algorithm"] == "sha256"
    assert len(query["message_imprint"]["hashed_message"]) == 32
    assert not query["extensions"]


def test_without_a_certificate_the_document_says_so(tmp_path: Path) -> None:
    declaration, _ = a_whole_declaration()

    found = wiring.seal(Collector(config.load(tmp_path, {}, {})), declaration)

    assert found.verification.level is Level.NONE
    assert "aucun certificat de l’entreprise n’est configuré" in first_page(found, tmp_path)


@pytest.mark.parametrize("state", ["draft", "reviewed"])
def test_what_nobody_approved_is_not_sealed(tmp_path: Path, state: str) -> None:
    declaration, _ = a_whole_declaration(state=state)

    with pytest.raises(SealError, match=f"the declaration is a {state}"):
        wiring.seal(Collector(config.load(tmp_path, {}, {})), declaration)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("refuse", "refuses to give a timestamp: non"),
        ("html", "does not answer as a timestamp authority does"),
        ("junk", "malformed"),
        ("redirect", "no timestamp"),
        ("error", "no timestamp"),
        ("nonce", "nonce"),
    ],
)
def test_an_authority_that_gives_no_timestamp_leaves_nothing_sealed(
    tmp_path: Path, company: Certified, tsa: TimestampServer, path: str, reason: str
) -> None:
    with pytest.raises(SealError, match=reason) as caught:
        sealed(tmp_path, company, tsa, f'timestamp_url = "{tsa.url}/{path}"')

    assert tsa.url in str(caught.value)


def test_an_authority_that_is_not_there_leaves_nothing_sealed(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    with pytest.raises(SealError, match=r"http://127\.0\.0\.1:1/: no timestamp: "):
        sealed(tmp_path, company, tsa, 'timestamp_url = "http://127.0.0.1:1/"')


def test_a_revoked_certificate_leaves_nothing_sealed(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    revoked = tsa.authority.certify("Ateliers Révoqués")
    good, tsa.revocations = tsa.revocations, tsa.authority.revocations(revoked)
    settings = f'timestamp_url = "{tsa.url}/stamp"\ntrust = "roots.pem"\nlong_term = true'

    try:
        with pytest.raises(SealError, match="revoked"):
            sealed(tmp_path, revoked, tsa, settings)
    finally:
        tsa.revocations = good


def test_an_authority_that_nobody_vouches_for_leaves_nothing_sealed(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    home = collector(
        tmp_path, company, tsa, f'timestamp_url = "{tsa.url}/stamp"\ntrust = "roots.pem"'
    )
    stranger = Authority(datetime.now(UTC), name="Inconnue")
    (tmp_path / "roots.pem").write_bytes(stranger.pem)

    with pytest.raises(SealError, match="is not vouched for"):
        wiring.seal(home, a_whole_declaration()[0])


NOW = datetime.now(UTC)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"ends": NOW - DAY, "starts": NOW - 30 * DAY}, "ended on"),
        ({"starts": NOW + DAY, "ends": NOW + 30 * DAY}, "not valid before"),
        ({"usage": ("key_encipherment",)}, "not for signatures"),
        ({"purposes": (STAMPS,)}, "not for documents"),
        ({"is_authority": True}, "is an authority's"),
    ],
)
def test_a_certificate_that_may_not_sign_is_refused_with_the_reason(
    tmp_path: Path, tsa: TimestampServer, fields: dict[str, object], reason: str
) -> None:
    unfit = tsa.authority.certify("Ateliers Mercure", **fields)  # type: ignore[arg-type]

    with pytest.raises(SealError, match=reason) as caught:
        sealed(tmp_path, unfit, tsa)

    assert "company.p12" in str(caught.value)


@pytest.mark.parametrize("purposes", [(), (DOCUMENTS,)])
def test_a_certificate_without_limits_or_for_documents_may_sign(
    tmp_path: Path, tsa: TimestampServer, purposes: tuple[object, ...]
) -> None:
    fit = tsa.authority.certify("Mercure", purposes=purposes, usage=())  # type: ignore[arg-type]

    assert pades.credential(fit.pkcs12(tmp_path), tmp_path / "passphrase", NOW).name == "Mercure"


def test_files_that_are_missing_or_wrong_are_named(tmp_path: Path, company: Certified) -> None:
    file = company.pkcs12(tmp_path)
    wrong = tmp_path / "wrong"
    wrong.write_text("fermé")
    with pytest.raises(SealError, match="others may read this secret: chmod 600"):
        pades.credential(file, wrong, NOW)
    wrong.chmod(0o600)

    with pytest.raises(SealError, match=r"nowhere\.p12: No such file"):
        pades.credential(tmp_path / "nowhere.p12", None, NOW)
    with pytest.raises(SealError, match="passphrase is not the one of"):
        pades.credential(file, wrong, NOW)
    with pytest.raises(SealError, match="passphrase is not the one of"):
        pades.credential(wrong, None, NOW)


def test_what_was_good_when_it_was_stamped_is_good_when_the_certificate_is_over(
    tmp_path: Path, tsa: TimestampServer
) -> None:
    brief = tsa.authority.certify("Mercure", ends=NOW + timedelta(hours=1))
    settings = f'timestamp_url = "{tsa.url}/stamp"\ntrust = "roots.pem"'
    found = sealed(tmp_path, brief, tsa, settings)
    bare = sealed(tmp_path, brief, tsa)

    years_later = NOW + 900 * DAY
    from quitus_collector.adapters.declaration.check import verify_pdf

    assert verify_pdf(found.pdf, [tsa.authority.der], years_later).passed
    assert not verify_pdf(bare.pdf, [tsa.authority.der], years_later).passed


@pytest.mark.needs("poppler")
def test_poppler_finds_the_signature_valid_and_over_the_whole_document(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    pdfsig = shutil.which("pdfsig")
    assert pdfsig
    file = tmp_path / "sealed.pdf"
    settings = f'timestamp_url = "{tsa.url}/stamp"\ntrust = "roots.pem"\nlong_term = true'
    file.write_bytes(sealed(tmp_path, company, tsa, settings).pdf)

    good = subprocess.run([pdfsig, "-nocert", file], capture_output=True, text=True, check=False)
    content = bytearray(file.read_bytes())
    content[len(content) // 3] ^= 1
    file.write_bytes(content)
    bad = subprocess.run([pdfsig, "-nocert", file], capture_output=True, text=True, check=False)

    assert "Signature is Valid." in good.stdout
    assert "Total document signed" in good.stdout
    assert "ETSI.CAdES.detached" in good.stdout
    assert "Signature is Valid." not in bad.stdout


def test_a_sealed_document_is_still_an_archive_one(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    file = tmp_path / "sealed.pdf"
    file.write_bytes(sealed(tmp_path, company, tsa).pdf)
    reader = PdfReader(file)

    metadata = reader.trailer["/Root"]["/Metadata"].get_data()  # type: ignore[index]
    assert b"pdfaid:part>3<" in metadata
    assert set(reader.attachments) == {"declaration.json", "lines.csv"}


def stamps_in(signed: bytes) -> list[str]:
    (signer,) = cms.ContentInfo.load(signed)["content"]["signer_infos"]
    return [each["type"].native for each in signer["unsigned_attrs"] or ()]


def test_a_receipt_is_signed_and_stamped(
    tmp_path: Path, company: Certified, tsa: TimestampServer
) -> None:
    by = pades.credential(company.pkcs12(tmp_path), tmp_path / "passphrase", datetime.now(UTC))

    assert stamps_in(pades.attest(b"{}", by, f"{tsa.url}/stamp")) == ["signature_time_stamp_token"]
    assert stamps_in(pades.attest(b"{}", by)) == []
    with pytest.raises(SealError, match="no timestamp"):
        pades.attest(b"{}", by, f"{tsa.url}/error")
