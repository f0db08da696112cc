"""Commands on the fleet's history: what went away, and how long that is kept."""

import argparse
from datetime import timedelta

from quitus_collector.adapters.terminal import position_pages
from quitus_collector.cli.arguments import OK, Commands, collector_of, day, positive, print_json
from quitus_collector.services import ledger
from quitus_collector.wiring import licensing


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    removals = commands.add_parser(
        "removals", help="products that went away, as after a publisher's letter"
    )
    removals.add_argument("--since", type=day, required=True, metavar="DAY", help="2026-12-31")
    removals.add_argument("--product", help="this one alone; without a version, of any")
    removals.add_argument("--format", choices=("table", "json"), default="table")
    removals.set_defaults(command=_removals)

    purge = commands.add_parser("purge", help="forget the history of long ago")
    purge.add_argument(
        "--older-than",
        type=positive,
        required=True,
        metavar="DAYS",
        help="what ended longer ago goes; what lasts stays",
    )
    purge.set_defaults(command=_purge)


def _removals(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found, begins = licensing.removals(collector, arguments.since, arguments.product)
    if arguments.format == "json":
        print_json([each.document() for each in found])
    else:
        position_pages.removals(found, begins, collector.catalogue, collector.messages)
    return OK


def _purge(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    age = timedelta(days=arguments.older_than)
    began = ledger.purge(collector.store, collector.clock, age, actor=collector.actor)
    print(f"the history is kept from {began:%Y-%m-%d %H:%M} UTC on")
    return OK
