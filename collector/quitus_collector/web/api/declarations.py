"""Declarations: drafted, read, remarked on, compared, verified, counted again."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Base64Bytes, BaseModel, Field
from starlette.exceptions import HTTPException

from quitus_collector.domain.account import Permission
from quitus_collector.domain.comparison import Difference
from quitus_collector.domain.declaration import Remedy, Reservation
from quitus_collector.domain.filing import Filing, Guard, State
from quitus_collector.domain.verification import Outcome
from quitus_collector.errors import UsageError
from quitus_collector.services import filings, wording
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.licensing import end_of_past
from quitus_collector.services.ports import Paper
from quitus_collector.web.api.calls import (
    Body,
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
from quitus_collector.web.api.work import BEGUN, JobShown, begin
from quitus_collector.web.uploads import uploaded
from quitus_collector.wiring import declaration, filing

router = Calls("declarations")
Name = Annotated[Word, Query(min_length=1, description="the other declaration's id")]
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


class DraftWanted(Body):
    """To which publisher, all of them without one; or the letter that it answers."""

    publisher: Word = ""
    campaign: Word = ""
    as_of: date | None = None


class Reading(Body):
    """The lines that were read, by product; all of them without any."""

    lines: Annotated[list[Word], Field(max_length=100_000)] | None = None


class Remark(Body):
    """A reservation; with `by`, what will be done about a line until then."""

    text: Annotated[Prose, Field(min_length=1)]
    line: Word = ""
    quantity: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    by: date | None = None


class Reason(Body):
    """Why."""

    reason: Annotated[Prose, Field(min_length=1)]


class DifferenceShown(BaseModel):
    """A line that differs, and why, in sentences."""

    product: str
    label: str
    changes: list[str]
    reasons: list[str]


class Differences(BaseModel):
    """Line by line."""

    items: list[DifferenceShown]


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
    some, following = paged(listed, _place, cursor, limit)
    return Page(items=[shown(each) for each in some], next=following)


@router.call("POST", "/declarations", Permission.EDIT, **BEGUN)
def draft(call: Call, response: Response, wanted: DraftWanted) -> JobShown:
    """Has a declaration filled in and kept, whose id is the `declaration` of the job's result."""
    collector = call.collector
    check_publisher(collector.catalogue, wanted.publisher or None)
    if wanted.campaign:
        with collector.store.reading() as work:
            work.campaigns.get(wanted.campaign)
    if wanted.as_of:
        end_of_past(collector.clock, wanted.as_of)
    return begin(
        call,
        response,
        "declaration-draft",
        publisher=wanted.publisher,
        letter=wanted.campaign,
        as_of=wanted.as_of.isoformat() if wanted.as_of else "",
        about=collector.catalogue.publishers.get(wanted.publisher, "") or wanted.campaign,
    )


@router.call("GET", "/declarations/{declaration}", Permission.READ)
def get_declaration(call: Call, declaration: Word) -> DeclarationShown:
    """One declaration, and what is in the way of its approval."""
    return shown(filing_of(call, declaration))


@router.call("GET", "/declarations/{declaration}/document", Permission.READ)
def get_document(call: Call, declaration: Word) -> dict[str, Any]:
    """All that it states."""
    document: dict[str, Any] = json.loads(filing_of(call, declaration).document)
    return document


@router.call("GET", "/declarations/{declaration}/differences", Permission.READ)
def compare(call: Call, declaration: Word, since: Name) -> Differences:
    """The lines in which it differs from another one to the same publisher, `since`."""
    filing_of(call, since)
    found = filing.compare(call.collector, since, filing_of(call, declaration).id)
    return Differences(items=_told(call, found))


@router.call(
    "GET",
    "/declarations/{declaration}/papers/{paper}",
    Permission.READ,
    answer=file_answer(PDF, JSON, OTHER),
)
def get_paper(call: Call, declaration: Word, paper: Paper) -> Response:
    """One of its files: as it was drafted, as it went out, its evidence, the receipt."""
    kept = filing_of(call, declaration)
    if paper in (Paper.EVIDENCE, Paper.FIGURES) and Permission.EDIT not in call.token.scopes:
        # They name devices, and are not for everyone who reads.
        raise HTTPException(HTTPStatus.FORBIDDEN, "this paper takes the scope edit")
    with call.collector.store.reading() as work, found():
        content = work.papers.find(kept.id, paper)
        if not content:
            raise UsageError("the declaration {id} has no {paper} yet", id=kept.id, paper=paper)
    call.collector.took_out(kept.id, file=paper.value)
    return Response(content, media_type=TYPES.get(paper, OTHER))


