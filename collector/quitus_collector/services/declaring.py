"""Filling in the declaration."""

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.company import Company
from quitus_collector.domain.declaration import Declaration
from quitus_collector.domain.optimisation import Solver
from quitus_collector.errors import UsageError
from quitus_collector.services import licensing
from quitus_collector.services.ports import Clock, Store


def draft(
    store: Store,
    catalogue: Catalogue,
    solver: Solver,
    clock: Clock,
    *,
    company: Company,
    publisher: str | None,
    software_version: str,
) -> Declaration:
    """A declaration from the position of now, for one publisher or for all.

    Raises UsageError for a publisher that the catalogue does not know.
    """
    check_publisher(catalogue, publisher)
    position = licensing.position(store, catalogue, solver, clock)
    if publisher is not None:
        # The addressee learns nothing about other publishers' software.
        position = position.of_publisher(publisher)
    return Declaration(
        company=company,
        publisher=publisher,
        publisher_label=catalogue.publishers.get(publisher or "", ""),
        position=position,
        drafted_at=clock.now(),
        software_version=software_version,
    )


def check_publisher(catalogue: Catalogue, publisher: str | None) -> None:
    """Raises UsageError unless the publisher is None or known."""
    if publisher is not None and publisher not in catalogue.publishers:
        known = ", ".join(sorted(catalogue.publishers))
        raise UsageError(f"the catalogue has no publisher {publisher!r}; it has {known}")
