"""Declarations: drafted, read, sealed, submitted, verified. People approve them, on their page."""

import json
import tempfile
from datetime import date, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from quitus_collector.domain.account import Permission
from quitus_collector.domain.declaration import Remedy, Reservation
from quitus_collector.domain.filing import Filing, Guard, State
from quitus_collector.domain.verification import Outcome
from quitus_collector.errors import UsageError
from quitus_collector.services import filings, submission
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.ports import Paper
from quitus_collector.web.api.calls import (
    Call,
    Calls,
    Content,
    Prose,
    Word,
    file_answer,
    found,
    upload,
)
from quitus_collector.web.api.paging import Cursor, Limit, Page, paged
from quitus_collector.wiring import declaration, filing

router = Calls("declarations")
Name = Annotated[Word, Query(min_length=1, description="the portal, by its description's name")]
PDF, JSON, OTHER = "application/pdf", "application/json", "application/octet-stream"
TYPES = {Paper.DRAFT: PDF, Paper.SEALED: PDF, Paper.DATA: JSON, Paper.EVIDENCE: JSON}


class BlockShown(BaseModel):
    """What is in the way of an approval."""

    guard: Guard
    what: str


class Approved(BaseModel):
    """Who approved it, as the document has it."""

    by: str
    name: str
    function: str
    at: datetime
    portal: str


class SealShown(BaseModel):
    """The document that goes out, and the level that its seal reached."""

    sha256: str
    level: str
    at: datetime


class Tried(BaseModel):
    """A try to submit it."""

    portal: str
    by: str
    began_at: datetime


class ReceiptShown(BaseModel):
    """What the portal answered."""

    number: str
    at: datetime
    page_sha256: str


class DeclarationShown(BaseModel):
    """A declaration and all that was done to it; `sha256` is of its document."""

    id: str
    state: State
    publisher: str
    reference: str
    campaign: str
    sha256: str
    drafted_by: str
    drafted_at: datetime
    unread: list[str]
    blocks: list[BlockShown]
    approvals: list[Approved]
    sealed: SealShown | None
    attempts: list[Tried]
    receipt: ReceiptShown | None
    note: str


class DraftWanted(BaseModel):
    """To which publisher, all of them without one; or the letter that it answers."""

    publisher: Word = ""
    campaign: Word = ""
    as_of: date | None = None


class Reading(BaseModel):
    """The lines that were read, by product; all of them without any."""

    lines: Annotated[list[Word], Field(max_length=100_000)] | None = None


class Remark(BaseModel):
    """A reservation; with `by`, what will be done about a line until then."""

    text: Annotated[Prose, Field(min_length=1)]
    line: Word = ""
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    by: date | None = None


class FieldShown(BaseModel):
    """One thing that leaves the house."""

    page: str
    label: str
    value: str


class ViewShown(BaseModel):
    """All that a portal would be given; an approval names the digest."""

    digest: str
    fields: list[FieldShown]


class Submission(BaseModel):
    """To which portal: one whose view was approved."""

    portal: Word


class Outcomes(BaseModel):
    """What is known of a declaration of which it is uncertain whether the portal has it."""

    submitted: bool
    receipt: Word = ""
    reason: Prose = ""


class Reason(BaseModel):
    """Why."""

    reason: Annotated[Prose, Field(min_length=1)]


class CheckShown(BaseModel):
    """One thing that was verified."""

    subject: str
    outcome: Outcome
    detail: str


class Verified(BaseModel):
    """Whether a declaration holds."""

    passed: bool
    level: str
    checks: list[CheckShown]


@router.call("GET", "/declarations", Permission.READ)
def list_declarations(
    call: Call, cursor: Cursor = "", limit: Limit = 100
) -> Page[DeclarationShown]:
    """Sorted by when they were drafted."""
    with call.collector.store.reading() as work:
        listed = sorted(work.filings.list(), key=_place)
    shown, following = paged(listed, _place, cursor, limit)
    return Page(items=[_shown(each) for each in shown], next=following)


