"""Commands on declarations that are kept: from the draft to the receipt."""

import argparse
import json
import sys
from pathlib import Path

from quitus_collector.adapters.documents import read_bytes
from quitus_collector.adapters.files import write_together
from quitus_collector.cli.arguments import OK, Commands, collector_of, day, print_json
from quitus_collector.domain.declaration import Remedy, Reservation
from quitus_collector.domain.filing import Filing, Guard, State
from quitus_collector.errors import SealError, UsageError
from quitus_collector.services import filings, submission
from quitus_collector.services.ports import Paper
from quitus_collector.wiring import filing
from quitus_collector.wiring.collector import Collector

FILES = {
    Paper.DRAFT: "draft.pdf",
    Paper.EVIDENCE: "evidence.json",
    Paper.SEALED: "declaration.pdf",
    Paper.DATA: "declaration.json",
    Paper.RECEIPT: "receipt.page",
    Paper.RECEIPT_SEAL: "receipt.p7m",
}


def add(actions: Commands) -> None:
    """Adds this module's commands below `declaration`."""
    _add_reading(actions)
    _add_deciding(actions)
    _add_sending(actions)


def _add_reading(actions: Commands) -> None:
    listed = actions.add_parser("list", help="those that are kept, the newest first")
    listed.set_defaults(command=_list)

    show = _one(actions, "show", "what it states, field by field")
    show.add_argument(
        "--portal", metavar="NAME", help="and what that portal is given, with the digest to approve"
    )
    show.add_argument("--out", type=Path, metavar="FOLDER", help="write its files there")
    show.set_defaults(command=_show)

    review = _one(actions, "review", "say which lines you have read")
    chosen = review.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--line", action="append", metavar="PRODUCT", help="one that you read")
    chosen.add_argument("--all", action="store_true", help="you have read every line")
    review.set_defaults(command=_review)

    remark = _one(actions, "remark", "add a reservation or a step of the remediation plan")
    said = remark.add_mutually_exclusive_group(required=True)
    said.add_argument("--reservation", metavar="TEXT", help="what is not to be taken as said")
    said.add_argument("--remedy", metavar="TEXT", help="what will be done about a gap")
    said.add_argument(
        "--remove", type=int, metavar="NUMBER", help="take out the one that show numbers"
    )
    remark.add_argument("--line", default="", metavar="PRODUCT", help="that it is about")
    remark.add_argument("--by", type=day, metavar="DAY", help="when the remedy will be done")
    remark.add_argument("--quantity", type=int, metavar="N", help="to buy, or to remove")
    remark.set_defaults(command=_remark)


def _add_deciding(actions: Commands) -> None:
    approve = _one(actions, "approve", "approve what `show --portal` shows")
    approve.add_argument("--portal", required=True, metavar="NAME", help="that it will go to")
    approve.add_argument("--digest", required=True, metavar="SHA256", help="as shown there")
    approve.add_argument("--name", default="", help="of the approver (default: the signatory)")
    approve.add_argument("--function", default="", help="of the approver")
    approve.add_argument(
        "--override",
        action="append",
        nargs=2,
        default=[],
        metavar=("GUARD", "REASON"),
        help="set a guard aside for a written reason, which is printed: " + ", ".join(Guard),
    )
    approve.set_defaults(command=_approve)

    seal = _one(actions, "seal", "make the document that goes out")
    seal.add_argument("--receipt", action="store_true", help="sign the receipt that it has")
    seal.set_defaults(command=_seal)
    withdraw = _one(actions, "withdraw", "decide not to send it")
    withdraw.add_argument("--reason", required=True)
    withdraw.set_defaults(command=_withdraw)


def _add_sending(actions: Commands) -> None:
    submit = _one(actions, "submit", "send it to a portal, once")
    submit.add_argument("--portal", required=True, metavar="NAME")
    submit.add_argument(
        "--digest",
        default="",
        metavar="SHA256",
        help="as `show --portal` shows it, for another portal than the approvers saw",
    )
    submit.set_defaults(command=_submit)

    status = _one(actions, "status", "where it is; with --resolve, what became of it")
    status.add_argument(
        "--resolve",
        choices=("ask", "submitted", "not-submitted"),
        help="ask the portal, or say what you know of it",
    )
    status.add_argument("--receipt", default="", metavar="NUMBER")
    status.add_argument("--page", type=Path, metavar="FILE", help="the receipt itself, or a scan")
    status.add_argument("--reason", default="", help="how you know that it was not submitted")
    status.add_argument("--format", choices=("text", "json"), default="text")
    status.set_defaults(command=_status)


