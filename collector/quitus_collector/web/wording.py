"""What the console calls things: its sections, states, roles; every word from the catalogue."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from quitus_collector.adapters.messages import Messages
from quitus_collector.domain.account import Permission, Role
from quitus_collector.domain.filing import State
from quitus_collector.domain.job import JobState
from quitus_collector.services.wording import N_
from quitus_collector.web.visits import Visitor


class Section(NamedTuple):
    """An entry of the menu: where it leads, what it is called, who sees it."""

    path: str
    label: str
    permission: Permission


SECTIONS = (
    Section("/", N_("Overview"), Permission.READ),
    Section("/position", N_("Position"), Permission.READ),
    Section("/products", N_("Products"), Permission.READ),
    Section("/pools", N_("Licence pools"), Permission.READ),
    Section("/devices", N_("Devices"), Permission.DEVICES),
    Section("/unknown", N_("Unknown software"), Permission.READ),
    Section("/simulator", N_("Simulator"), Permission.READ),
    Section("/campaigns", N_("Letters"), Permission.READ),
    Section("/declarations", N_("Declarations"), Permission.READ),
    Section("/audit", N_("Audit log"), Permission.AUDIT),
    Section("/administration", N_("Administration"), Permission.ADMINISTER),
)

WORDS: dict[Enum, str] = {
    Role.ADMINISTRATOR: N_("administrator"),
    Role.DSI: N_("DSI (approves)"),
    Role.LICENCE_MANAGER: N_("licence manager"),
    Role.AUDITOR: N_("auditor"),
    Role.SERVICE_DESK: N_("service desk"),
    State.DRAFT: N_("draft"),
    State.REVIEWED: N_("reviewed"),
    State.APPROVED: N_("approved"),
    State.SEALED: N_("sealed"),
    State.SUBMITTING: N_("being submitted"),
    State.UNCERTAIN: N_("uncertain"),
    State.SUBMITTED: N_("submitted"),
    State.REFUSED: N_("refused"),
    State.WITHDRAWN: N_("withdrawn"),
    JobState.QUEUED: N_("waiting"),
    JobState.RUNNING: N_("under way"),
    JobState.DONE: N_("done"),
    JobState.FAILED: N_("failed"),
}


def say(messages: Messages, value: Enum) -> str:
    """A state, a role and the like, in words."""
    return messages.text(WORDS[value])


def sections(visitor: Visitor | None) -> Sequence[Section]:
    """The menu of who looks."""
    return [each for each in SECTIONS if visitor and visitor.may(each.permission)]


def section_of(path: str) -> str:
    """The section of the menu that a page is in."""
    paths = [each.path for each in SECTIONS if f"{path}/".startswith(f"{each.path}/")]
    return paths[-1] if paths else ""


def ago(messages: Messages, at: datetime, now: datetime) -> str:
    """How long ago, in the largest unit that says something."""
    passed = max(now - at, timedelta())
    if passed < timedelta(minutes=1):
        return messages.text("just now")
    if passed < timedelta(hours=1):
        return messages.count("{n} minute ago", "{n} minutes ago", passed // timedelta(minutes=1))
    if passed < timedelta(days=1):
        return messages.count("{n} hour ago", "{n} hours ago", passed // timedelta(hours=1))
    return messages.count("{n} day ago", "{n} days ago", passed.days)
