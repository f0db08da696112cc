"""A letter from its arrival to the answers of a group's entities, with commands."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from tests.programs import CollectorFolder

pytestmark = pytest.mark.e2e


def test_a_letter_is_registered_answered_and_followed(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    scan = tmp_path / "scan.pdf"
    scan.write_bytes(b"%PDF- scanned")
    words = ["--publisher", "microsoft", "--dated", "2026-11-02", "--received", "2026-11-05"]
    words += ["--nature", "voluntary", "--reference", "SAM/42", "--deadline", "2026-12-31"]
    words += ["--entity", "999000110", "--entity", "999000227", "--scan", str(scan)]
    assert sha256(b"%PDF- scanned").hexdigest() in collector.ok("campaign", "add", "L-1", *words)

    out = tmp_path / "out"
    files = collector.ok("campaign", "letter", "L-1", "--answer", "clarify", "--out", str(out))
    assert "to be reviewed by counsel" in files
    assert "Demande de précisions".lower() in (out / "letter.txt").read_text().lower()
    assert (out / "notes.pdf").read_bytes().startswith(b"%PDF-")
    declined = collector.run("campaign", "letter", "L-1", "--answer", "decline", "--out", str(out))
    assert (declined.status, "needs its reasons" in declined.err) == (2, True)

    answer = ("campaign", "answer", "L-1", "--answer", "clarify", "--entity")
    collector.ok(*answer, "999000110")
    stranger = collector.run(*answer, "356000000")
    assert (stranger.status, "does not address" in stranger.err) == (2, True)
    collector.ok("campaign", "remind", "L-1", "--on", "2026-12-20", "--deadline", "2027-01-15")
    (told,) = json.loads(collector.ok("campaign", "status", "--format", "json"))
    assert (told["due"], told["answered"], told["open"]) == ("2027-01-15", 1, ["999000227"])
    assert "scan" in collector.ok("campaign", "status", "L-1")
    (kept,) = (collector.home / "scans").iterdir()
    kept.chmod(0o600)
    kept.write_bytes(b"another")
    assert ": changed" in collector.ok("campaign", "status", "L-1")
    assert "L-1" in collector.ok("campaign", "list")


def test_devices_that_there_should_be_lower_the_coverage(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    listed = tmp_path / "ad.csv"
    listed.write_text("Nom;Site;Système\nPC-1;Lyon;Windows\nPC-2;Lyon;Windows\n")

    assert "2 devices are expected" in collector.ok("expected", "import", str(listed))

    assert "0 of 2 known devices report (0 %)" in collector.ok("expected", "coverage")
    told = json.loads(collector.ok("expected", "coverage", "--format", "json"))
    assert told["never_seen"] == ["PC-1", "PC-2"]
    table = collector.ok("expected", "coverage", "--format", "csv").splitlines()
    assert table == ["system,expected,enrolled,reporting,silent,never_seen", "windows,2,0,0,0,2"]
    (windows,) = told["systems"]
    assert (windows["system"], windows["expected"], windows["enrolled"]) == ("windows", 2, 0)


def test_a_delegate_without_a_delegation_approves_nothing(collector: CollectorFolder) -> None:
    settings = collector.home / "collector.toml"
    settings.write_text(settings.read_text().replace('# capacity = ""', 'capacity = "delegate"'))
    said = collector.ok("declaration", "draft", "--publisher", "microsoft", "--keep")
    filing, digest = said.split()[0], said.split()[-1]

    words = ("--portal", "site", "--digest", digest)
    refused = collector.run("declaration", "approve", filing, *words)

    assert (refused.status, "signs by delegation, and none is stated" in refused.err) == (1, True)
    assert "is withdrawn" in collector.ok("declaration", "withdraw", filing, "--reason", "essai")
