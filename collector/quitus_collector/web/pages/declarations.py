"""Declarations: drafted, read line by line, remarked on, compared."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from urllib.parse import urlencode

from fastapi import Request, Response
from fastapi.responses import RedirectResponse

from quitus_collector.domain.account import Permission
from quitus_collector.domain.declaration import Declaration, Remedy, Reservation
from quitus_collector.domain.filing import Block, Filing, Guard, State
from quitus_collector.domain.position import LineState, PositionLine
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.proof import ProofKind, strength
from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.services import filings, perimeter_wording, pool_wording, proving, wording
from quitus_collector.services.declaring import check_publisher
from quitus_collector.services.wording import N_, NN_
from quitus_collector.web.forms import Fields, needed
from quitus_collector.web.lists import cut
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.work import LINK, Work, ask
from quitus_collector.wiring import filing as wired

router = Pages()
PATH = "/declarations"
# Lines on a page: as many as a person reads before turning it.
LINES = 25
# The first page of them.
NOWHERE = {"after": "", "before": ""}
OPEN = (State.DRAFT, State.REVIEWED)
STEPS = (State.DRAFT, State.REVIEWED, State.APPROVED, State.SEALED, State.SUBMITTED)
LOOKS = {
    State.SUBMITTED: "good",
    State.UNCERTAIN: "bad",
    State.REFUSED: "bad",
    State.WITHDRAWN: "",
}


@router.page(PATH, Permission.READ)
def declarations(request: Request, visit: Visit) -> Response:
    """All that are kept, the newest first."""
    with visit.collector.store.reading() as work:
        found = work.filings.list()
    return page(
        request,
        "declarations.html",
        {"found": found, "to": lambda each: addressee(visit, each), "looks": LOOKS},
    )


@router.page("/declarations/new", Permission.EDIT)
def new(request: Request, visit: Visit, letter: str = "", publisher: str = "") -> Response:
    """Asks what is to be declared."""
    with visit.collector.store.reading() as work:
        letters = work.campaigns.list()
    return page(
        request,
        "declaration_new.html",
        {"letters": letters, "letter": letter, "publisher": publisher, "publishers": _named(visit)},
    )


@router.form("/declarations/new", Permission.EDIT)
def draft(request: Request, visit: Visit, fields: Fields) -> Response:
    """Fills it in, which takes a while."""
    publisher, letter = fields.get("publisher", ""), fields.get("letter", "")
    check_publisher(visit.collector.catalogue, publisher or None)
    day = fields.get("as_of", "")
    if day:
        date_of(day)
    catalogue = visit.collector.catalogue
    return ask(
        request,
        visit,
        "declaration-draft",
        publisher=publisher,
        letter=letter,
        as_of=day,
        about=catalogue.publishers.get(publisher, "") or letter,
    )


def date_of(text: str) -> date:
    """A day of a form; raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError(N_("{day} is no day: it is written 2026-12-31"), day=text) from error


def make_draft(work: Work) -> dict[str, str]:
    """The job of it."""
    asked, collector = work.arguments, work.collector
    with collector.store.reading() as kept:
        found = kept.filings.find(work.id)
    if found is None:
        day = date_of(asked["as_of"]) if asked["as_of"] else None
        publisher = asked["publisher"] or None
        found, _ = wired.draft(
            collector, publisher, asked["letter"], day, asked_as=work.id, still=work.still
        )
    return {LINK: f"{PATH}/{found.id}", "declaration": found.id}


@router.page("/declarations/compare", Permission.READ)
def compare(request: Request, visit: Visit, before: str = "", after: str = "") -> Response:
    """Two that are kept, line by line."""
    with visit.collector.store.reading() as work:
        found = work.filings.list()
    messages = visit.collector.messages
    differences = None
    if before and after:
        differences = [
            {
                "label": each.label,
                "changes": [wording.change(one, messages) for one in each.changes],
                "reasons": [wording.explained(one, messages) for one in each.reasons],
            }
            for each in wired.compare(visit.collector, before, after)
        ]
    options = [
        (each.id, f"{each.id} – {addressee(visit, each)} – {messages.date(each.drafted_at)}")
        for each in found
    ]
    return page(
        request,
        "declaration_compare.html",
        {"options": options, "before": before, "after": after, "differences": differences},
    )


@router.page("/declarations/{filing_id}", Permission.READ)
def review(
    request: Request, visit: Visit, filing_id: str, after: str = "", before: str = ""
) -> Response:
    """What it states, line by line, with the reason for each figure."""
    return _review(request, visit, filing_id, {"after": after, "before": before})


