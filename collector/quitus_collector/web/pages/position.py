"""The effective licence position, line by line."""

from datetime import date

from fastapi import Request, Response

from quitus_collector.domain.account import Permission
from quitus_collector.services.declaring import check_publisher
from quitus_collector.web.rendering import page
from quitus_collector.web.visits import Pages, Visit

router = Pages()


@router.page("/position", Permission.READ)
def position(
    request: Request, visit: Visit, publisher: str = "", as_of: date | None = None
) -> Response:
    """Of now, or of the end of a past day; of one publisher, or of all."""
    check_publisher(visit.collector.catalogue, publisher or None)
    if as_of:
        found, counted_at = visit.figures.position_of(as_of), None
    else:
        counted = visit.figures.position()
        found, counted_at = counted.value, counted.at
    if publisher:
        found = found.of_publisher(publisher)
    return page(
        request, "position.html", {"position": found, "counted_at": counted_at, "as_of": as_of}
    )
