"""The declaration's PDF, read back."""

import csv
import io
import json
import shutil
import subprocess
from dataclasses import replace
from datetime import date
from hashlib import sha256
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter
from pypdf import PdfReader

from quitus_collector.adapters.declaration import typst
from quitus_collector.adapters.declaration.attachments import attachments
from quitus_collector.adapters.messages import Messages
from quitus_collector.domain.company import Company
from quitus_collector.domain.contested import ContestedRule, Effect, Reading, ReadRule
from quitus_collector.domain.declaration import (
    Approval,
    Declaration,
    Exclusion,
    Override,
    OwnRule,
    Reach,
    Remedy,
    Reservation,
    SealPlan,
)
from quitus_collector.domain.entitlement import Channel, Metric, Right
from quitus_collector.domain.expected import SystemCoverage
from quitus_collector.domain.perimeter import (
    Exemption,
    Perimeter,
    ReasonedDevices,
    Role,
    SiteCoverage,
    Unreachable,
)
from quitus_collector.domain.position import (
    Coverage,
    LineState,
    Position,
    PositionLine,
    Undetermined,
    Unknown,
)
from quitus_collector.domain.systems import System
from tests.builders import NOON, OFFICE_2016, OFFICE_2019, an_entitlement

PARIS = ZoneInfo("Europe/Paris")
COMPANY = Company(
    "Œuvres & Fils", "SAS", "999000110", "1 rue de l’Été", "Zoé Noël", "DSI", "Saint-Étienne"
)


def a_line(product: str, label: str, missing: int | None = 0) -> PositionLine:
    state = {None: LineState.UNDETERMINED, 0: LineState.COMPLIANT}.get(missing, LineState.GAP)
    return PositionLine(
        product=product,
        label=label,
        metric=Metric.CORE if missing is None else Metric.DEVICE,
        installed=1234,
        entitled=2000,
        consumed=None if missing is None else 1234 - missing,
        covered=(Coverage("VL-1", Right.DIRECT, 1234 - (missing or 0)),),
        missing=missing,
        state=state,
        reason=Undetermined.METRIC if missing is None else None,
    )


def a_declaration(*lines: PositionLine, company: Company = COMPANY) -> Declaration:
    position = Position(
        as_of=NOON,
        catalogue_digest="ab" * 32,
        perimeter=Perimeter(
            entities=("999000110", "999000227"),
            enrolled=1300,
            reporting=1250,
            stale=12,
            stale_after_days=30,
            with_failed_sources=3,
            oldest_report_at=NOON,
            namesakes=("PC-1",),
        ),
        lines=lines,
        unknown=(Unknown("Pointage", "", 40),),
    )
    return Declaration(company, "microsoft", "Microsoft", position, NOON, "0.1.0")


LINES = (
    a_line(OFFICE_2016, "Microsoft Office Professional Plus 2016", missing=7),
    a_line(OFFICE_2019, "Microsoft Office Professional Plus 2019"),
    a_line("microsoft/sql-server/standard@2019", "SQL Server 2019 Standard", missing=None),
)


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    """A French declaration on disk."""
    file = tmp_path / "declaration.pdf"
    file.write_bytes(typst.render(a_declaration(*LINES), Messages("fr", PARIS)))
    return file


def text_of(file: Path) -> str:
    """The pages' text, on one line, with plain spaces."""
    pages = PdfReader(file).pages
    text = "\n".join(page.extract_text() for page in pages)
    return " ".join(text.replace("\u202f", " ").replace("\u00a0", " ").split())


def test_it_says_who_declares_what_to_whom(pdf: Path) -> None:
    text = text_of(pdf)

    for said in (
        "Déclaration de licences de logiciels",
        "PROJET – NON APPROUVÉ",
        "Œuvres & Fils",
        "999 000 110, 999 000 227",
        "Saint-Étienne",
        "Microsoft – position au 23 novembre 2026 à 13:00",
        "1 250 postes enrôlés sur 1 300 ont répondu dans les 30 derniers jours",
    ):
        assert said in text, said


def test_it_holds_every_line_with_its_figures_and_reason(pdf: Path) -> None:
    text = text_of(pdf)

    assert "Microsoft Office Professional Plus 2016" in text
    assert "1 227 par VL-1, 7 sans licence" in text
    assert "poste 1 234 – 2 000 1 227 1 227 7 écart" in text
    assert "cœur 1 234 – 2 000 – – – non déterminé" in text


def test_the_json_holds_the_same_figures() -> None:
    document = json.loads(json.dumps(a_declaration(*LINES).document()))

    assert document["totals"] == {"compliant": 1, "gap": 1, "undetermined": 1, "missing": 7}
    assert document["lines"][0]["covered"] == [
        {"entitlement": "VL-1", "right": "direct", "installs": 1227}
    ]
    assert document["lines"][2]["missing"] is None
    assert document["company"]["missing"] == []
    assert document["perimeter"]["entities"] == ["999000110", "999000227"]


