"""Commands on the declaration."""

import argparse
from pathlib import Path

from quitus_collector.cli.arguments import OK, Commands, collector_of
from quitus_collector.wiring import declaration


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("declaration", help="the declaration")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    draft = actions.add_parser("draft", help="fill it in, as PDF and JSON")
    draft.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    draft.add_argument("--publisher", help="the addressee; without it, all publishers")
    draft.set_defaults(command=_draft)


def _draft(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    for file in declaration.draft(collector, arguments.publisher, arguments.out):
        print(file)
    return OK
