"""Letters of publishers: registered, reminded of, answered, and how far that is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.campaign import Campaign, Progress, Reminder, Reply, progress
from quitus_collector.errors import FilingRefused, UsageError
from quitus_collector.services import filings
from quitus_collector.services.ports import Clock, Store, UnitOfWork
from quitus_collector.services.wording import N_


def register(store: Store, clock: Clock, campaign: Campaign, *, actor: str) -> None:
    """Keeps a letter; raises UsageError for an id that another one has."""
    with store.writing() as work:
        work.campaigns.hold()
        if any(each.id == campaign.id for each in work.campaigns.list()):
            raise UsageError("a letter {id!r} is registered already", id=campaign.id)
        work.campaigns.add(campaign)
        detail = {"nature": campaign.nature.value, "scan_sha256": campaign.scan_sha256}
        work.audit.add(Event(clock.now(), Kind.LETTER_REGISTERED, actor, campaign.id, detail))


def attach(
    store: Store, clock: Clock, campaign_id: str, sha256: str, name: str, *, actor: str
) -> Campaign:
    """The scan of a letter that was registered without one; another one does not take its place."""
    with store.writing() as work:
        before = work.campaigns.get(campaign_id)
        if before.scan_sha256 == sha256:
            return before
        if before.scan_sha256:
            raise FilingRefused(N_("the letter {id} has a scan already"), id=campaign_id)
        campaign = replace(before, scan_sha256=sha256, scan_name=name)
        work.campaigns.add(campaign)
        detail = {"scan_sha256": sha256}
        work.audit.add(Event(clock.now(), Kind.LETTER_SCANNED, actor, campaign_id, detail))
    return campaign


def remind(
    store: Store, clock: Clock, campaign_id: str, reminder: Reminder, *, actor: str
) -> Campaign:
    """The publisher wrote again."""
    with store.writing() as work:
        campaign = work.campaigns.get(campaign_id).remind(reminder)
        work.campaigns.add(campaign)
        detail = {"on": reminder.on.isoformat(), "reference": reminder.reference}
        work.audit.add(Event(clock.now(), Kind.LETTER_REMINDED, actor, campaign_id, detail))
    return campaign


def answer(store: Store, clock: Clock, campaign_id: str, reply: Reply, *, actor: str) -> Campaign:
    """An entity answered; a declaration that it names has to be one of this letter."""
    with store.writing() as work:
        if reply.filing and work.filings.get(reply.filing).campaign != campaign_id:
            raise UsageError(
                "the declaration {filing} does not answer the letter {campaign_id}",
                filing=reply.filing,
                campaign_id=campaign_id,
            )
        campaign = work.campaigns.get(campaign_id).reply(reply)
        work.campaigns.add(campaign)
        detail = {
            "entity": reply.entity,
            "answer": reply.answer.value,
            "reasons": reply.reasons[: filings.MAX_TEXT],
        }
        work.audit.add(Event(clock.now(), Kind.LETTER_ANSWERED, actor, campaign_id, detail))
    return campaign


def overview(
    store: Store, today: date, campaign_id: str = ""
) -> Sequence[tuple[Campaign, Progress]]:
    """All letters, or one, with how far they are."""
    with store.reading() as work:
        found = [work.campaigns.get(campaign_id)] if campaign_id else work.campaigns.list()
        return [(each, progress(each, today, _gaps(work, each))) for each in found]


def _gaps(work: UnitOfWork, campaign: Campaign) -> dict[str, bool]:
    named = {each.filing for each in campaign.replies if each.filing}
    return {each.id: filings.has_gap(each) for each in map(work.filings.get, sorted(named))}
