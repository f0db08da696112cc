"""What to do about gaps: purchases of a price list, licences to move, installs to remove."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.price import Price, in_force, main_currency
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.remedy import Gap, Offer, Plan, Remedies, remedies
from quitus_collector.services.intake.lines import Reading
from quitus_collector.services.licensing import STALE_AFTER, known
from quitus_collector.services.ports import Clock, Store
from quitus_collector.services.prices import price_lines


@dataclass(frozen=True, slots=True)
class Advice:
    """The remedies of one moment.

    `undetermined` counts the lines that have none; `labels` are those of products, `names` of
    devices; `silent` are devices without a licence that have not reported for long. `expired` are
    the offers whose price is not good on the day, `foreign` those of another currency than
    `currency`, which is that of all prices that are counted with.
    """

    as_of: datetime
    found: Remedies
    undetermined: int
    labels: Mapping[str, str]
    names: Mapping[str, str]
    silent: frozenset[str]
    expired: tuple[str, ...]
    foreign: tuple[str, ...]
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
            "offers_in_other_currencies": list(self.foreign),
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
    prices: Reading | None = None,
    publisher: str | None = None,
    *,
    source: str = "",
) -> Advice:
    """What closes the gaps of now, of one publisher's products or of all.

    `prices` is a price list that `source` names; without one, it is the one that is kept.
    Raises pools.Refused for what is wrong with it, and what
    `licensing.position` raises.
    """
    found = known(store, catalogue, clock)
    if prices:
        lines: Sequence[Price] = price_lines(catalogue, found.entitlements, prices, source)
    else:
        lines = _kept(store, {each.id for each in found.entitlements})
    every = in_force(lines, found.day)
    currency = main_currency(every)
    good = [each for each in every if each.currency == currency]
    offers = [Offer(each.licence, each.amount, each.source) for each in good]
    asked = found.question()
    answer = remedies(asked, found.terms, offers, solver)
    gaps = tuple(
        gap
        for gap in answer.gaps
        if publisher is None or publisher in map(publisher_of, gap.missing)
    )
    counted = asked.fleet.installed.keys() | {each.product for each in found.entitlements}
    undetermined = sum(
        asked.reason_of(each) is not None and publisher in (None, publisher_of(each))
        for each in counted
    )
    labels = {each: found.terms.label(each) for each in counted}
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
        expired=tuple(
            sorted({each.licence.id for each in lines} - {each.licence.id for each in every})
        ),
        foreign=tuple(each.licence.id for each in every if each.currency != currency),
        has_prices=prices is not None or bool(lines),
        currency=currency,
    )


def _kept(store: Store, taken: Collection[str]) -> list[Price]:
    """The price list that is kept; an offer that is called as a line that is owned, otherwise."""
    with store.reading() as work:
        listed = work.prices.list()
    known = {*taken, *(each.licence.id for each in listed)}
    found = []
    for each in listed:
        name = each.licence.id
        while name in taken or (name != each.licence.id and name in known):
            name += "'"
        found.append(replace(each, licence=replace(each.licence, id=name)))
    return found


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
