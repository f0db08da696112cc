"""How the price list is put into words, and as programs read it."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from quitus_collector.domain.holding import Difference
from quitus_collector.domain.price import Price, PriceHappened, Standing
from quitus_collector.services import pool_wording
from quitus_collector.services.ports import Messages
from quitus_collector.services.prices import PriceChange
from quitus_collector.services.wording import N_

FIELDS = {
    **pool_wording.FIELDS,
    "price": N_("price"),
    "currency": N_("currency"),
    "source": N_("source of the price"),
}

STANDINGS = {
    Standing.IN_FORCE: N_("in force"),
    Standing.TO_COME: N_("to come"),
    Standing.REPLACED: N_("replaced"),
    Standing.ENDED: N_("ended"),
}

# What a line says, in the order of files that can be taken in again.
COLUMNS = (
    "id",
    "product",
    "quantity",
    "metric",
    "price",
    "currency",
    "source",
    "valid_from",
    "valid_until",
    "channel",
    "downgrade",
    "edition_downgrade",
    "maintenance_until",
    "second_use",
    "devices_per_user",
    "virtual_machines",
    "requires_base",
    "perpetual",
    "part_number",
)


def document(price: Price) -> dict[str, Any]:
    """A line of the list as JSON has it, by COLUMNS; money is text, exact."""
    own = {
        "price": str(price.amount),
        "currency": price.currency,
        "source": price.source,
        "valid_from": pool_wording.plain_value(price.valid_from),
        "valid_until": pool_wording.plain_value(price.valid_until),
    }
    licence = pool_wording.document(price.licence)
    return {name: own[name] if name in own else licence[name] for name in COLUMNS}


def happened_document(each: PriceHappened) -> dict[str, Any]:
    """What happened to a line, as JSON has it."""
    return {
        "at": each.at.isoformat(),
        "what": each.kind.value,
        "by": each.act.actor or None,
        "reason": each.act.reason or None,
        "price": document(each.price),
        "changes": {
            one.name: {"before": plain_value(one.before), "after": plain_value(one.after)}
            for one in each.differences
        },
    }


def plain_value(value: object) -> Any:
    """A field's value as JSON has it."""
    return str(value) if isinstance(value, Decimal) else pool_wording.plain_value(value)


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


def told(change: PriceChange, messages: Messages) -> list[str]:
    """What a line of a document adds to the list or changes in it, in sentences."""
    if change.before is None:
        said = [offered(change.price, messages), validity(change.price, messages)]
    else:
        said = [difference(one, messages) for one in change.differences]
    return [*filter(None, said), *(note.told(messages) for note in change.notes)]


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
