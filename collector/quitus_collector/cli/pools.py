"""Commands on licence pools and the documents that prove them."""

import argparse
import sys
from pathlib import Path

from quitus_collector.adapters.pools import FORMS
from quitus_collector.adapters.terminal import pool_pages
from quitus_collector.cli.arguments import (
    OK,
    USAGE,
    Commands,
    collector_of,
    label,
    pair,
    print_json,
)
from quitus_collector.domain.holding import Act
from quitus_collector.domain.proof import ProofKind, strength, title_flaws
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.services import proving
from quitus_collector.services.pool_wording import document, happened_document
from quitus_collector.services.pools import Preview, Refused, history, owned, remove_entitlement
from quitus_collector.services.proving import Condition
from quitus_collector.services.wording import N_
from quitus_collector.wiring import pools
from quitus_collector.wiring.collector import Collector


def add(commands: Commands) -> None:
    """Adds this module's commands."""
    parser = commands.add_parser("pools", help="licence pools")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_import(actions)
    listed = actions.add_parser("list", help="all entitlements")
    listed.add_argument("--format", choices=("table", "json"), default="table")
    listed.set_defaults(command=_list)
    added = actions.add_parser("add", help="add an entitlement")
    added.add_argument("fields", nargs="+", metavar="FIELD=VALUE", help="quantity=30")
    added.add_argument("--reason", type=label, default="", help="for the history")
    added.set_defaults(command=_add)
    edit = actions.add_parser("edit", help="change fields of an entitlement; its history stays")
    edit.add_argument("entitlement", metavar="ID")
    edit.add_argument("fields", nargs="+", metavar="FIELD=VALUE", help="quantity=30")
    edit.add_argument("--reason", type=label, default="", help="for the history")
    edit.set_defaults(command=_edit)
    remove = actions.add_parser("remove", help="take an entitlement out; its history stays")
    remove.add_argument("entitlement", metavar="ID")
    remove.add_argument("--reason", type=label, required=True, help="for the history")
    remove.set_defaults(command=_remove)
    past = actions.add_parser("history", help="what happened to entitlements, by whom and why")
    past.add_argument("entitlement", nargs="?", metavar="ID")
    past.add_argument("--format", choices=("table", "json"), default="table")
    past.set_defaults(command=_history)
    _add_proofs(commands)


def _add_import(actions: Commands) -> None:
    imported = actions.add_parser(
        "import",
        help="take in entitlements from a file",
        description="Takes in entitlements from a CSV or XLSX list, a Microsoft Licence Statement, "
        "CycloneDX or ISO/IEC 19770-3, all of it or nothing.",
    )
    add_taking_in(imported)
    imported.add_argument(
        "--format", choices=("auto", *FORMS), default="auto", help="default: by the content"
    )
    imported.set_defaults(command=_import)


def add_taking_in(parser: argparse.ArgumentParser) -> None:
    """The arguments of every command that takes a list in from a file."""
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--dry-run", action="store_true", help="only show what would change")
    parser.add_argument(
        "--match",
        action="append",
        default=[],
        metavar="NAME=PRODUCT",
        help="the product of a name or part number in the file; remembered from then on",
    )
    parser.add_argument(
        "--without-unmatched",
        action="store_true",
        help="leave out the lines of which it is not certain what they are",
    )
    parser.add_argument("--reason", type=label, default="", help="for the history")


def _add_proofs(commands: Commands) -> None:
    parser = commands.add_parser("proofs", help="documents that prove entitlements")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    added = actions.add_parser("add", help="keep a document for an entitlement")
    added.add_argument("file", type=Path, metavar="FILE")
    added.add_argument("--for", dest="entitlement", required=True, metavar="ID")
    added.add_argument("--type", choices=[each.value for each in ProofKind], required=True)
    added.set_defaults(command=_proofs_add)
    listed = actions.add_parser("list", help="the documents")
    listed.add_argument("--for", dest="entitlement", metavar="ID")
    listed.add_argument("--removed", action="store_true", help="those that were taken off too")
    listed.set_defaults(command=_proofs_list)
    verify = actions.add_parser("verify", help="read every document again")
    verify.set_defaults(command=_proofs_verify)
    exported = actions.add_parser("export", help="copy documents out")
    exported.add_argument("--for", dest="entitlement", metavar="ID", help="default: all")
    exported.add_argument("--out", type=Path, required=True, metavar="FOLDER")
    exported.set_defaults(command=_proofs_export)
    remove = actions.add_parser("remove", help="take a document off an entitlement; the file stays")
    remove.add_argument("document", metavar="SHA-256", help="or enough of its beginning")
    remove.add_argument("--for", dest="entitlement", required=True, metavar="ID")
    remove.add_argument("--reason", type=label, required=True)
    remove.set_defaults(command=_proofs_remove)