@router.call("POST", "/declarations/{declaration}/readings", Permission.EDIT)
def review(call: Call, declaration: Word, reading: Reading) -> DeclarationShown:
    """Notes that lines were read."""
    kept, collector = filing_of(call, declaration), call.collector
    return shown(
        filings.review(
            collector.store, collector.clock, kept.id, reading.lines, actor=collector.actor
        )
    )


@router.call("POST", "/declarations/{declaration}/remarks", Permission.EDIT, status=201)
def remark(call: Call, declaration: Word, remark: Remark) -> DeclarationShown:
    """One reservation or step of the plan more; approvals fall."""
    kept, text = filing_of(call, declaration), remark.text.strip()
    if not text:
        raise UsageError("a remark has a text")
    said: Reservation | Remedy = Reservation(text, remark.line)
    if remark.by:
        said = Remedy(remark.line, text, remark.quantity, remark.by)
    elif remark.quantity is not None:
        raise UsageError("a quantity goes with a day until which something is done")
    return shown(filing.remark(call.collector, kept.id, said))


@router.call("DELETE", "/declarations/{declaration}/remarks/{number}", Permission.EDIT)
def unremark(call: Call, declaration: Word, number: int) -> DeclarationShown:
    """Takes a remark out by its number, from 1 on; approvals fall."""
    kept = filing_of(call, declaration)
    return shown(filing.unremark(call.collector, kept.id, number))


@router.call("POST", "/declarations/{declaration}/discard", Permission.EDIT)
def discard(call: Call, declaration: Word, why: Reason) -> DeclarationShown:
    """Puts a draft aside that nobody approved."""
    kept, collector = filing_of(call, declaration), call.collector
    return shown(
        filings.discard(
            collector.store, collector.clock, kept.id, why.reason, actor=collector.actor
        )
    )


@router.call("POST", "/declarations/{declaration}/verification", Permission.READ)
def verify_kept(call: Call, declaration: Word) -> Verified:
    """Checks the sealed document that is kept."""
    kept = filing_of(call, declaration)
    with call.collector.store.reading() as work, found():
        content = work.papers.find(kept.id, Paper.SEALED)
        if not content:
            raise UsageError("the declaration {id} is not sealed", id=kept.id)
    return _verified(call, content, f"{kept.id}.pdf")


@router.call("POST", "/declarations/{declaration}/recount", Permission.READ, **BEGUN)
def recount(call: Call, response: Response, declaration: Word) -> JobShown:
    """Has it counted again as of its day, from the history."""
    kept = filing_of(call, declaration)
    return begin(call, response, "declaration-reopen", id=kept.id, about=kept.id)


@router.call("POST", "/verifications", Permission.READ, openapi_extra=upload())
def verify(call: Call, content: Content) -> Verified:
    """Checks the sealed declaration in the body: its seal, its time, its figures."""
    return _verified(call, content, "declaration.pdf")


class Claimed(Body):
    """A sealed declaration and the proof that a device was counted in it, both in base64."""

    declaration: Annotated[Base64Bytes, Field(max_length=30_000_000)]
    proof: Annotated[Base64Bytes, Field(max_length=1_000_000)]


@router.call("POST", "/verifications/devices", Permission.READ)
def verify_device(call: Call, claimed: Claimed) -> Verified:
    """Checks a sealed declaration, and with a device's proof that it was counted there."""
    return _verified(call, claimed.declaration, "declaration.pdf", claimed.proof)


def _verified(call: Call, content: bytes, name: str, proof: bytes | None = None) -> Verified:
    with ExitStack() as stack:
        file = stack.enter_context(uploaded(content, name))
        shown_by = None if proof is None else stack.enter_context(uploaded(proof, "proof.json"))
        made = declaration.verify(file, shown_by, call.collector.config.seal.trust)
    checks = [
        CheckShown(subject=e.subject, outcome=e.outcome, detail=e.detail) for e in made.checks
    ]
    return Verified(passed=made.passed, level=made.level, checks=checks)


def _told(call: Call, differences: Sequence[Difference]) -> list[DifferenceShown]:
    messages = call.collector.messages
    return [
        DifferenceShown(
            product=each.product,
            label=each.label,
            changes=[wording.change(one, messages) for one in each.changes],
            reasons=[wording.explained(one, messages) for one in each.reasons],
        )
        for each in differences
    ]


def filing_of(call: Call, declaration: str) -> Filing:
    """A declaration by its id; one that is not there is answered with 404."""
    with call.collector.store.reading() as work, found():
        return work.filings.get(declaration)


def _place(made: Filing) -> str:
    return f"{made.drafted_at.isoformat()} {made.id}"


def shown(made: Filing) -> DeclarationShown:
    """The declaration as programs see it."""
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
