"""Letters of publishers, and the answers to them."""

import tempfile
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Query, Response
from pydantic import BaseModel, Field

from quitus_collector.domain.account import Permission
from quitus_collector.domain.campaign import Answer, Campaign, Nature, Progress, Reminder, Reply
from quitus_collector.domain.company import is_siren
from quitus_collector.errors import UsageError
from quitus_collector.services import campaigns
from quitus_collector.services.wording import N_
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
from quitus_collector.web.forms import download
from quitus_collector.web.uploads import uploaded
from quitus_collector.wiring import campaigns as wired

router = Calls("campaigns")
PDF, OTHER = "application/pdf", "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
Name = Annotated[Word, Query(min_length=1, description="what the file is called")]


class Advance(BaseModel):
    """How far the answers are; `days_left` is null without a deadline."""

    entities: int
    answered: int
    declared: int
    with_gaps: int
    open: list[str]
    days_left: int | None
    late: bool


class CampaignShown(BaseModel):
    """A letter, its reminders and answers; `due` is the deadline in force."""

    id: str
    publisher: str
    publisher_label: str
    reference: str
    dated: date
    received_on: date
    nature: Nature
    due: date | None
    entities: list[str]
    basis: str
    address: str
    scan_sha256: str | None
    scan_name: str | None
    reminders: list[Reminder]
    replies: list[Reply]
    progress: Advance


class Letter(Body):
    """A letter as it came; `entities` are those that it addresses, by SIREN."""

    id: Annotated[Word, Field(min_length=1, pattern=r"^[\w.-]+$")]
    publisher: Word
    reference: Word = ""
    dated: date
    received_on: date
    nature: Nature = Nature.VOLUNTARY
    deadline: date | None = None
    entities: Annotated[list[Word], Field(max_length=1000)] = []
    basis: Word = ""
    address: Word = ""


class ReminderWanted(Body):
    """The publisher wrote again."""

    on: date
    reference: Word = ""
    deadline: date | None = None


class ReplyWanted(Body):
    """What a legal entity answered; the company of the settings where none is named."""

    answer: Answer
    entity: Word = ""
    reasons: Prose = ""
    declaration: Word = ""


class FileShown(BaseModel):
    """A file that is kept of a letter, and whether it still is what was kept."""

    sha256: str
    name: str
    state: Literal["whole", "missing", "changed"]


class Files(BaseModel):
    """One at most: the scan."""

    items: list[FileShown]


class DraftWanted(Body):
    """An answer of which one file is wanted: the letter to send, its text, or notes on it."""

    answer: Answer
    file: Literal["letter.pdf", "letter.txt", "notes.pdf"] = "letter.pdf"
    entity: Word = ""
    reasons: Prose = ""
    language: Literal["fr", "en"] = "fr"


@router.call("GET", "/campaigns", Permission.READ)
def list_campaigns(call: Call, cursor: Cursor = "", limit: Limit = 100) -> Page[CampaignShown]:
    """Sorted by id."""
    collector = call.collector
    listed = sorted(
        campaigns.overview(collector.store, collector.clock.today()), key=lambda each: each[0].id
    )
    shown, following = paged(listed, lambda each: each[0].id, cursor, limit)
    return Page(items=[_shown(*each) for each in shown], next=following)


@router.call("POST", "/campaigns", Permission.EDIT, status=201)
def register_campaign(call: Call, letter: Letter) -> CampaignShown:
    """Registers a letter."""
    for entity in letter.entities:
        _check(entity)
    made = Campaign(
        id=letter.id,
        publisher=letter.publisher,
        publisher_label="",
        reference=letter.reference,
        dated=letter.dated,
        received_on=letter.received_on,
        nature=letter.nature,
        deadline=letter.deadline,
        entities=tuple(sorted(set(letter.entities))),
        basis=letter.basis,
        address=letter.address,
    )
    wired.register(call.collector, made, None)
    return _campaign(call, letter.id)


@router.call("GET", "/campaigns/{campaign}", Permission.READ)
def get_campaign(call: Call, campaign: Word) -> CampaignShown:
    """One letter, and how far its answers are."""
    return _campaign(call, campaign)


@router.call("POST", "/campaigns/{campaign}/reminders", Permission.EDIT, status=201)
def remind(call: Call, campaign: Word, reminder: ReminderWanted) -> CampaignShown:
    """Notes that the publisher wrote again."""
    _campaign(call, campaign)
    told = Reminder(reminder.on, reminder.reference, reminder.deadline)
    collector = call.collector
    campaigns.remind(collector.store, collector.clock, campaign, told, actor=collector.actor)
    return _campaign(call, campaign)


