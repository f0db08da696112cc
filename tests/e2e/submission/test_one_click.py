"""From a fleet to a receipt, as people do it: with commands, at a real site."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal.client import CREDENTIALS, PortalSite, serving
from tests.programs import CollectorFolder

pytestmark = pytest.mark.e2e
COMPANY = {"siren": '"999000110"', "signatory": '"Zoé"', "function": '"DSI"'}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[PortalSite]:
    with serving(tmp_path) as started:
        yield started


@pytest.fixture
def fleet(collector: CollectorFolder, site: PortalSite) -> CollectorFolder:
    """A few workstations that reported, the portal described and its credentials in place."""
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
    return collector


def test_it_goes_from_draft_to_receipt(
    fleet: CollectorFolder, site: PortalSite, tmp_path: Path
) -> None:
    said = fleet.ok("declaration", "draft", "--publisher", "microsoft", "--keep")
    filing, digest = said.split()[0], said.split()[-1]
    assert "lines are unread (unread-lines)" in said

    early = fleet.run("declaration", "approve", filing, "--digest", digest)
    assert (early.status, "are unread" in early.err) == (1, True)
    assert "is reviewed" in fleet.ok("declaration", "review", filing, "--all")
    shown = fleet.ok("declaration", "show", filing, "--portal", "site")
    assert "Votre société: N° SIREN: 999000110" in shown
    assert site.receipts() == []

    asked = fleet.ok("declaration", "status", filing, "--format", "json")
    guards = re.findall(r"a source failed", asked)
    words = ["--override", "failed-sources", "vu avec le service"] if guards else []
    wrong = fleet.run("declaration", "approve", filing, "--digest", "0" * 64, *words)
    assert (wrong.status, "does not have the digest" in wrong.err) == (2, True)
    assert "is approved" in fleet.ok(
        "declaration", "approve", filing, "--digest", digest[:12], *words
    )
    assert "is sealed" in fleet.ok("declaration", "seal", filing)
    assert "is submitted\n" in fleet.ok("declaration", "submit", filing, "--portal", "site")

    (receipt,) = site.receipts()
    told = json.loads(fleet.ok("declaration", "status", filing, "--format", "json"))
    assert told["receipt"]["number"] == receipt["number"]
    assert told["sealed"]["sha256"] == receipt["pdf"]
    fleet.ok("declaration", "show", filing, "--out", str(tmp_path / "kept"))
    document = json.loads((tmp_path / "kept" / "declaration.json").read_text())
    assert (document["state"], document["approvals"][0]["name"]) == ("approved", "Zoé")
    assert receipt["number"] in (tmp_path / "kept" / "receipt.page").read_text()
    again = fleet.run("declaration", "submit", filing, "--portal", "site")
    assert (again.status, "is submitted" in again.err) == (1, True)
    events = json.loads(fleet.ok("audit", "list", "--format", "json"))
    assert {"declaration approved", "declaration sealed", "declaration submitted"} <= {
        each["event"] for each in events
    }
