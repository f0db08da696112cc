"""Commands on licence pools."""

import argparse
from pathlib import Path

from quitus_collector.adapters import terminal
from quitus_collector.cli.arguments import OK, Commands, collector_of
from quitus_collector.services.pools import remove_entitlement
from quitus_collector.wiring import pools


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("pools", help="licence pools")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser("import", help="take in entitlements from a CSV file")
    imported.add_argument("file", type=Path, metavar="FILE.csv")
    imported.set_defaults(command=_import)
    actions.add_parser("list", help="all entitlements").set_defaults(command=_list)
    remove = actions.add_parser("remove", help="take an entitlement out")
    remove.add_argument("entitlement", metavar="ID")
    remove.set_defaults(command=_remove)


def _remove(arguments: argparse.Namespace) -> int:
    removed = remove_entitlement(collector_of(arguments).store, arguments.entitlement)
    print(f"{removed.id} is removed: {removed.quantity} of {removed.product}")
    return OK


def _import(arguments: argparse.Namespace) -> int:
    summary = pools.import_pools(collector_of(arguments), arguments.file)
    print(
        f"{arguments.file}: {summary.added} entitlements added, {summary.changed} changed, "
        f"{summary.unchanged} unchanged"
    )
    return OK


def _list(arguments: argparse.Namespace) -> int:
    with collector_of(arguments).store.reading() as work:
        terminal.pools(work.entitlements.list())
    return OK