@router.call("POST", "/campaigns/{campaign}/replies", Permission.EDIT, status=201)
def reply(call: Call, campaign: Word, reply: ReplyWanted) -> CampaignShown:
    """Notes what a legal entity answered."""
    _campaign(call, campaign)
    collector = call.collector
    entity = reply.entity or collector.config.company.siren
    if not entity:
        raise UsageError("which entity answered? name it, or set company.siren")
    _check(entity)
    told = Reply(entity, reply.answer, collector.clock.today(), reply.reasons, reply.declaration)
    campaigns.answer(collector.store, collector.clock, campaign, told, actor=collector.actor)
    return _campaign(call, campaign)


@router.call("GET", "/campaigns/{campaign}/files", Permission.READ)
def list_letter_files(call: Call, campaign: Word) -> Files:
    """What is kept of the letter: its scan, if there is one."""
    kept = _kept(call, campaign)
    state = wired.scan_state(call.collector, kept)
    if not state:
        return Files(items=[])
    return Files(items=[_file(kept, state)])


@router.call(
    "POST",
    "/campaigns/{campaign}/files",
    Permission.EDIT,
    status=201,
    openapi_extra=upload(),
)
def attach_letter_file(call: Call, campaign: Word, content: Content, name: Name) -> FileShown:
    """Keeps the scan in the body; a letter that has another one already keeps that."""
    _kept(call, campaign)
    with uploaded(content, name) as file:
        kept = wired.attach(call.collector, campaign, file)
    return _file(kept, wired.scan_state(call.collector, kept))


@router.call(
    "GET", "/campaigns/{campaign}/files/{sha256}", Permission.READ, answer=file_answer(OTHER)
)
def get_letter_file(call: Call, campaign: Word, sha256: Word) -> Response:
    """The file as it was kept."""
    kept = _kept(call, campaign)
    with found():
        if not sha256 or kept.scan_sha256 != sha256:
            raise UsageError(N_("the letter {id} has no file {sha256}"), id=campaign, sha256=sha256)
        content = wired.scan(call.collector, kept)
    call.collector.took_out(campaign, sha256=sha256)
    return download(content, kept.scan_name or "scan", OTHER)


@router.call(
    "POST",
    "/campaigns/{campaign}/drafts",
    Permission.EDIT,
    answer=file_answer(PDF, TEXT),
)
def draft_answer(call: Call, campaign: Word, wanted: DraftWanted) -> Response:
    """A draft of an answer as a file; nothing is kept of it."""
    _kept(call, campaign)
    if wanted.entity:
        _check(wanted.entity)
    if wanted.answer is Answer.DECLINE and not wanted.reasons.strip():
        raise UsageError(N_("declining needs its reasons"))
    with tempfile.TemporaryDirectory(prefix="quitus-letter-") as folder:
        wired.letter(
            call.collector,
            campaign,
            wanted.answer,
            Path(folder),
            entity=wanted.entity,
            reasons=wanted.reasons.strip(),
            language=wanted.language,
        )
        content = (Path(folder) / wanted.file).read_bytes()
    kind = PDF if wanted.file.endswith(".pdf") else TEXT
    return download(content, f"{campaign}-{wanted.file}", kind)


def _kept(call: Call, campaign: str) -> Campaign:
    with call.collector.store.reading() as work, found():
        return work.campaigns.get(campaign)


def _file(campaign: Campaign, state: str) -> FileShown:
    return FileShown.model_validate(
        {"sha256": campaign.scan_sha256, "name": campaign.scan_name, "state": state}
    )


def _campaign(call: Call, campaign: str) -> CampaignShown:
    collector = call.collector
    with found():
        listed = campaigns.overview(collector.store, collector.clock.today(), campaign)
    return _shown(*listed[0])


def _check(entity: str) -> None:
    if not is_siren(entity):
        raise UsageError(
            "{entity} is not a SIREN: nine digits with their check digit", entity=repr(entity)
        )


def _shown(campaign: Campaign, progress: Progress) -> CampaignShown:
    return CampaignShown(
        id=campaign.id,
        publisher=campaign.publisher,
        publisher_label=campaign.publisher_label,
        reference=campaign.reference,
        dated=campaign.dated,
        received_on=campaign.received_on,
        nature=campaign.nature,
        due=campaign.due,
        entities=list(campaign.entities),
        basis=campaign.basis,
        address=campaign.address,
        scan_sha256=campaign.scan_sha256 or None,
        scan_name=campaign.scan_name or None,
        reminders=list(campaign.reminders),
        replies=list(campaign.replies),
        progress=Advance(
            entities=progress.entities,
            answered=progress.answered,
            declared=progress.declared,
            with_gaps=progress.with_gaps,
            open=list(progress.open),
            days_left=progress.days_left,
            late=progress.is_late,
        ),
    )
