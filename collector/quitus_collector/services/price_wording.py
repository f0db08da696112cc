"""How the price list is put into words, and as programs read it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from quitus_collector.domain.holding import Difference
from quitus_collector.domain.price import Price
from quitus_collector.services import pool_wording
from quitus_collector.services.ports import Messages
from quitus_collector.services.wording import N_

FIELDS = {
    **pool_wording.FIELDS,
    "price": N_("price"),
    "currency": N_("currency"),
    "source": N_("source of the price"),
}


def document(price: Price) -> dict[str, Any]:
    """A line of the list as JSON has it; money is text, exact."""
    return {
        "id": price.licence.id,
        "product": price.licence.product,
        "quantity": price.licence.quantity,
        "metric": price.licence.metric.value,
        "price": str(price.amount),
        "currency": price.currency,
        "source": price.source,
        "valid_from": price.valid_from and price.valid_from.isoformat(),
        "valid_until": price.valid_until and price.valid_until.isoformat(),
    }


def difference(each: Difference, messages: Messages) -> str:
    """What a field said and says."""
    return messages.text(
        N_("{field}: {before} → {after}"),
        field=messages.text(FIELDS[each.name]),
        before=_said(each.before, messages),
        after=_said(each.after, messages),
    )


def offered(price: Price, messages: Messages) -> str:
    """What the price buys."""
    amount = messages.money(price.amount, price.currency)
    count = messages.count("{n} licence", "{n} licences", price.licence.quantity)
    metric = pool_wording.said(price.licence.metric, messages)
    return messages.text(
        N_("{licences}, counted by {metric}: {price}"), licences=count, metric=metric, price=amount
    )


def validity(price: Price, messages: Messages) -> str:
    """The days on which the price can be had; empty where none are stated."""
    return ", ".join(_days(price, messages))


def _days(price: Price, messages: Messages) -> Iterator[str]:
    if price.valid_from:
        yield messages.text(N_("from {day}"), day=messages.day(price.valid_from.isoformat()))
    if price.valid_until:
        yield messages.text(N_("until {day}"), day=messages.day(price.valid_until.isoformat()))


def _said(value: object, messages: Messages) -> str:
    return str(value) if isinstance(value, Decimal) else pool_wording.said(value, messages)
