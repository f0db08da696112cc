"""Price lists: offers in the columns of licence lists, each with its price."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.holding import Act, Difference
from quitus_collector.domain.price import (
    Price,
    PriceHappened,
    differences_of,
    happenings_of,
)
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.cells import as_text, day, short
from quitus_collector.services.intake.lines import (
    Cell,
    Problem,
    RawLine,
    Reading,
    Text,
    Wrong,
    phrase,
)
from quitus_collector.services.intake.products import written_name
from quitus_collector.services.pools import (
    MAX_DETAIL,
    Change,
    Preview,
    Previewed,
    Refused,
    check,
    drafted,
)
from quitus_collector.services.ports import Clock, Store, UnitOfWork
from quitus_collector.services.wording import N_

_AMOUNT = re.compile(r"(\d{1,12})(?:[.,](\d{1,6}))?")
_GROUPED = re.compile(r"(\d{1,3}(?:,\d{3})+)\.(\d{1,6})|(\d{1,3}(?:\.\d{3})+),(\d{1,6})")
_BLANKS = re.compile(r"[\s'’]+")


@dataclass(frozen=True, slots=True)
class PriceChange:
    """What a line of a document makes of the price list; `before` is None where it adds one."""

    where: Text
    price: Price
    before: Price | None = None
    notes: tuple[Text, ...] = ()

    @property
    def differences(self) -> tuple[Difference, ...]:
        """What it changes of a line that is there."""
        return differences_of(self.before, self.price) if self.before else ()


PricePreview = Previewed[PriceChange]


def price_lines(
    catalogue: Catalogue, owned: Iterable[Entitlement], reading: Reading, name: str
) -> list[Price]:
    """The offers of a list; `name` is the source of prices that state none.

    An offer without a column of quantities is one licence, one without an id has its part number.
    Raises Refused with every complaint: one list has one currency, and ids that nothing owned has.
    """
    known = list(owned)
    read = _Read(reading, is_one_currency=True)
    plan = read.plan(catalogue, known, taken={each.id for each in known})
    if plan.complaints:
        raise Refused(plan)
    return [read.price(each, name) for each in plan.changes]


def preview(
    store: Store,
    catalogue: Catalogue,
    reading: Reading,
    source: str,
    decisions: Mapping[str, str] | None = None,
) -> PricePreview:
    """What taking the list in would do; `source` is that of prices that state none."""
    with store.reading() as work:
        return _plan(work, catalogue, reading, source, decisions or {})


def take_in(
    store: Store,
    catalogue: Catalogue,
    clock: Clock,
    reading: Reading,
    act: Act,
    *,
    source: str,
    decisions: Mapping[str, str] | None = None,
    without_unmatched: bool = False,
) -> PricePreview:
    """Takes a price list in; raises Refused where a line is wrong, and then changes nothing.

    A line with the id and the first day of one that is kept takes its place; all others stay.
    """
    check(act)
    with store.writing() as work:
        work.prices.hold()
        plan = _plan(work, catalogue, reading, source, decisions or {})
        if plan.problems or (plan.unmatched and not without_unmatched):
            raise Refused(Previewed(reading.form, (), plan.complaints, plan.notes))
        for each in plan.changes:
            if each.before != each.price:
                work.prices.add(each.price, act)
        if plan.added or plan.changed:
            counts = {"added": str(plan.added), "changed": str(plan.changed)}
            _note(work, clock, act, source, counts)
    return plan


class Overtaken(UsageError):
    """Somebody changed an offer after it was looked at; nothing was removed."""

    def __init__(self, price_id: str) -> None:
        """The offer's id."""
        super().__init__(N_("the offer {id} was changed meanwhile: look at it again"), id=price_id)


def fingerprint(offer: Iterable[Price]) -> str:
    """Another one for every change of an offer, whose prices these are."""
    return sha256(repr(list(offer)).encode()).hexdigest()[:32]


def remove_price(
    store: Store,
    clock: Clock,
    price_id: str,
    act: Act,
    starts: Collection[date | None] = (),
    *,
    seen: str = "",
) -> Sequence[Price]:
    """Takes an offer off the list, all of its prices or those that begin then; history stays.

    `seen` is the fingerprint of the offer as who removes it saw it. Raises UsageError if it is not
    there, Overtaken where `seen` is another one.
    """
    check(act)
    with store.writing() as work:
        work.prices.hold()
        there = [each for each in work.prices.list() if each.licence.id == price_id]
        if not there:
            raise UsageError(N_("the price list has no line {id!r}"), id=price_id)
        if seen and fingerprint(there) != seen:
            raise Overtaken(price_id)
        gone = [each for each in there if not starts or each.valid_from in starts]
        if not gone:
            raise UsageError(N_("the offer {id!r} has no price that begins then"), id=price_id)
        for each in gone:
            work.prices.remove(each.key, act)
        _note(work, clock, act, price_id, {"removed": str(len(gone))})
    return gone


def history(store: Store, price_id: str | None = None) -> Sequence[PriceHappened]:
    """What happened to an offer, or to all, the oldest first; raises UsageError for one unknown."""
    with store.reading() as work:
        found = happenings_of(work.prices.history(price_id))
    if price_id is not None and not found:
        raise UsageError(N_("the price list has and had no line {id!r}"), id=price_id)
    return found


