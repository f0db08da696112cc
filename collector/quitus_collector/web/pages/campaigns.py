"""Letters of publishers: deadlines, reminders, what each entity answered, answers on offer."""

import re
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated

from fastapi import File, Request, Response, UploadFile

from quitus_collector.domain.account import Permission
from quitus_collector.domain.campaign import (
    Answer,
    Campaign,
    Nature,
    Progress,
    Reminder,
    Reply,
    pressing,
)
from quitus_collector.domain.company import is_siren
from quitus_collector.errors import CollectorError, StoreError, UsageError
from quitus_collector.services import campaigns
from quitus_collector.services.wording import N_
from quitus_collector.web.forms import Fields, content_of, download, needed
from quitus_collector.web.pages.declarations import date_of
from quitus_collector.web.rendering import go, page
from quitus_collector.web.uploads import uploaded
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.wiring import campaigns as wired

router = Pages()
ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,23}")
NATURES = {
    Nature.VOLUNTARY: N_("voluntary: nothing obliges"),
    Nature.CONTRACTUAL: N_("contractual: a clause obliges"),
    Nature.JUDICIAL: N_("judicial: a judge obliges"),
}
ANSWERS = {
    Answer.DECLARE: N_("declare"),
    Answer.CLARIFY: N_("ask to clarify"),
    Answer.DECLINE: N_("decline"),
}
# What drafting an answer makes, by the names of its files.
DRAFTS = {
    "letter.pdf": "application/pdf",
    "letter.txt": "text/plain; charset=utf-8",
    "notes.pdf": "application/pdf",
}
Upload = Annotated[UploadFile | None, File()]


@router.page("/campaigns", Permission.READ)
def letters(request: Request, visit: Visit) -> Response:
    """All letters, with how far they are."""
    collector = visit.collector
    today = collector.clock.today()
    found = campaigns.overview(collector.store, today)
    urgent = {each.id for each in pressing([campaign for campaign, _ in found], today)}
    ordered = sorted(found, key=lambda each: (each[0].due or date.max, each[0].id))
    rows = [(campaign, progress, campaign.id in urgent) for campaign, progress in ordered]
    return page(
        request,
        "campaigns.html",
        {"rows": rows, "left": lambda each: _left(visit, each), **_words(visit)},
    )


@router.page("/campaigns/new", Permission.EDIT)
def new(request: Request, visit: Visit) -> Response:
    """Asks for a letter."""
    return _new(request, visit, {}, "", 200)


@router.form("/campaigns/new", Permission.EDIT)
def register(request: Request, visit: Visit, fields: Fields, scan: Upload = None) -> Response:
    """Keeps a letter, and its scan."""
    try:
        campaign = _campaign(visit, fields)
        if scan and scan.filename:
            with uploaded(*content_of(scan)) as path:
                wired.register(visit.collector, campaign, path)
        else:
            wired.register(visit.collector, campaign, None)
    except UsageError as error:
        return _new(request, visit, fields, visit.collector.messages.error(error), 422)
    return go(request, f"/campaigns/{campaign.id}")


@router.page("/campaigns/{letter}", Permission.READ)
def letter_page(request: Request, visit: Visit, letter: str) -> Response:
    """One letter: who answered what, and what is open."""
    return _letter(request, visit, letter)


@router.form("/campaigns/{letter}/reminders", Permission.EDIT)
def remind(request: Request, visit: Visit, letter: str, fields: Fields) -> Response:
    """The publisher wrote again."""
    collector = visit.collector
    deadline = fields.get("deadline", "")
    try:
        reminder = Reminder(
            date_of(fields.get("on", "")),
            fields.get("reference", "").strip()[:255],
            date_of(deadline) if deadline else None,
        )
        campaigns.remind(collector.store, collector.clock, letter, reminder, actor=collector.actor)
    except UsageError as error:
        said = collector.messages.error(error)
        return _letter(request, visit, letter, fields, said, 422)
    return go(request, f"/campaigns/{letter}")


@router.form("/campaigns/{letter}/answers", Permission.EDIT)
def answer(request: Request, visit: Visit, letter: str, fields: Fields) -> Response:
    """Writes down what an entity answered, or makes a draft of the answer."""
    collector = visit.collector
    try:
        chosen = _answer(fields)
        entity, reasons = _entity(fields), fields.get("reasons", "").strip()
        if chosen is Answer.DECLINE and not reasons:
            raise UsageError(N_("declining needs its reasons"))
        name = fields.get("draft", "")
        if name:
            return _draft(visit, letter, chosen, entity, reasons, fields, name)
        entity = entity or collector.config.company.siren
        if not entity:
            raise UsageError(N_("say which entity answered, by its SIREN"))
        filing = fields.get("declaration", "")
        reply = Reply(entity, chosen, collector.clock.today(), reasons, filing)
        campaigns.answer(collector.store, collector.clock, letter, reply, actor=collector.actor)
    except UsageError as error:
        said = collector.messages.error(error)
        return _letter(request, visit, letter, fields, said, 422)
    return go(request, f"/campaigns/{letter}")


