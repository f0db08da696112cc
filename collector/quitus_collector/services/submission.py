"""One click: a sealed declaration to a portal, once, and what became of it.

That it is being submitted is committed before anything is sent. Whatever happens then, nothing
is sent again until the portal, asked late enough, says that it has nothing.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from operator import methodcaller

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.filing import Attempt, Filing, Receipt, State
from quitus_collector.errors import (
    FilingRefused,
    NotSent,
    OutcomeUnknown,
    PortalMismatch,
    PortalRefused,
    UsageError,
)
from quitus_collector.services import duties
from quitus_collector.services.filings import MAX_TEXT, values
from quitus_collector.services.ports import (
    Accepted,
    Clock,
    Paper,
    Portal,
    Sending,
    Store,
    UnitOfWork,
)

KINDS = {
    State.SUBMITTED: Kind.SUBMITTED,
    State.UNCERTAIN: Kind.UNCERTAIN,
    State.SEALED: Kind.NOT_SENT,
    State.REFUSED: Kind.PORTAL_REFUSED,
}


def sending(work: UnitOfWork, filing: Filing) -> Sending:
    """What a portal is given of it: the sealed document, or the draft where there is none yet."""
    pdf = work.papers.find(filing.id, Paper.SEALED) or work.papers.find(filing.id, Paper.DRAFT)
    data = work.papers.find(filing.id, Paper.DATA) or filing.document
    return Sending(
        filing.reference,
        values(data) | {"reference": filing.reference},
        {"declaration.pdf": pdf or b"", "declaration.json": data},
    )


def submit(
    store: Store,
    clock: Clock,
    portal: Portal,
    filing_id: str,
    *,
    actor: str,
    still: Callable[[], None] = duties.unasked,
) -> Filing:
    """Sends it, and writes down what came of it: submitted, refused, uncertain or sealed as before.

    Raises FilingRefused where it may not be sent now or by this account, and PortalMismatch or
    NotSent, without any change, where the portal is not as described or not there.
    """
    with store.reading() as work:
        duties.must_not_wait(work, actor, clock.now())
        filing = work.filings.get(filing_id)
        given = sending(work, filing)
    filing.begin(_attempt(portal, actor, clock.now()))
    portal.check(given)
    digest = sha256(given.files["declaration.pdf"]).hexdigest()
    # The portal took its time to look at it: `still` raises where the role was lost meanwhile.
    still()
    _begin(store, clock, portal, filing_id, digest, actor)
    try:
        accepted = portal.submit(given)
    except (NotSent, PortalMismatch) as error:
        step = methodcaller("not_sent", str(error))
    except PortalRefused as error:
        step = methodcaller("refused", str(error))
    except OutcomeUnknown as error:
        step = methodcaller("lost_sight", str(error))
    except Exception as error:
        # Of a fault of ours nobody can say how far it came.
        step = methodcaller("lost_sight", f"{type(error).__name__}: {error}")
        _settle(store, clock, filing_id, step, actor)
        raise
    else:
        return _accept(store, clock, filing_id, accepted, actor)
    return _settle(store, clock, filing_id, step, actor)


def ask(store: Store, clock: Clock, portal: Portal, filing_id: str, *, actor: str) -> Filing:
    """Asks the portal whether it has it.

    "Nothing" counts only when nothing can arrive any more. Raises FilingRefused where nothing is
    to be asked.
    """
    with store.reading() as work:
        filing = work.filings.get(filing_id)
    asked_at = clock.now()
    attempt = _open_attempt(filing)
    try:
        found = portal.look_up(filing.reference)
    except OutcomeUnknown as error:
        said = str(error)
    else:
        if found:
            return _accept(store, clock, filing_id, found, actor)
        if asked_at >= attempt.settles_at:
            reason = f"{portal.name} has nothing under {filing.reference}"
            return _settle(
                store, clock, filing_id, lambda now: _same(now, filing).not_sent(reason), actor
            )
        said = (
            f"{portal.name} has nothing under {filing.reference} yet: "
            f"ask again after {attempt.settles_at:%Y-%m-%d %H:%M} UTC"
        )
    if filing.state is State.SUBMITTING and asked_at < attempt.ends_at:
        raise FilingRefused(
            "the declaration {filing_id} may be being sent just now: {said}",
            filing_id=filing_id,
            said=said,
        )
    return _settle(store, clock, filing_id, lambda now: _same(now, filing).lost_sight(said), actor)


def say_submitted(
    store: Store, clock: Clock, filing_id: str, number: str, page: bytes, *, actor: str
) -> Filing:
    """A person has the receipt: its number, and its page or a scan of it."""
    if not number.strip():
        raise UsageError("a receipt has a number: give it as the portal shows it")
    with store.reading() as work:
        duties.must_not_wait(work, actor, clock.now())
        _open_attempt(work.filings.get(filing_id))
    return _accept(store, clock, filing_id, Accepted(number.strip(), page), actor, by=actor)


def receipt_document(filing: Filing) -> bytes:
    """What the company states of a receipt, as JSON: whose, of what, when, and of which page.

    Raises FilingRefused where there is none.
    """
    if filing.receipt is None:
        raise FilingRefused(
            "the declaration {id} is {state}: it has no receipt", id=filing.id, state=filing.state
        )
    stated = {
        "format": "quitus-receipt/1",
        "declaration": filing.id,
        "reference": filing.reference,
        "declaration_sha256": filing.sealed.sha256 if filing.sealed else "",
        "portal": filing.attempts[-1].portal,
        "number": filing.receipt.number,
        "received_at": filing.receipt.at.isoformat(),
        "page_sha256": filing.receipt.page_sha256,
        "stated_by": filing.receipt.by,
    }
    return json.dumps(stated, ensure_ascii=False, indent=1).encode() + b"\n"


def keep_receipt_seal(
    store: Store, clock: Clock, filing: Filing, seal: bytes, *, actor: str
) -> None:
    """Keeps the signed receipt of a filing as it was signed; its digest is in the audit chain.

    Raises FilingRefused where it has another receipt by now.
    """
    filing_id = filing.id
    with store.writing() as work:
        if work.filings.get(filing_id).receipt != filing.receipt:
            raise FilingRefused(
                "the receipt of {filing_id} changed while it was being signed", filing_id=filing_id
            )
        work.papers.add(filing_id, Paper.RECEIPT_SEAL, seal)
        detail = {"sha256": sha256(seal).hexdigest()}
        work.audit.add(Event(clock.now(), Kind.RECEIPT_SEALED, actor, filing_id, detail))


def say_not_submitted(
    store: Store, clock: Clock, filing_id: str, reason: str, *, actor: str
) -> Filing:
    """A person looked and the portal has nothing; refused while it may still arrive there."""
    if not reason.strip():
        raise UsageError("say how it is known that the portal has nothing")
    with store.reading() as work:
        duties.must_not_wait(work, actor, clock.now())

    def back(filing: Filing) -> Filing:
        attempt = _open_attempt(filing)
        if clock.now() < attempt.settles_at:
            raise FilingRefused(
                "what was sent may still arrive: say so after {settles_at:%Y-%m-%d %H:%M} UTC",
                settles_at=attempt.settles_at,
            )
        return filing.not_sent(reason)

    return _settle(store, clock, filing_id, back, actor)


def _attempt(portal: Portal, actor: str, now: datetime) -> Attempt:
    ends_at = now + timedelta(seconds=portal.timeout_s)
    return Attempt(portal.name, actor, now, ends_at, ends_at + timedelta(seconds=portal.settles_s))


def _begin(
    store: Store, clock: Clock, portal: Portal, filing_id: str, pdf_sha256: str, actor: str
) -> None:
    """Write-ahead: whoever commits this is the one that sends."""
    with store.writing() as work:
        before, now = work.filings.get(filing_id), clock.now()
        duties.must_not_wait(work, actor, now)
        filing = before.begin(_attempt(portal, actor, now))
        if before.sealed is None or before.sealed.sha256 != pdf_sha256:
            raise FilingRefused(
                "the declaration {filing_id} was sealed anew: submit that one", filing_id=filing_id
            )
        work.filings.add(filing)
        detail = {"portal": portal.name, "reference": filing.reference, "sha256": pdf_sha256}
        work.audit.add(Event(now, Kind.SUBMITTING, actor, filing_id, detail))


def _open_attempt(filing: Filing) -> Attempt:
    if filing.state not in (State.SUBMITTING, State.UNCERTAIN):
        raise FilingRefused(
            "the declaration {id} is {state}: nothing is open", id=filing.id, state=filing.state
        )
    return filing.attempts[-1]


def _same(now: Filing, seen: Filing) -> Filing:
    """What was answered goes for the attempt that was open when it was asked."""
    if now.attempts != seen.attempts:
        raise FilingRefused("the declaration {id} was submitted anew meanwhile", id=now.id)
    return now


def _accept(
    store: Store, clock: Clock, filing_id: str, accepted: Accepted, actor: str, by: str = ""
) -> Filing:
    page_sha256 = sha256(accepted.page).hexdigest() if accepted.page else ""
    receipt = Receipt(accepted.number, clock.now(), page_sha256, by)
    return _settle(store, clock, filing_id, lambda now: now.accepted(receipt), actor, accepted.page)


def _settle(
    store: Store,
    clock: Clock,
    filing_id: str,
    step: Callable[[Filing], Filing],
    actor: str,
    page: bytes = b"",
) -> Filing:
    with store.writing() as work:
        before = work.filings.get(filing_id)
        filing = step(before)
        if filing == before:
            return filing
        work.filings.add(filing)
        if page:
            work.papers.add(filing_id, Paper.RECEIPT, page)
        detail = {"reference": filing.reference}
        if filing.receipt:
            detail |= {
                "receipt": filing.receipt.number[:MAX_TEXT],
                "page_sha256": filing.receipt.page_sha256,
            }
        else:
            detail["reason"] = filing.note[:MAX_TEXT]
        work.audit.add(Event(clock.now(), KINDS[filing.state], actor, filing_id, detail))
    return filing
