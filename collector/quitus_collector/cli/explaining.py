"""Commands that say why a figure is what it is, and what could be done about it."""

import argparse

from quitus_collector.adapters import reasons
from quitus_collector.cli.arguments import OK, Commands, collector_of, day, print_json
from quitus_collector.wiring import explaining


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    explain = commands.add_parser("explain", help="why a figure of the position is what it is")
    explain.add_argument("product", metavar="PRODUCT", help="microsoft/office/standard@2019")
    explain.add_argument("--device", help="this one only, by its name or id")
    explain.add_argument(
        "--as-of",
        type=day,
        metavar="DAY",
        help="of the end of a past day, as it was known then: 2026-12-31",
    )
    explain.add_argument("--format", choices=("table", "json"), default="table")
    explain.set_defaults(command=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = explaining.why(collector, arguments.product, arguments.device, arguments.as_of)
    if arguments.format == "json":
        print_json(found.document())
    else:
        reasons.show(found, collector.messages)
    return OK
