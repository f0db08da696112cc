"""What to do about gaps: purchases of a price list, licences to move, installs to remove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.remedy import Gap, Offer, Plan, Remedies, remedies
from quitus_collector.errors import UsageError
from quitus_collector.services.licensing import STALE_AFTER, known
from quitus_collector.services.pools import checked
from quitus_collector.services.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class PriceLine:
    """An offer, the line of the file that states it, and the days on which its price is good."""

    number: int
    licence: Entitlement
    price: Decimal
    currency: str
    source: str
    valid_from: date | None = None
    valid_until: date | None = None

    def is_good_on(self, day: date) -> bool:
        """Whether the price can be had on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True, slots=True)
class Advice:
    """The remedies of one moment.

    `undetermined` counts the lines that have none; `labels` are those of products, `names` of
    devices; `silent` are devices without a licence that have not reported for long. `expired` are
    the offers whose price is not good on the day. `currency` is that of all prices.
    """

    as_of: datetime
    found: Remedies
    undetermined: int
    labels: Mapping[str, str]
    names: Mapping[str, str]
    silent: frozenset[str]
    expired: tuple[str, ...]
    has_prices: bool
    currency: str

    @property
    def cost(self) -> Decimal:
        """What the cheapest purchases cost together."""
        return sum((gap.plan.cost for gap in self.found.gaps if gap.plan), Decimal(0))

    def document(self) -> dict[str, object]:
        """The remedies as JSON has them; money is text, exact."""
        return {
            "as_of": self.as_of.isoformat(),
            "currency": self.currency if self.has_prices else None,
            "cost": str(self.cost) if self.has_prices else None,
            "gaps": [self._gap(each) for each in self.found.gaps],
            "undetermined_lines": self.undetermined,
            "offers_not_counted": {
                id_: reason.value for id_, reason in self.found.uncountable.items()
            },
            "offers_out_of_date": list(self.expired),
        }

    def _gap(self, gap: Gap) -> dict[str, object]:
        return {
            "missing": dict(gap.missing),
            "to_buy": dict(gap.to_buy),
            "plan": _plan(gap.plan) if gap.plan else None,
            "alternatives": [_plan(each) for each in gap.alternatives],
            "transfers": [
                {
                    "entitlement": each.entitlement.id,
                    "entity": each.entitlement.entity,
                    "units": each.units,
                    "missing": dict(each.missing),
                }
                for each in gap.transfers
            ],
            "replacements": [
                {
                    "product": each.product,
                    "by": each.by,
                    "devices": [self.names[device] for device in each.devices],
                    "missing": dict(each.missing),
                }
                for each in gap.replacements
            ],
            "devices": {
                product: [
                    {"id": each, "name": self.names[each], "silent": each in self.silent}
                    for each in devices
                ]
                for product, devices in gap.devices.items()
            },
        }


def advise(
    store: Store,
    catalogue: Catalogue,
    solver: Solver,
    clock: Clock,
    prices: Sequence[PriceLine] | None = None,
    publisher: str | None = None,
) -> Advice:
    """What closes the gaps of now, of one publisher's products or of all.

    Raises UsageError for an offer that the catalogue does not know or that is in another currency
    than the first one, naming its line, and what `licensing.position` raises.
    """
    found = known(store, catalogue, clock)
    offers, expired, currency = _offers(prices or (), catalogue, found.day, found.entitlements)
    asked = found.question()
    answer = remedies(asked, found.terms, offers, solver)
    gaps = tuple(
        gap
        for gap in answer.gaps
        if publisher is None or publisher in map(publisher_of, gap.missing)
    )
    lines = asked.fleet.installed.keys() | {each.product for each in found.entitlements}
    undetermined = sum(
        asked.reason_of(each) is not None and publisher in (None, publisher_of(each))
        for each in lines
    )
    labels = {each: found.terms.label(each) for each in lines}
    labels |= {each.licence.product: found.terms.label(each.licence.product) for each in offers}
    return Advice(
        as_of=found.as_of,
        found=Remedies(gaps, answer.uncountable),
        undetermined=undetermined,
        labels=labels,
        names={each.device_id: each.name for each in found.devices},
        silent=frozenset(
            each.device_id
            for each in found.devices
            if each.heard_at is None or each.heard_at < found.as_of - STALE_AFTER
        ),
        expired=expired,
        has_prices=prices is not None,
        currency=currency,
    )


def _offers(
    prices: Sequence[PriceLine],
    catalogue: Catalogue,
    day: date,
    owned: Sequence[Entitlement],
) -> tuple[list[Offer], tuple[str, ...], str]:
    taken = {each.id for each in owned}
    currency = prices[0].currency if prices else "EUR"
    good, expired = [], []
    for line in prices:
        try:
            if line.currency != currency:
                raise UsageError(f"{line.currency} cannot be compared with {currency}")
            if line.licence.id in taken:
                raise UsageError(f"{line.licence.id!r} is the id of an entitlement that is owned")
            licence = checked(line.licence, catalogue)
        except UsageError as error:
            raise UsageError(f"line {line.number}: {error}") from error
        if line.is_good_on(day):
            good.append(Offer(licence, line.price, line.source))
        else:
            expired.append(licence.id)
    return good, tuple(expired), currency


def _plan(plan: Plan) -> dict[str, object]:
    return {
        "cost": str(plan.cost),
        "missing": dict(plan.missing),
        "purchases": [
            {
                "offer": each.offer.licence.id,
                "product": each.offer.licence.product,
                "metric": each.offer.licence.metric.value,
                "times": each.times,
                "units": each.units,
                "price": str(each.offer.price),
                "cost": str(each.cost),
                "source": each.offer.source,
            }
            for each in plan.purchases
        ],
    }
