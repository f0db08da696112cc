"""Commands on the company's price list."""

import argparse
import sys

from quitus_collector.adapters.terminal import pool_pages, price_pages
from quitus_collector.cli.arguments import (
    OK,
    USAGE,
    Commands,
    collector_of,
    day,
    label,
    pair,
    print_json,
)
from quitus_collector.cli.pools import add_taking_in, complain
from quitus_collector.domain.holding import Act
from quitus_collector.services import prices as service
from quitus_collector.services.pools import Refused
from quitus_collector.services.price_wording import document
from quitus_collector.services.wording import N_
from quitus_collector.wiring import prices


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("prices", help="the company's price list")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser(
        "import",
        help="take in a price list from a file",
        description="Takes in a price list, CSV or XLSX: all of it or nothing. A line with the id "
        "and the first day of one that is kept takes its place; all others stay.",
    )
    add_taking_in(imported)
    imported.set_defaults(command=_import)
    listed = actions.add_parser("list", help="the prices")
    listed.add_argument("--format", choices=("table", "json"), default="table")
    listed.set_defaults(command=_list)
    remove = actions.add_parser("remove", help="take an offer off the list; its history stays")
    remove.add_argument("price", metavar="ID")
    remove.add_argument("--from", dest="start", type=day, help="only its price from that day on")
    remove.add_argument("--reason", type=label, required=True, help="for the history")
    remove.set_defaults(command=_remove)
    past = actions.add_parser("history", help="what happened to prices, by whom and why")
    past.add_argument("price", nargs="?", metavar="ID")
    past.set_defaults(command=_history)


def _import(arguments: argparse.Namespace) -> int:
    collector, file = collector_of(arguments), arguments.file
    decisions = dict(map(pair, arguments.match))
    try:
        if arguments.dry_run:
            found = prices.preview_prices(collector, file, decisions)
        else:
            found = prices.import_prices(
                collector,
                file,
                decisions,
                reason=arguments.reason,
                without_unmatched=arguments.without_unmatched,
            )
    except Refused as refused:
        raise complain(refused, file, collector, N_("nothing was imported")) from refused
    messages = collector.messages
    if arguments.dry_run:
        price_pages.changes(found.changes, messages)
    for note in found.notes:
        print(note.told(messages))
    counts = f"{found.added} prices added, {found.changed} changed, {found.unchanged} unchanged"
    print(f"{file}: {'would be: ' if arguments.dry_run else ''}{counts}")
    if not found.complaints:
        return OK
    sys.stdout.flush()
    for sentence in pool_pages.complaints(found, messages):
        print(sentence, file=sys.stderr)
    return OK if not found.problems and arguments.without_unmatched else USAGE


def _list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = service.listed(collector.store)
    if arguments.format == "json":
        print_json([document(each) for each in found])
    else:
        price_pages.prices(found, collector.messages)
    return OK


def _remove(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    act = Act(collector.actor, arguments.reason)
    starts = [arguments.start] if arguments.start else []
    gone = service.remove_price(collector.store, collector.clock, arguments.price, act, starts)
    count = "1 price" if len(gone) == 1 else f"{len(gone)} prices"
    print(f"{arguments.price} is off the list: {count}")
    return OK


def _history(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = service.history(collector.store, arguments.price)
    price_pages.history(found, collector.messages)
    return OK