@router.call("POST", "/declarations", Permission.EDIT, status=201)
def draft(call: Call, wanted: DraftWanted) -> DeclarationShown:
    """Fills a declaration in and keeps it; at a large fleet this takes minutes."""
    check_publisher(call.collector.catalogue, wanted.publisher or None)
    made, _ = filing.draft(call.collector, wanted.publisher or None, wanted.campaign, wanted.as_of)
    return _shown(made)


@router.call("GET", "/declarations/{declaration}", Permission.READ)
def get_declaration(call: Call, declaration: Word) -> DeclarationShown:
    """One declaration, and what is in the way of its approval."""
    return _shown(_filing(call, declaration))


@router.call("GET", "/declarations/{declaration}/document", Permission.READ)
def get_document(call: Call, declaration: Word) -> dict[str, Any]:
    """All that it states."""
    document: dict[str, Any] = json.loads(_filing(call, declaration).document)
    return document


@router.call(
    "GET",
    "/declarations/{declaration}/papers/{paper}",
    Permission.READ,
    answer=file_answer(PDF, JSON, OTHER),
)
def get_paper(call: Call, declaration: Word, paper: Paper) -> Response:
    """One of its files: as it was drafted, as it went out, its evidence, the receipt."""
    kept = _filing(call, declaration)
    if paper in (Paper.EVIDENCE, Paper.FIGURES) and Permission.EDIT not in call.token.scopes:
        # They name devices, and are not for everyone who reads.
        raise HTTPException(HTTPStatus.FORBIDDEN, "this paper takes the scope edit")
    with call.collector.store.reading() as work, found():
        content = work.papers.find(kept.id, paper)
        if not content:
            raise UsageError("the declaration {id} has no {paper} yet", id=kept.id, paper=paper)
    return Response(content, media_type=TYPES.get(paper, OTHER))


@router.call("POST", "/declarations/{declaration}/readings", Permission.EDIT)
def review(call: Call, declaration: Word, reading: Reading) -> DeclarationShown:
    """Notes that lines were read."""
    kept, collector = _filing(call, declaration), call.collector
    return _shown(
        filings.review(
            collector.store, collector.clock, kept.id, reading.lines, actor=collector.actor
        )
    )


@router.call("POST", "/declarations/{declaration}/remarks", Permission.EDIT, status=201)
def remark(call: Call, declaration: Word, remark: Remark) -> DeclarationShown:
    """One reservation or step of the plan more; approvals fall."""
    kept, text = _filing(call, declaration), remark.text.strip()
    if not text:
        raise UsageError("a remark has a text")
    said: Reservation | Remedy = Reservation(text, remark.line)
    if remark.by:
        said = Remedy(remark.line, text, remark.quantity, remark.by)
    elif remark.quantity is not None:
        raise UsageError("a quantity goes with a day until which something is done")
    return _shown(filing.remark(call.collector, kept.id, said))


@router.call("DELETE", "/declarations/{declaration}/remarks/{number}", Permission.EDIT)
def unremark(call: Call, declaration: Word, number: int) -> DeclarationShown:
    """Takes a remark out by its number, from 1 on; approvals fall."""
    kept = _filing(call, declaration)
    return _shown(filing.unremark(call.collector, kept.id, number))


@router.call("GET", "/declarations/{declaration}/view", Permission.READ)
def get_view(call: Call, declaration: Word, portal: Name) -> ViewShown:
    """All that the portal would be given; nothing is sent."""
    kept = _filing(call, declaration)
    seen = filing.view(call.collector, kept.id, portal)
    fields = [FieldShown(page=e.page, label=e.label, value=e.value) for e in seen.fields]
    return ViewShown(digest=seen.digest, fields=fields)


