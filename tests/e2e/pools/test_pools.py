"""Entitlements as a licence manager brings them in, changes them and proves them."""

import json
import stat
from pathlib import Path

import pytest

from tests.makers import licence_lists as lists
from tests.programs import CollectorFolder

pytestmark = pytest.mark.e2e
ROWS = [
    ["Parc de Mercure SAS"],
    ["Réf.", "Désignation", "Qté", "Type de licence", "Échéance", "Vendeur"],
    ["A", "Visio Professionnel 2019", "10", "volume", None, None],
    ["B", "Acrobat Pro 2020", 4, "occasion", None, "Saturne SA"],
    ["Total", None, 14, None, None, None],
]
WRONG = [*ROWS, ["C", "Chose", "peu", "volume", "demain", None]]


def workbook(folder: Path, rows: lists.Rows = ROWS) -> Path:
    file = folder / "parc.xlsx"
    file.write_bytes(lists.workbook({"Licences": rows}))
    return file


def pools(collector: CollectorFolder) -> dict[str, dict[str, object]]:
    found = json.loads(collector.ok("pools", "list", "--format", "json"))
    return {each["id"]: each for each in found}


def test_a_workbook_is_previewed_and_then_taken_in(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    file = workbook(tmp_path)

    shown = collector.ok("pools", "import", str(file), "--dry-run")
    nothing = pools(collector)
    collector.ok("pools", "import", str(file), "--reason", "inventaire de mars")

    assert "would be: 2 entitlements added, 0 changed, 0 unchanged" in shown
    assert "nouveau : 10, compté par poste, acquis en volume" in shown
    assert "feuille Licences, ligne 5 : un total, laissé de côté" in shown
    assert "B : licence d’occasion : aucune chaîne de propriété n’est jointe" in shown
    assert nothing == {}
    assert {each["channel"] for each in pools(collector).values()} == {"volume", "used"}
    again = collector.ok("pools", "import", str(file), "--dry-run")
    assert "would be: 0 entitlements added, 0 changed, 2 unchanged" in again


@pytest.mark.parametrize("words", [(), ("--dry-run",)])
def test_every_wrong_line_is_told_at_once(
    collector: CollectorFolder, tmp_path: Path, words: tuple[str, ...]
) -> None:
    refused = collector.run("pools", "import", str(workbook(tmp_path, WRONG)), *words)

    assert refused.status == 2
    for complaint in (
        "feuille Licences, ligne 6, Désignation (B) : 'Chose' n’est pas un produit",
        "feuille Licences, ligne 6, Qté (C) : 'peu' n’est pas un nombre entier",
        "feuille Licences, ligne 6, Échéance (E) : 'demain' n’est pas une date",
    ):
        assert complaint in refused.err
    assert words or "erreurs, rien n’a été importé" in refused.err
    assert pools(collector) == {}


def test_a_statement_is_taken_in_but_for_what_it_leaves_open(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    file = tmp_path / "mls.xlsx"
    file.write_bytes(lists.statement("fr"))

    refused = collector.run("pools", "import", str(file))
    taken = collector.run("pools", "import", str(file), "--without-unmatched")

    assert (refused.status, taken.status) == (2, 0)
    assert "80 licences de mise à niveau de Windows Enterprise 10" in refused.err
    assert "80 licences de mise à niveau de Windows Enterprise 10" in taken.err
    found = pools(collector)["MLS / Servers / SQL Server Standard Core / 2019"]
    assert (found["product"], found["metric"], found["quantity"]) == (
        "microsoft/sql-server/standard@2019",
        "core",
        16,
    )
    collector.ok("position", "--format", "json")


def test_changes_leave_their_history(collector: CollectorFolder, tmp_path: Path) -> None:
    collector.ok("pools", "import", str(workbook(tmp_path)))
    hand = ("product=microsoft/visio/standard@2019", "quantité=3", "facture=F-1")
    added = collector.ok("pools", "add", *hand, "--reason", "commande")
    shown = collector.ok("pools", "edit", "A", "quantité=12", "--reason", "avenant 2")
    collector.ok("pools", "remove", "A", "--reason", "revendue")

    table = collector.ok("pools", "history", "A")
    found = json.loads(collector.ok("pools", "history", "A", "--format", "json"))

    assert "F-1/microsoft/visio/standard@2019 is added: 3 of" in added
    assert "quantité : 10 → 12" in shown
    assert "quantité : 10 → 12" in table
    assert [(each["what"], each["reason"]) for each in found] == [
        ("added", "parc.xlsx"),
        ("changed", "avenant 2"),
        ("removed", "revendue"),
    ]
    assert all(each["by"].startswith("operator ") for each in found)
    assert collector.ok("audit", "list").count("pools changed") == 4


def test_documents_prove_lines_and_come_back_from_a_backup(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    collector.ok("pools", "import", str(workbook(tmp_path)))
    title = tmp_path / "titre.pdf"
    title.write_bytes(b"%PDF chaine de titres")
    said = collector.ok("proofs", "add", str(title), "--for", "B", "--type", "chain-of-title")
    digest = said.split()[0]
    kept = collector.home / "proofs" / digest
    assert kept.read_bytes() == title.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert pools(collector)["B"]["strength"] == "strong"
    assert "chaîne de propriété" in collector.ok("proofs", "list", "--for", "B")
    backup = tmp_path / "backup.zip"
    collector.ok("backup", str(backup))
    collector.ok("proofs", "remove", digest[:12], "--for", "B", "--reason", "périmé")
    assert pools(collector)["B"]["strength"] == "none"
    assert "périmé" in collector.ok("proofs", "list", "--removed")
    kept.write_bytes(b"%PDF autre chose")
    damaged = collector.run("proofs", "verify")
    assert (damaged.status, "altéré" in damaged.out) == (1, True)

    collector.run("restore", str(backup), "--replace")

    assert "intact" in collector.ok("proofs", "verify")
    (copied,) = collector.ok("proofs", "export", "--out", str(tmp_path / "out")).split("\n")[:-1]
    assert Path(copied).read_bytes() == title.read_bytes()
