"""Campaigns: a publisher's letter that asks for a declaration, and how each entity answers it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from quitus_collector.errors import UsageError


class Nature(StrEnum):
    """What stands behind the letter: nothing that obliges, a contract's clause, or a judge."""

    VOLUNTARY = "voluntary"
    CONTRACTUAL = "contractual"
    JUDICIAL = "judicial"


class Answer(StrEnum):
    """What an entity does about the letter."""

    DECLARE = "declare"
    CLARIFY = "clarify"
    DECLINE = "decline"


@dataclass(frozen=True, slots=True)
class Reminder:
    """The publisher wrote again; `reference` is that letter's own."""

    on: date
    reference: str = ""
    deadline: date | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What one legal entity (SIREN) answered. `filing` is the declaration's id, if any."""

    entity: str
    answer: Answer
    on: date
    reasons: str = ""
    filing: str = ""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A letter as it was registered. `entities` are those that it addresses, by SIREN.

    `basis` is the contract's clause or the decision that the letter names. `scan_sha256` is of the
    scanned letter, empty where there is none.
    """

    id: str
    publisher: str
    publisher_label: str
    reference: str
    dated: date
    received_on: date
    nature: Nature
    deadline: date | None = None
    entities: tuple[str, ...] = ()
    basis: str = ""
    address: str = ""
    scan_sha256: str = ""
    scan_name: str = ""
    reminders: tuple[Reminder, ...] = ()
    replies: tuple[Reply, ...] = ()

    def __post_init__(self) -> None:
        """Raises UsageError for days out of order, or a duty that rests on nothing."""
        if self.received_on < self.dated:
            raise UsageError("the letter {id} was received before the day it is dated", id=self.id)
        if self.deadline and self.deadline < self.dated:
            raise UsageError("the deadline of the letter {id} lies before its date", id=self.id)
        if self.nature is not Nature.VOLUNTARY and not self.basis:
            raise UsageError(
                "a {nature} letter rests on something: name the clause or the decision",
                nature=self.nature,
            )

    @property
    def due(self) -> date | None:
        """The deadline in force: the newest one that the publisher named."""
        named = [each.deadline for each in self.reminders if each.deadline]
        return named[-1] if named else self.deadline

    def remind(self, reminder: Reminder) -> "Campaign":
        """The publisher wrote again."""
        if reminder.on < self.received_on:
            raise UsageError("a reminder of {id} cannot come before the letter itself", id=self.id)
        reminders = sorted((*self.reminders, reminder), key=lambda each: each.on)
        return replace(self, reminders=tuple(reminders))

    def reply(self, reply: Reply) -> "Campaign":
        """An entity answered; it may answer again, as after a clarification."""
        if self.entities and reply.entity not in self.entities:
            raise UsageError(
                "the letter {id} does not address the entity {entity}",
                id=self.id,
                entity=reply.entity,
            )
        if reply.answer is Answer.DECLINE and not reply.reasons.strip():
            raise UsageError("declining needs its reasons")
        others = tuple(each for each in self.replies if each.entity != reply.entity)
        return replace(self, replies=(*others, reply))


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one campaign is on a day. `days_left` is None without a deadline.

    `with_gaps` of the `declared` entities have at least one line with a gap.
    """

    entities: int
    answered: int
    declared: int
    with_gaps: int
    open: tuple[str, ...]
    days_left: int | None

    @property
    def is_late(self) -> bool:
        """Somebody has not answered, and the deadline is over."""
        return bool(self.open) and self.days_left is not None and self.days_left < 0


def progress(campaign: Campaign, today: date, gaps: Mapping[str, bool]) -> Progress:
    """`gaps` tells of each declaration, by its id, whether it has a gap."""
    replies = {each.entity: each for each in campaign.replies}
    entities = campaign.entities or tuple(sorted(replies))
    answered = [replies[each] for each in entities if each in replies]
    declared = [each for each in answered if each.answer is Answer.DECLARE]
    return Progress(
        entities=len(entities),
        answered=len(answered),
        declared=len(declared),
        with_gaps=sum(gaps.get(each.filing, False) for each in declared),
        open=tuple(each for each in entities if each not in replies),
        days_left=(campaign.due - today).days if campaign.due else None,
    )


# Days before a deadline on which it is worth saying that it comes.
WARNING = timedelta(days=14)


def pressing(campaigns: Iterable[Campaign], today: date) -> tuple[Campaign, ...]:
    """Those with somebody still to answer whose deadline is near or over, the nearest first."""
    found = [
        each
        for each in campaigns
        if each.due and each.due - today <= WARNING and progress(each, today, {}).open
    ]
    return tuple(sorted(found, key=lambda each: (each.due or date.max, each.id)))
