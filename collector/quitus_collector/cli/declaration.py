"""Commands on the declaration."""

import argparse
from pathlib import Path

from quitus_collector.cli.arguments import OK, Commands, collector_of, print_json
from quitus_collector.domain.verification import Outcome, Verification
from quitus_collector.errors import CollectorError
from quitus_collector.wiring import declaration


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("declaration", help="the declaration")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    draft = actions.add_parser("draft", help="fill it in, as PDF and JSON")
    draft.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    draft.add_argument("--publisher", help="the addressee; without it, all publishers")
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


def _draft(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    for file in declaration.draft(collector, arguments.publisher, arguments.out):
        print(file)
    return OK


def _verify(arguments: argparse.Namespace) -> int:
    found = declaration.verify(arguments.file, arguments.proof, arguments.trust)
    if arguments.format == "json":
        print_json(_document(found))
    else:
        print(f"{'level':12} {found.level}")
        for subject, outcome, detail in found.checks:
            print(f"{subject:12} {outcome:8} {detail}")
    if not found.passed:
        failed = [check.subject for check in found.checks if check.outcome is Outcome.FAILED]
        raise CollectorError(f"{arguments.file}: does not hold: {', '.join(failed)}")
    return OK


def _document(found: Verification) -> dict[str, object]:
    checks = [each._asdict() for each in found.checks]
    return {"passed": found.passed, "level": found.level, "checks": checks}


def _prove(arguments: argparse.Namespace) -> int:
    for file in declaration.write_proofs(
        arguments.evidence, arguments.device, arguments.product, arguments.out
    ):
        print(file)
    return OK
