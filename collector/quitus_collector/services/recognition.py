"""What the catalogue makes of the fleet: on arrival, and again when the catalogue changes."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from quitus_collector.domain.catalogue import Catalogue, Recognition, SoftwareClass
from quitus_collector.domain.history import Recognised
from quitus_collector.domain.install import Install
from quitus_collector.domain.position import licensable
from quitus_collector.services.ports import Store, UnitOfWork


class _Record(NamedTuple):
    """What matters of a record: its product, or its name and publisher where it is unknown."""

    recognition: Recognition
    unknown: tuple[str, str] | None


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
        # By number; None where the record is nothing to a count.
        self._records: dict[int, _Record | None] = {}
        self._products: dict[frozenset[Recognition], frozenset[str]] = {}

    @property
    def catalogue(self) -> Catalogue:
        """What is recognised by."""
        if self._catalogue is None:
            self._catalogue = self._load()
        return self._catalogue

    def take_in(self, work: UnitOfWork) -> None:
        """Recognises what is pending, where the fleet is counted by this very catalogue."""
        counted_by = work.fleet.counted_by()
        if counted_by not in (self.catalogue.digest, self._other):
            # Another process changed it: ours may be the one of before.
            self._catalogue, self._records, self._products = None, {}, {}
            self._other = counted_by
        if counted_by == self.catalogue.digest:
            self._recognise(work, pending=True)

    def refresh(self, work: UnitOfWork) -> None:
        """Recognises what is pending, or everything where another catalogue was counted by."""
        if work.fleet.counted_by() == self.catalogue.digest:
            self._recognise(work, pending=True)
            return
        work.fleet.change_catalogue(self.catalogue.counting)
        self._records = {}
        self.learn(work.inventories.records())
        self._recognise(work, pending=False)

    def learn(self, records: Mapping[int, Install]) -> None:
        """Recognises records, by their numbers."""
        for number, install in records.items():
            self._records[number] = self._of(install)

    def recognise(self, records: Iterable[int]) -> Recognised:
        """What records that were learnt are together, on one device."""
        found = [known for number in records if (known := self._records[number])]
        recognitions = frozenset(each.recognition for each in found if not each.unknown)
        if recognitions not in self._products:
            self._products[recognitions] = licensable(recognitions, self.catalogue.suites)
        return Recognised(
            self._products[recognitions], frozenset(each.unknown for each in found if each.unknown)
        )

    def _recognise(self, work: UnitOfWork, *, pending: bool) -> None:
        sets = work.inventories.sets(pending=pending)
        if pending:
            sets = iter(found := list(sets))
            new = {number for records, _ in found for number in records} - self._records.keys()
            self.learn(work.inventories.records(new) if new else {})
        work.fleet.recognise((devices, self.recognise(records)) for records, devices in sets)

    def _of(self, install: Install) -> _Record | None:
        recognition = self.catalogue.recognise(install)
        if recognition.software_class is SoftwareClass.UNKNOWN:
            return _Record(recognition, (install.name, install.publisher))
        # Which rule says so makes no difference to a count.
        plain = Recognition(recognition.software_class, recognition.product)
        return _Record(plain, None) if recognition.product else None


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
