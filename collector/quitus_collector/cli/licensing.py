"""Commands on licences: position, findings, scenarios."""

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path

from quitus_collector.adapters import terminal
from quitus_collector.cli.arguments import (
    OK,
    Commands,
    collector_of,
    day,
    duration,
    print_json,
)
from quitus_collector.domain.position import PositionLine
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.wording import why
from quitus_collector.wiring import licensing
from quitus_collector.wiring.collector import Collector

CSV_FIELDS = (
    "product",
    "label",
    "metric",
    "installed",
    "entitled",
    "consumed",
    "available",
    "missing",
    "state",
    "reason",
)


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    position = commands.add_parser("position", help="the effective licence position")
    position.add_argument("--format", choices=("table", "json", "csv"), default="table")
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
    collector = collector_of(arguments)
    check_publisher(collector.catalogue, arguments.publisher)
    if arguments.readings:
        return _readings(arguments, collector)
    position = licensing.position(collector, arguments.as_of)
    if arguments.publisher:
        position = position.of_publisher(arguments.publisher)
    if arguments.format == "json":
        print_json(position.document())
    elif arguments.format == "csv":
        _print_csv(position.lines, collector)
    else:
        terminal.position(position, collector.messages)
    return OK


def _readings(arguments: argparse.Namespace, collector: Collector) -> int:
    if arguments.format == "csv":
        raise UsageError("--readings is a table or JSON: csv has one position")
    found = licensing.readings(collector, arguments.as_of)
    if arguments.publisher:
        found = found.of_publisher(arguments.publisher)
    if arguments.format == "json":
        print_json(found.document())
    else:
        terminal.side_by_side(found, collector.messages)
    return OK


def _findings(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = licensing.findings(collector, arguments.key_server)
    if arguments.format == "json":
        print_json([each.document() for each in found])
    else:
        terminal.findings(found, collector.catalogue, collector.messages)
    return OK


def _print_csv(lines: Sequence[PositionLine], collector: Collector) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*CSV_FIELDS, "why"])
    for line in lines:
        document = line.document()
        writer.writerow([*(document[name] for name in CSV_FIELDS), why(line, collector.messages)])


def _reconcile(arguments: argparse.Namespace) -> int:
    limit = arguments.time_limit and arguments.time_limit.total_seconds()
    answer, is_optimal = licensing.reconcile_scenario(
        collector_of(arguments), arguments.file, limit
    )
    print(answer)
    if not is_optimal:
        raise CollectorError("the time limit was reached: this is the best answer until then")
    return OK