@router.page("/campaigns/{letter}/scan", Permission.READ)
def scan(request: Request, visit: Visit, letter: str) -> Response:
    """The scanned letter, as it was kept."""
    with visit.collector.store.reading() as work:
        campaign = work.campaigns.get(letter)
    if not campaign.scan_sha256:
        raise UsageError(N_("the letter {id} has no scan"), id=letter)
    content = wired.scan(visit.collector, campaign)
    visit.collector.took_out(letter, sha256=campaign.scan_sha256)
    return download(content, campaign.scan_name or "scan")


def _draft(
    visit: Visitor,
    letter: str,
    chosen: Answer,
    entity: str,
    reasons: str,
    fields: Mapping[str, str],
    name: str,
) -> Response:
    """A draft of the answer as a file; nothing is kept of it."""
    if name not in DRAFTS:
        raise UsageError(N_("an answer has no file {name}"), name=name)
    language = "en" if fields.get("language") == "en" else "fr"
    with tempfile.TemporaryDirectory(prefix="quitus-letter-") as folder:
        wired.letter(
            visit.collector,
            letter,
            chosen,
            Path(folder),
            entity=entity,
            reasons=reasons,
            language=language,
        )
        return download((Path(folder) / name).read_bytes(), f"{letter}-{name}", DRAFTS[name])


def _answer(fields: Mapping[str, str]) -> Answer:
    given = fields.get("answer", "")
    if given not in list(Answer):
        raise UsageError(N_("choose an answer"))
    return Answer(given)


def _entity(fields: Mapping[str, str]) -> str:
    entity = fields.get("entity", "").replace(" ", "")
    if entity and not is_siren(entity):
        raise UsageError(
            N_("{entity} is not a SIREN: nine digits with their check digit"), entity=entity
        )
    return entity


def _campaign(visit: Visitor, fields: Mapping[str, str]) -> Campaign:
    text = visit.collector.messages.text
    name = needed(fields, "id", text("Short name"))
    if not ID.fullmatch(name):
        raise UsageError(
            N_("{name} is no short name: at most 24 letters, digits, dots and dashes"), name=name
        )
    entities = set(re.split(r"[\s,;]+", fields.get("entities", "")))
    for entity in filter(None, entities):
        _entity({"entity": entity})
    nature = fields.get("nature", "")
    deadline = fields.get("deadline", "")
    return Campaign(
        id=name,
        publisher=needed(fields, "publisher", text("Publisher")),
        publisher_label="",
        reference=fields.get("reference", "").strip()[:255],
        dated=date_of(fields.get("dated", "")),
        received_on=date_of(fields.get("received", "")),
        nature=Nature(nature) if nature in list(Nature) else Nature.VOLUNTARY,
        deadline=date_of(deadline) if deadline else None,
        entities=tuple(sorted(filter(None, entities))),
        basis=fields.get("basis", "").strip()[:255],
        address=fields.get("address", "").strip()[:255],
    )


def _new(
    request: Request, visit: Visitor, typed: Mapping[str, str], said: str, status: int
) -> Response:
    names = visit.collector.catalogue.publishers
    context = {
        "typed": defaultdict(str, typed),
        "said": said,
        "publishers": sorted(names.items(), key=lambda each: each[1].lower()),
        **_words(visit),
    }
    return page(request, "campaign_new.html", context, status=status)


def _letter(
    request: Request,
    visit: Visitor,
    letter: str,
    typed: Mapping[str, str] | None = None,
    said: str = "",
    status: int = 200,
) -> Response:
    collector = visit.collector
    ((campaign, progress),) = campaigns.overview(collector.store, collector.clock.today(), letter)
    with collector.store.reading() as work:
        filings = [each for each in work.filings.list() if each.campaign == letter]
    try:
        state = wired.scan_state(collector, campaign)
    except StoreError:
        raise
    except CollectorError as error:
        state = collector.messages.error(error)
    context = {
        "campaign": campaign,
        "progress": progress,
        "left": _left(visit, progress),
        "scan_state": state,
        "filings": filings,
        "typed": defaultdict(str, typed or {}),
        "said": said,
        "own": collector.config.company.siren,
        **_words(visit),
    }
    return page(request, "campaign.html", context, status=status)


def _left(visit: Visitor, progress: Progress) -> str:
    """How long until the deadline, in words."""
    messages, days = visit.collector.messages, progress.days_left
    if days is None:
        return ""
    if days < 0:
        return messages.count("{n} day late", "{n} days late", -days)
    return messages.count("{n} day left", "{n} days left", days)


def _words(visit: Visitor) -> dict[str, object]:
    text = visit.collector.messages.text
    return {
        "nature_of": lambda each: text(NATURES[each]),
        "answer_of": lambda each: text(ANSWERS[each]),
        "natures": [(each.value, text(said)) for each, said in NATURES.items()],
        "answers": [(each.value, text(said)) for each, said in ANSWERS.items()],
        "drafts": list(DRAFTS),
    }
