"""A list as a file: CSV for spreadsheets and programs, a workbook, JSON."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from openpyxl import Workbook

from quitus_collector.adapters.workbook import fill, plain

# Values by their fields: text, numbers, truth, None, lists of text.
Row = Mapping[str, Any]
WIDTH = 24


def csv_lines(fields: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Line by line; what a spreadsheet would take for a formula has an apostrophe before it."""
    yield _line(fields)
    for row in rows:
        yield _line([plain(_flat(row[name])) for name in fields])


def json_array(fields: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """One object a line, all of them in one array."""
    before = b"["
    for row in rows:
        document = {name: row[name] for name in fields}
        yield before + b"\n" + json.dumps(document, ensure_ascii=False, allow_nan=False).encode()
        before = b","
    yield b"\n]\n" if before == b"," else b"[]\n"


def xlsx(fields: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """One page, whose heading stays in sight; every text is a text, none is a formula."""
    book = Workbook(write_only=True)
    book.properties.creator = "Quitus"
    values = ([_flat(row[name]) for name in fields] for row in rows)
    fill(book.create_sheet("Quitus"), [(name, WIDTH, "") for name in fields], values)
    written = io.BytesIO()
    book.save(written)
    yield written.getvalue()


WRITERS: Mapping[str, Callable[[Sequence[str], Iterable[Row]], Iterator[bytes]]] = {
    "csv": csv_lines,
    "json": json_array,
    "xlsx": xlsx,
}


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
