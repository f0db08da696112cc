"""Checks all of a declaration's PDF: its seal, the files inside it, their sums, and a proof."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from quitus_collector.adapters.declaration.attachments import CSV, JSON, keyword, lines_csv
from quitus_collector.adapters.declaration.evidence import commitment_of
from quitus_collector.adapters.seal.pades_check import check_seal, inside
from quitus_collector.domain import evidence
from quitus_collector.domain.declaration import FORMAT
from quitus_collector.domain.evidence import Commitment, EvidenceError, Proof
from quitus_collector.domain.verification import (
    Check,
    Outcome,
    Subject,
    Verification,
    check_sums,
    failed,
)

# A sentence, and what it is about.
Found = tuple[str, Mapping[str, str | int]]


def verify_pdf(
    content: bytes, roots: Sequence[bytes] | None, at: datetime, proof: Proof | None = None
) -> Verification:
    """Every check there is, in the order of Subject; later ones wait for what they rest on.

    `roots` (DER) vouch for the certificates, `at` is now.
    """
    level, checks = check_seal(content, roots, at)
    document: dict[str, object] = {}
    found = Commitment("", ())

    def files() -> Found:
        document.update(_document(content))
        return f"{JSON} and {CSV} are those that the document was made with", {}

    def counts() -> Found:
        nonlocal found
        try:
            found = commitment_of(document.get("evidence"))
        except ValueError as error:
            raise EvidenceError("the evidence is not as it must be: {why}", why=error) from error
        evidence.check(found)
        number, root = len(found.counts), found.root[:16]
        return f"{number} counts, root {root}…", {"number": number, "root": root}

    def lines() -> Found:
        check_sums(document, found)
        return "every figure is the sum of its counts", {}

    def part() -> Found:
        assert proof is not None  # noqa: S101 - asked for below
        count = evidence.check_proof(proof, found)
        device, product = proof.part.device, count.product
        return (
            f"device {device} is one of the {count.installs} {count.share} installs of {product}",
            {"device": device, "number": count.installs, "product": product},
        )

    for subject, check in (
        (Subject.ATTACHMENTS, files),
        (Subject.EVIDENCE, counts),
        (Subject.LINES, lines),
        *(((Subject.PROOF, part),) if proof else ()),
    ):
        checks.append(_checked(subject, check))
        if checks[-1].outcome is Outcome.FAILED and subject is not Subject.LINES:
            break
    return Verification(level, tuple(checks))


def _checked(subject: Subject, check: Callable[[], Found]) -> Check:
    try:
        return Check(subject, Outcome.PASSED, *check())
    except EvidenceError as error:
        return failed(subject, error.sentence, **error.values)


def _document(content: bytes) -> dict[str, object]:
    """The JSON inside, of which the hash is the one stated; raises EvidenceError."""
    try:
        files, keywords = inside(content)
    except ValueError as error:
        raise EvidenceError("the PDF cannot be read") from error
    if set(files) != {JSON, CSV}:
        raise EvidenceError("{json} and {csv} are not the files inside", json=JSON, csv=CSV)
    stated = [each.strip() for each in keywords.split(",")]
    for name, each in files.items():
        if keyword(name, each) not in stated:
            raise EvidenceError("{name} is not the file that the document was made with", name=name)
    try:
        document = json.loads(files[JSON])
    except (ValueError, RecursionError) as error:
        raise EvidenceError("{name} is not JSON", name=JSON) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise EvidenceError("{name} is not of the format {format}", name=JSON, format=FORMAT)
    try:
        table = lines_csv(document["lines"])
    except (KeyError, TypeError) as error:
        raise EvidenceError("{name} has no lines", name=JSON) from error
    if table != files[CSV]:
        raise EvidenceError("{name} has not the lines of {other}", name=CSV, other=JSON)
    return document
