"""What came and went: the history of a device, removals, how long both are kept."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.history import Episode, Removal, removals
from quitus_collector.domain.product import line_of
from quitus_collector.errors import UnknownDevice, UsageError
from quitus_collector.services.ports import Clock, Store, UnitOfWork


def history(store: Store, name: str) -> Sequence[Episode]:
    """Everything that is or was installed on a device, also on one that was removed.

    Raises UnknownDevice, or UsageError where several devices have had the name.
    """
    with store.reading() as work:
        return work.inventories.episodes(_number(work, name))


def removed(
    store: Store, since: datetime, product: str | None = None
) -> tuple[Sequence[Removal], datetime | None]:
    """What went away from then on, oldest first, and when the history begins, if that is later.

    `product` is one product, with its version or of any.
    """
    with store.reading() as work:
        begins = work.fleet.begins_at()
        changes = frozenset(each.since for each in work.fleet.catalogues())
        found = removals(work.fleet.periods(since), since, changes)
    if product:
        found = tuple(each for each in found if product in (each.product, line_of(each.product)))
    return found, begins if begins and begins > since else None


def purge(store: Store, clock: Clock, older_than: timedelta, *, actor: str) -> datetime:
    """Forgets what ended longer ago; returns from when on the history is kept."""
    now = clock.now()
    before = now - older_than
    with store.writing() as work:
        work.fleet.purge(before)
        detail = {"before": before.isoformat(timespec="seconds")}
        work.audit.add(Event(now, Kind.PURGED, actor, "history", detail))
    return before


def forget(store: Store, clock: Clock, name: str, *, actor: str) -> int:
    """Deletes all that tells whose a device was and what it had, present or removed; its number.

    What was counted on it stays in past positions, as a device that nobody can name. Raises
    UnknownDevice, or UsageError where several devices have had the name.
    """
    with store.writing() as work:
        number = _number(work, name)
        work.devices.remove(work.fleet.known_as(name)[number])
        work.fleet.forget(number)
        work.audit.add(Event(clock.now(), Kind.FORGOTTEN, actor, f"device number {number}"))
    return number


def _number(work: UnitOfWork, name: str) -> int:
    known = work.fleet.known_as(name)
    if not known:
        raise UnknownDevice("no device has or had the id or the name {name!r}", name=name)
    if len(known) > 1:
        ids = ", ".join(sorted(known.values()))
        raise UsageError(
            "{number} devices have had the name {name!r}: give one of {ids}",
            number=len(known),
            name=name,
            ids=ids,
        )
    return next(iter(known))
