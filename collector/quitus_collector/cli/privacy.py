"""Commands for who has to inform employees."""

import argparse
from pathlib import Path

from quitus_collector.cli.arguments import OK, Commands, collector_of
from quitus_collector.wiring import privacy


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    about = commands.add_parser("privacy", help="what employees and their representatives ask for")
    actions = about.add_subparsers(required=True, metavar="ACTION")
    pack = actions.add_parser(
        "pack",
        help="information note, register entry, retention, impact assessment: drafts in French and"
        " English, from what the agents really report",
    )
    pack.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    pack.set_defaults(command=_pack)


def _pack(arguments: argparse.Namespace) -> int:
    for path in privacy.pack(collector_of(arguments), arguments.out):
        print(path)
    return OK
