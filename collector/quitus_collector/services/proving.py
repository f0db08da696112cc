"""Documents that prove lines of the pools: attached, taken off, looked after."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.holding import Act
from quitus_collector.domain.proof import Proof, ProofKind
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Clock, ProofFiles, Store

MIN_DIGEST = 6


class Condition(StrEnum):
    """What became of a document."""

    WHOLE = "whole"
    DAMAGED = "damaged or gone"
    UNUSED = "proves no line"


@dataclass(frozen=True, slots=True)
class Verified:
    """A document, the lines that it proves or proved, and in which condition it is."""

    sha256: str
    condition: Condition
    proofs: tuple[Proof, ...] = ()


def add_proof(
    store: Store,
    files: ProofFiles,
    clock: Clock,
    file: Path,
    entitlement_id: str,
    kind: ProofKind,
    act: Act,
) -> Proof:
    """Keeps a file and ties it to a line; raises UsageError for an unknown line or a second time.

    The file is kept before the line says so: a failure in between leaves a document too many,
    which `verify` tells, never one too few.
    """
    with store.reading() as work:
        _check(entitlement_id, [each.id for each in work.entitlements.list()])
    sha256, size = files.keep(file)
    now = clock.now()
    proof = Proof(entitlement_id, sha256, kind, file.name[:255], size, now, act.actor)
    with store.writing() as work:
        _check(entitlement_id, [each.id for each in work.entitlements.list()])
        for each in work.proofs.list():
            if (each.entitlement, each.sha256) == (entitlement_id, sha256):
                raise UsageError(
                    "{file}: is attached to {entitlement_id} already, as {kind}",
                    file=file,
                    entitlement_id=entitlement_id,
                    kind=each.kind,
                )
        work.proofs.add(proof)
        detail = {"entitlement": entitlement_id, "kind": str(kind), "file": proof.name}
        work.audit.add(Event(now, Kind.PROOF_ADDED, act.actor, sha256, detail))
    return proof


def remove_proof(store: Store, clock: Clock, digest: str, entitlement_id: str, act: Act) -> Proof:
    """Takes a document off a line; the file stays, and that it was there. Raises UsageError.

    `digest` is the SHA-256 or enough of its beginning.
    """
    now = clock.now()
    with store.writing() as work:
        of_line = [each for each in work.proofs.list() if each.entitlement == entitlement_id]
        proof = _one(of_line, digest)
        work.proofs.remove(entitlement_id, proof.sha256, now, act)
        detail = {"entitlement": entitlement_id, "file": proof.name, "reason": act.reason[:255]}
        work.audit.add(Event(now, Kind.PROOF_REMOVED, act.actor, proof.sha256, detail))
    return proof


def proofs(
    store: Store, entitlement_id: str | None = None, *, removed: bool = False
) -> Sequence[Proof]:
    """The documents of a line, or of all, by line."""
    with store.reading() as work:
        found = work.proofs.list(removed=removed)
    return [each for each in found if entitlement_id in (None, each.entitlement)]


def verify(store: Store, files: ProofFiles) -> Sequence[Verified]:
    """Reads every document again; also tells those that no line has ever had."""
    with store.reading() as work:
        known = work.proofs.list(removed=True)
    there = set(files.all())
    found = []
    for sha256 in sorted(there | {each.sha256 for each in known}):
        of_it = tuple(each for each in known if each.sha256 == sha256)
        condition = Condition.WHOLE if files.is_whole(sha256) else Condition.DAMAGED
        if condition is Condition.WHOLE and not of_it:
            condition = Condition.UNUSED
        found.append(Verified(sha256, condition, of_it))
    return found


def export(
    store: Store, files: ProofFiles, folder: Path, entitlement_id: str | None = None
) -> Sequence[Path]:
    """Copies the documents of a line, or of all, into a folder, under the names they came with.

    Each has the beginning of its digest before its name; one that is there already is refused.
    """
    found = {each.sha256: each for each in proofs(store, entitlement_id)}
    if not found:
        raise UsageError(
            "no document is attached to {entitlement_id}",
            entitlement_id=entitlement_id or "any line",
        )
    written = []
    for each in found.values():
        target = folder / f"{each.sha256[:12]}-{Path(each.name).name}"
        files.export(each.sha256, target)
        written.append(target)
    return written


def _check(entitlement_id: str, known: Sequence[str]) -> None:
    if entitlement_id not in known:
        raise UsageError(
            "no entitlement has the id {entitlement_id!r}", entitlement_id=entitlement_id
        )


def _one(found: Sequence[Proof], digest: str) -> Proof:
    matching = [each for each in found if each.sha256.startswith(digest.lower())]
    if len(digest) < MIN_DIGEST or len(matching) != 1:
        raise UsageError("{digest!r} names no document of this line, or several", digest=digest)
    return matching[0]
