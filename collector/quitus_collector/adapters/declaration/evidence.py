"""Evidence, proofs and commitments as JSON; what comes from outside is checked."""

import json
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, ValidationError

from quitus_collector.adapters.documents import Model, complaint, read_text
from quitus_collector.domain.evidence import (
    MOST,
    Commitment,
    Count,
    Evidence,
    Kind,
    Part,
    Proof,
    Share,
    Step,
)
from quitus_collector.errors import UsageError

SECRET_FORMAT = "quitus-evidence-secret/1"  # noqa: S105 - the name of a format
EVIDENCE = "evidence.json"
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Figure = Annotated[int, Field(ge=0, lt=MOST)]
ShareName = Literal["covered", "uncovered", "undetermined"]


class _Kind(Model):
    product: str
    metric: str
    share: ShareName
    entitlement: str
    right: str

    def kind(self) -> Kind:
        share = Share(self.share)
        return Kind(self.product, self.metric, share, self.entitlement, self.right)


class _Step(Model):
    side: Literal["left", "right"]
    digest: Digest
    installs: Figure
    units: Figure


class _Proof(_Kind):
    format: Literal["quitus-proof/1"]
    root: Digest
    device: str
    units: Figure
    salt: Digest
    path: Annotated[list[_Step], Field(max_length=64)]


class _Count(_Kind):
    installs: Figure
    units: Figure
    tree: Digest


class _Commitment(Model):
    format: Literal["quitus-evidence/1"]
    root: Digest
    counts: list[_Count]


class _Parts(_Kind):
    parts: list[Annotated[list[str | int], Field(min_length=2, max_length=2)]]


class _Evidence(Model):
    format: Literal["quitus-evidence-secret/1"]
    seed: Digest
    counts: list[_Parts]


def write(evidence: Evidence) -> bytes:
    """What proves everything later, and must stay secret."""
    counts = [
        {**kind._asdict(), "parts": [list(part) for part in parts]}
        for kind, parts in evidence.parts.items()
    ]
    document = {"format": SECRET_FORMAT, "seed": evidence.seed.hex(), "counts": counts}
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def read(path: Path) -> Evidence:
    """The evidence of a file; raises UsageError naming it."""
    try:
        found = _Evidence.model_validate_json(read_text(path))
    except ValidationError as error:
        raise UsageError("{path}: {error}", path=path, error=complaint(error)) from error
    parts = {
        each.kind(): [Part(str(device), int(units)) for device, units in each.parts]
        for each in found.counts
    }
    return Evidence(parts, bytes.fromhex(found.seed))


def write_proof(proof: Proof) -> bytes:
    """For whoever is to check it."""
    return json.dumps(proof.document(), ensure_ascii=False, indent=1).encode() + b"\n"


def read_proof(path: Path) -> Proof:
    """The proof of a file; raises UsageError naming it."""
    try:
        found = _Proof.model_validate_json(read_text(path))
    except ValidationError as error:
        raise UsageError("{path}: {error}", path=path, error=complaint(error)) from error
    steps = tuple(Step(s.side, s.digest, s.installs, s.units) for s in found.path)
    return Proof(found.root, found.kind(), Part(found.device, found.units), found.salt, steps)


def commitment_of(document: object) -> Commitment:
    """What a declaration's JSON says of its evidence; raises ValueError in one sentence."""
    try:
        found = _Commitment.model_validate(document)
    except ValidationError as error:
        raise ValueError(complaint(error)) from error
    counts = (Count(*each.kind(), each.installs, each.units, each.tree) for each in found.counts)
    return Commitment(found.root, tuple(counts))
