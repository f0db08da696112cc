"""Licence pools, line by line, their history, and the documents that prove them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Literal

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from quitus_collector.domain.account import Permission
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.holding import Act
from quitus_collector.domain.proof import Proof, ProofKind, strength, title_flaws
from quitus_collector.errors import UsageError
from quitus_collector.services import pools as service
from quitus_collector.services import proving
from quitus_collector.services.pool_wording import document, happened_document
from quitus_collector.services.pools import Change
from quitus_collector.web.api.calls import (
    CHANGED,
    Body,
    Call,
    Calls,
    Content,
    Prose,
    Wanted,
    Word,
    file_answer,
    found,
    must_match,
    upload,
)
from quitus_collector.web.api.intake import (
    Differs,
    Line,
    Looked,
    Match,
    Name,
    Reason,
    begin_intake,
    decisions_of,
    differing,
    looked,
)
from quitus_collector.web.api.paging import Cursor, Limit, Page, paged
from quitus_collector.web.api.work import BEGUN, JobShown, begin
from quitus_collector.web.intake import Taken
from quitus_collector.web.pages.pool_import import POOLS
from quitus_collector.web.uploads import uploaded
from quitus_collector.wiring import pools

router = Calls("entitlements")
Form = Literal["auto", "csv", "xlsx", "mls", "cyclonedx", "ent"]


class ChangeShown(BaseModel):
    """What a line of the file makes of the pools."""

    where: str
    entitlement: Line
    is_new: bool
    changes: dict[str, Differs]
    notes: list[str]


class PoolsLooked(Looked):
    """What taking a file in would do; with complaints, nothing would be taken in."""

    changes: list[ChangeShown]


class Edit(Body):
    """Fields by name with their new values, as a file would have them; and why."""

    values: Annotated[dict[Word, Word], Field(min_length=1)]
    reason: Prose = ""


class Addition(Body):
    """A new line's fields by name, as a file would have them; and why."""

    values: Annotated[dict[Word, Word], Field(min_length=1)]
    reason: Prose = ""


class ProofShown(BaseModel):
    """A document that proves a line."""

    entitlement: str
    sha256: str
    kind: ProofKind
    name: str
    size_bytes: int
    added_at: datetime
    added_by: str
    removed_at: datetime | None


class Proofs(BaseModel):
    """In the order they came."""

    items: list[ProofShown]


class History(BaseModel):
    """What happened to a line, oldest first."""

    items: list[Line]


@router.call("GET", "/entitlements", Permission.READ)
def list_entitlements(
    call: Call, product: Wanted = "", cursor: Cursor = "", limit: Limit = 100
) -> Page[Line]:
    """Sorted by id, with the strength of what proves them."""
    listed = [
        (line, kinds)
        for line, kinds in service.owned(call.collector.store)
        if not product or line.product == product
    ]
    shown, following = paged(listed, lambda each: each[0].id, cursor, limit)
    items = [
        {
            **document(line),
            "documents": sorted(kinds),
            "strength": strength(line, kinds).name.lower(),
            "flaws": [flaw.value for flaw in title_flaws(line, kinds)],
        }
        for line, kinds in shown
    ]
    return Page(items=items, next=following)


@router.call("POST", "/entitlements", Permission.EDIT, status=201)
def add_entitlement(call: Call, addition: Addition) -> Line:
    """Adds one line; refused where its id is owned already, so that nothing is added twice."""
    line = pools.add(call.collector, addition.values, addition.reason)
    call.figures.expire()
    return document(line)


@router.call("GET", "/entitlements/{entitlement:path}/history", Permission.READ)
def get_entitlement_history(call: Call, entitlement: Word) -> History:
    """Who changed what, when and why."""
    with found():
        happened = service.history(call.collector.store, entitlement)
    return History(items=[happened_document(each) for each in happened])


@router.call("POST", "/imports/preview", Permission.EDIT, openapi_extra=upload())
def preview_import(
    call: Call, content: Content, name: Name = "pools.csv", form: Form = "auto", match: Match = ()
) -> PoolsLooked:
    """What taking the file in the body in would do; nothing is kept."""
    with uploaded(content, name) as file:
        seen = POOLS.look(call.collector, file, Taken(name, decisions_of(match), form=form))
    return PoolsLooked(**looked(seen), changes=[_change(each) for each in seen.changes])


@router.call("POST", "/imports", Permission.EDIT, openapi_extra=upload(), **BEGUN)
def take_in(
    call: Call,
    response: Response,
    content: Content,
    name: Name = "pools.csv",
    form: Form = "auto",
    match: Match = (),
    reason: Reason = "",
    without_unmatched: bool = False,
) -> JobShown:
    """Has the licences of the file in the body taken in: all of them, or none."""
    taken = Taken(name, decisions_of(match), reason, without_unmatched, form)
    return begin_intake(call, response, POOLS, content, taken)


