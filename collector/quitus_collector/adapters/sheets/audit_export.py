"""The audit log as a file: CSV for spreadsheets, JSON for programs."""

import csv
import io
import json
from collections.abc import Iterable, Iterator

from quitus_collector.adapters.sheets.csv_text import plain
from quitus_collector.domain.audit import Entry

FIELDS = ("number", "at", "event", "actor", "subject", "detail", "digest")


def as_csv(entries: Iterable[Entry]) -> Iterator[bytes]:
    """Line by line; what a spreadsheet would take for a formula has an apostrophe before it."""
    yield _line(FIELDS)
    for entry in entries:
        document = entry.document()
        told = json.dumps(document["detail"], ensure_ascii=False, sort_keys=True)
        values = {**document, "subject": document["subject"] or "", "detail": told}
        yield _line([str(plain(values[name])) for name in FIELDS])


def as_json(entries: Iterable[Entry]) -> Iterator[bytes]:
    """One object a line, as the API gives it."""
    for entry in entries:
        yield json.dumps(entry.document(), ensure_ascii=False).encode() + b"\n"


def _line(values: Iterable[str]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(values)
    return written.getvalue().encode()