def test_what_is_still_to_be_filled_in_is_marked(tmp_path: Path) -> None:
    file = tmp_path / "declaration.pdf"
    declaration = a_declaration(*LINES, company=Company())

    file.write_bytes(typst.render(declaration, Messages("fr", PARIS)))

    assert text_of(file).count("à compléter") == 8


def test_an_empty_declaration_says_so(tmp_path: Path) -> None:
    file = tmp_path / "declaration.pdf"

    file.write_bytes(typst.render(a_declaration(), Messages("fr", PARIS)))

    assert "Aucun produit de cet éditeur n’a été trouvé" in text_of(file)


def test_a_long_declaration_repeats_its_headings(tmp_path: Path) -> None:
    file = tmp_path / "declaration.pdf"
    lines = [a_line(f"microsoft/x@{number}", f"Produit n°{number}") for number in range(200)]

    file.write_bytes(typst.render(a_declaration(*lines), Messages("fr", PARIS)))

    pages = PdfReader(file).pages
    assert len(pages) > 4
    assert all("Décompte" in page.extract_text() for page in pages[1:-1])
    assert f"{len(pages)} / {len(pages)}" in pages[-1].extract_text()


def test_english_is_there_for_who_asks(tmp_path: Path) -> None:
    file = tmp_path / "declaration.pdf"

    file.write_bytes(typst.render(a_declaration(*LINES), Messages("en", PARIS)))

    text = text_of(file)
    assert "Software licence declaration" in text
    assert "1,227 covered by VL-1, 7 without a licence" in text


def test_labels_are_text_whatever_they_look_like(tmp_path: Path) -> None:
    file = tmp_path / "declaration.pdf"
    hostile = a_line("a/b", '#panic("x") *gras* $x$ <script> \u202e [')

    file.write_bytes(typst.render(a_declaration(hostile), Messages("fr", PARIS)))

    assert '#panic("x") *gras* $x$ <script>' in text_of(file)


def test_a_character_that_no_font_has_is_a_box(tmp_path: Path) -> None:
    file = tmp_path / "declaration.pdf"
    exotic = a_line("a/b", "Licence 契約 🎉 № 7")

    file.write_bytes(typst.render(a_declaration(exotic), Messages("fr", PARIS)))

    assert "Licence □□ □ № 7" in text_of(file)


def test_what_a_reader_must_know_of_the_devices_is_said(pdf: Path) -> None:
    text = text_of(pdf)

    assert "12 postes sont muets depuis plus de 30 jours" in text
    assert "plusieurs postes portent le nom PC-1" in text


def test_the_same_declaration_gives_the_same_bytes() -> None:
    once, twice = (typst.render(a_declaration(*LINES), Messages("fr", PARIS)) for _ in range(2))

    assert once == twice


def test_it_is_a_tagged_archive_document_in_french(pdf: Path) -> None:
    reader = PdfReader(pdf)

    metadata = reader.trailer["/Root"]["/Metadata"].get_data()  # type: ignore[index]
    assert b"pdfaid:part>3<" in metadata
    assert b"pdfaid:conformance>A<" in metadata
    assert b"pdfuaid:part>1<" in metadata
    assert reader.trailer["/Root"]["/Lang"] == "fr"  # type: ignore[index]
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]  # type: ignore[index]
    assert reader.pages[0].mediabox.width == pytest.approx(595.28, abs=0.1)


def test_the_figures_for_machines_are_inside_with_their_hashes(pdf: Path) -> None:
    reader = PdfReader(pdf)
    inside = {name: found[0] for name, found in reader.attachments.items()}

    assert inside == attachments(a_declaration(*LINES))
    assert json.loads(inside["declaration.json"])["totals"]["missing"] == 7
    rows = list(csv.DictReader(io.StringIO(inside["lines.csv"].decode())))
    assert [row["missing"] for row in rows] == ["7", "0", ""]
    keywords = reader.metadata["/Keywords"]  # type: ignore[index]
    for name, content in inside.items():
        assert f"{name} sha256:{sha256(content).hexdigest()}" in keywords
        assert sha256(content).hexdigest() in text_of(pdf).replace(" ", "")


def approved(**fields: object) -> Declaration:
    return replace(a_declaration(*LINES), state="approved", **fields)  # type: ignore[arg-type]


def shown(declaration: Declaration, tmp_path: Path) -> str:
    file = tmp_path / "declaration.pdf"
    file.write_bytes(typst.render(declaration, Messages("fr", PARIS)))
    return text_of(file)


def test_an_approved_one_says_on_its_face_what_its_seal_lacks(tmp_path: Path) -> None:
    bare = shown(approved(), tmp_path)
    signed = shown(approved(seal=SealPlan("Œuvres & Fils")), tmp_path)
    whole = shown(approved(seal=SealPlan("Œuvres & Fils", "Horodateur SA")), tmp_path)

    assert "PROJET" not in bare
    assert "aucun certificat de l’entreprise n’est configuré" in bare
    assert "aucun tiers n’atteste la date" in signed
    assert "À signer avec le certificat de Œuvres & Fils." in signed
    assert "À horodater par Horodateur SA." in whole
    assert "Pas d" not in whole