def listed(store: Store) -> Sequence[Price]:
    """The price list as it stands, by id and first day."""
    with store.reading() as work:
        return work.prices.list()


def _note(
    work: UnitOfWork, clock: Clock, act: Act, subject: str, detail: Mapping[str, str]
) -> None:
    told = {**detail, **({"reason": act.reason[:MAX_DETAIL]} if act.reason else {})}
    event = Event(clock.now(), Kind.PRICES_CHANGED, act.actor, subject[:MAX_DETAIL], told)
    work.audit.add(event)


def _plan(
    work: UnitOfWork,
    catalogue: Catalogue,
    reading: Reading,
    source: str,
    decisions: Mapping[str, str],
) -> PricePreview:
    kept = {each.key: each for each in work.prices.list()}
    known = [*work.entitlements.list(), *(each.licence for each in kept.values())]
    read = _Read(reading)
    plan = read.plan(catalogue, known, decisions)
    changes = []
    for change in plan.changes:
        if not read.is_whole(change):
            continue
        price = read.price(change, "")
        before = kept.get(price.key)
        if not price.source:
            # A list that is taken in again under another name says nothing new.
            price = replace(price, source=before.source if before else short(source[:MAX_DETAIL]))
        if before and price.licence == replace(before.licence, bought_as=""):
            # What a document once called the product is remembered; its id says nothing new.
            price = replace(price, licence=before.licence)
        changes.append(PriceChange(change.where, price, before, change.notes))
    return Previewed(plan.form, changes, plan.complaints, plan.notes)


class _Read:
    """The lines of a price list, the price of each apart from what it buys."""

    def __init__(self, reading: Reading, *, is_one_currency: bool = False) -> None:
        problems = list(reading.problems)
        # By the place of its line, which stays the same object through all that reads it.
        self._told: dict[int, Mapping[str, Any]] = {}
        self._ids: dict[str, str] = {}
        starts: dict[str, set[date | None]] = {}
        lines = []
        currency = ""
        for line in reading.lines:
            told, wrong = _told(line)
            problems.extend(wrong)
            licence = _licence(line)
            if told is not None:
                currency = currency or told["currency"]
                other = currency if is_one_currency else told["currency"]
                problems.extend(_contradictions(line, told, other))
                self._told[id(line.where)] = told
                licence = self._apart(licence, told["valid_from"], starts)
            lines.append(licence)
        self._reading = replace(reading, lines=lines, problems=problems)

    def _apart(
        self, line: RawLine, start: date | None, starts: dict[str, set[date | None]]
    ) -> RawLine:
        """The line; with another id for now where its offer has a price from another day on."""
        written = as_text(line.cells["id"])
        seen = starts.setdefault(written, set())
        is_another = bool(seen) and start not in seen
        seen.add(start)
        if not is_another or not written:
            return line
        apart = f"{written} ({start or '–'})"
        self._ids[apart] = written
        return replace(line, cells={**line.cells, "id": apart})

    def plan(
        self,
        catalogue: Catalogue,
        known: Iterable[Entitlement],
        decisions: Mapping[str, str] | None = None,
        taken: Collection[str] = (),
    ) -> Preview:
        """What can be bought, and every complaint."""
        return drafted(catalogue, known, self._reading, decisions, taken)

    def is_whole(self, change: Change) -> bool:
        """Whether all can be read that the line says of its price."""
        return id(change.where) in self._told

    def price(self, change: Change, source: str) -> Price:
        """The price of what a line buys."""
        told = self._told[id(change.where)]
        licence = change.entitlement
        licence = replace(licence, id=self._ids.get(licence.id, licence.id))
        return Price(
            licence,
            told["price"],
            told["currency"],
            told["source"] or source,
            told["valid_from"],
            told["valid_until"],
        )


def _told(line: RawLine) -> tuple[Mapping[str, Any] | None, list[Problem]]:
    """What a line says of its price; None where any of it cannot be read."""
    told: dict[str, Any] = {}
    problems = []
    for field, read in READERS.items():
        try:
            told[field] = read(line.cells.get(field))
        except Wrong as wrong:
            problems.append(Problem(line.where, line.columns.get(field, field), wrong.text))
    return (None if problems else told), problems


def _licence(line: RawLine) -> RawLine:
    """The offer as a line of licences; without an id it is called after what it says of itself."""
    cells = {name: cell for name, cell in line.cells.items() if name not in READERS}
    cells["id"] = cells.get("id") or cells.get("part_number") or _made_id(line)
    if not as_text(cells.get("quantity")):
        cells["quantity"] = 1
    return replace(line, cells=cells)


def _made_id(line: RawLine) -> str:
    """The same each time that the list is read, whatever its prices are."""
    said = {name: as_text(line.cells.get(name)) for name in ("product", "edition", "version")}
    others = [as_text(line.cells.get(name)) for name in ("quantity", "metric", "channel")]
    code = as_text(line.cells.get("currency")).upper()
    parts = [written_name(said), *others, "" if code in ("€", "EUR") else code]
    return ", ".join(filter(None, parts))[:MAX_DETAIL]


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
