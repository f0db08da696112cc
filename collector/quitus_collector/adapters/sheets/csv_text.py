"""Tables in CSV, as spreadsheets write them."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from quitus_collector.errors import UsageError

MAX_BYTES = 50 * 1024 * 1024
# What spreadsheets take for the beginning of a formula when they read a CSV.
FORMULA = ("=", "+", "-", "@", "\t", "\r")
# A French spreadsheet ends a cell at a semicolon, whatever stands between quotation marks. What
# looks guarded already gets another apostrophe, so that reading it back takes off no other one.
_OPEN = re.compile(r"(\A|(?<=[;\t\r\n]) *)(?='*[=+\-@]|\A'*[\t\r])")
_GUARDED = re.compile(r"(\A|(?<=[;\t\r\n]) *)'(?='*[=+\-@]|(?<=\A')'*[\t\r])")


def plain(value: object) -> object:
    """The value; of a text, an apostrophe stands before what a spreadsheet takes for a formula."""
    return _OPEN.sub(r"\1'", value) if isinstance(value, str) else value


def as_written(cell: str) -> str:
    """The text that `plain` gave the cell."""
    return _GUARDED.sub(r"\1", cell) if "'" in cell else cell


def read(path: Path) -> str:
    """The text of the file: UTF-8 or, as older spreadsheets save it, Windows-1252.

    Raises UsageError, which does not name the file.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("larger than {limit} MiB", limit=MAX_BYTES // 1024 // 1024)
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(error.strerror or str(error)) from error
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError("is not a text file")


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line; empty ones are left out.

    The separator is the first line's comma, semicolon or tab. Raises UsageError naming the line.
    """
    header, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise UsageError(
            "line {line_num}: {error}", line_num=reader.line_num, error=error
        ) from error
