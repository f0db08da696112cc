"""The first page: where the company stands, and what needs a decision."""

from collections import defaultdict

from fastapi import Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.domain.position import LineState, Position
from quitus_collector.domain.product import publisher_of
from quitus_collector.web.charts import Bar
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit

router = Pages()


@router.page("/", None)
def overview(request: Request, visit: Visit) -> Response:
    """Position by publisher, coverage of the fleet, what is open."""
    if not visit.may(Permission.READ):
        return go(request, "/devices")
    counted = visit.figures.position()
    return page(
        request,
        "overview.html",
        {"position": counted.value, "counted_at": counted.at, "bars": _bars(visit, counted.value)},
    )


def _bars(visit: Visit, position: Position) -> list[Bar]:
    """One bar a publisher: installs that are covered, missing, and of which nothing is claimed."""
    totals: dict[str, dict[LineState, int]] = defaultdict(lambda: dict.fromkeys(LineState, 0))
    for line in position.lines:
        of = totals[publisher_of(line.product)]
        if line.missing is None:
            of[LineState.UNDETERMINED] += line.installed
            continue
        of[LineState.GAP] += line.missing
        of[LineState.COMPLIANT] += line.needing - line.missing
    messages, publishers = visit.collector.messages, visit.collector.catalogue.publishers
    ordered = sorted(totals.items(), key=lambda each: (-each[1][LineState.GAP], each[0]))
    return [
        Bar(
            publishers[name],
            [(state.value, of[state]) for state in LineState],
            messages.count("{n} missing", "{n} missing", of[LineState.GAP]),
            f"/position?publisher={name}",
        )
        for name, of in ordered
    ]
