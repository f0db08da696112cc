"""The declaration, from a position to files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_collector.adapters import documents
from quitus_collector.adapters.authority import pem as certificates
from quitus_collector.adapters.declaration import evidence as evidence_files
from quitus_collector.adapters.declaration import files as declaration_files
from quitus_collector.adapters.declaration.attachments import JSON, attachments
from quitus_collector.adapters.files import write_together
from quitus_collector.domain.comparison import Difference, compare
from quitus_collector.domain.declaration import Declaration, SealPlan
from quitus_collector.domain.evidence import SEED_BYTES, Evidence
from quitus_collector.domain.verification import Outcome, Verification
from quitus_collector.errors import SealError, UsageError
from quitus_collector.services import declaring
from quitus_collector.services.licensing import end_of_past
from quitus_collector.wiring.collector import OWN_RULES, Collector

if TYPE_CHECKING:
    from quitus_collector.adapters.seal import pades


def fill_in(
    collector: Collector, publisher: str | None, at: datetime | None = None
) -> tuple[Declaration, Evidence]:
    """A declaration as a draft, of now or of a past moment, and its evidence."""
    declaration, evidence = declaring.draft(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        company=collector.config.company,
        publisher=publisher,
        software_version=version("quitus"),
        seed=os.urandom(SEED_BYTES),
        at=at,
        language=collector.config.language,
    )
    if at is None:
        # Of the past, the catalogue's digest alone tells which rules there were.
        declaration = replace(declaration, own_rules_digest=_own_rules_digest(collector))
    return declaration, evidence


def draft(
    collector: Collector, publisher: str | None, folder: Path, day: date | None = None
) -> tuple[Path, ...]:
    """Writes declaration.pdf and .json with the same figures, and evidence.json; their paths.

    Of the end of a past day where one is given.
    """
    at = end_of_past(collector.clock, day) if day else None
    return write(collector, *fill_in(collector, publisher, at), folder)


def write(
    collector: Collector, declaration: Declaration, evidence: Evidence, folder: Path
) -> tuple[Path, ...]:
    """Writes the three files of a declaration together; returns their paths."""
    from quitus_collector.adapters.declaration import typst

    files = {
        folder / "declaration.pdf": typst.render(declaration, collector.messages),
        folder / JSON: attachments(declaration)[JSON],
        folder / evidence_files.EVIDENCE: evidence_files.write(evidence),
    }
    write_together(files.items(), private={folder / evidence_files.EVIDENCE})
    return tuple(files)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A declaration's final document: its bytes, and what the seal was found to reach."""

    pdf: bytes
    verification: Verification


def seal(collector: Collector, declaration: Declaration) -> Sealed:
    """Typesets it and signs it as the settings have it; raises SealError, and then there is none.

    One that nobody has approved is refused. Where the settings have no certificate the document is
    not signed, and says so on its first page; so it does of the timestamp.
    """
    from quitus_collector.adapters.declaration import typst
    from quitus_collector.adapters.declaration.check import verify_pdf
    from quitus_collector.adapters.seal import pades, timestamps

    if not declaration.is_approved:
        raise SealError(
            "the declaration is a {state}: it is sealed once approved", state=declaration.state
        )
    settings, now = collector.config.seal, collector.clock.now()
    with credential(collector) as by:
        if by is None:
            pdf = typst.render(replace(declaration, seal=SealPlan()), collector.messages)
            return Sealed(pdf, verify_pdf(pdf, None, now))
        roots = certificates.read(settings.trust) if settings.trust else None
        plan = SealPlan(by.name, timestamps.authority_name(settings.timestamp_url))
        pdf = pades.seal(
            typst.render(replace(declaration, seal=plan), collector.messages),
            by,
            reason=collector.messages.text("Software licence declaration"),
            at=now,
            timestamp_url=settings.timestamp_url,
            long_term=pades.LongTerm(roots) if settings.long_term and roots else None,
        )
    found = verify_pdf(pdf, roots, now)
    if not found.passed:
        # What nobody would accept is not given out as sealed.
        failed = next(each for each in found.checks if each.outcome is Outcome.FAILED)
        raise SealError(
            "the seal does not hold: {subject}: {detail}",
            subject=failed.subject,
            detail=failed.detail,
        )
    return Sealed(pdf, found)


@contextmanager
def credential(collector: Collector) -> Iterator["pades.Credential | None"]:
    """What the company signs with, of a file or a token; None where the settings have nothing.

    Raises SealError.
    """
    from quitus_collector.adapters.seal import pades

    settings, given, now = (
        collector.config.seal,
        collector.config.credentials,
        collector.clock.now(),
    )
    if settings.token:
        from quitus_collector.adapters.seal import tokens

        with tokens.credential(settings.token, given, now) as by:
            yield by
    elif settings.certificate:
        yield pades.credential(settings.certificate, settings.passphrase_file, now, given)
    else:
        yield None


def verify(file: Path, proof: Path | None = None, trust: Path | None = None) -> Verification:
    """Checks a declaration off-line; raises UsageError for files that cannot be read."""
    from quitus_collector.adapters.declaration.check import verify_pdf

    roots = certificates.read(trust) if trust else None
    shown = evidence_files.read_proof(proof) if proof else None
    return verify_pdf(documents.read_bytes(file), roots, datetime.now(UTC), shown)


def diff(before: Path, after: Path) -> tuple[Difference, ...]:
    """The lines in which two declarations differ (PDF or JSON); raises UsageError."""
    one, other = declaration_files.read(before), declaration_files.read(after)
    if one.publisher != other.publisher:
        raise UsageError(
            "{before} is to {publisher}, {after} to {publisher2}: they have not the same lines",
            before=before,
            publisher=one.publisher or "all publishers",
            after=after,
            publisher2=other.publisher or "all publishers",
        )
    return compare(one.stated, other.stated)


def reopen(collector: Collector, file: Path) -> tuple[Declaration, tuple[Difference, ...]]:
    """A declaration made anew from its as-of date, by the rules and licences of then.

    And in which lines it differs from what the file states: in none, if nothing was lost. Raises
    UsageError where the history does not reach so far back.
    """
    made = declaration_files.read(file)
    declaration, _ = fill_in(collector, made.publisher, made.as_of)
    again = declaration_files.made_of(attachments(declaration)[JSON], str(file))
    # Which version counts is no difference by itself, and the past has no digest of own rules.
    stated = replace(made.stated, rules={}), replace(again.stated, rules={})
    return declaration, compare(*stated)


def write_proofs(
    evidence: Path, device: str, product: str | None, folder: Path
) -> tuple[Path, ...]:
    """Writes a proof for each count that the device has a part in; returns their paths.

    With `product`, of that alone. Raises UsageError where there is none.
    """
    proofs = evidence_files.read(evidence).proofs(device)
    wanted = [each for each in proofs if product in (None, each.kind.product)]
    if not wanted:
        what = f" of {product}" if product else ""
        raise UsageError(
            "{evidence}: no count{what} has a part of the device {device!r}",
            evidence=evidence,
            what=what,
            device=device,
        )
    files = {
        folder / f"proof-{number}.json": evidence_files.write_proof(each)
        for number, each in enumerate(wanted, 1)
    }
    write_together(files.items())
    return tuple(files)


def _own_rules_digest(collector: Collector) -> str:
    """Of the files' names and contents, in their order; empty where there are none."""
    digest = sha256()
    files = sorted((collector.config.home / OWN_RULES).glob("*.toml"))
    for file in files:
        digest.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest() if files else ""
