"""Whether a declaration is what it says, and whether its figures can be counted again."""

from contextlib import ExitStack
from typing import Annotated

from fastapi import File, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.domain.verification import Outcome, Verification
from quitus_collector.errors import CollectorError
from quitus_collector.services import wording
from quitus_collector.services.ports import Paper
from quitus_collector.web.forms import content_of
from quitus_collector.web.rendering import page
from quitus_collector.web.uploads import uploaded
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import Work, ask
from quitus_collector.wiring import declaration as wired

router = Pages()
LOOKS = {
    Outcome.PASSED: "good",
    Outcome.FAILED: "bad",
    Outcome.ABSENT: "open",
    Outcome.UNKNOWN: "open",
}
Upload = Annotated[UploadFile | None, File()]


@router.page("/verify", Permission.READ)
def verify_page(request: Request, visit: Visit) -> Response:
    """Asks for the document."""
    return _shown(request, visit)


@router.form("/verify", Permission.READ)
def verify(
    request: Request, visit: Visit, file: Upload = None, proof: Upload = None, trust: Upload = None
) -> Response:
    """Checks a document from outside, with a device's proof where there is one."""
    try:
        with ExitStack() as stack:
            content, name = content_of(file)
            path = stack.enter_context(uploaded(content, name))
            others = [
                stack.enter_context(uploaded(*content_of(each))) if each and each.filename else None
                for each in (proof, trust)
            ]
            trusted = others[1] or visit.collector.config.seal.trust
            found = wired.verify(path, others[0], trusted)
    except CollectorError as error:
        said = visit.collector.messages.error(error)
        return _shown(request, visit, said=said, status=422)
    return _shown(request, visit, found=found, name=name)


@router.form("/declarations/{filing_id}/verify", Permission.READ)
def verify_kept(request: Request, visit: Visit, filing_id: str) -> Response:
    """Checks the sealed document that is kept."""
    with visit.collector.store.reading() as work:
        filing = work.filings.get(filing_id)
        content = work.papers.find(filing.id, Paper.SEALED) or b""
    with uploaded(content, f"{filing_id}.pdf") as path:
        found = wired.verify(path, None, visit.collector.config.seal.trust)
    return _shown(request, visit, found=found, name=f"{filing_id}.pdf")


@router.form("/declarations/{filing_id}/reopen", Permission.READ)
def reopen(request: Request, visit: Visit, filing_id: str) -> Response:
    """Counts it again, as of its day."""
    return ask(request, visit, "declaration-reopen", id=filing_id, about=filing_id)


def count_again(work: Work) -> dict[str, str]:
    """The job of it."""
    filing_id, messages = work.arguments["id"], work.collector.messages
    with work.collector.store.reading() as kept:
        document = kept.filings.get(filing_id).document
    with uploaded(document, f"{filing_id}.json") as path:
        again, differences = wired.reopen(work.collector, path)
    if not differences:
        return {
            "said": messages.count(
                "{n} line counted again: the same figures",
                "{n} lines counted again: the same figures",
                len(again.lines),
            )
        }
    said = messages.count(
        "{n} line is not counted again as it is stated",
        "{n} lines are not counted again as they are stated",
        len(differences),
    )
    lines = [
        f"{each.label}: "
        + "; ".join(
            [wording.change(one, messages) for one in each.changes]
            + [wording.explained(one, messages) for one in each.reasons]
        )
        for each in differences
    ]
    return {"said": said, "lines": "\n".join(lines[:100])}


def _shown(
    request: Request,
    visit: Visitor,
    *,
    found: Verification | None = None,
    name: str = "",
    said: str = "",
    status: int = 200,
) -> Response:
    messages = visit.collector.messages
    checks = [
        (
            messages.text(wording.SUBJECTS[each.subject]),
            messages.text(wording.OUTCOMES[each.outcome]),
            LOOKS[each.outcome],
            wording.verified(each, messages),
        )
        for each in (found.checks if found else ())
    ]
    context = {
        "found": found,
        "level": wording.level(found.level, messages) if found else "",
        "checks": checks,
        "name": name,
        "said": said,
        "has_trust": visit.collector.config.seal.trust is not None,
    }
    return page(request, "verify.html", context, status=status)
