"""The declaration, from a position to files."""

import os
from dataclasses import replace
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from quitus_collector.adapters import evidence_files
from quitus_collector.adapters.attachments import JSON, attachments
from quitus_collector.adapters.files import write_together
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.evidence import SEED_BYTES, Evidence
from quitus_collector.services import declaring, licensing
from quitus_collector.wiring.collector import OWN_RULES, Collector


def fill_in(
    collector: Collector, publisher: str | None, day: date | None = None
) -> tuple[Declaration, Evidence]:
    """A declaration as a draft, of now or of the end of a past day, and its evidence."""
    declaration, evidence = declaring.draft(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        company=collector.config.company,
        publisher=publisher,
        software_version=version("quitus"),
        seed=os.urandom(SEED_BYTES),
        at=licensing.end_of_past(collector.clock, day) if day else None,
        language=collector.config.language,
    )
    return replace(declaration, own_rules_digest=_own_rules_digest(collector)), evidence


def draft(collector: Collector, publisher: str | None, folder: Path) -> tuple[Path, ...]:
    """Writes declaration.pdf and .json with the same figures, and evidence.json; their paths."""
    from quitus_collector.adapters import typst

    declaration, evidence = fill_in(collector, publisher)
    files = {
        folder / "declaration.pdf": typst.render(declaration, collector.messages),
        folder / JSON: attachments(declaration)[JSON],
        folder / evidence_files.EVIDENCE: evidence_files.write(evidence),
    }
    write_together(files.items(), private={folder / evidence_files.EVIDENCE})
    return tuple(files)


def _own_rules_digest(collector: Collector) -> str:
    """Of the files' names and contents, in their order; empty where there are none."""
    digest = sha256()
    files = sorted((collector.config.home / OWN_RULES).glob("*.toml"))
    for file in files:
        digest.update(f"{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest() if files else ""
