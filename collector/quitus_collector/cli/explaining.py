"""Commands that say why a figure is what it is, and what could be done about it."""

import argparse
from pathlib import Path

from quitus_collector.adapters.terminal import advice, reasons, what_if
from quitus_collector.cli.arguments import (
    OK,
    Commands,
    collector_of,
    day,
    positive,
    print_json,
)
from quitus_collector.cli.pools import complain
from quitus_collector.domain.product import is_product_id
from quitus_collector.errors import UsageError
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.pools import Refused
from quitus_collector.services.trying import Move, Purchase, Uninstall
from quitus_collector.services.wording import N_
from quitus_collector.wiring import explaining


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    _add_explain(commands)
    _add_what_if(commands)
    _add_remedies(commands)


def _add_explain(commands: Commands) -> None:
    explain = commands.add_parser("explain", help="why a figure of the position is what it is")
    explain.add_argument("product", metavar="PRODUCT", help="microsoft/office/standard@2019")
    explain.add_argument("--device", help="this one only, by its name or id")
    explain.add_argument(
        "--as-of",
        type=day,
        metavar="DAY",
        help="of the end of a past day, as it was known then: 2026-12-31",
    )
    explain.add_argument(
        "--no-changes",
        dest="changes",
        action="store_false",
        help="leave out what would change the figure, which takes some ten times as long",
    )
    explain.add_argument("--format", choices=("table", "json"), default="table")
    explain.set_defaults(command=_explain)


def _add_what_if(commands: Commands) -> None:
    tried = commands.add_parser(
        "what-if", help="the position after changes that are tried on paper; nothing is kept"
    )
    tried.add_argument(
        "--without",
        action="append",
        default=[],
        type=_uninstall,
        metavar="PRODUCT[:DEVICE]",
        help="uninstalled there, or everywhere; without @VERSION, all versions",
    )
    tried.add_argument(
        "--with",
        dest="purchases",
        action="append",
        default=[],
        type=_purchase,
        metavar="PRODUCT=QUANTITY",
        help="so many licences bought, under the product's own metric and with no other right",
    )
    tried.add_argument(
        "--with-pools",
        type=Path,
        metavar="FILE",
        help="licences bought as the file says, in any form of `pools import`",
    )
    tried.add_argument(
        "--move",
        action="append",
        default=[],
        nargs=3,
        metavar=("PRODUCT", "TO", "DEVICES"),
        help="the people of these devices (a,b,c or all) change products, and get licences of it",
    )
    tried.add_argument("--format", choices=("table", "json"), default="table")
    tried.set_defaults(command=_what_if)


def _add_remedies(commands: Commands) -> None:
    remedies = commands.add_parser("remedies", help="what would close the gaps, the cheapest first")
    remedies.add_argument(
        "--prices",
        type=Path,
        metavar="FILE",
        help="your price list, CSV or XLSX: id, product, price, and the columns of `pools import`",
    )
    remedies.add_argument("--publisher", help="of one publisher only: microsoft, adobe …")
    remedies.add_argument("--format", choices=("table", "json"), default="table")
    remedies.set_defaults(command=_remedies)


def _uninstall(text: str) -> Uninstall:
    product, _, device = text.partition(":")
    return Uninstall(_product(product), device or None)


def _purchase(text: str) -> Purchase:
    product, equals, quantity = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not PRODUCT=QUANTITY")
    return Purchase(_product(product), positive(quantity))


def _product(text: str) -> str:
    if not is_product_id(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not publisher/family[/edition][@version]")
    return text


def _explain(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = explaining.why(
        collector,
        arguments.product,
        arguments.device,
        arguments.as_of,
        changes=arguments.changes,
    )
    if arguments.format == "json":
        print_json(found.document())
    else:
        reasons.show(found, collector.messages)
    return OK


def _what_if(arguments: argparse.Namespace) -> int:
    moves = [
        Move(product, to, tuple(filter(None, devices.split(","))))
        for product, to, devices in arguments.move
    ]
    given = (arguments.without, arguments.purchases, moves, arguments.with_pools)
    if not any(given):
        raise UsageError("nothing to try: give --without, --with, --with-pools or --move")
    collector = collector_of(arguments)
    file = arguments.with_pools
    try:
        found = explaining.what_if(collector, arguments.without, arguments.purchases, moves, file)
    except Refused as refused:
        raise complain(refused, file, collector, N_("nothing was tried")) from refused
    if arguments.format == "json":
        print_json(found.document())
    else:
        what_if.show(found, collector.messages)
    return OK


def _remedies(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    check_publisher(collector.catalogue, arguments.publisher)
    try:
        found = explaining.advise(collector, arguments.prices, arguments.publisher)
    except Refused as refused:
        raise complain(refused, arguments.prices, collector, N_("nothing was counted")) from refused
    if arguments.format == "json":
        print_json(found.document())
    else:
        advice.show(found, collector.messages)
    return OK
