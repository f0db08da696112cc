"""What the catalogue makes of the fleet: on arrival, and again when the catalogue changes."""

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import NamedTuple

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.counting import licensable
from quitus_collector.domain.history import Recognised
from quitus_collector.domain.install import Install
from quitus_collector.domain.recognition import Recognition, SoftwareClass
from quitus_collector.errors import CatalogueError
from quitus_collector.services.ports import Store, UnitOfWork

log = logging.getLogger(__name__)


class Miscount(NamedTuple):
    """A product and on how many devices it is: as it is kept, and as it was counted anew."""

    product: str
    kept: int
    counted: int


class Recogniser:
    """Recognises each record once, as long as it lives; serves one thread at a time."""

    def __init__(self, catalogue: Callable[[], Catalogue]) -> None:
        """`catalogue` loads the one of now: when it is first needed, and when it was changed."""
        self._load = catalogue
        self._catalogue: Catalogue | None = None
        # What the fleet was counted by when ours was found to be another one.
        self._other = ""
        # What numbers of records stand for changed since if it is another one now.
        self._numbering: Hashable = None
        self._forget()

    def _forget(self) -> None:
        self._learnt: set[int] = set()
        # Of records that show a product: which of `_shown`, what was recognised so far.
        self._shows: dict[int, int] = {}
        self._shown: dict[Recognition, int] = {}
        # Name and publisher of records that no rule knows.
        self._unknown: dict[int, tuple[str, str]] = {}
        self._products: dict[frozenset[int], frozenset[str]] = {}

    @property
    def catalogue(self) -> Catalogue:
        """What is recognised by."""
        if self._catalogue is None:
            self._catalogue = self._load()
        return self._catalogue

    def take_in(self, work: UnitOfWork) -> None:
        """Recognises what is pending, where the fleet is counted by this very catalogue.

        The fleet has to be held. A rule that somebody wrote wrong keeps no device from reporting:
        what it brings waits.
        """
        try:
            self._take_in(work)
        except CatalogueError as error:
            log.warning("reports are not recognised for now", extra={"reason": str(error)})

    def _take_in(self, work: UnitOfWork) -> None:
        if work.inventories.numbering != self._numbering:
            self._forget()
            self._numbering = work.inventories.numbering
        counted_by = work.fleet.counted_by()
        if counted_by not in (self.catalogue.digest, self._other):
            # Another process changed it: ours may be the one of before.
            self._catalogue = None
            self._forget()
            self._other = counted_by
        if counted_by == self.catalogue.digest:
            self._recognise(work, pending=True)

    def refresh(self, work: UnitOfWork) -> None:
        """Recognises what is pending, or everything where another catalogue was counted by."""
        work.fleet.hold(alone=True)
        if work.fleet.counted_by() == self.catalogue.digest:
            self._recognise(work, pending=True)
            return
        work.fleet.change_catalogue(self.catalogue.counting)
        self._forget()
        self.learn(work.inventories.records())
        self._recognise(work, pending=False)

    def learn(self, records: Iterable[tuple[int, Install]]) -> None:
        """Recognises records, each with its number."""
        for number, install in records:
            self._learnt.add(number)
            found = self.catalogue.recognise(install)
            if found.software_class is SoftwareClass.UNKNOWN:
                self._unknown[number] = install.name, install.publisher
            elif found.product:
                # Which rule says so makes no difference to a count.
                plain = Recognition(found.software_class, found.product)
                self._shows[number] = self._shown.setdefault(plain, len(self._shown))

    def recognise(self, records: Iterable[int]) -> Recognised:
        """What records that were learnt are together, on one device."""
        shows, unknown = self._shows, self._unknown
        shown = frozenset([shows[number] for number in records if number in shows])
        if shown not in self._products:
            recognitions = [each for each, place in self._shown.items() if place in shown]
            self._products[shown] = licensable(recognitions, self.catalogue.suites)
        names = frozenset([unknown[number] for number in records if number in unknown])
        return Recognised(self._products[shown], names)

    def _recognise(self, work: UnitOfWork, *, pending: bool) -> None:
        sets = work.inventories.sets(pending=pending)
        if pending:
            sets = iter(found := list(sets))
            new = {number for records, _ in found for number in records} - self._learnt
            self.learn(work.inventories.records(new) if new else ())
        work.fleet.recognise((devices, self.recognise(records)) for records, devices in sets)


def refresh(store: Store, catalogue: Catalogue) -> None:
    """Has the fleet counted by this catalogue; nothing is written where it is already."""
    with store.reading() as work:
        is_current = work.fleet.counted_by() == catalogue.digest
        if is_current and not any(work.inventories.sets(pending=True)):
            return
    with store.writing() as work:
        Recogniser(lambda: catalogue).refresh(work)


def recount(store: Store, catalogue: Catalogue) -> Sequence[Miscount]:
    """Products whose kept count is not what a full recount finds, sorted; empty if all is well.

    Every record of every device is recognised anew. For a fleet that is counted by this catalogue:
    `refresh` sees to that.
    """
    with store.reading() as work:
        recogniser = Recogniser(lambda: catalogue)
        recogniser.learn(work.inventories.records())
        kept: Counter[str] = Counter()
        for each in work.fleet.snapshots():
            kept.update(each.products or ())
        counted: Counter[str] = Counter()
        for records, devices in work.inventories.sets(pending=False):
            for product in recogniser.recognise(records).products:
                counted[product] += len(devices)
    return [
        Miscount(product, kept[product], counted[product])
        for product in sorted(kept.keys() | counted.keys())
        if kept[product] != counted[product]
    ]