def test_what_a_person_added_is_printed(tmp_path: Path) -> None:
    text = shown(
        approved(
            reference="lettre du 2 novembre 2026",
            reach=(Reach("999000110", 900, 860, 9, 2, expected=950), Reach("", 4, 4, 0, 0)),
            systems=(
                SystemCoverage(System.WINDOWS_WORKSTATION, 940, 890, 855, 35, 55),
                SystemCoverage(System.UNKNOWN, 10, 14, 9, 5, 0),
            ),
            exclusions=(Exclusion("quarantined", 3), Exclusion("prêtés à une école", 2)),
            reservations=(
                Reservation("Le site de Brest n’est pas relevé."),
                Reservation("Contrat à retrouver.", OFFICE_2016),
            ),
            overrides=(Override("coverage", "Brest rejoint le parc", "Zoé Noël", NOON),),
            remediation=(
                Remedy(OFFICE_2016, "acheter", 7, date(2027, 1, 31)),
                Remedy("", "relever Brest", due=date(2027, 2, 28)),
            ),
            approvals=(Approval("Jean Petit", "directeur juridique", NOON),),
            own_rules=(OwnRule("", "component", ("pointage",)),),
            entitlements=(an_entitlement("VL-1", OFFICE_2016, 2000, proof="Facture 12"),),
        ),
        tmp_path,
    )

    for said in (
        "En réponse à lettre du 2 novembre 2026",
        "999 000 110 950 900 860 9 2",
        "sans entité juridique – 4 4 0 0",
        "Postes Windows 940 890 855 35 55",
        "Système inconnu 10 14 9 5 0",
        "prêtés à une école 2",
        "Le site de Brest n’est pas relevé.",
        "postes sans rapport récent Brest rejoint le parc Zoé Noël 23 novembre 2026 à 13:00",
        "Microsoft Office Professional Plus 2016 acheter 7 31 janvier 2027",
        "Microsoft Office Professional Plus 2016 – Contrat à retrouver.",
        "toutes les lignes relever Brest – 28 février 2027",
        "Jean Petit directeur juridique",
        "Date 23 novembre 2026",
        "– partie d’un autre pointage",
        "Facture 12",
    ):
        assert said in text, said


def test_a_draft_that_was_kept_before_systems_were_told_apart_is_what_it_was() -> None:
    figures = TypeAdapter(Declaration)
    kept = json.loads(figures.dump_json(approved()))
    del kept["systems"]

    again = figures.validate_python(kept)

    assert again.document() == approved().document()
    assert "systems" not in again.document()["perimeter"]


def test_how_rules_are_read_and_devices_left_out_is_printed(tmp_path: Path) -> None:
    rule = ContestedRule(
        *("used-licences", Effect.USED, Reading.LENIENT, "Used licences", "Licences d’occasion"),
        *("note", "note", ("CJEU C-128/11",)),
    )
    bare = approved()
    perimeter = replace(
        bare.position.perimeter,
        sites=(SiteCoverage("", 20, 10), SiteCoverage("Brest", 300, 297)),
        reasons=(
            ReasonedDevices(Unreachable.STALE, "en mer", 4),
            ReasonedDevices(Unreachable.SILENT, "", 2),
        ),
    )
    line = replace(LINES[1], entitled=7, exempt=(("MSDN-1", 3),))

    text = shown(
        replace(
            bare,
            position=replace(bare.position, perimeter=perimeter, lines=(line,)),
            channels={line.product: {Channel.OEM: 2, Channel.VOLUME: 4}},
            readings=(ReadRule(rule, Reading.STRICT, "avis du conseil"),),
            exemptions=(Exemption("MSDN-1", "microsoft", Role.TEST, "Contrat 12, art. 3"),),
            exclusions=(Exclusion("excluded", 5, "salle de formation"), Exclusion("retired", 1)),
            entitlements=(an_entitlement("OEM-1", OFFICE_2019, 2, channel=Channel.OEM),),
        ),
        tmp_path,
    )

    for said in (
        "détenues par canal : 4 volume, 2 OEM, 1 non précisé",
        "Licences d’occasion lecture stricte avis du conseil",
        "3 MSDN-1 Contrat 12, art. 3",
        "Brest 300 297 99 %",
        "sans site 20 10 50 %",
        "en mer 4",
        "salle de formation 5",
        "aucun motif",
    ):
        assert said in text, said


@pytest.mark.needs("poppler")
def test_another_reader_finds_every_font_embedded(pdf: Path) -> None:
    pdffonts, pdftotext = shutil.which("pdffonts"), shutil.which("pdftotext")
    assert pdffonts
    assert pdftotext

    listed = subprocess.run([pdffonts, pdf], capture_output=True, text=True, check=True).stdout
    text = subprocess.run(
        [pdftotext, "-layout", pdf, "-"], capture_output=True, text=True, check=True
    ).stdout

    fonts = [line.split() for line in listed.splitlines()[2:]]
    assert fonts
    # The columns counted from the right: emb, sub, uni, object, generation.
    assert all(font[-5] == "yes" for font in fonts), listed
    assert "Zoé Noël" in text
