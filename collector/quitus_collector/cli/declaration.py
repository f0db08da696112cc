"""Commands on the declaration."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from quitus_collector.adapters.terminal import position_pages
from quitus_collector.cli import filing
from quitus_collector.cli.arguments import OK, Commands, collector_of, day, print_json
from quitus_collector.domain.comparison import Difference
from quitus_collector.domain.verification import Outcome, Verification
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.wiring import declaration


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("declaration", help="the declaration")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    draft = actions.add_parser("draft", help="fill it in, as PDF and JSON")
    draft.add_argument("--out", type=Path, metavar="FOLDER", help="where to write its files")
    draft.add_argument(
        "--keep", action="store_true", help="keep it here: to be read, approved and submitted"
    )
    draft.add_argument("--letter", default="", metavar="ID", help="that it answers; keeps it")
    draft.add_argument("--publisher", help="the addressee; without it, all publishers")
    draft.add_argument(
        "--as-of",
        type=day,
        metavar="DAY",
        help="of the end of a past day, as it was known then: 2026-12-31",
    )
    draft.set_defaults(command=_draft)

    verify = actions.add_parser("verify", help="check a declaration, off-line")
    verify.add_argument("file", type=Path, metavar="FILE.pdf")
    verify.add_argument("--proof", type=Path, metavar="P.json", help="of one device's part")
    verify.add_argument(
        "--trust", type=Path, metavar="CA.pem", help="who vouches for certificate and timestamp"
    )
    verify.add_argument("--format", choices=("table", "json"), default="table")
    verify.set_defaults(command=_verify)

    prove = actions.add_parser("prove", help="prove one device's part in the counts")
    prove.add_argument("evidence", type=Path, metavar="EVIDENCE.json")
    prove.add_argument("--device", required=True, metavar="ID")
    prove.add_argument("--product", help="in the counts of this product alone")
    prove.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    prove.set_defaults(command=_prove)

    diff = actions.add_parser("diff", help="what differs between two declarations, and why")
    diff.add_argument("before", type=Path, metavar="BEFORE")
    diff.add_argument("after", type=Path, metavar="AFTER", help="PDF or JSON, as BEFORE")
    diff.add_argument("--format", choices=("table", "json"), default="table")
    diff.set_defaults(command=_diff)

    reopen = actions.add_parser(
        "reopen", help="count again as of a declaration's date, and compare the figures"
    )
    reopen.add_argument("file", type=Path, metavar="FILE", help="PDF or JSON")
    reopen.add_argument("--format", choices=("table", "json"), default="table")
    reopen.set_defaults(command=_reopen)
    filing.add(actions)


def _draft(arguments: argparse.Namespace) -> int:
    if arguments.keep or arguments.letter:
        return filing.draft(arguments)
    if arguments.out is None:
        raise UsageError("say where to write the draft, --out FOLDER, or keep it here: --keep")
    collector = collector_of(arguments)
    for file in declaration.draft(collector, arguments.publisher, arguments.out, arguments.as_of):
        print(file)
    return OK


def _verify(arguments: argparse.Namespace) -> int:
    found = declaration.verify(arguments.file, arguments.proof, arguments.trust)
    if arguments.format == "json":
        print_json(_document(found))
    else:
        position_pages.verification(found, collector_of(arguments).messages)
    if not found.passed:
        failed = [check.subject for check in found.checks if check.outcome is Outcome.FAILED]
        raise CollectorError(f"{arguments.file}: does not hold: {', '.join(failed)}")
    return OK


def _document(found: Verification) -> dict[str, object]:
    checks = [
        {
            "subject": each.subject,
            "outcome": each.outcome,
            "detail": each.detail,
            "values": each.values,
        }
        for each in found.checks
    ]
    return {"passed": found.passed, "level": found.level, "checks": checks}


def _prove(arguments: argparse.Namespace) -> int:
    for file in declaration.write_proofs(
        arguments.evidence, arguments.device, arguments.product, arguments.out
    ):
        print(file)
    return OK


def _diff(arguments: argparse.Namespace) -> int:
    found = declaration.diff(arguments.before, arguments.after)
    _print_differences(found, arguments)
    return OK


def _reopen(arguments: argparse.Namespace) -> int:
    again, found = declaration.reopen(collector_of(arguments), arguments.file)
    _print_differences(found, arguments)
    if found:
        raise CollectorError(
            f"{arguments.file}: {len(found)} lines are not counted again as they are stated"
        )
    if arguments.format == "table":
        print(f"{arguments.file}: {len(again.lines)} lines, the same figures")
    return OK


def _print_differences(found: Sequence[Difference], arguments: argparse.Namespace) -> None:
    if arguments.format == "json":
        print_json([_difference(each) for each in found])
    else:
        position_pages.differences(found, collector_of(arguments).messages)


def _difference(found: Difference) -> dict[str, object]:
    return {
        "product": found.product,
        "label": found.label,
        "changes": [each._asdict() for each in found.changes],
        "reasons": [each._asdict() for each in found.reasons],
    }
