"""Price lists from a CSV file: offers in the columns of pools, with a price."""

import csv
import io
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

from quitus_collector.adapters import pools_csv
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.errors import UsageError
from quitus_collector.services.remedying import PriceLine

# What an offer has and an entitlement has not; `valid_from` and `valid_until` are the price's.
COLUMNS = ("price", "currency", "source", "valid_from", "valid_until")
# Of an entitlement, but of no offer: what is bought is bound to nothing yet.
REFUSED = ("bound_to", "entity", "proof")
AMOUNT = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
MAX_BYTES = 50 * 1024 * 1024


def read(path: Path) -> list[PriceLine]:
    """Reads the whole file; raises UsageError naming the file, the line and the column."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError("is larger than 50 MiB")
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    try:
        return parse(_decoded(content), path.name)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from error


def parse(text: str, name: str) -> list[PriceLine]:
    """Reads the text of a file; `name` is the source of prices that state none.

    A line is an offer: `price` for `quantity` licences (1 where there is no such column) of
    `product`, with the metric, channel and rights of `pools import`.
    """
    header, _, _ = text.partition("\n")
    delimiter = max(",;\t", key=header.count)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as error:
        raise UsageError(f"is not a CSV file: {error}") from error
    names = [cell.strip().lower() for cell in rows[0]] if rows else []
    for wanted in ("id", "product", "price"):
        if wanted not in names:
            raise UsageError(f"line 1: the heading {wanted!r} is missing")
    for refused in REFUSED:
        if refused in names:
            raise UsageError(f"line 1: an offer has no {refused!r}")
    licences = io.StringIO()
    writer = csv.writer(licences, lineterminator="\n")
    kept = [place for place, each in enumerate(names) if each not in COLUMNS]
    extra = [] if "quantity" in names else ["1"]
    writer.writerow([names[place] for place in kept] + (["quantity"] if extra else []))
    values: dict[int, Mapping[str, str]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) > len(names):
            raise UsageError(f"line {number}: {len(row)} cells under {len(names)} headings")
        cells = [" ".join(cell.split()) for cell in row] + [""] * (len(names) - len(row))
        is_empty = not any(cells)
        writer.writerow([] if is_empty else [cells[place] for place in kept] + extra)
        values[number] = dict(zip(names, cells, strict=True))
    return [
        _line(each.number, each.entitlement, values[each.number], name)
        for each in pools_csv.parse(licences.getvalue())
    ]


def _line(number: int, licence: Entitlement, values: Mapping[str, str], name: str) -> PriceLine:
    if not licence.quantity:
        raise UsageError(f"line {number}: quantity is 0: it is how many licences the price buys")
    currency = values.get("currency", "").upper() or "EUR"
    if not re.fullmatch("[A-Z]{3}", currency):
        raise UsageError(f"line {number}: currency {currency!r} is not a code like EUR")
    return PriceLine(
        number=number,
        licence=licence,
        price=_price(values["price"], number),
        currency=currency,
        source=values.get("source", "") or name,
        valid_from=_day(values.get("valid_from", ""), "valid_from", number),
        valid_until=_day(values.get("valid_until", ""), "valid_until", number),
    )


def _price(cell: str, number: int) -> Decimal:
    """A price, with a point or a comma before its cents; blanks between digits are left out."""
    plain = "".join(cell.split()).replace(",", ".")
    if not AMOUNT.fullmatch(plain):
        raise UsageError(f"line {number}: price {cell!r} is not an amount like 1234.50 or 1 234,50")
    return Decimal(plain)


def _day(cell: str, name: str, number: int) -> date | None:
    try:
        return date.fromisoformat(cell) if cell else None
    except ValueError as error:
        raise UsageError(f"line {number}: {name} {cell!r} is not a date like 2026-12-31") from error


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise UsageError("is not a text file")
