"""A declaration on its way out: what is disclosed, seal, submission, receipt.

People approve it, on the page that shows what is disclosed: no call does.
"""

from typing import Annotated

from fastapi import Query, Response
from pydantic import Base64Bytes, BaseModel, Field

from quitus_collector.domain.account import Permission
from quitus_collector.domain.filing import Attempt, Sealed
from quitus_collector.errors import UsageError
from quitus_collector.services import filings, submission
from quitus_collector.services.wording import N_
from quitus_collector.web.api.calls import Body, Call, Calls, Prose, Word
from quitus_collector.web.api.declarations import DeclarationShown, Reason, filing_of, shown
from quitus_collector.web.api.work import BEGUN, JobShown, begin
from quitus_collector.wiring import filing

router = Calls("declarations")
Name = Annotated[Word, Query(min_length=1, description="the portal, by its description's name")]


class Portals(BaseModel):
    """By their descriptions' names, sorted."""

    items: list[str]


class FieldShown(BaseModel):
    """One thing that leaves the house."""

    page: str
    label: str
    value: str


class ViewShown(BaseModel):
    """All that a portal would be given; an approval names the digest."""

    digest: str
    fields: list[FieldShown]


class Submission(Body):
    """To which portal: one whose view was approved; of another one, the `digest` of its view."""

    portal: Word
    digest: Word = ""


class Outcomes(Body):
    """What is known of a declaration of which it is uncertain whether the portal has it.

    `receipt` is its number, `page` the portal's page or a scan of it, in base64.
    """

    submitted: bool
    receipt: Word = ""
    page: Annotated[Base64Bytes, Field(max_length=20_000_000)] = b""
    reason: Prose = ""


@router.call("GET", "/portals", Permission.READ)
def list_portals(call: Call) -> Portals:
    """Where declarations can be sent."""
    return Portals(items=list(filing.portals_known(call.collector)))


@router.call("GET", "/declarations/{declaration}/view", Permission.READ)
def get_view(call: Call, declaration: Word, portal: Name) -> ViewShown:
    """All that the portal would be given; nothing is sent."""
    kept = filing_of(call, declaration)
    seen = filing.view(call.collector, kept.id, portal)
    fields = [FieldShown(page=e.page, label=e.label, value=e.value) for e in seen.fields]
    return ViewShown(digest=seen.digest, fields=fields)


@router.call("POST", "/declarations/{declaration}/seal", Permission.APPROVE, **BEGUN)
def seal(call: Call, response: Response, declaration: Word) -> JobShown:
    """Has the document made that goes out."""
    kept = filing_of(call, declaration)
    filing.must_not_wait(call.collector)
    # Tried first: what cannot be sealed is told at once.
    kept.seal(Sealed("", "", call.collector.clock.now()))
    return begin(call, response, "declaration-seal", id=kept.id, about=kept.id)


@router.call("POST", "/declarations/{declaration}/submission", Permission.APPROVE, **BEGUN)
def submit(call: Call, response: Response, declaration: Word, submission: Submission) -> JobShown:
    """Has it sent to the portal, once, and the receipt sealed."""
    kept, portal, now = (
        filing_of(call, declaration),
        submission.portal,
        call.collector.clock.now(),
    )
    if portal not in filing.portals_known(call.collector):
        raise UsageError(N_("no portal is described as {name}"), name=portal)
    filing.must_not_wait(call.collector)
    kept.begin(Attempt(portal, call.collector.actor, now, now, now))
    return begin(
        call,
        response,
        "declaration-submit",
        id=kept.id,
        about=f"{kept.id} → {portal}",
        portal=portal,
        digest=submission.digest,
    )


@router.call("POST", "/declarations/{declaration}/inquiry", Permission.APPROVE, **BEGUN)
def ask(call: Call, response: Response, declaration: Word) -> JobShown:
    """Has the portal asked that it was sent to."""
    kept = filing_of(call, declaration)
    if not kept.attempts:
        raise UsageError(N_("the declaration {id} was never sent"), id=kept.id)
    return begin(call, response, "declaration-ask", id=kept.id, about=kept.id)


@router.call("POST", "/declarations/{declaration}/outcome", Permission.APPROVE)
def say_outcome(call: Call, declaration: Word, outcome: Outcomes) -> DeclarationShown:
    """Says what is known of an uncertain one: its receipt, or why the portal does not have it."""
    kept, collector = filing_of(call, declaration), call.collector
    store, clock, actor = collector.store, collector.clock, collector.actor
    if outcome.submitted:
        told = submission.say_submitted(
            store, clock, kept.id, outcome.receipt, outcome.page, actor=actor
        )
        filing.seal_receipt_at_once(collector, told)
    else:
        told = submission.say_not_submitted(store, clock, kept.id, outcome.reason, actor=actor)
    return shown(told)


@router.call("POST", "/declarations/{declaration}/receipt/seal", Permission.APPROVE)
def seal_receipt(call: Call, declaration: Word) -> DeclarationShown:
    """Signs what the portal answered, where that did not work at once."""
    kept = filing_of(call, declaration)
    if not filing.seal_receipt(call.collector, kept):
        raise UsageError(N_("nothing is signed without a certificate: see [seal] in the settings"))
    return shown(kept)


@router.call("POST", "/declarations/{declaration}/withdrawal", Permission.APPROVE)
def withdraw(call: Call, declaration: Word, why: Reason) -> DeclarationShown:
    """Decides not to send it."""
    kept, collector = filing_of(call, declaration), call.collector
    return shown(
        filings.withdraw(
            collector.store, collector.clock, kept.id, why.reason, actor=collector.actor
        )
    )