@router.call("POST", "/declarations/{declaration}/seal", Permission.APPROVE)
def seal(call: Call, declaration: Word) -> DeclarationShown:
    """Makes the document that goes out."""
    return _shown(filing.seal(call.collector, _filing(call, declaration).id))


@router.call("POST", "/declarations/{declaration}/submission", Permission.APPROVE)
def submit(call: Call, declaration: Word, submission: Submission) -> DeclarationShown:
    """Sends it to the portal, once."""
    kept = _filing(call, declaration)
    sent = filing.submit(call.collector, kept.id, submission.portal)
    return _shown(sent)


@router.call("POST", "/declarations/{declaration}/inquiry", Permission.APPROVE)
def ask(call: Call, declaration: Word) -> DeclarationShown:
    """Asks the portal that it was sent to."""
    kept = _filing(call, declaration)
    if not kept.attempts:
        raise UsageError("the declaration {id} was never sent", id=kept.id)
    return _shown(filing.ask(call.collector, kept.id))


@router.call("POST", "/declarations/{declaration}/outcome", Permission.APPROVE)
def say_outcome(call: Call, declaration: Word, outcome: Outcomes) -> DeclarationShown:
    """Says what is known of an uncertain one: its receipt, or why the portal does not have it."""
    kept, collector = _filing(call, declaration), call.collector
    store, clock, actor = collector.store, collector.clock, collector.actor
    if outcome.submitted:
        told = submission.say_submitted(store, clock, kept.id, outcome.receipt, b"", actor=actor)
    else:
        told = submission.say_not_submitted(store, clock, kept.id, outcome.reason, actor=actor)
    return _shown(told)


@router.call("POST", "/declarations/{declaration}/withdrawal", Permission.APPROVE)
def withdraw(call: Call, declaration: Word, why: Reason) -> DeclarationShown:
    """Decides not to send it."""
    kept, collector = _filing(call, declaration), call.collector
    return _shown(
        filings.withdraw(
            collector.store, collector.clock, kept.id, why.reason, actor=collector.actor
        )
    )


@router.call("POST", "/verifications", Permission.READ, openapi_extra=upload())
def verify(call: Call, content: Content) -> Verified:
    """Checks the sealed declaration in the body: its seal, its time, its figures."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "declaration.pdf"
        file.write_bytes(content)
        try:
            made = declaration.verify(file, None, call.collector.config.seal.trust)
        except UsageError as error:
            raise UsageError(str(error).replace(f"{folder}/", "")) from error
    checks = [
        CheckShown(subject=e.subject, outcome=e.outcome, detail=e.detail) for e in made.checks
    ]
    return Verified(passed=made.passed, level=made.level, checks=checks)


def _filing(call: Call, declaration: str) -> Filing:
    with call.collector.store.reading() as work, found():
        return work.filings.get(declaration)


def _place(made: Filing) -> str:
    return f"{made.drafted_at.isoformat()} {made.id}"


def _shown(made: Filing) -> DeclarationShown:
    sealed, receipt = made.sealed, made.receipt
    return DeclarationShown(
        id=made.id,
        state=made.state,
        publisher=made.publisher,
        reference=made.reference,
        campaign=made.campaign,
        sha256=made.digest,
        drafted_by=made.drafted_by,
        drafted_at=made.drafted_at,
        unread=list(made.unread()),
        blocks=[BlockShown(guard=each.guard, what=str(each)) for each in made.blocks()],
        approvals=[
            Approved(by=e.by, name=e.name, function=e.function, at=e.at, portal=e.portal)
            for e in made.approvals
        ],
        sealed=SealShown(sha256=sealed.sha256, level=sealed.level, at=sealed.at)
        if sealed
        else None,
        attempts=[Tried(portal=e.portal, by=e.by, began_at=e.began_at) for e in made.attempts],
        receipt=ReceiptShown(number=receipt.number, at=receipt.at, page_sha256=receipt.page_sha256)
        if receipt
        else None,
        note=made.note,
    )