def draft(arguments: argparse.Namespace) -> int:
    """Keeps a draft, and writes its files where a folder is named."""
    kept, files = filing.draft(
        collector_of(arguments),
        arguments.publisher,
        arguments.letter,
        arguments.as_of,
        arguments.out,
    )
    _tell(kept)
    for file in files:
        print(file)
    return OK


def _one(actions: Commands, name: str, help: str) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help)
    parser.add_argument("declaration", metavar="ID")
    return parser


def _list(arguments: argparse.Namespace) -> int:
    with collector_of(arguments).store.reading() as work:
        for each in work.filings.list():
            receipt = each.receipt.number if each.receipt else ""
            to = each.publisher or "all publishers"
            print(f"{each.id}  {each.state:10}  {to:20}  {receipt}".rstrip())
    return OK


def _show(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    with collector.store.reading() as work:
        found = work.filings.get(arguments.declaration)
        papers = {paper: work.papers.find(found.id, paper) for paper in FILES}
    _print_document(found)
    if arguments.portal:
        seen = filing.view(collector, found.id, arguments.portal)
        print(f"\nto {arguments.portal}, and nothing else:")
        for each in seen.fields:
            print(f"{each.page}: {each.label}: {each.value}")
    if arguments.out:
        files = {
            arguments.out / FILES[paper]: content for paper, content in papers.items() if content
        }
        write_together(files.items(), private={arguments.out / FILES[Paper.EVIDENCE]})
        collector.took_out(found.id, file=", ".join(sorted(each.name for each in files)))
        for file in files:
            print(file)
    print(f"\nsha256 of the document {found.digest}")
    if arguments.portal:
        print(f"to approve: --portal {arguments.portal} --digest {seen.digest}")
    return OK


def _print_document(found: Filing) -> None:
    """All that it states; of the counts of its evidence, which say the lines again, the number."""
    document = json.loads(found.document)
    for name, value in filings.stated(found.document).items():
        print(f"{name:40} {value}")
    print(f"{'evidence.counts':40} {len((document['evidence'] or {}).get('counts', ()))}")
    remarks = [each["text"] for each in document["reservations"]]
    remarks += [each["action"] for each in document["remediation"]]
    for number, text in enumerate(remarks, 1):
        print(f"remark {number}: {text}")
    for line in document["lines"]:
        mark = " " if line["product"] in found.read else "*"
        missing = "undetermined" if line["missing"] is None else f"{line['missing']} missing"
        print(
            f"{mark} {line['product']:48} {line['installed']:>7} installed "
            f"{line['entitled']:>7} owned  {missing}"
        )
    if found.unread():
        print("* not read yet")


def _review(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = filings.review(
        collector.store,
        collector.clock,
        arguments.declaration,
        None if arguments.all else arguments.line,
        actor=collector.actor,
    )
    _tell(found)
    return OK


def _remark(arguments: argparse.Namespace) -> int:
    collector, filed = collector_of(arguments), arguments.declaration
    if arguments.remedy is None and (arguments.by or arguments.quantity is not None):
        raise UsageError("--by and --quantity go with --remedy")
    if arguments.remove is not None:
        _tell(filing.unremark(collector, filed, arguments.remove))
        return OK
    _tell(filing.remark(collector, filed, _said(arguments)))
    return OK


def _said(arguments: argparse.Namespace) -> Reservation | Remedy:
    text = (arguments.reservation if arguments.remedy is None else arguments.remedy).strip()
    if not text:
        raise UsageError("a remark has a text")
    if arguments.remedy is None:
        return Reservation(text, arguments.line)
    if arguments.by is None:
        raise UsageError("say by when it will be done: --by 2027-03-31")
    if arguments.quantity is not None and arguments.quantity < 1:
        raise UsageError("--quantity is a number from 1 on")
    return Remedy(arguments.line, text, arguments.quantity, arguments.by)


def _approve(arguments: argparse.Namespace) -> int:
    overrides = {}
    for name, reason in arguments.override:
        if name not in list(Guard):
            raise UsageError(f"no guard is called {name!r}; there are {', '.join(Guard)}")
        overrides[Guard(name)] = reason
    found = filing.approve(
        collector_of(arguments),
        arguments.declaration,
        arguments.portal,
        arguments.digest,
        arguments.name,
        arguments.function,
        overrides,
    )
    _tell(found)
    return OK


def _seal(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    if not arguments.receipt:
        _tell(filing.seal(collector, arguments.declaration))
        return OK
    with collector.store.reading() as work:
        found = work.filings.get(arguments.declaration)
    if not filing.seal_receipt(collector, found):
        raise UsageError("nothing is signed without a certificate: see [seal] in collector.toml")
    print(f"{found.id}: the receipt is sealed")
    return OK


def _seal_receipt(collector: Collector, found: Filing) -> None:
    """At once, where there is a receipt; what hinders it does not undo that there is one."""
    if found.state is not State.SUBMITTED:
        return
    try:
        sealed = filing.seal_receipt(collector, found)
    except SealError as error:
        said = f"{error}; try again with declaration seal {found.id} --receipt"
    else:
        said = "" if sealed else "no certificate is configured"
    if said:
        print(f"the receipt is kept, but not signed: {said}", file=sys.stderr)


def _submit(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = filing.submit(collector, arguments.declaration, arguments.portal, arguments.digest)
    _seal_receipt(collector, found)
    _tell(found)
    if found.state is State.UNCERTAIN:
        for each in filing.view(collector, found.id, arguments.portal).fields:
            print(f"{each.page}: {each.label}: {each.value}")
        print(
            "nothing is sent again: ask the portal with declaration status "
            f"{found.id} --resolve ask, or say what you know of it"
        )
    return OK if found.state is State.SUBMITTED else 1


def _status(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = _resolved(collector, arguments)
    if arguments.resolve:
        _seal_receipt(collector, found)
    if arguments.format == "json":
        attempts = [
            {"portal": each.portal, "by": each.by, "began_at": each.began_at.isoformat()}
            for each in found.attempts
        ]
        print_json(
            {
                "id": found.id,
                "state": found.state.value,
                "reference": found.reference,
                "sha256": found.digest,
                "sealed": found.sealed
                and {"sha256": found.sealed.sha256, "level": found.sealed.level},
                "blocks": [str(each) for each in found.blocks()],
                "approvals": [each.name for each in found.approvals],
                "attempts": attempts,
                "receipt": found.receipt
                and {
                    "number": found.receipt.number,
                    "at": found.receipt.at.isoformat(),
                    "page_sha256": found.receipt.page_sha256,
                },
                "note": found.note,
            }
        )
        return OK
    _tell(found)
    return OK


def _resolved(collector: Collector, arguments: argparse.Namespace) -> Filing:
    wanted, found, actor = arguments.resolve, arguments.declaration, collector.actor
    if wanted == "ask":
        return filing.ask(collector, found)
    if wanted == "submitted":
        page = read_bytes(arguments.page) if arguments.page else b""
        return submission.say_submitted(
            collector.store, collector.clock, found, arguments.receipt, page, actor=actor
        )
    if wanted == "not-submitted":
        return submission.say_not_submitted(
            collector.store, collector.clock, found, arguments.reason, actor=actor
        )
    with collector.store.reading() as work:
        return work.filings.get(found)


def _withdraw(arguments: argparse.Namespace) -> int:
    collector = collector_of(arguments)
    found = filings.withdraw(
        collector.store,
        collector.clock,
        arguments.declaration,
        arguments.reason,
        actor=collector.actor,
    )
    _tell(found)
    return OK


def _tell(found: Filing) -> None:
    print(f"{found.id} is {found.state}{f': {found.note}' if found.note else ''}")
    if found.state in (State.DRAFT, State.REVIEWED):
        for each in found.blocks():
            print(f"in the way of its approval: {each} ({each.guard})")
        wanted = found.policy.approvers - len(found.approvals)
        print(f"approvals still wanted: {wanted}")
        print(f"sha256 of the document {found.digest}")
    if found.sealed:
        print(f"sealed: {found.sealed.level}, sha256 {found.sealed.sha256}")
    if found.receipt:
        print(f"receipt {found.receipt.number}, {found.receipt.at:%Y-%m-%d %H:%M} UTC")
