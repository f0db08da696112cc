"""Workbooks (.xlsx) through openpyxl, with limits: what a few bytes unpack to may be anything."""

import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from defusedxml.ElementTree import iterparse

from quitus_collector.errors import UsageError
from quitus_collector.services.intake.grids import Row, read_grid
from quitus_collector.services.intake.headings import LICENCES, Vocabulary
from quitus_collector.services.intake.lines import Cell, Reading, Text, phrase, sheet_row
from quitus_collector.services.wording import N_

if TYPE_CHECKING:
    from openpyxl import Workbook

MAX_UNPACKED_BYTES = 100 * 1024 * 1024
MAX_PARTS = 1000
MAX_SHEETS = 100
MAX_ROWS = 50_000
MAX_COLUMNS = 100
# In one sheet, of those that are filled: a small file may unpack to many.
MAX_CELLS = 1_000_000
# In all parts together: each takes memory for as long as its sheet is read, even an empty cell.
MAX_TAGS = 4_000_000
TAG = b"<"
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet's rows, each with its number."""

    name: str
    rows: Sequence[Row]


def read(content: bytes, vocabulary: Vocabulary = LICENCES) -> Reading:
    """The lines of every sheet that has the headings that are needed.

    Formulas are read as the values that were saved with them. Raises UsageError where it is no
    workbook, or too large a one.
    """
    return reading_of("xlsx", sheets(content), vocabulary)


def reading_of(form: str, found: Sequence[Sheet], vocabulary: Vocabulary = LICENCES) -> Reading:
    """The lines of sheets; where none has headings, what the first one lacks."""
    readings = [
        read_grid(form, sheet.rows, partial(sheet_row, sheet.name), vocabulary) for sheet in found
    ]
    with_lines = [each for each in readings if each.lines]
    if not with_lines:
        return readings[0] if readings else Reading(form, ())
    notes: list[Text] = []
    for sheet, each in zip(found, readings, strict=True):
        if each.lines:
            notes.extend(each.notes)
        elif sheet.rows:
            message = N_("sheet {sheet}: no headings that are known, passed over")
            notes.append(phrase(message, sheet=sheet.name))
    return Reading(
        form,
        [line for each in with_lines for line in each.lines],
        notes,
        [problem for each in with_lines for problem in each.problems],
    )


def sheets(content: bytes) -> list[Sheet]:
    """The sheets that are shown; raises UsageError."""
    _check_size(content)
    with _opened(content) as book:
        if len(book.worksheets) > MAX_SHEETS:
            raise UsageError("has more than {max_sheets} sheets", max_sheets=MAX_SHEETS)
        return [
            Sheet(str(sheet.title), list(_rows(sheet)))
            for sheet in book.worksheets
            if sheet.sheet_state == "visible"
        ]


def _check_size(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
        raise UsageError("is no workbook, or is damaged") from error
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED_BYTES:
        limit = MAX_UNPACKED_BYTES // 1024 // 1024
        raise UsageError(
            "unpacks to more than {limit} MiB or {max_parts} parts",
            limit=limit,
            max_parts=MAX_PARTS,
        )
    if "xl/workbook.xml" not in (part.filename for part in parts):
        raise UsageError("is a ZIP file, but no workbook")


def _check_parts(content: bytes) -> None:
    """Refuses document types and entities, whichever parser openpyxl finds to read the parts.

    And what has more tags than anybody's list: a file of 200 KB may have 25 million.
    """
    tags = 0
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for part in archive.infolist():
            with archive.open(part) as opened:
                for block in iter(partial(opened.read, BLOCK_BYTES), b""):
                    tags += block.count(TAG)
            if tags > MAX_TAGS:
                raise UsageError("has more than {max_tags} cells and the like", max_tags=MAX_TAGS)
            if part.filename.endswith((".xml", ".rels")):
                with archive.open(part) as opened:
                    next(iterparse(opened, ("start",), forbid_dtd=True), None)


@contextmanager
def _opened(content: bytes) -> Iterator["Workbook"]:
    from openpyxl import load_workbook

    try:
        _check_parts(content)
        with warnings.catch_warnings():
            # What it leaves out (validation, drawings) holds no licence.
            warnings.simplefilter("ignore")
            book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            try:
                yield book
            finally:
                book.close()
    except UsageError:
        raise
    except Exception as error:
        # Its parts are XML of anyone's making, and it lets out whatever breaks on the way.
        raise UsageError("is no workbook, or is damaged") from error


def _rows(sheet: Any) -> Iterator[Row]:
    # The size that a sheet states may be wrong, and then cuts it short.
    sheet.reset_dimensions()
    rows = sheet.iter_rows(values_only=True, max_col=MAX_COLUMNS)
    filled = 0
    for number, cells in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise UsageError(
                "its sheet {title!r} has more than {max_rows} rows",
                title=sheet.title,
                max_rows=MAX_ROWS,
            )
        in_row = sum(cell is not None for cell in cells)
        filled += in_row
        if filled > MAX_CELLS:
            raise UsageError(
                "its sheet {title!r} has more than {max_cells} filled cells",
                title=sheet.title,
                max_cells=MAX_CELLS,
            )
        if in_row:
            yield number, [_cell(cell) for cell in cells]


def _cell(value: Any) -> Cell:
    if isinstance(value, timedelta | time):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float | datetime | date):
        return value
    return str(value)
