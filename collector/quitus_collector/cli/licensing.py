"""Commands on licences: position, findings, scenarios."""

import argparse
import sys
from pathlib import Path

from quitus_collector.adapters.files import write_together
from quitus_collector.adapters.terminal import position_pages
from quitus_collector.cli.arguments import (
    OK,
    Commands,
    collector_of,
    day,
    duration,
    print_json,
)
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.services.declaring import check_publisher
from quitus_collector.wiring import licensing
from quitus_collector.wiring.collector import Collector


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    position = commands.add_parser("position", help="the effective licence position")
    position.add_argument("--format", choices=("table", "json", "csv", "xlsx"), default="table")
    position.add_argument("--out", type=Path, metavar="FILE", help="write json, csv or xlsx to it")
    position.add_argument("--publisher", help="of one publisher only: microsoft, adobe …")
    position.add_argument(
        "--as-of",
        type=day,
        metavar="DAY",
        help="of the end of a past day, as it was known then: 2026-12-31",
    )
    position.add_argument(
        "--readings",
        action="store_true",
        help="beside it, what it comes to if contested rules are all read strictly, or leniently",
    )
    position.set_defaults(command=_position)

    findings = commands.add_parser(
        "findings", help="facts beside the position: support, activation, conditions"
    )
    findings.add_argument("--format", choices=("table", "json"), default="table")
    findings.add_argument(
        "--key-server",
        action="append",
        default=[],
        metavar="HOST",
        help="a key server of yours; others are then reported",
    )
    findings.set_defaults(command=_findings)

    reconcile = commands.add_parser("reconcile", help="answer a scenario file")
    reconcile.add_argument("file", type=Path, metavar="SCENARIO.json")
    reconcile.add_argument("--format", choices=("json",), default="json")
    reconcile.add_argument(
        "--time-limit",
        type=duration,
        metavar="90s|5m",
        help="after it, the best answer so far is printed, said not to be proven (default: none)",
    )
    reconcile.set_defaults(command=_reconcile)


def _position(arguments: argparse.Namespace) -> int:
    form, out = arguments.format, arguments.out
    if form == "xlsx" and not out:
        raise UsageError("a workbook needs a file: --format xlsx --out FILE.xlsx")
    if form == "table" and out:
        raise UsageError("a table goes to the terminal: --out goes with json, csv or xlsx")
    collector = collector_of(arguments)
    check_publisher(collector.catalogue, arguments.publisher)
    if arguments.readings:
        return _readings(arguments, collector)
    if form == "table":
        position = licensing.position(collector, arguments.as_of)
        if arguments.publisher:
            position = position.of_publisher(arguments.publisher)
        position_pages.position(position, collector.messages)
        return OK
    content = licensing.export(collector, form, arguments.as_of, arguments.publisher)
    if out:
        write_together([(out, content)])
        print(out)
    else:
        sys.stdout.write(content.decode())
    return OK


def _readings(arguments: argparse.Namespace, collector: Collector) -> int:
    if arguments.format not in ("table", "json") or arguments.out:
        raise UsageError(
            "--readings is a table or JSON at the terminal: other forms have one position"
        )
    found = licensing.readings(collector, arguments.as_of)
    if arguments.publisher:
        found = found.of_publisher(arguments.publisher)
    if arguments.format == "json":
        print_json(found.document())
    else:
        position_pages.side_by_side(found, collector.messages)
    return OK


def _findings(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = licensing.findings(collector, arguments.key_server)
    if arguments.format == "json":
        print_json([each.document() for each in found])
    else:
        position_pages.findings(found, collector.catalogue, collector.messages)
    return OK


def _reconcile(arguments: argparse.Namespace) -> int:
    limit = arguments.time_limit and arguments.time_limit.total_seconds()
    answer, is_optimal = licensing.reconcile_scenario(
        collector_of(arguments), arguments.file, limit
    )
    sys.stdout.writelines(answer)
    if not is_optimal:
        raise CollectorError("the time limit was reached: this is the best answer until then")
    return OK
