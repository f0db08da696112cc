"""What people and programs are told without asking: once, when it begins to be so."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from quitus_collector.domain.campaign import Campaign, pressing
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.filing import Filing, State
from quitus_collector.domain.position import LineState, PositionLine

# Days before an end at which it is told, once for each.
STEPS = (60, 30, 7)


class Topic(StrEnum):
    """What a notice is about."""

    DEADLINE = "deadline"
    GAP = "gap"
    COVERAGE = "coverage"
    EXPIRY = "expiry"
    CERTIFICATES = "certificates"
    SUBMISSION = "submission"


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell. While its `key` stays the same it is not told again.

    `values` are what its sentence names, and all that programs are told: of no person and no
    device.
    """

    topic: Topic
    key: str
    values: Mapping[str, str] = field(default_factory=dict)


def deadlines(campaigns: Iterable[Campaign], today: date) -> Iterable[Notice]:
    """Letters whose deadline is near or over, while somebody has still to answer."""
    for each in pressing(campaigns, today):
        if each.due is None:
            continue
        left = (each.due - today).days
        step = next((step for step in (0, 7) if left <= step), 14)
        yield Notice(
            Topic.DEADLINE,
            f"deadline {each.id} {each.due} {step}",
            {"letter": each.id, "publisher": each.publisher_label, "due": each.due.isoformat()},
        )


def gaps(lines: Iterable[PositionLine]) -> Iterable[Notice]:
    """Products of which licences are missing; told again only once the gap was closed."""
    for line in lines:
        if line.state is LineState.GAP:
            values = {"product": line.product, "label": line.label, "missing": str(line.missing)}
            yield Notice(Topic.GAP, f"gap {line.product}", values)


def coverage(reporting: int, known: int, wanted_percent: int) -> Iterable[Notice]:
    """Fewer devices report than a declaration needs; told again only once enough did."""
    if known and reporting * 100 < wanted_percent * known:
        percent = reporting * 100 // known
        values = {"percent": str(percent), "wanted": str(wanted_percent)}
        yield Notice(Topic.COVERAGE, "coverage", values)


def expiries(entitlements: Iterable[Entitlement], today: date) -> Iterable[Notice]:
    """Licences that end soon, 60, 30 and 7 days before."""
    for each in entitlements:
        for what, end in (("licence", each.valid_until), ("maintenance", each.maintenance_until)):
            if end is None or not timedelta() <= end - today <= timedelta(days=STEPS[0]):
                continue
            step = min(step for step in STEPS if (end - today).days <= step)
            values = {
                "entitlement": each.id,
                "product": each.product,
                "what": what,
                "ends": end.isoformat(),
            }
            yield Notice(Topic.EXPIRY, f"expiry {each.id} {what} {end} {step}", values)


def certificates(ending: int) -> Iterable[Notice]:
    """Devices whose certificates end soon; told again only once there were none."""
    if ending:
        yield Notice(Topic.CERTIFICATES, "certificates", {"devices": str(ending)})


def submissions(filings: Iterable[Filing]) -> Iterable[Notice]:
    """Declarations that a portal took."""
    for each in filings:
        if each.state is State.SUBMITTED and each.receipt:
            values = {
                "declaration": each.id,
                "publisher": each.publisher,
                "receipt": each.receipt.number,
            }
            yield Notice(Topic.SUBMISSION, f"submission {each.id}", values)
