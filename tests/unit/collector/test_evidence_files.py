"""Evidence and proofs on disk: what is read is what was written, and nothing else is taken."""

import json
from pathlib import Path
from typing import Any

import pytest

from quitus_collector.adapters.declaration import evidence as evidence_files
from quitus_collector.domain.evidence import Evidence, Part
from quitus_collector.errors import UsageError
from tests.unit.collector.test_evidence import OFFICE, SEED, SQL

EVIDENCE = Evidence({OFFICE: [Part("d-1", 1), Part("d-é", 1)], SQL: [Part("d-1", 8)]}, SEED)


def test_evidence_that_is_read_again_proves_the_same(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    file.write_bytes(evidence_files.write(EVIDENCE))

    read = evidence_files.read(file)

    assert read.commitment == EVIDENCE.commitment
    assert read.proofs("d-1") == EVIDENCE.proofs("d-1")


def test_a_proof_and_a_commitment_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    (proof, _) = EVIDENCE.proofs("d-1")
    file.write_bytes(evidence_files.write_proof(proof))

    assert evidence_files.read_proof(file) == proof
    document = json.loads(json.dumps(EVIDENCE.commitment.document()))
    assert evidence_files.commitment_of(document) == EVIDENCE.commitment


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"root": "ab"}, "root: "),
        ({"root": "g" * 64}, "root: "),
        ({"root": "A" * 64 + "\n"}, "root: "),
        ({"salt": SEED.hex() + "00"}, "salt: "),
        ({"units": -1}, "units: "),
        ({"units": 2**63}, "units: "),
        ({"units": "1"}, "units: "),
        ({"format": "quitus-proof/9"}, "format: "),
        ({"more": 1}, "more: unknown key"),
        ({"share": "lost"}, "share: "),
        ({"path": [{"side": "up", "digest": "00" * 32, "installs": 1, "units": 1}]}, "side: "),
        ({"path": [{"side": "left", "digest": "00" * 32, "installs": 1, "units": 1}] * 65}, "path"),
    ],
)
def test_what_is_no_proof_is_refused_by_its_place(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    file = tmp_path / "proof.json"
    document = json.loads(json.dumps(EVIDENCE.proofs("d-1")[0].document())) | change
    file.write_text(json.dumps(document))

    with pytest.raises(UsageError, match=complaint):
        evidence_files.read_proof(file)


def test_a_file_that_is_no_evidence_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "evidence.json"
    file.write_text("{}")

    with pytest.raises(UsageError, match=r"evidence\.json: "):
        evidence_files.read(file)
