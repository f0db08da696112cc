"""The first page: where the company stands, and what needs a decision."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from fastapi import Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.domain.audit import Entry
from quitus_collector.domain.campaign import Campaign, progress
from quitus_collector.domain.measurement import Measurement
from quitus_collector.domain.position import LineState, Position, PositionLine
from quitus_collector.domain.product import publisher_of
from quitus_collector.domain.roster import Condition
from quitus_collector.domain.support import Support, VersionInUse, versions
from quitus_collector.services import filings, measuring
from quitus_collector.services.ports import AuditFilter
from quitus_collector.services.roster import Watch
from quitus_collector.services.wording import NN_
from quitus_collector.web import charts
from quitus_collector.web.charts import Bar, Course
from quitus_collector.web.event_words import who
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor

router = Pages()
# What is drawn one by one; the rest together. Tables hold all of them.
DRAWN, LISTED = 10, 8


class Decision(NamedTuple):
    """What waits for a person: how many, in words, and where it is decided."""

    said: tuple[str, str]
    number: int
    link: str


class Standing(NamedTuple):
    """A publisher's installs: covered, without a licence, and of which nothing is claimed."""

    name: str
    id: str
    covered: int
    missing: int
    undetermined: int


class Due(NamedTuple):
    """A letter that somebody still has to answer."""

    campaign: Campaign
    days_left: int | None
    open: int


@router.page("/", None)
def overview(request: Request, visit: Visit) -> Response:
    """Position by publisher, gaps, coverage of the fleet, letters, what is open."""
    if not visit.may(Permission.READ):
        return go(request, "/devices")
    collector, figures = visit.collector, visit.figures
    counted = figures.position()
    watched = figures.watch().value
    today = collector.clock.today()
    with collector.store.reading() as work:
        waiting = sum(each.approved is None for each in work.requests.list())
        campaigns = work.campaigns.list()
    publishers = _publishers(visit, counted.value)
    used = versions(figures.products().value, collector.catalogue)
    course = measuring.course(collector.store, collector.clock)
    due = _due(campaigns, today)
    decisions = _decisions(counted.value, watched, waiting, due)
    context = {
        "alerts": _alerts(visit),
        "who": who,
        "position": counted.value,
        "counted_at": counted.at,
        "decisions": [each for each in decisions if each.number],
        "due": due,
        "today": today,
        "publishers": publishers,
        "publisher_bars": _publisher_bars(visit, publishers),
        "gaps": _gaps(counted.value)[:LISTED],
        "missing": sum(line.missing or 0 for line in counted.value.lines),
        "costs": figures.costs(counted.value),
        "all_gaps": len(_gaps(counted.value)),
        "listed": figures.behind(
            "coverage",
            lambda: filings.fleet_coverage(collector.store, collector.clock)[0],
        ),
        "course": course,
        "coverage_chart": _course(visit, course, "coverage"),
        "gap_chart": _course(visit, course, "gap"),
        "versions": _near_end(used, today),
        "version_bars": _version_bars(visit, _near_end(used, today), today),
        "support": {each.product: each.support(today) for each in used},
    }
    return page(request, "overview.html", context)


def _alerts(visit: Visitor) -> list[Entry]:
    """What was changed of people who approve, the newest first, as long as it is unseen."""
    numbers = sorted(visit.account.alerts, reverse=True)
    with visit.collector.store.reading() as work:
        found = [work.audit.page(AuditFilter(), before=number + 1, limit=1) for number in numbers]
    return [entry for entries in found for entry in entries]


def _decisions(
    position: Position,
    watched: Watch,
    waiting: int,
    due: Sequence[Due],
) -> list[Decision]:
    """The most pressing first."""
    late = sum(each.days_left is not None and each.days_left < 0 for each in due)
    open_lines = sum(line.state is LineState.UNDETERMINED for line in position.lines)
    return [
        Decision(
            NN_("{n} letter past its deadline", "{n} letters past their deadline"),
            late,
            "/campaigns",
        ),
        Decision(
            NN_("{n} device in quarantine", "{n} devices in quarantine"),
            watched.conditions.get(Condition.QUARANTINED, 0),
            "/devices?condition=quarantined",
        ),
        Decision(
            NN_("{n} device waits to be let in", "{n} devices wait to be let in"),
            waiting,
            "/devices/requests",
        ),
        Decision(
            NN_("{n} undetermined line", "{n} undetermined lines"),
            open_lines,
            "/position?state=undetermined",
        ),
        Decision(
            NN_("{n} name that no rule knows", "{n} names that no rule knows"),
            len(position.unknown),
            "/unknown",
        ),
        Decision(
            NN_("{n} device with a source that failed", "{n} devices with a source that failed"),
            watched.conditions.get(Condition.FAILED, 0),
            "/devices?condition=failed-sources",
        ),
        Decision(
            NN_("{n} certificate that ends soon", "{n} certificates that end soon"),
            watched.ending,
            "/devices?ending=true",
        ),
    ]


