"""A declaration on its way out: what is disclosed, approval, seal, submission, receipt."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import File, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.domain.filing import Filing, Guard, State
from quitus_collector.errors import CollectorError, FilingRefused, StoreError, UsageError
from quitus_collector.services import filings, submission
from quitus_collector.services.ports import Paper
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import Fields, download
from quitus_collector.web.pages.declarations import PATH, frame
from quitus_collector.web.refusals import status_of
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import LINK, Work, ask
from quitus_collector.wiring import filing as wired

router = Pages()
FILES = {
    "draft.pdf": (Paper.DRAFT, "application/pdf"),
    "declaration.pdf": (Paper.SEALED, "application/pdf"),
    "declaration.json": (Paper.DATA, "application/json"),
    "receipt.page": (Paper.RECEIPT, "application/octet-stream"),
    "receipt.p7m": (Paper.RECEIPT_SEAL, "application/pkcs7-mime"),
}
UNSETTLED = (State.SUBMITTING, State.UNCERTAIN)


@router.page("/declarations/{filing_id}/disclosure", Permission.READ)
def disclosure(request: Request, visit: Visit, filing_id: str, portal: str = "") -> Response:
    """What a portal would be given, field by field, and the approval of that."""
    return _disclosure(request, visit, filing_id, portal)


@router.form("/declarations/{filing_id}/approve", Permission.APPROVE)
def approve(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """Approves what was shown."""
    overrides = {
        guard: fields.get(f"reason-{guard.value}", "").strip()
        for guard in Guard
        if fields.get(f"aside-{guard.value}")
    }
    account, portal = visit.account, fields.get("portal", "")
    try:
        if fields.get("digest", "") == "":
            raise UsageError(N_("choose the portal first, and look at what it is given"))
        wired.approve(
            visit.collector,
            filing_id,
            portal,
            fields.get("digest", ""),
            account.full_name,
            account.function,
            overrides,
        )
    except (UsageError, FilingRefused) as error:
        said = visit.collector.messages.error(error)
        status = status_of(error)
        return _disclosure(
            request, visit, filing_id, portal, said=said, typed=fields, status=status
        )
    return go(request, f"{PATH}/{filing_id}/submission")


@router.page("/declarations/{filing_id}/submission", Permission.READ)
def submission_page(request: Request, visit: Visit, filing_id: str, portal: str = "") -> Response:
    """Where it is: sealing, sending, what became of it."""
    with visit.collector.store.reading() as work:
        found = work.filings.get(filing_id)
        there = [name for name, (paper, _) in FILES.items() if work.papers.find(found.id, paper)]
    name = portal or _portal_of(found)
    seen, trouble = _view(visit, found, name)
    context = {
        **frame(visit, found),
        "files": there,
        "portals": wired.portals_known(visit.collector),
        "portal": name,
        "is_approved_portal": seen is not None and seen.digest in {e.view for e in found.approvals},
        "seen": seen,
        "trouble": trouble,
        "attempt": found.attempts[-1] if found.attempts else None,
        "may_still_arrive": bool(found.attempts)
        and visit.collector.clock.now() < found.attempts[-1].settles_at,
        "has_certificate": visit.collector.config.seal.certificate is not None,
        "is_unsettled": found.state in UNSETTLED,
        "waits_until": _waits_until(visit),
    }
    return page(request, "declaration_submission.html", context)


@router.form("/declarations/{filing_id}/seal", Permission.APPROVE)
def seal(request: Request, visit: Visit, filing_id: str) -> Response:
    """Makes the document that goes out."""
    wired.must_not_wait(visit.collector)
    return ask(request, visit, "declaration-seal", id=filing_id, about=filing_id)


@router.form("/declarations/{filing_id}/submit", Permission.APPROVE)
def submit(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """Sends it, once."""
    wired.must_not_wait(visit.collector)
    portal = needed_portal(fields)
    return ask(
        request,
        visit,
        "declaration-submit",
        id=filing_id,
        about=f"{filing_id} → {portal}",
        portal=portal,
        digest=fields.get("digest", ""),
    )


@router.form("/declarations/{filing_id}/ask", Permission.APPROVE)
def ask_portal(request: Request, visit: Visit, filing_id: str) -> Response:
    """Asks the portal whether it has it."""
    return ask(request, visit, "declaration-ask", id=filing_id, about=filing_id)


@router.form("/declarations/{filing_id}/submitted", Permission.APPROVE)
def say_submitted(
    request: Request,
    visit: Visit,
    filing_id: str,
    fields: Fields,
    file: Annotated[UploadFile | None, File()] = None,
) -> Response:
    """A person has the receipt."""
    content = file.file.read() if file and file.filename else b""
    collector = visit.collector
    found = submission.say_submitted(
        collector.store,
        collector.clock,
        filing_id,
        fields.get("number", ""),
        content,
        actor=collector.actor,
    )
    wired.seal_receipt_at_once(visit.collector, found)
    return go(request, f"{PATH}/{filing_id}/submission")


@router.form("/declarations/{filing_id}/not-submitted", Permission.APPROVE)
def say_not_submitted(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """A person looked, and the portal has nothing."""
    collector = visit.collector
    submission.say_not_submitted(
        collector.store,
        collector.clock,
        filing_id,
        fields.get("reason", ""),
        actor=collector.actor,
    )
    return go(request, f"{PATH}/{filing_id}/submission")


@router.form("/declarations/{filing_id}/seal-receipt", Permission.APPROVE)
def seal_receipt(request: Request, visit: Visit, filing_id: str) -> Response:
    """Signs what the portal answered, where that did not work at once."""
    with visit.collector.store.reading() as work:
        found = work.filings.get(filing_id)
    if not wired.seal_receipt(visit.collector, found):
        raise UsageError(N_("nothing is signed without a certificate: see [seal] in the settings"))
    return go(request, f"{PATH}/{filing_id}/submission")


@router.form("/declarations/{filing_id}/withdraw", Permission.APPROVE)
def withdraw(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """It will not be sent."""
    collector = visit.collector
    reason = fields.get("reason", "")
    filings.withdraw(collector.store, collector.clock, filing_id, reason, actor=collector.actor)
    return go(request, f"{PATH}/{filing_id}/submission")


@router.form("/declarations/{filing_id}/discard", Permission.EDIT)
def discard(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """A draft that nobody approved is put aside by who drafts."""
    collector, reason = visit.collector, fields.get("reason", "")
    filings.discard(collector.store, collector.clock, filing_id, reason, actor=collector.actor)
    return go(request, PATH)


@router.page("/declarations/{filing_id}/files/{name}", Permission.READ)
def file(request: Request, visit: Visit, filing_id: str, name: str) -> Response:
    """One of its files."""
    if name not in FILES:
        raise UsageError(N_("a declaration has no file {name}"), name=name)
    return _file(visit, filing_id, *FILES[name], name)


@router.page("/declarations/{filing_id}/evidence", Permission.EDIT)
def evidence(request: Request, visit: Visit, filing_id: str) -> Response:
    """What proves its counts: it names devices, and is not for everyone."""
    return _file(visit, filing_id, Paper.EVIDENCE, "application/json", "evidence.json")


def _file(visit: Visitor, filing_id: str, paper: Paper, kind: str, name: str) -> Response:
    with visit.collector.store.reading() as work:
        found = work.filings.get(filing_id)
        content = work.papers.find(found.id, paper)
    if content is None:
        raise UsageError(N_("the declaration has no file {name} yet"), name=name)
    visit.collector.took_out(filing_id, file=name)
    return download(content, f"{filing_id}-{name}", kind)


def make_seal(work: Work) -> dict[str, str]:
    """The job of sealing."""
    filing_id = work.arguments["id"]
    with work.collector.store.reading() as kept:
        found = kept.filings.get(filing_id)
    if found.sealed is None or found.sealed.at < work.asked_at:
        wired.seal(work.collector, filing_id, work.still)
    return {LINK: f"{PATH}/{filing_id}/submission", "declaration": filing_id}


def send(work: Work) -> dict[str, str]:
    """The job of submitting: what another process began is looked after, never sent again."""
    asked, collector = work.arguments, work.collector
    with collector.store.reading() as kept:
        found = kept.filings.get(asked["id"])
    if not any(each.began_at >= work.asked_at for each in found.attempts):
        found = wired.submit(collector, asked["id"], asked["portal"], asked["digest"], work.still)
        wired.seal_receipt_at_once(collector, found)
    return {LINK: f"{PATH}/{found.id}/submission", "declaration": found.id}


def look_up(work: Work) -> dict[str, str]:
    """The job of asking the portal."""
    found = wired.ask(work.collector, work.arguments["id"])
    wired.seal_receipt_at_once(work.collector, found)
    return {LINK: f"{PATH}/{found.id}/submission", "declaration": found.id}


def needed_portal(fields: Mapping[str, str]) -> str:
    """The portal that a form names; raises UsageError."""
    if not fields.get("portal"):
        raise UsageError(N_("choose the portal that it goes to"))
    return fields["portal"]


def _disclosure(
    request: Request,
    visit: Visitor,
    filing_id: str,
    portal: str,
    *,
    said: str = "",
    typed: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    with visit.collector.store.reading() as work:
        found = work.filings.get(filing_id)
    known: Sequence[str] = wired.portals_known(visit.collector)
    name = portal or _portal_of(found) or (known[0] if len(known) == 1 else "")
    seen, trouble = _view(visit, found, name)
    actor = visit.collector.actor
    context = {
        **frame(visit, found),
        "portals": known,
        "portal": name,
        "seen": seen,
        "trouble": trouble,
        "stated": filings.stated(found.document),
        "said": said,
        "typed": defaultdict(str, typed or {}),
        "is_own": found.policy.apart and found.is_by(actor),
        "is_author": found.is_by(actor),
        "waits_until": _waits_until(visit),
        "has_approved": actor in {each.by for each in found.approvals},
        "wanted": found.policy.approvers - len(found.approvals),
    }
    return page(request, "declaration_disclosure.html", context, status=status)


def _waits_until(visit: Visitor) -> datetime | None:
    """Until when the account approves, seals and submits nothing, if it has to wait."""
    begins = visit.account.approves_from if visit.may(Permission.APPROVE) else None
    return begins if begins and visit.collector.clock.now() < begins else None


def _portal_of(found: Filing) -> str:
    """The portal that it went to, or that its approvers saw."""
    if found.attempts:
        return found.attempts[-1].portal
    return found.approvals[-1].portal if found.approvals else ""


def _view(visit: Visitor, found: Filing, name: str) -> tuple[wired.View | None, str]:
    """What the portal is given, or why that cannot be told."""
    if not name:
        return None, ""
    try:
        return wired.view(visit.collector, found.id, name), ""
    except StoreError:
        raise
    except CollectorError as error:
        return None, visit.collector.messages.error(error)
