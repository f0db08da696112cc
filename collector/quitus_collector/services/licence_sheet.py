"""The effective licence position in the columns that licence managers exchange."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.contested import Reading
from quitus_collector.domain.entitlement import Channel, Entitlement
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import Position, PositionLine
from quitus_collector.domain.product import line_of, publisher_of, version_of
from quitus_collector.services.licensing import Known, known, position_of
from quitus_collector.services.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A line of the position; `by_channel` are its own licences in force, by how they were bought.

    What agents cannot see is counted by hand: that column is left for people.
    """

    publisher: str
    family: str
    version: str
    by_channel: Mapping[Channel, int]
    line: PositionLine


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule or a date of a product comes from; `kind` is "terms" or "release"."""

    label: str
    kind: str
    rule: str
    valid_from: date | None
    valid_until: date | None
    source: str


@dataclass(frozen=True, slots=True)
class OwnedLine:
    """An entitlement, what people call its product, and how many installs it covers."""

    entitlement: Entitlement
    label: str
    is_in_force: bool
    installs: int


@dataclass(frozen=True, slots=True)
class LicenceSheet:
    """A position with its rows, sources and licences, in the order of its lines.

    With a `reading` all contested rules are read so; None is the position as it is declared.
    """

    position: Position
    rows: tuple[SheetRow, ...]
    sources: tuple[Source, ...]
    owned: tuple[OwnedLine, ...]
    reading: Reading | None = None


# Which lines are wanted, in their order.
Choice = Callable[[Position], Iterable[PositionLine]]


def licence_sheet(
    store: Store,
    catalogue: Catalogue,
    solver: Solver,
    clock: Clock,
    *,
    day: date | None = None,
    publisher: str | None = None,
    reading: Reading | None = None,
    choose: Choice | None = None,
) -> LicenceSheet:
    """The position of now or of a past day, of one publisher or of all, as rows of a sheet.

    `choose` leaves other lines out; the licences stay those of the publisher.

    Raises what `licensing.position` raises.
    """
    found = known(store, catalogue, clock, day)
    position = position_of(found.read_as(reading) if reading else found, solver)
    if publisher is not None:
        position = position.of_publisher(publisher)
    if choose is not None:
        position = replace(position, lines=tuple(choose(position)))
    bought: defaultdict[str, Counter[Channel]] = defaultdict(Counter)
    for each in found.entitlements:
        if each.is_valid_on(found.day):
            bought[each.product][each.channel] += each.quantity
    rows = tuple(
        SheetRow(
            publisher=catalogue.publishers.get(publisher_of(line.product), ""),
            family=found.terms.label(line_of(line.product)),
            version=found.terms.version_name(line.product),
            by_channel=bought[line.product],
            line=line,
        )
        for line in position.lines
    )
    sources = tuple(
        source for line in position.lines for source in _sources(line, found.terms, found.day)
    )
    owned = tuple(_owned(found, position, publisher))
    return LicenceSheet(position, rows, sources, owned, reading)


def _owned(found: Known, position: Position, publisher: str | None) -> Iterable[OwnedLine]:
    installs: Counter[str] = Counter()
    for line in position.lines:
        for each in line.covered:
            installs[each.entitlement] += each.installs
    for owned in found.entitlements:
        if publisher in (None, publisher_of(owned.product)):
            label = found.terms.label(owned.product)
            yield OwnedLine(owned, label, owned.is_valid_on(found.day), installs[owned.id])


def _sources(line: PositionLine, terms: CountingTerms, day: date) -> Iterable[Source]:
    product = terms.products.get(line_of(line.product))
    if product is None:
        return
    for each in product.terms_on(day):
        start, end = each.valid_from, each.valid_until
        yield Source(line.label, "terms", each.metric, start, end, each.source)
    release = product.release(version_of(line.product), "")
    if release and release.source:
        ends = release.supported_until
        yield Source(line.label, "release", "", release.released, ends, release.source)
