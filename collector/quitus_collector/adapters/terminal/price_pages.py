"""What commands on the price list show in a terminal."""

from collections.abc import Iterable, Sequence

from rich.markup import escape

from quitus_collector.adapters.terminal.tables import new_table, print_table
from quitus_collector.domain.price import Price, PriceHappened
from quitus_collector.services import pool_wording, price_wording
from quitus_collector.services.ports import Messages
from quitus_collector.services.prices import PriceChange
from quitus_collector.services.wording import N_


def prices(found: Iterable[Price], messages: Messages) -> None:
    """The list, line by line."""
    headings = (N_("Offer"), N_("Product"), N_("Price"), N_("Valid"), N_("Source of the price"))
    table = new_table(*map(messages.text, headings))
    for each in found:
        cells = (
            each.licence.id,
            each.licence.product,
            price_wording.offered(each, messages),
            price_wording.validity(each, messages),
            each.source,
        )
        table.add_row(*map(escape, cells))
    print_table(table)


def changes(found: Iterable[PriceChange], messages: Messages) -> None:
    """What a document adds and changes, field by field."""
    changed = [each for each in found if each.before is None or each.differences]
    if not changed:
        return
    table = new_table(*map(messages.text, (N_("Line"), N_("Offer"), N_("Product"), N_("Change"))))
    for each in changed:
        licence = each.price.licence
        cells = (
            each.where.told(messages),
            licence.id,
            licence.product,
            "\n".join(price_wording.told(each, messages)),
        )
        table.add_row(*map(escape, cells))
    print_table(table)


def history(found: Sequence[PriceHappened], messages: Messages) -> None:
    """What happened to prices, the oldest first."""
    headings = (N_("When"), N_("Offer"), N_("What happened"), N_("By"), N_("Reason"))
    table = new_table(*map(messages.text, headings))
    for each in found:
        told = [messages.text(pool_wording.HAPPENINGS[each.kind])]
        told += [price_wording.difference(one, messages) for one in each.differences] or [
            price_wording.offered(each.price, messages)
        ]
        cells = (
            messages.moment(each.at),
            each.price.licence.id,
            "\n".join(told),
            each.act.actor,
            each.act.reason,
        )
        table.add_row(*map(escape, cells))
    print_table(table)
