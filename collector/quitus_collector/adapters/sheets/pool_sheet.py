"""Licence pools as a table that can be taken in again: CSV, or a workbook (through openpyxl)."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from openpyxl import Workbook

from quitus_collector.adapters.sheets.csv_text import plain
from quitus_collector.adapters.sheets.workbook import DAY, NUMBER, Value, fill
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.services.pool_wording import plain_value

COLUMNS = tuple(each.name for each in fields(Entitlement))


def csv_text(lines: Iterable[Entitlement]) -> str:
    """One row a line; a text that a spreadsheet would take for a formula has an apostrophe."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line in lines:
        writer.writerow([plain(_written(getattr(line, name))) for name in COLUMNS])
    return written.getvalue()


def xlsx(lines: Iterable[Entitlement]) -> bytes:
    """The same as a workbook, in which no text can become a formula."""
    book = Workbook(write_only=True)
    book.properties.creator = "Quitus"
    fill(
        book.create_sheet("pools"),
        [(name, 18, NUMBER if name == "quantity" else DAY) for name in COLUMNS],
        [_row(line) for line in lines],
    )
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _row(line: Entitlement) -> Sequence[Value]:
    return [_written(getattr(line, name)) for name in COLUMNS]


def _written(value: Any) -> Value:
    """As the importer reads it back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    found = plain_value(value)
    return "; ".join(found) if isinstance(found, list) else found
