"""How licence pools are put into words: fields, ways to buy, documents, what happened."""

from dataclasses import fields
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from quitus_collector.domain.entitlement import UNLIMITED, Channel, Entitlement, Metric
from quitus_collector.domain.holding import Difference, Happened, Happening
from quitus_collector.domain.proof import ProofKind, Strength, TitleFlaw
from quitus_collector.services.ports import Messages
from quitus_collector.services.proving import Condition
from quitus_collector.services.wording import METRICS, N_

FIELDS = {
    "id": N_("id"),
    "product": N_("product"),
    "quantity": N_("quantity"),
    "metric": N_("metric"),
    "channel": N_("bought as"),
    "downgrade": N_("right to lower versions"),
    "edition_downgrade": N_("right to lower editions"),
    "maintenance_until": N_("maintenance until"),
    "second_use": N_("second use"),
    "devices_per_user": N_("devices per user"),
    "virtual_machines": N_("virtual machines"),
    "requires_base": N_("upgrade of"),
    "bound_to": N_("bound to"),
    "entity": N_("entity"),
    "valid_from": N_("from"),
    "valid_until": N_("until"),
    "proof": N_("proof"),
    "part_number": N_("part number"),
    "bought_as": N_("name on the document"),
    "previous_owners": N_("former owners"),
    "first_sale": N_("first sold in"),
    "perpetual": N_("perpetual"),
}
CHANNELS = {
    Channel.VOLUME: N_("volume"),
    Channel.FULL_PACKAGE: N_("full package"),
    Channel.OEM: N_("OEM"),
    Channel.SUBSCRIPTION: N_("subscription"),
    Channel.USED: N_("used"),
    Channel.UNSTATED: N_("unstated"),
}
KINDS = {
    ProofKind.AGREEMENT: N_("agreement"),
    ProofKind.INVOICE: N_("invoice"),
    ProofKind.CERTIFICATE: N_("certificate of authenticity"),
    ProofKind.CHAIN_OF_TITLE: N_("chain of title"),
    ProofKind.OTHER: N_("other document"),
}
STRENGTHS = {
    Strength.NONE: N_("no document"),
    Strength.WEAK: N_("weak"),
    Strength.STRONG: N_("strong"),
}
FLAWS = {
    TitleFlaw.NO_OWNER: N_("used licence: no former owner is named"),
    TitleFlaw.NO_FIRST_SALE: N_("used licence: where it was first sold is not stated"),
    TitleFlaw.OUTSIDE_EEA: N_("used licence: it was first sold outside the EEA"),
    TitleFlaw.NOT_STATED_PERPETUAL: N_("used licence: whether it is perpetual is not stated"),
    TitleFlaw.NOT_PERPETUAL: N_("used licence: it is not perpetual"),
    TitleFlaw.NO_CHAIN: N_("used licence: no chain of title is attached"),
}
HAPPENINGS = {
    Happening.ADDED: N_("added"),
    Happening.CHANGED: N_("changed"),
    Happening.REMOVED: N_("removed"),
}
CONDITIONS = {
    Condition.WHOLE: N_("whole"),
    Condition.DAMAGED: N_("damaged or gone"),
    Condition.UNUSED: N_("proves no line"),
}
_RIGHTS = ("downgrade", "edition_downgrade", "second_use")
_LIMITS = (
    "bound_to",
    "entity",
    "valid_from",
    "valid_until",
    "maintenance_until",
    "devices_per_user",
    "virtual_machines",
    "requires_base",
)


def said(value: Any, messages: Messages) -> str:
    """A field's value as people write it; a dash where there is none."""
    if isinstance(value, bool):
        return messages.text(N_("yes")) if value else messages.text(N_("no"))
    if isinstance(value, Channel):
        return messages.text(CHANNELS[value])
    if isinstance(value, Metric):
        return messages.text(METRICS[value])
    if value == UNLIMITED and isinstance(value, int):
        return messages.text(N_("unlimited"))
    if isinstance(value, int):
        return messages.number(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return messages.day(value.isoformat())
    if isinstance(value, tuple):
        return " → ".join(value) or "–"
    return str(value) if value else "–"


def difference(each: Difference, messages: Messages) -> str:
    """What a field said and says."""
    return messages.text(
        N_("{field}: {before} → {after}"),
        field=messages.text(FIELDS[each.name]),
        before=said(each.before, messages),
        after=said(each.after, messages),
    )


def flaw(line: Entitlement, each: TitleFlaw, messages: Messages) -> str:
    """What the title of a used line lacks."""
    return messages.text(N_("{where}: {what}"), where=line.id, what=messages.text(FLAWS[each]))


def limits(line: Entitlement, messages: Messages) -> str:
    """The rights and limits of a line."""
    rights = [messages.text(FIELDS[name]) for name in _RIGHTS if getattr(line, name)]
    bounds = [
        f"{messages.text(FIELDS[name])} {said(value, messages)}"
        for name in _LIMITS
        if (value := getattr(line, name)) is not None
    ]
    return ", ".join(rights + bounds)


def plain_value(value: Any) -> Any:
    """A field's value as JSON has it."""
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if value == UNLIMITED and isinstance(value, int) and not isinstance(value, bool):
        return "unlimited"
    return list(value) if isinstance(value, tuple) else value


def document(line: Entitlement) -> dict[str, Any]:
    """A line as JSON has it."""
    return {each.name: plain_value(getattr(line, each.name)) for each in fields(Entitlement)}


def happened_document(each: Happened) -> dict[str, Any]:
    """What happened to a line, as JSON has it."""
    return {
        "at": each.at.isoformat(),
        "what": each.kind.value,
        "by": each.act.actor or None,
        "reason": each.act.reason or None,
        "entitlement": document(each.entitlement),
        "changes": {
            one.name: {"before": plain_value(one.before), "after": plain_value(one.after)}
            for one in each.differences
        },
    }
