"""The files inside a declaration's PDF, which machines read: the same figures, and their hashes."""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from hashlib import sha256

from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.entitlement import Channel

JSON, CSV = "declaration.json", "lines.csv"
CSV_FIELDS = (
    "product",
    "label",
    "metric",
    "installed",
    "required",
    "entitled",
    *(f"entitled_{channel}" for channel in Channel),
    "consumed",
    "available",
    "missing",
    "state",
    "reason",
    "confidence",
)


def attachments(declaration: Declaration) -> dict[str, bytes]:
    """Their contents by name; the same declaration gives the same bytes."""
    document = declaration.document()
    lines = document["lines"]
    assert isinstance(lines, list)  # noqa: S101 - what `document` is
    text = json.dumps(document, ensure_ascii=False, indent=1)
    return {JSON: text.encode() + b"\n", CSV: lines_csv(lines)}


def lines_csv(lines: Iterable[Mapping[str, object]]) -> bytes:
    """The lines of the JSON file as CSV: UTF-8, commas, no text for what is null."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_FIELDS)
    writer.writerows([line[name] for name in CSV_FIELDS] for line in lines)
    return out.getvalue().encode()


def keyword(name: str, content: bytes) -> str:
    """How the PDF's keywords tell the hash of a file inside it."""
    return f"{name} sha256:{sha256(content).hexdigest()}"
