"""Licence pools from a CSV file, as spreadsheets write it."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from quitus_collector.domain.company import is_siren
from quitus_collector.domain.entitlement import UNLIMITED, Channel, Entitlement, Metric
from quitus_collector.domain.product import is_product_id
from quitus_collector.errors import UsageError
from quitus_collector.services.pools import PoolLine

MAX_BYTES = 50 * 1024 * 1024
REQUIRED = ("id", "product", "quantity")
YES, NO = {"yes", "oui", "true", "vrai", "1", "x"}, {"no", "non", "false", "faux", "0", ""}


def read(path: Path) -> list[PoolLine]:
    """Reads the whole file; raises UsageError naming the file, the line and the column.

    The separator is the first line's comma, semicolon or tab; the text is UTF-8 or, as older
    spreadsheets save it, Windows-1252. Empty lines are skipped.
    """
    try:
        return parse(read_text(path))
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def read_text(path: Path) -> str:
    """A spreadsheet's text; raises UsageError, which does not name the file."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"larger than {MAX_BYTES // 1024 // 1024} MiB")
        return _decode(path.read_bytes())
    except OSError as error:
        raise UsageError(error.strerror or str(error)) from error


def rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The rows, the headings among them, each with the number of its last line."""
    header, _, _ = text.partition("\n")
    return _rows(text, max(",;\t", key=header.count))


def parse(text: str) -> list[PoolLine]:
    """Reads the text of a file; raises UsageError naming the line and the column."""
    found = rows(text)
    _, heading = next(found, (1, []))
    names = [name.strip().lower() for name in heading]
    _check_header(names)
    lines: list[PoolLine] = []
    seen: dict[str, int] = {}
    for number, cells in found:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) > len(names):
            raise UsageError(f"line {number}: {len(cells)} cells under {len(names)} headings")
        values = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
        entitlement = _entitlement(values, number)
        if entitlement.id in seen:
            raise UsageError(
                f"line {number}: the id {entitlement.id!r} is on line {seen[entitlement.id]} too"
            )
        seen[entitlement.id] = number
        lines.append(PoolLine(number, entitlement))
    return lines


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of their last line."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for cells in reader:
            yield reader.line_num, cells
    except csv.Error as error:
        raise UsageError(f"line {reader.line_num}: {error}") from error


def _entitlement(values: Mapping[str, str], number: int) -> Entitlement:
    fields: dict[str, Any] = {}
    for name, read_cell in COLUMNS.items():
        try:
            if name in values:
                fields[name] = read_cell(values[name])
            elif name in REQUIRED:
                raise ValueError("is empty")
        except ValueError as error:
            raise UsageError(f"line {number}: {name} {error}") from error
    entitlement = Entitlement(**fields)
    start, end = entitlement.valid_from, entitlement.valid_until
    if start and end and start > end:
        raise UsageError(f"line {number}: valid_from is after valid_until")
    misplaced = entitlement.misplaced_right()
    if misplaced:
        metric = entitlement.metric
        raise UsageError(f"line {number}: {misplaced} does not go with the metric {metric}")
    return entitlement


def _check_header(names: list[str]) -> None:
    if not any(names):
        raise UsageError("line 1: the headings are missing")
    for name in names:
        if name not in COLUMNS:
            raise UsageError(f"line 1: unknown heading {name!r}; known: {', '.join(COLUMNS)}")
        if names.count(name) > 1:
            raise UsageError(f"line 1: the heading {name!r} is there twice")
    for name in REQUIRED:
        if name not in names:
            raise UsageError(f"line 1: the heading {name!r} is missing")


def _decode(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError("is not a text file")


def _required(cell: str) -> str:
    if not cell:
        raise ValueError("is empty")
    if len(cell) > 255:
        raise ValueError("is longer than 255 characters")
    return cell


def _product(cell: str) -> str:
    if not is_product_id(_required(cell)):
        raise ValueError(f"{cell!r} is not publisher/family[/edition][@version] in lower case")
    return cell


def _quantity(cell: str) -> int:
    digits = "".join(cell.split())
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise ValueError(f"{cell!r} is not a whole number from 0 on")
    return int(digits)


def _limit(cell: str) -> int | None:
    if not cell:
        return None
    limit = _quantity(cell)
    if not limit:
        raise ValueError("is 0: leave it empty for no limit")
    return limit


def _guests(cell: str) -> int | None:
    if cell.lower() in ("unlimited", "illimité", "illimite"):
        return UNLIMITED
    return _quantity(cell) if cell else None


def _metric(cell: str) -> Metric:
    try:
        return Metric(cell or Metric.DEVICE)
    except ValueError as error:
        raise ValueError(f"{cell!r} is not one of {', '.join(Metric)}") from error


def _channel(cell: str) -> Channel:
    try:
        return Channel(cell.lower() or Channel.UNSTATED)
    except ValueError as error:
        raise ValueError(f"{cell!r} is not one of {', '.join(Channel)}") from error


def _yes_or_no(cell: str) -> bool:
    if cell.lower() in YES | NO:
        return cell.lower() in YES
    raise ValueError(f"{cell!r} is neither yes nor no")


def _date(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell) if cell else None
    except ValueError as error:
        raise ValueError(f"{cell!r} is not a date like 2026-12-31") from error


def _siren(cell: str) -> str | None:
    digits = "".join(cell.split())
    if digits and not is_siren(digits):
        raise ValueError(f"{cell!r} is not a SIREN: nine digits with their check digit")
    return digits or None


def _optional(cell: str) -> str | None:
    return _required(cell) if cell else None


COLUMNS: dict[str, Callable[[str], object]] = {
    "id": _required,
    "product": _product,
    "quantity": _quantity,
    "metric": _metric,
    "downgrade": _yes_or_no,
    "bound_to": _optional,
    "entity": _siren,
    "valid_from": _date,
    "valid_until": _date,
    "proof": lambda cell: cell[:1000],
    "edition_downgrade": _yes_or_no,
    "maintenance_until": _date,
    "second_use": _yes_or_no,
    "devices_per_user": _limit,
    "virtual_machines": _guests,
    "requires_base": lambda cell: _product(cell) if cell else None,
    "channel": _channel,
}
