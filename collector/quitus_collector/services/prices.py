"""Price lists: offers in the columns of licence lists, each with its price."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.services.intake.cells import as_text, day, short
from quitus_collector.services.intake.lines import Cell, Problem, RawLine, Reading, Wrong, phrase
from quitus_collector.services.pools import on_paper
from quitus_collector.services.wording import N_

_AMOUNT = re.compile(r"(\d{1,12})(?:[.,](\d{1,6}))?")
_GROUPED = re.compile(r"(\d{1,3}(?:,\d{3})+)\.(\d{1,6})|(\d{1,3}(?:\.\d{3})+),(\d{1,6})")
_BLANKS = re.compile(r"[\s'’]+")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """An offer: `price` buys `licence`, its quantity of units."""

    licence: Entitlement
    price: Decimal
    currency: str = "EUR"
    source: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    def is_good_on(self, day: date) -> bool:
        """Whether the price can be had on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


def price_lines(
    catalogue: Catalogue, owned: Iterable[Entitlement], reading: Reading, name: str
) -> list[PriceLine]:
    """The offers of a list; `name` is the source of prices that state none.

    An offer without a column of quantities is one licence, one without an id has its part number.
    Raises Refused with every complaint: one list has one currency, and ids that nothing owned has.
    """
    problems = list(reading.problems)
    prices: list[Mapping[str, Any]] = []
    for line in reading.lines:
        told: dict[str, Any] = {}
        for field, read in READERS.items():
            try:
                told[field] = read(line.cells.get(field))
            except Wrong as wrong:
                problems.append(Problem(line.where, line.columns.get(field, field), wrong.text))
        if told.keys() == READERS.keys():
            told["source"] = told["source"] or name
            prices.append(told)
            problems.extend(_contradictions(line, told, prices[0]["currency"]))
    licences = [_licence(line) for line in reading.lines]
    changes = on_paper(catalogue, owned, replace(reading, lines=licences, problems=problems))
    return [
        PriceLine(change.entitlement, **told) for told, change in zip(prices, changes, strict=True)
    ]


def _licence(line: RawLine) -> RawLine:
    """The offer as a line of licences."""
    cells = {name: cell for name, cell in line.cells.items() if name not in READERS}
    cells["id"] = cells.get("id") or cells.get("part_number")
    cells.setdefault("quantity", 1)
    return replace(line, cells=cells)


def _contradictions(line: RawLine, told: Mapping[str, Any], currency: str) -> Iterator[Problem]:
    def problem(field: str, message: str, **values: object) -> Problem:
        return Problem(line.where, line.columns.get(field, field), phrase(message, **values))

    if as_text(line.cells.get("quantity")) == "0":
        yield problem("quantity", N_("is 0: it is how many licences the price buys"))
    if told["currency"] != currency:
        message = N_("{value} cannot be compared with {other}")
        yield problem("currency", message, value=told["currency"], other=currency)
    start, end = told["valid_from"], told["valid_until"]
    if start and end and start > end:
        yield problem("valid_until", N_("is before the first day, {day}"), day=start)


def amount(cell: Cell) -> Decimal:
    """A price, exact: 1234.50, 1 234,50 €, 1.234,50; what may be two amounts is refused."""
    written = _BLANKS.sub("", str(cell) if isinstance(cell, float) else as_text(cell))
    written = written.removesuffix("EUR").removesuffix("€").removeprefix("€")
    if grouped := _GROUPED.fullmatch(written):
        whole, cents = (grouped[1], grouped[2]) if grouped[1] else (grouped[3], grouped[4])
        return Decimal(f"{re.sub(r'[,.]', '', whole)}.{cents}")
    found = None if isinstance(cell, bool) else _AMOUNT.fullmatch(written)
    if not written:
        raise Wrong(N_("is empty"))
    if not found or not written.isascii():
        raise Wrong(N_("{value!r} is not an amount like 1234.50 or 1 234,50"), value=as_text(cell))
    whole, cents = found[1], found[2] or "0"
    if len(cents) == 3 and len(whole) <= 3 and int(whole) and not isinstance(cell, float):
        raise Wrong(N_("{value!r} may be two numbers: write it without separators"), value=cell)
    return Decimal(f"{whole}.{cents}") if found[2] else Decimal(whole)


def currency(cell: Cell) -> str:
    """A code of three letters; the euro where the cell is empty."""
    code = as_text(cell).upper()
    if code in ("", "€"):
        return "EUR"
    if not re.fullmatch("[A-Z]{3}", code):
        raise Wrong(N_("{value!r} is not a code of a currency like EUR"), value=as_text(cell))
    return code


READERS = {
    "price": amount,
    "currency": currency,
    "source": short,
    "valid_from": day,
    "valid_until": day,
}