def _due(campaigns: Sequence[Campaign], today: date) -> list[Due]:
    """Letters with a deadline that somebody still has to answer, the nearest first."""
    found = []
    for each in campaigns:
        told = progress(each, today, {})
        is_open = bool(told.open) or not (each.entities or each.replies)
        if each.due and is_open:
            found.append(Due(each, told.days_left, len(told.open)))
    return sorted(found, key=lambda due: (due.campaign.due or date.max, due.campaign.id))


def _publishers(visit: Visitor, position: Position) -> list[Standing]:
    """Those that most is missing of first, then those with most installs."""
    totals: dict[str, dict[LineState, int]] = defaultdict(lambda: dict.fromkeys(LineState, 0))
    for line in position.lines:
        of = totals[publisher_of(line.product)]
        if line.missing is None:
            of[LineState.UNDETERMINED] += line.installed
            continue
        of[LineState.GAP] += line.missing
        of[LineState.COMPLIANT] += line.needing - line.missing
    names = visit.collector.catalogue.publishers
    found = [
        Standing(
            names.get(id_, id_),
            id_,
            of[LineState.COMPLIANT],
            of[LineState.GAP],
            of[LineState.UNDETERMINED],
        )
        for id_, of in totals.items()
    ]
    return sorted(found, key=lambda each: (-each.missing, -each.covered, each.name))


def _publisher_bars(visit: Visitor, publishers: Sequence[Standing]) -> list[Bar]:
    messages = visit.collector.messages
    drawn = list(publishers[:DRAWN])
    rest = publishers[DRAWN:]
    if rest:
        name = messages.count("{n} other publisher", "{n} other publishers", len(rest))
        sums = [sum(figures) for figures in zip(*(each[2:] for each in rest), strict=True)]
        drawn.append(Standing(name, "", *sums))
    return [
        Bar(
            each.name,
            [
                (LineState.COMPLIANT.value, each.covered),
                (LineState.GAP.value, each.missing),
                (LineState.UNDETERMINED.value, each.undetermined),
            ],
            messages.count("{n} missing", "{n} missing", each.missing),
            f"/position?publisher={each.id}" if each.id else "/position",
        )
        for each in drawn
    ]


def _gaps(position: Position) -> list[PositionLine]:
    """The lines with a gap, the largest first."""
    found = [line for line in position.lines if line.missing]
    return sorted(found, key=lambda line: (-(line.missing or 0), line.label))


def _course(visit: Visitor, course: Sequence[Measurement], what: str) -> object:
    messages = visit.collector.messages

    def day(at: date) -> str:
        return messages.day(at.isoformat())

    if what == "coverage":
        title = messages.text("Devices that report, over time")
        drawn = [
            Course(
                messages.text("Enrolled devices"), "plain", [(m.day, m.enrolled) for m in course]
            ),
            Course(messages.text("Reporting"), "good", [(m.day, m.reporting) for m in course]),
        ]
    else:
        title = messages.text("Installs without a licence, over time")
        drawn = [Course(messages.text("Missing"), "bad", [(m.day, m.missing) for m in course])]
    return charts.lines(title, drawn, messages.number, day)


def _near_end(used: Sequence[VersionInUse], today: date) -> list[VersionInUse]:
    """Versions whose support has ended or ends within a year, those on most devices first."""
    return [each for each in used if each.support(today) in (Support.ENDED, Support.ENDING)]


def _version_bars(visit: Visitor, near: Sequence[VersionInUse], today: date) -> list[Bar]:
    messages = visit.collector.messages
    kinds = {Support.ENDED: "bad", Support.ENDING: "open"}
    return [
        Bar(
            f"{each.label} – {messages.day(each.supported_until.isoformat())}",
            [(kinds[each.support(today)], each.devices)],
            messages.count("{n} device", "{n} devices", each.devices),
            "/products",
        )
        for each in near[:DRAWN]
        if each.supported_until
    ]