def _import(arguments: argparse.Namespace) -> int:
    collector, file = collector_of(arguments), arguments.file
    decisions = dict(map(pair, arguments.match))
    try:
        if arguments.dry_run:
            found = pools.preview_pools(collector, file, arguments.format, decisions)
        else:
            found = pools.import_pools(
                collector,
                file,
                arguments.format,
                decisions,
                reason=arguments.reason,
                without_unmatched=arguments.without_unmatched,
            )
    except Refused as refused:
        raise complain(refused, file, collector, N_("nothing was imported")) from refused
    if arguments.dry_run:
        pool_pages.changes(found.changes, collector.messages)
    pool_pages.remarks(found, collector.messages)
    counts = (
        f"{found.added} entitlements added, {found.changed} changed, {found.unchanged} unchanged"
    )
    print(f"{file}: {'would be: ' if arguments.dry_run else ''}{counts}")
    return _after(found, collector, arguments)


def _after(found: Preview, collector: Collector, arguments: argparse.Namespace) -> int:
    """What is wrong with a document that was only looked at, or left out of one taken in."""
    if not found.complaints:
        return OK
    _complain(found, collector)
    is_fine = not found.problems and arguments.without_unmatched
    return OK if is_fine else USAGE


def complain(refused: Refused, file: Path, collector: Collector, outcome: str) -> UsageError:
    """Tells every complaint about a document; returns what to raise, with their number."""
    _complain(refused.preview, collector)
    wrong, messages = len(refused.preview.complaints), collector.messages
    count = messages.count("{file}: {n} complaint", "{file}: {n} complaints", wrong, file=file)
    return UsageError(f"{count}, {messages.text(outcome)}")


def _complain(found: Preview, collector: Collector) -> None:
    sys.stdout.flush()
    for sentence in pool_pages.complaints(found, collector.messages):
        print(sentence, file=sys.stderr)


def _list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    lines = owned(collector.store)
    if arguments.format == "table":
        pool_pages.pools(lines, collector.messages)
        return OK
    print_json(
        [
            {
                **document(line),
                "documents": sorted(kinds),
                "strength": strength(line, kinds).name.lower(),
                "flaws": [flaw.value for flaw in title_flaws(line, kinds)],
            }
            for line, kinds in lines
        ]
    )
    return OK


def _add(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    try:
        line = pools.add(collector, dict(map(pair, arguments.fields)), arguments.reason)
    except Refused as refused:
        _complain(refused.preview, collector)
        raise
    print(f"{line.id} is added: {line.quantity} of {line.product}")
    return OK


def _edit(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    values = dict(map(pair, arguments.fields))
    try:
        change = pools.edit(collector, arguments.entitlement, values, arguments.reason)
    except Refused as refused:
        _complain(refused.preview, collector)
        raise
    pool_pages.edited(change, collector.messages)
    changed = len(change.differences)
    print(f"{arguments.entitlement}: {changed} field{'' if changed == 1 else 's'} changed")
    return OK


def _remove(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    act = Act(collector.actor, arguments.reason)
    removed = remove_entitlement(collector.store, collector.clock, arguments.entitlement, act)
    print(f"{removed.id} is removed: {removed.quantity} of {removed.product}")
    return OK


def _history(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = history(collector.store, arguments.entitlement)
    if arguments.format == "json":
        print_json([happened_document(each) for each in found])
    else:
        pool_pages.history(found, collector.messages)
    return OK


def _proofs_add(arguments: argparse.Namespace) -> int:
    proof = pools.add_proof(
        collector_of(arguments),
        arguments.file,
        arguments.entitlement,
        ProofKind(arguments.type),
    )
    print(f"{proof.sha256} is kept for {proof.entitlement}: {proof.kind} {proof.name}")
    return OK


def _proofs_list(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = proving.proofs(collector.store, arguments.entitlement, removed=arguments.removed)
    pool_pages.proofs(found, collector.messages)
    return OK


def _proofs_verify(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = pools.verify_proofs(collector)
    pool_pages.verified(found, collector.messages)
    damaged = sum(each.condition is Condition.DAMAGED for each in found)
    if damaged:
        raise CollectorError(f"{damaged} documents are damaged or gone")
    return OK


def _proofs_export(arguments: argparse.Namespace) -> int:
    for file in pools.export_proofs(collector_of(arguments), arguments.out, arguments.entitlement):
        print(file)
    return OK


def _proofs_remove(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    act = Act(collector.actor, arguments.reason)
    proof = proving.remove_proof(
        collector.store, collector.clock, arguments.document, arguments.entitlement, act
    )
    print(f"{proof.name} is taken off {proof.entitlement}; the document {proof.sha256} is kept")
    return OK
