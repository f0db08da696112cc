"""A fleet is declared; the declaration is checked, proven, compared and counted again later."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import CollectorFolder

pytestmark = pytest.mark.e2e
DEVICES = 30
POOLS = Path(__file__).parents[3] / "deploy" / "demo" / "pools.csv"


@pytest.fixture
def fleet(collector: CollectorFolder) -> CollectorFolder:
    """Sample workstations that reported, and the demo's licence pools."""
    with collector.serving() as (enrolment, _):
        token = collector.token_file("--uses", str(DEVICES))
        words = ["--collector", f"localhost:{enrolment}", "--token-file", str(token)]
        subprocess.run(
            [sys.executable, "-m", "tests.fleet", *words, "--devices", str(DEVICES)],
            check=True,
            capture_output=True,
            cwd=Path(__file__).parents[3],
        )
    collector.ok("pools", "import", str(POOLS))
    return collector


def test_a_draft_can_be_proven_compared_and_counted_again(
    fleet: CollectorFolder, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    drafted = ("declaration", "draft", "--publisher", "microsoft", "--out")
    files = fleet.ok(*drafted, str(first)).split()
    assert [Path(each).name for each in files] == [
        "declaration.pdf",
        "declaration.json",
        "evidence.json",
    ]
    evidence = first / "evidence.json"
    assert stat.S_IMODE(evidence.stat().st_mode) == 0o600

    device = json.loads(evidence.read_text())["counts"][0]["parts"][0][0]
    (proof, *_) = fleet.ok(
        *("declaration", "prove", str(evidence), "--device", device, "--out", str(first))
    ).split()
    verified = fleet.run(
        *("declaration", "verify", str(first / "declaration.pdf"), "--proof", proof)
    )
    assert verified.status == 1
    assert "does not hold: signature\n" in verified.err
    assert f"le poste {device} est l’un des" in verified.out

    fleet.ok("pools", "remove", "MS-VL-2016-01", "--reason", "perdue")
    fleet.ok(*drafted, str(second))
    before, after = str(first / "declaration.pdf"), str(second / "declaration.json")
    found = json.loads(fleet.ok("declaration", "diff", before, after, "--format", "json"))
    office = "microsoft/office/professional-plus@2016"
    (line,) = [each for each in found if each["product"] == office]
    assert line["reasons"][0] == {"reason": "entitlements", "about": ["MS-VL-2016-01"]}
    assert "d’autres licences : MS-VL-2016-01" in fleet.ok("declaration", "diff", before, after)

    assert "the same figures" in fleet.ok("declaration", "reopen", before)
    assert "the same figures" in fleet.ok("declaration", "reopen", after)
    changed = json.loads((second / "declaration.json").read_text())
    changed["lines"][0]["installed"] += 1
    (second / "declaration.json").write_text(json.dumps(changed))
    reopened = fleet.run("declaration", "reopen", after)
    assert reopened.status == 1
    assert "1 lines are not counted again as they are stated" in reopened.err
