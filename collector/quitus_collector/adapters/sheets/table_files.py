"""A list as a file: CSV for spreadsheets and programs, a workbook, JSON."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from quitus_collector.adapters.sheets.csv_text import plain
from quitus_collector.adapters.sheets.workbook import LONGEST_CELL, fill

# Values by their fields: text, numbers, truth, None, lists of text.
Row = Mapping[str, Any]
WIDTH = 24


def csv_lines(
    fields: Sequence[str], rows: Iterable[Row], headings: Sequence[str] = ()
) -> Iterator[bytes]:
    """Line by line; what a spreadsheet would take for a formula has an apostrophe before it."""
    yield _line(headings or fields)
    for row in rows:
        yield _line([plain(_flat(row[name])) for name in fields])


def json_array(
    fields: Sequence[str], rows: Iterable[Row], headings: Sequence[str] = ()
) -> Iterator[bytes]:
    """One object a line, all of them in one array; its keys are the fields in any language."""
    before = b"["
    for row in rows:
        document = {name: row[name] for name in fields}
        yield before + b"\n" + json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        before = b","
    yield b"\n]\n" if before == b"," else b"[]\n"


def xlsx(
    fields: Sequence[str], rows: Iterable[Row], headings: Sequence[str] = ()
) -> Iterator[bytes]:
    """One page, whose heading stays in sight; every text is a text, none is a formula."""
    book = Workbook(write_only=True)
    book.properties.creator = "Quitus"
    page = book.create_sheet("Quitus")
    fill(page, [(name, WIDTH, "") for name in headings or fields], ())
    for row in rows:
        page.append([_cell(page, _flat(row[name])) for name in fields])
    written = io.BytesIO()
    book.save(written)
    yield written.getvalue()


class Writer(Protocol):
    """Writes rows as a file; where people read it, under headings in place of the fields."""

    def __call__(
        self, fields: Sequence[str], rows: Iterable[Row], headings: Sequence[str] = ()
    ) -> Iterator[bytes]:
        """The file, part by part."""


WRITERS: Mapping[str, Writer] = {
    "csv": csv_lines,
    "json": json_array,
    "xlsx": xlsx,
}


def _cell(page: Any, value: Any) -> Any:
    """The value: a style for each of a million cells would take most of the time."""
    if not isinstance(value, str):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub(" ", value)[:LONGEST_CELL]
    if not text.startswith(("=", "#")):
        return text
    cell = WriteOnlyCell(page, text)
    # Else it would be a formula, or an error.
    cell.data_type = "s"
    return cell


def _flat(value: Any) -> Any:
    """What stands in one cell."""
    if isinstance(value, list):
        return "; ".join(map(str, value))
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return value


def _line(values: Iterable[object]) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(values)
    return written.getvalue().encode()
