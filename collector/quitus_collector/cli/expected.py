"""Commands on the devices that there should be."""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path

from quitus_collector.adapters.sheets import expected_csv
from quitus_collector.cli.arguments import OK, Commands, collector_of, print_json
from quitus_collector.domain.expected import ExpectedDevice, SystemCoverage
from quitus_collector.domain.systems import family
from quitus_collector.services import filings
from quitus_collector.wiring import filing

SHOWN = 20


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    expected = commands.add_parser("expected", help="devices that there should be")
    actions = expected.add_subparsers(required=True, metavar="ACTION")
    imported = actions.add_parser("import", help="take a list in, in place of the one before")
    imported.add_argument("file", type=Path, metavar="FILE.csv")
    imported.set_defaults(command=_import)
    fetched = actions.add_parser(
        "fetch", help="take it from Active Directory, as [directory] in collector.toml says"
    )
    fetched.set_defaults(command=_fetch)
    for each in (imported, fetched):
        each.add_argument(
            "--dry-run", action="store_true", help="show what would change, and change nothing"
        )
    coverage = actions.add_parser("coverage", help="the list beside what is enrolled")
    coverage.add_argument("--format", choices=("text", "json", "csv"), default="text")
    coverage.set_defaults(command=_coverage)


def _import(arguments: argparse.Namespace) -> int:
    return _keep(arguments, expected_csv.read(arguments.file), str(arguments.file))


def _fetch(arguments: argparse.Namespace) -> int:
    found, where = filing.fetch_expected(collector_of(arguments))
    for server in found.elsewhere:
        print(f"{where}: refers to {server}, which is not asked: its computers are not in the list")
    _names("names that several computers have, each taken once", found.doubled)
    return _keep(arguments, found.devices, where)


def _keep(arguments: argparse.Namespace, devices: Sequence[ExpectedDevice], where: str) -> int:
    collector = collector_of(arguments)
    if arguments.dry_run:
        changes = filings.preview_expected(collector.store, devices)
        print(f"{where}: {len(devices)} devices would be expected; nothing was changed")
    else:
        changes = filings.expect(collector.store, collector.clock, devices, actor=collector.actor)
        print(f"{where}: {len(devices)} devices are expected")
    for system, number in sorted(Counter(family(each.system) for each in devices).items()):
        print(f"    {system}: {number}")
    _names("new", changes.new)
    _names("no longer expected", changes.gone)
    _names("told otherwise", changes.changed)
    return OK


def _coverage(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found, systems = filings.fleet_coverage(collector.store, collector.clock)
    if arguments.format == "json":
        print_json(
            {
                "known": found.known,
                "reporting": found.reporting,
                "groups": [
                    {
                        "site": each.site,
                        "system": each.system,
                        "expected": each.expected,
                        "enrolled": each.enrolled,
                        "reporting": each.reporting,
                    }
                    for each in found.groups
                ],
                "systems": [asdict(each) for each in systems],
                "never_seen": [each.name for each in found.never_seen],
                "not_expected": list(found.not_expected),
            }
        )
        return OK
    if arguments.format == "csv":
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow([each.name for each in fields(SystemCoverage)])
        table.writerows(astuple(each) for each in systems)
        return OK
    percent = f" ({100 * found.reporting // found.known} %)" if found.known else ""
    print(f"{found.reporting} of {found.known} known devices report{percent}")
    for each in found.groups:
        name = ", ".join(filter(None, (each.site, each.system))) or "no site"
        print(f"    {name}: {each.reporting} of {each.expected} report, {each.enrolled} enrolled")
    for system in systems:
        listed = "" if system.expected is None else f", {system.expected} expected"
        print(f"    {system.system}: {system.reporting} of {system.enrolled} report{listed}")
    _names("expected and never seen", [each.name for each in found.never_seen])
    _names("enrolled and not expected", found.not_expected)
    return OK


def _names(what: str, names: Sequence[str]) -> None:
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        print(f"{len(names)} {what}: {', '.join(names[:SHOWN])}{more}")