@router.form("/declarations/{filing_id}/read", Permission.EDIT)
def read(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """Somebody read a line, or all of a page."""
    lines = [each for each in fields.get("lines", "").split() if each]
    collector = visit.collector
    filings.review(collector.store, collector.clock, filing_id, lines, actor=collector.actor)
    back = {name: fields[name] for name in ("after", "before") if fields.get(name)}
    query = f"?{urlencode(back)}" if back else ""
    # Also for htmx: it takes what it needs of the page.
    return RedirectResponse(f"{PATH}/{filing_id}{query}#lines", status_code=303)


@router.form("/declarations/{filing_id}/remarks", Permission.EDIT)
def remark(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """A reservation, or a step of the remediation plan."""
    try:
        wired.remark(visit.collector, filing_id, _said(visit, fields))
    except UsageError as error:
        said = visit.collector.messages.error(error)
        return _review(request, visit, filing_id, NOWHERE, typed=fields, said=said, status=422)
    return go(request, f"{PATH}/{filing_id}#remarks")


@router.form("/declarations/{filing_id}/remarks/remove", Permission.EDIT)
def unremark(request: Request, visit: Visit, filing_id: str, fields: Fields) -> Response:
    """Takes a remark out."""
    number = fields.get("number", "")
    wired.unremark(visit.collector, filing_id, int(number) if number.isdigit() else 0)
    return go(request, f"{PATH}/{filing_id}#remarks")


def _said(visit: Visitor, fields: Mapping[str, str]) -> Reservation | Remedy:
    text = needed(fields, "text", visit.collector.messages.text("Text"))
    line = fields.get("line", "")
    if fields.get("kind") != "remedy":
        return Reservation(text, line)
    if not fields.get("due"):
        raise UsageError(N_("say by when it will be done"))
    quantity = fields.get("quantity", "").strip()
    if quantity and not (quantity.isdigit() and int(quantity) > 0):
        raise UsageError(N_("the quantity is a number from 1 on"))
    due = date_of(fields["due"])
    return Remedy(line, text, int(quantity) if quantity else None, due)


def addressee(visit: Visitor, found: Filing) -> str:
    """Whom it is to."""
    name = visit.collector.catalogue.publishers.get(found.publisher, found.publisher)
    return name or visit.collector.messages.text("all publishers")


def blocked(visit: Visitor, block: Block) -> str:
    """What is in the way of an approval, with its numbers."""
    messages = visit.collector.messages
    one, many = {
        Guard.UNREAD: NN_("{n} line is unread", "{n} lines are unread"),
        Guard.COVERAGE: NN_(
            "{n} of {total} known devices reported lately",
            "{n} of {total} known devices reported lately",
        ),
        Guard.FAILED_SOURCES: NN_(
            "a source could not be read on {n} device in scope",
            "a source could not be read on {n} devices in scope",
        ),
        Guard.QUARANTINE: NN_(
            "{n} device in quarantine is undecided", "{n} devices in quarantine are undecided"
        ),
    }[block.guard]
    return messages.count(one, many, block.count, total=messages.number(block.total))


def frame(visit: Visitor, found: Filing) -> dict[str, object]:
    """What stands around each page of one declaration."""
    reached = STEPS.index(found.state) if found.state in STEPS else 0
    if found.sealed and found.state is not State.SEALED:
        reached = len(STEPS) - 1
    return {
        "filing": found,
        "addressee": addressee(visit, found),
        "steps": [
            (each, number < reached, each is found.state) for number, each in enumerate(STEPS)
        ],
        "look": LOOKS.get(found.state, "open"),
        "blocks": [(each.guard, blocked(visit, each)) for each in found.blocks()],
        "is_open": found.state in OPEN,
        "State": State,
    }


def _review(
    request: Request,
    visit: Visitor,
    filing_id: str,
    asked: dict[str, str],
    *,
    typed: Mapping[str, str] | None = None,
    said: str = "",
    status: int = 200,
) -> Response:
    found, made = wired.kept(visit.collector, filing_id)
    order = {line.product: f"{number:06}" for number, line in enumerate(made.lines)}
    path = f"{PATH}/{filing_id}"
    list_ = cut(made.lines, lambda line: order[line.product], path, asked, LINES)
    kinds = defaultdict[str, set[ProofKind]](set)
    for proof in proving.proofs(visit.collector.store):
        kinds[proof.entitlement].add(proof.kind)
    messages = visit.collector.messages
    unread = set(found.unread())
    states = Counter(line.state for line in made.lines)
    context = {
        **frame(visit, found),
        "made": made,
        "list": list_,
        "asked": asked,
        "lines": [_line(visit, made, line, kinds, unread) for line in list_.items],
        "unread_here": [line.product for line in list_.items if line.product in unread],
        "count_unread": len(unread),
        "totals": [(each, states[each]) for each in LineState],
        "reach": perimeter_wording.reach(made.position.perimeter, messages),
        "notes": perimeter_wording.notes(made.position.perimeter, messages),
        "remarks": _remarks(made),
        "products": [(line.product, line.label) for line in made.lines],
        "labels": {line.product: line.label for line in made.lines},
        "typed": defaultdict(str, typed or {}),
        "said": said,
    }
    return page(request, "declaration.html", context, status=status)


def _line(
    visit: Visitor,
    made: Declaration,
    line: PositionLine,
    kinds: Mapping[str, set[ProofKind]],
    unread: set[str],
) -> dict[str, object]:
    messages = visit.collector.messages
    owned = {each.id: each for each in made.entitlements}
    basis = made.bases.get(line.product)
    return {
        "line": line,
        "metric": wording.metric_name(line, messages),
        "state": wording.state_name(line.state, messages),
        "why": wording.why(line, messages),
        "owned": wording.owned(made.owned_by_channel(line), messages),
        "confidence": wording.confidence(basis.confidence, messages) if basis else "",
        "is_read": line.product not in unread,
        "proofs": [
            {
                "id": name,
                "address": f"/pools/line?{urlencode({'id': name})}",
                "document": owned[name].proof,
                "strength": messages.text(
                    pool_wording.STRENGTHS[strength(owned[name], kinds.get(name, set()))]
                ),
            }
            for name in dict.fromkeys(each.entitlement for each in line.covered)
            if name in owned
        ],
    }


def _remarks(made: Declaration) -> Sequence[tuple[int, Reservation | Remedy]]:
    return list(enumerate([*made.reservations, *made.remediation], 1))


def _named(visit: Visitor) -> list[tuple[str, str]]:
    """The publishers that the position has a line of, else all of them."""
    names = visit.collector.catalogue.publishers
    try:
        lines = visit.figures.position().value.lines
    except CollectorError:
        lines = ()
    present = {publisher_of(line.product) for line in lines} or set(names)
    return sorted(((each, names[each]) for each in present), key=lambda each: each[1].lower())
