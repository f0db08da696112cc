"""Licence pools from files, and the documents that prove them."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from quitus_collector.adapters import pools as readers
from quitus_collector.adapters.document_folder import DocumentFolder
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.holding import Act
from quitus_collector.domain.proof import Proof, ProofKind
from quitus_collector.services import pools, proving
from quitus_collector.services.pools import Change, Preview
from quitus_collector.services.proving import Verified
from quitus_collector.wiring.collector import Collector

# Below the collector's folder.
PROOFS = "proofs"


def preview_pools(
    collector: Collector, file: Path, form: str = "auto", decisions: Mapping[str, str] | None = None
) -> Preview:
    """What taking a file in would do."""
    reading = readers.read(file, form)
    return pools.preview(collector.store, collector.catalogue, reading, decisions)


def import_pools(
    collector: Collector,
    file: Path,
    form: str = "auto",
    decisions: Mapping[str, str] | None = None,
    *,
    reason: str = "",
    without_unmatched: bool = False,
    name: str = "",
) -> Preview:
    """Takes in licence pools from a file, all of it or nothing; raises pools.Refused.

    `name` is what the person calls the file, where it is another one.
    """
    return pools.take_in(
        collector.store,
        collector.catalogue,
        collector.clock,
        readers.read(file, form),
        Act(collector.actor, reason or name or file.name),
        source=name or file.name,
        decisions=decisions,
        without_unmatched=without_unmatched,
    )


def add(
    collector: Collector,
    values: Mapping[str, str],
    reason: str,
    columns: Mapping[str, str] | None = None,
) -> Entitlement:
    """Adds one line by hand; raises pools.Refused. `columns` are what a form calls its fields."""
    act = Act(collector.actor, reason)
    return pools.add(
        collector.store, collector.catalogue, collector.clock, values, act, columns=columns
    )


def edit(
    collector: Collector,
    entitlement_id: str,
    values: Mapping[str, str],
    reason: str,
    seen: str = "",
) -> Change:
    """Changes fields of a line; raises pools.Overtaken where it is not as it was `seen`."""
    act = Act(collector.actor, reason)
    return pools.edit(
        collector.store,
        collector.catalogue,
        collector.clock,
        entitlement_id,
        values,
        act,
        seen=seen,
    )


def add_proof(collector: Collector, file: Path, entitlement_id: str, kind: ProofKind) -> Proof:
    """Keeps a document for a line; raises UsageError where the line is not there."""
    act = Act(collector.actor)
    return proving.add_proof(
        collector.store, _files(collector), collector.clock, file, entitlement_id, kind, act
    )


def verify_proofs(collector: Collector) -> Sequence[Verified]:
    """Reads every document again."""
    return proving.verify(collector.store, _files(collector))


def document(collector: Collector, sha256: str) -> bytes:
    """A document that is kept; raises UsageError where it is not."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "document"
        _files(collector).export(sha256, copy)
        return copy.read_bytes()


def export(collector: Collector, form: str) -> bytes:
    """All lines, as csv or xlsx, in the columns that `import_pools` reads."""
    return written([line for line, _ in pools.owned(collector.store)], form)


def written(lines: Sequence[Entitlement], form: str) -> bytes:
    """These lines, as csv or xlsx, in the columns that `import_pools` reads."""
    from quitus_collector.adapters.sheets import pool_sheet

    return pool_sheet.csv_text(lines).encode() if form == "csv" else pool_sheet.xlsx(lines)


def export_proofs(collector: Collector, folder: Path, entitlement_id: str | None) -> Sequence[Path]:
    """Copies documents out."""
    return proving.export(collector.store, _files(collector), folder, entitlement_id)


def _files(collector: Collector) -> DocumentFolder:
    collector.must_exist()
    return DocumentFolder(collector.config.home / PROOFS)
