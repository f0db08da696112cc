"""The declaration, from a position to files."""

import json
from importlib.metadata import version
from pathlib import Path

from quitus_collector.adapters.files import write_together
from quitus_collector.domain.declaration import Declaration
from quitus_collector.services import declaring
from quitus_collector.wiring.collector import Collector


def draft(collector: Collector, publisher: str | None, folder: Path) -> tuple[Path, Path]:
    """Writes declaration.pdf and .json with the same figures; returns their paths."""
    from quitus_collector.adapters import typst

    declaration = declaring.draft(
        collector.store,
        collector.catalogue,
        collector.solver,
        collector.clock,
        company=collector.config.company,
        publisher=publisher,
        software_version=version("quitus"),
    )
    pdf, document = typst.render(declaration, collector.messages), _json(declaration)
    files = (folder / "declaration.pdf", folder / "declaration.json")
    write_together(zip(files, (pdf, document), strict=True))
    return files


def _json(declaration: Declaration) -> bytes:
    return json.dumps(declaration.document(), ensure_ascii=False, indent=1).encode() + b"\n"
