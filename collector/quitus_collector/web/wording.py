"""What the console calls things: its sections, states, roles; every word from the catalogue."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple

from quitus_collector.adapters.messages import Messages
from quitus_collector.domain.account import Permission, Role
from quitus_collector.domain.filing import State
from quitus_collector.domain.install import DeviceKind, SourceStatus
from quitus_collector.domain.job import JobState
from quitus_collector.domain.perimeter import Role as DeviceRole
from quitus_collector.domain.perimeter import Scope
from quitus_collector.domain.roster import Condition
from quitus_collector.domain.support import Support
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
    Section("/prices", N_("Price list"), Permission.READ),
    Section("/devices", N_("Devices"), Permission.DEVICES),
    Section("/unknown", N_("Unknown software"), Permission.READ),
    Section("/simulator", N_("Simulator"), Permission.READ),
    Section("/campaigns", N_("Letters"), Permission.READ),
    Section("/declarations", N_("Declarations"), Permission.READ),
    Section("/audit", N_("Audit log"), Permission.AUDIT),
    Section("/administration", N_("Administration"), Permission.ADMINISTER),
)

# What a permission lets one do.
PERMISSIONS: dict[Permission, str] = {
    Permission.DEVICES: N_("sees devices"),
    Permission.READ: N_("sees figures, letters, declarations"),
    Permission.EDIT: N_("changes what is counted, drafts"),
    Permission.APPROVE: N_("approves, seals, submits"),
    Permission.AUDIT: N_("sees the audit log"),
    Permission.ADMINISTER: N_("accounts, tokens, policies"),
}
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
    Condition.REVOKED: N_("shut out"),
    Condition.QUARANTINED: N_("in quarantine"),
    Condition.REPLACED: N_("replaced"),
    Condition.RETIRED: N_("no more in use"),
    Condition.EXCLUDED: N_("not concerned"),
    Condition.SILENT: N_("never reported"),
    Condition.STALE: N_("silent"),
    Condition.FAILED: N_("sources failed"),
    Condition.REPORTING: N_("reporting"),
    Scope.COUNTED: N_("counted"),
    Scope.RETIRED: N_("no more in use"),
    Scope.EXCLUDED: N_("not concerned"),
    DeviceRole.PRODUCTION: N_("production"),
    DeviceRole.DEVELOPMENT: N_("development"),
    DeviceRole.TEST: N_("test"),
    DeviceRole.STANDBY: N_("standby"),
    DeviceKind.PHYSICAL: N_("physical"),
    DeviceKind.VIRTUAL: N_("virtual machine"),
    DeviceKind.UNKNOWN: N_("not known"),
    SourceStatus.READ: N_("read"),
    SourceStatus.ABSENT: N_("not there"),
    SourceStatus.FAILED: N_("failed"),
    Support.ENDED: N_("support has ended"),
    Support.ENDING: N_("support ends within a year"),
    Support.SUPPORTED: N_("supported"),
    Support.NOT_PUBLIC: N_("no date is public"),
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