@router.call("GET", "/entitlements/{entitlement:path}/proofs", Permission.READ)
def list_proofs(call: Call, entitlement: Word, removed: bool = False) -> Proofs:
    """The documents of a line."""
    _line(call, entitlement)
    listed = proving.proofs(call.collector.store, entitlement, removed=removed)
    return Proofs(items=[_proof(each) for each in listed])


@router.call(
    "POST",
    "/entitlements/{entitlement:path}/proofs",
    Permission.EDIT,
    status=201,
    openapi_extra=upload(),
)
def add_proof(
    call: Call, entitlement: Word, content: Content, name: Name, kind: ProofKind
) -> ProofShown:
    """Keeps the document in the body for a line."""
    _line(call, entitlement)
    with uploaded(content, name) as file:
        return _proof(pools.add_proof(call.collector, file, entitlement, kind))


@router.call(
    "GET",
    "/entitlements/{entitlement:path}/proofs/{sha256}",
    Permission.READ,
    answer=file_answer("application/octet-stream"),
)
def get_proof(call: Call, entitlement: Word, sha256: Word) -> Response:
    """The document itself."""
    listed = _proofs(call, entitlement)
    if sha256 not in listed:
        with found():
            raise UsageError("no document {sha256} is kept for {id}", sha256=sha256, id=entitlement)
    content = pools.document(call.collector, sha256)
    call.collector.took_out(entitlement, sha256=sha256)
    headers = {"Content-Disposition": f'attachment; filename="{sha256[:12]}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.call("DELETE", "/entitlements/{entitlement:path}/proofs/{sha256}", Permission.EDIT)
def remove_proof(
    call: Call, entitlement: Word, sha256: Word, reason: Annotated[Prose, Query()] = ""
) -> ProofShown:
    """Takes a document off a line; that it was there stays known."""
    collector, act = call.collector, Act(call.collector.actor, reason)
    with found():
        gone = proving.remove_proof(collector.store, collector.clock, sha256, entitlement, act)
    return _proof(gone)


@router.call("POST", "/proofs/verification", Permission.READ, **BEGUN)
def verify_proofs(call: Call, response: Response) -> JobShown:
    """Has every document read again; the job fails where one is damaged or gone."""
    return begin(call, response, "proofs-verify")


# After what is longer: an id may have slashes.
@router.call("GET", "/entitlements/{entitlement:path}", Permission.READ)
def get_entitlement(call: Call, entitlement: Word) -> Line:
    """One line; its ETag is what a change names with If-Match."""
    return document(_line(call, entitlement))


@router.call("PATCH", "/entitlements/{entitlement:path}", Permission.EDIT, also=(412,))
def edit_entitlement(call: Call, request: Request, entitlement: Word, edit: Edit) -> Line:
    """Changes fields of a line; with If-Match, only if nobody else has changed it meanwhile."""
    with _unchanged(call, request, entitlement) as seen:
        pools.edit(call.collector, entitlement, edit.values, edit.reason, seen)
    call.figures.expire()
    return document(_line(call, entitlement))


@router.call("DELETE", "/entitlements/{entitlement:path}", Permission.EDIT, also=(412,))
def remove_entitlement(
    call: Call, request: Request, entitlement: Word, reason: Annotated[Prose, Query()] = ""
) -> Line:
    """Takes a line away from now on; what was counted with it in the past stays."""
    collector, act = call.collector, Act(call.collector.actor, reason)
    with found(), _unchanged(call, request, entitlement) as seen:
        gone = service.remove_entitlement(
            collector.store, collector.clock, entitlement, act, seen=seen
        )
    call.figures.expire()
    return document(gone)


@contextmanager
def _unchanged(call: Call, request: Request, entitlement: str) -> Iterator[str]:
    """The fingerprint that a change holds the line to, where If-Match names the line as it is.

    Whoever changes it before that change does is noticed too. Empty without If-Match.
    """
    line = _line(call, entitlement)
    is_conditional = must_match(request, document(line))
    try:
        yield service.fingerprint(line) if is_conditional else ""
    except service.Overtaken as error:
        raise HTTPException(HTTPStatus.PRECONDITION_FAILED, CHANGED) from error


def _line(call: Call, entitlement: str) -> Entitlement:
    with call.collector.store.reading() as work, found():
        for each in work.entitlements.list():
            if each.id == entitlement:
                return each
        raise UsageError("no licence pool has a line {id}", id=entitlement)


def _proofs(call: Call, entitlement: str) -> Sequence[str]:
    _line(call, entitlement)
    return [each.sha256 for each in proving.proofs(call.collector.store, entitlement)]


def _change(change: Change) -> ChangeShown:
    return ChangeShown(
        where=str(change.where),
        entitlement=document(change.entitlement),
        is_new=change.before is None,
        changes=differing(change.differences),
        notes=[str(each) for each in change.notes],
    )


def _proof(proof: Proof) -> ProofShown:
    return ProofShown(
        entitlement=proof.entitlement,
        sha256=proof.sha256,
        kind=proof.kind,
        name=proof.name,
        size_bytes=proof.size_bytes,
        added_at=proof.added_at,
        added_by=proof.added_by,
        removed_at=proof.removed_at,
    )
