"""Commands on contested rules: how the company reads them."""

import argparse

from quitus_collector.adapters.terminal import position_pages
from quitus_collector.cli.arguments import OK, Commands, collector_of, print_json
from quitus_collector.domain.contested import Reading
from quitus_collector.services import readings


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    command = commands.add_parser(
        "readings", help="rules that publishers and customers read differently"
    )
    actions = command.add_subparsers(required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="each rule, its note, and how the company reads it")
    listing.add_argument("--format", choices=("table", "json"), default="table")
    listing.set_defaults(command=_list)
    decide = actions.add_parser("set", help="read a rule in one way from now on")
    decide.add_argument("rule", metavar="RULE")
    decide.add_argument("reading", type=Reading, choices=list(Reading))
    decide.add_argument("--reason", required=True, help="why; it is printed beside the figures")
    decide.set_defaults(command=_set)


def _list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = readings.list_rules(collector.store, collector.catalogue, collector.clock)
    if arguments.format == "json":
        print_json([each.document() for each in found])
    else:
        position_pages.readings(found, collector.messages)
    return OK


def _set(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    rule = readings.decide(
        collector.store,
        collector.catalogue,
        collector.clock,
        arguments.rule,
        arguments.reading,
        arguments.reason,
        actor=collector.actor,
    )
    print(f"{rule.id} is read as {arguments.reading} from now on")
    return OK
