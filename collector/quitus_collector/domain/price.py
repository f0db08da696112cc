"""What licences cost: the company's price list, and what the gaps of a position come to by it."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.counting_terms import terms_of_all
from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.holding import NOBODY, Act, Difference, Happening, differences
from quitus_collector.domain.licensing.rights import right_to
from quitus_collector.domain.position import PositionLine
from quitus_collector.domain.product import publisher_of

# The currency that is asked for first; a list without it has its own.
EURO = "EUR"
# Of a suite, what its parts come to alone is nothing that a price list says.
_OF_ITS_OWN = frozenset({Right.DIRECT, Right.DOWNGRADE, Right.EDITION_DOWNGRADE})

# The fields of a price with what people call them; those of its licence have their own names.
PRICE_FIELDS = {
    "amount": "price",
    "currency": "currency",
    "source": "source",
    "valid_from": "valid_from",
    "valid_until": "valid_until",
}

Key = tuple[str, date | None]


@dataclass(frozen=True, slots=True)
class Price:
    """An offer: `amount` buys `licence`, its quantity of units; both days are included."""

    licence: Entitlement
    amount: Decimal
    currency: str = EURO
    source: str = ""
    valid_from: date | None = None
    valid_until: date | None = None

    @property
    def key(self) -> Key:
        """What no other line of a price list has: an offer may have one price after another."""
        return self.licence.id, self.valid_from

    def is_good_on(self, day: date) -> bool:
        """Whether the price can be had on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )

    def for_units(self, units: int) -> Decimal:
        """What at least so many units cost: whole packs are bought."""
        return -(-units // self.licence.quantity) * self.amount


@dataclass(frozen=True, slots=True)
class HeldPrice:
    """A line of the list as it stood from `since` until `until`, excluded; None: it stands."""

    price: Price
    since: datetime
    until: datetime | None = None
    added: Act = NOBODY
    ended: Act = NOBODY


class Standing(StrEnum):
    """What a price of a list is on a day; REPLACED by one of the same offer that began later."""

    IN_FORCE = "in-force"
    TO_COME = "to-come"
    REPLACED = "replaced"
    ENDED = "ended"


def standings(prices: Sequence[Price], day: date) -> Mapping[Key, Standing]:
    """Of each line of a list on that day."""
    begun = {each.key for each in in_force(prices, day)}
    found = {}
    for each in prices:
        if each.key in begun:
            found[each.key] = Standing.IN_FORCE
        elif each.is_good_on(day):
            found[each.key] = Standing.REPLACED
        else:
            to_come = each.valid_from is not None and day < each.valid_from
            found[each.key] = Standing.TO_COME if to_come else Standing.ENDED
    return found


def in_force(prices: Iterable[Price], day: date) -> list[Price]:
    """The prices that are good on the day, by id: of those of one offer the one begun last."""
    found: dict[str, Price] = {}
    for each in sorted(prices, key=_by_start):
        if each.is_good_on(day):
            found[each.licence.id] = each
    return [found[id_] for id_ in sorted(found)]


def _by_start(price: Price) -> tuple[str, date]:
    return price.licence.id, price.valid_from or date.min


def main_currency(prices: Sequence[Price]) -> str:
    """The euro where anything is priced in it, else the currency of most prices."""
    count = Counter(each.currency for each in prices)
    if not count or EURO in count:
        return EURO
    return min(count, key=lambda each: (-count[each], each))


class LineCost(NamedTuple):
    """What closes the gap of one line: the cheapest offer of its own for its units."""

    amount: Decimal
    currency: str
    offer: Price


@dataclass(frozen=True, slots=True)
class Costs:
    """What gaps come to; nothing is converted, and what has no price counts nowhere.

    `lines` has each line with a gap and a price, `unknown` those without one. Amounts in
    `currency` are totalled, those in other ones apart.
    """

    currency: str
    has_prices: bool
    lines: Mapping[str, LineCost]
    unknown: frozenset[str]

    @property
    def totals(self) -> Mapping[str, Decimal]:
        """By currency: that of the position first, the others after it by their names."""
        sums: dict[str, Decimal] = {}
        for cost in self.lines.values():
            sums[cost.currency] = sums.get(cost.currency, Decimal(0)) + cost.amount
        return {each: sums[each] for each in sorted(sums, key=lambda c: (c != self.currency, c))}


def costs(
    lines: Iterable[PositionLine],
    prices: Sequence[Price],
    catalogue: Catalogue | CountingTerms,
    day: date,
) -> Costs:
    """What the gaps of these lines come to at the prices that are good on the day.

    Of a line: the units of its own metric that are to be bought, at the cheapest offer of that
    metric for the product itself, or for a later version or higher edition that may be used in
    its place. Suites and upgrades are left to `remedy`, which finds the cheapest of all together.
    """
    good = in_force(prices, day)
    currency = main_currency(good)
    gaps = [line for line in lines if line.missing]
    offers = _Offers(gaps, good, catalogue, day)
    found: dict[str, LineCost] = {}
    for line in gaps:
        priced = [
            LineCost(each.for_units(line.to_buy), each.currency, each)
            for each in offers.of(line)
            if line.to_buy
        ]
        if priced:
            found[line.product] = min(
                priced,
                key=lambda cost: (
                    cost.currency != currency,
                    cost.currency,
                    cost.amount,
                    cost.offer.licence.id,
                ),
            )
    unknown = frozenset(line.product for line in gaps if line.product not in found)
    return Costs(currency, bool(good), found, unknown)


class _Offers:
    """Offers by what they may be bought for, so that a long list is gone through once."""

    def __init__(
        self,
        gaps: Sequence[PositionLine],
        good: Sequence[Price],
        catalogue: Catalogue | CountingTerms,
        day: date,
    ) -> None:
        publishers = {publisher_of(line.product) for line in gaps}
        wanted = [
            each
            for each in good
            if not each.licence.requires_base and publisher_of(each.licence.product) in publishers
        ]
        products = {line.product for line in gaps} | {each.licence.product for each in wanted}
        self._terms = terms_of_all(products, catalogue, day)
        self._by_place: defaultdict[tuple[str, Metric], list[Price]] = defaultdict(list)
        for each in wanted:
            self._by_place[publisher_of(each.licence.product), each.licence.metric].append(each)

    def of(self, line: PositionLine) -> list[Price]:
        """Those that cover the line's product by themselves."""
        return [
            each
            for each in self._by_place[publisher_of(line.product), line.metric]
            if right_to(each.licence, line.product, self._terms.__getitem__) in _OF_ITS_OWN
        ]


def differences_of(before: Price, after: Price) -> tuple[Difference, ...]:
    """What another price of the same offer says otherwise: of the price, then of its licence."""
    told = tuple(
        Difference(PRICE_FIELDS[name], old, new)
        for name in PRICE_FIELDS
        if (old := getattr(before, name)) != (new := getattr(after, name))
    )
    return told + differences(before.licence, after.licence)


@dataclass(frozen=True, slots=True)
class PriceHappened:
    """One thing that happened to a line; `price` is the line after it, or as it went."""

    at: datetime
    kind: Happening
    price: Price
    act: Act
    differences: tuple[Difference, ...] = ()


def happenings_of(held: Sequence[HeldPrice]) -> list[PriceHappened]:
    """What happened, the oldest first."""
    found: list[PriceHappened] = []
    last: dict[Key, HeldPrice] = {}
    for each in sorted(held, key=lambda each: each.since):
        before = last.get(each.price.key)
        if before and before.until == each.since:
            changed = differences_of(before.price, each.price)
            kind = Happening.CHANGED
            found.append(PriceHappened(each.since, kind, each.price, each.added, changed))
        else:
            found.append(PriceHappened(each.since, Happening.ADDED, each.price, each.added))
        last[each.price.key] = each
    begun = {(each.price.key, each.since) for each in held}
    for each in held:
        if each.until and (each.price.key, each.until) not in begun:
            found.append(PriceHappened(each.until, Happening.REMOVED, each.price, each.ended))
    return sorted(found, key=lambda each: (each.at, each.price.licence.id))
