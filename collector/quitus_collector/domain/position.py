"""The effective licence position: what is installed, owned, covered and missing."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from quitus_collector.domain.catalogue import (
    Catalogue,
    CountingTerms,
    Product,
    Recognition,
    SoftwareClass,
    Terms,
    fold,
)
from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.components import competing
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.licensing.rights import at_own_version, components
from quitus_collector.domain.licensing.situation import (
    CountedDevice,
    ProductTerms,
    Reconciliation,
    Situation,
)
from quitus_collector.domain.licensing.spots import BY_CORES
from quitus_collector.domain.licensing.tally import Tally, is_countable, tally
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.product import (
    compare_versions,
    family_of,
    line_of,
    publisher_of,
    version_key,
    version_of,
)

Document = dict[str, object]
# The metrics that devices alone tell how to count; a product under another one is undetermined.
# Concurrent use waits for peaks, employees and CALs for numbers.
COUNTED_METRICS = frozenset({Metric.DEVICE, Metric.USER, Metric.PROCESSOR, Metric.CORE})


class LineState(StrEnum):
    """UNDETERMINED: the figure cannot be had, and no claim is made about it."""

    COMPLIANT = "compliant"
    GAP = "gap"
    UNDETERMINED = "undetermined"


class Undetermined(StrEnum):
    """Why a line makes no claim."""

    METRIC = "metric-not-counted"
    VERSION = "version-unknown"
    PERSON = "person-unknown"
    MACHINE = "machine-unknown"
    TERMS = "terms-unknown"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many installs of a line one entitlement covers, and under which right."""

    entitlement: str
    right: Right
    installs: int


@dataclass(frozen=True, slots=True)
class PositionLine:
    """One product's position.

    `installed` counts devices. `entitled` and `consumed` count the units of the product's own
    entitlements in force; a unit may be consumed by an install of another version. `missing` counts
    installs that nothing covers; it and `consumed` are None where the line is undetermined.
    `lent` units cover a lower version on a device that this product is not covered on.
    """

    product: str
    label: str
    metric: Metric
    installed: int
    entitled: int
    consumed: int | None
    covered: tuple[Coverage, ...]
    missing: int | None
    state: LineState
    reason: Undetermined | None = None
    lent: int = 0

    @property
    def available(self) -> int | None:
        """Units owned that no install consumes."""
        return None if self.consumed is None else self.entitled - self.consumed

    @property
    def covered_installs(self) -> int | None:
        """Installs that a licence covers."""
        return None if self.missing is None else self.installed - self.missing

    def document(self) -> Document:
        """The line as JSON has it."""
        return {
            "product": self.product,
            "label": self.label,
            "metric": self.metric.value,
            "installed": self.installed,
            "entitled": self.entitled,
            "consumed": self.consumed,
            "available": self.available,
            "missing": self.missing,
            "state": self.state.value,
            "reason": self.reason and self.reason.value,
            "covered": [asdict(each) for each in self.covered],
        }


@dataclass(frozen=True, slots=True)
class Perimeter:
    """The devices that a position rests on; `entities` are their legal entities (SIREN), sorted.

    `stale` devices have reported, but not within `stale_after_days`; they are counted as they last
    were. `namesakes` are names that several devices have: each may be one machine enrolled twice.
    `set_apart` devices are in quarantine or were replaced: none of the other figures has them.
    """

    entities: tuple[str, ...]
    enrolled: int
    reporting: int
    stale: int
    stale_after_days: int
    with_failed_sources: int
    oldest_report_at: datetime | None
    namesakes: tuple[str, ...]
    set_apart: int = 0

    def document(self) -> Document:
        """The perimeter as JSON has it."""
        oldest = self.oldest_report_at
        return asdict(self) | {"oldest_report_at": oldest.isoformat() if oldest else None}


@dataclass(frozen=True, slots=True)
class Unknown:
    """A raw name that no rule knows, and on how many devices it is."""

    name: str
    publisher: str
    devices: int


@dataclass(frozen=True, slots=True)
class Position:
    """Every line, sorted by product, with what it rests on and what it leaves out."""

    as_of: datetime
    catalogue_digest: str
    perimeter: Perimeter
    lines: tuple[PositionLine, ...]
    unknown: tuple[Unknown, ...]

    def of_publisher(self, publisher: str) -> "Position":
        """The same position, reduced to one publisher's products."""
        lines = tuple(each for each in self.lines if publisher_of(each.product) == publisher)
        return replace(self, lines=lines)

    def document(self) -> Document:
        """The position as JSON has it."""
        return {
            "as_of": self.as_of.isoformat(),
            "catalogue_sha256": self.catalogue_digest,
            "perimeter": self.perimeter.document(),
            "lines": [line.document() for line in self.lines],
            "unknown": [asdict(each) for each in self.unknown],
        }


def licensable(
    recognitions: Iterable[Recognition], suites: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """The products on one device that need a licence, each once however many records show it.

    The parts of a suite that is there are the suite's own, not products beside it.
    """
    recognitions = list(recognitions)
    products = fold((each.product for each in recognitions if each.product), suites)
    commercial = {
        each.product for each in recognitions if each.software_class is SoftwareClass.COMMERCIAL
    }
    return frozenset(product for product in products if product in commercial)


def position_lines(
    as_of: date,
    devices: Sequence[CountedDevice],
    products: Mapping[str, frozenset[str]],
    entitlements: Sequence[Entitlement],
    catalogue: Catalogue | CountingTerms,
    solver: Solver,
) -> tuple[PositionLine, ...]:
    """Reconciles what the engine counts and marks the rest undetermined.

    `products` holds the licensable products of each device, by device id.
    """
    fleet = _Fleet(devices, products)
    in_force = [each for each in entitlements if each.quantity and each.is_valid_on(as_of)]
    named = fleet.installed.keys() | {each.product for each in entitlements}
    terms = _terms_of_all(named, catalogue, as_of)
    reasons = _reasons(fleet, in_force, catalogue, terms, as_of)
    counted = [each for each in entitlements if line_of(each.product) not in reasons]
    demanded = {
        product
        for product in fleet.installed
        if line_of(product) not in reasons and f"{product}@" not in reasons
    }
    answer = _answer(
        Situation(as_of, devices, frozenset(), counted, terms), fleet, demanded, solver
    )
    installed = fleet.installed
    owned: Counter[str] = Counter()
    for each in entitlements:
        owned[each.product] += each.quantity if each.is_valid_on(as_of) else 0
    names = sorted(installed.keys() | owned.keys(), key=_by_name_and_version)
    coverage = _coverage(answer.covered)
    consumed = _consumed(answer.consumed, entitlements)
    lines = []
    for product in names:
        reason = reasons.get(line_of(product)) or reasons.get(f"{product}@")
        missing = answer.uncovered[product]
        state = LineState.GAP if missing else LineState.COMPLIANT
        lines.append(
            PositionLine(
                product=product,
                label=catalogue.label(product),
                metric=catalogue.metric(product),
                installed=installed[product],
                entitled=owned[product],
                consumed=None if reason else consumed[product],
                covered=coverage.get(product, ()),
                missing=None if reason else missing,
                state=LineState.UNDETERMINED if reason else state,
                reason=reason,
                lent=answer.lent[product],
            )
        )
    return tuple(lines)


class _Fleet:
    """Devices by the set of products that they have, which many have in common."""

    def __init__(
        self, devices: Sequence[CountedDevice], products: Mapping[str, frozenset[str]]
    ) -> None:
        self.devices = devices
        self.by_products: defaultdict[frozenset[str], list[CountedDevice]] = defaultdict(list)
        nothing = frozenset[str]()
        for device in devices:
            self.by_products[products.get(device.id, nothing)].append(device)
        # On how many devices each product is.
        self.installed: Counter[str] = Counter()
        for found, on in self.by_products.items():
            for product in found:
                self.installed[product] += len(on)

    def lines_where(self, is_so: Callable[[CountedDevice], bool]) -> set[str]:
        """The lines on any device of which that is so."""
        return {
            line_of(product)
            for found, devices in self.by_products.items()
            if found and any(map(is_so, devices))
            for product in found
        }

    def holding(self, products: Iterable[str]) -> dict[frozenset[str], list[CountedDevice]]:
        """The devices that have any of these products, by those that they have."""
        wanted = frozenset(products)
        found: defaultdict[frozenset[str], list[CountedDevice]] = defaultdict(list)
        for each, devices in self.by_products.items():
            if some := each & wanted:
                found[some] += devices
        return found


# The device's id where a line is bound to it, its entity where one is tied to that, its products.
_Trait = tuple[str, str, tuple[str, ...]]


def _answer(situation: Situation, fleet: _Fleet, demanded: Iterable[str], solver: Solver) -> Tally:
    """Reconciles what competes with each other apart from the rest, by groups where it can be."""
    found = Tally()
    for products, lines in competing(situation, demanded):
        if not lines:
            for product in products:
                found.uncovered[product] += fleet.installed[product]
            continue
        holding = fleet.holding(products)
        if all(map(is_countable, lines)) and not any(
            situation.terms_of(product).default_metric in BY_CORES for product in products
        ):
            part = tally(_alike(situation, holding, lines), solver)
        else:
            installs = frozenset(
                (device.id, product)
                for some, devices in holding.items()
                for device in devices
                for product in some
            )
            part = _tally_of(reconcile(replace(situation, installs=installs), solver), lines)
        for name in ("uncovered", "consumed", "covered", "lent"):
            getattr(found, name).update(getattr(part, name))
    return found


def _alike(
    situation: Situation,
    holding: Mapping[frozenset[str], Sequence[CountedDevice]],
    lines: Iterable[Entitlement],
) -> Situation:
    """The situation with one device for all that the lines cannot tell apart.

    People are told apart by what they have on all their devices.
    """
    lines = list(lines)
    bound = {line.bound_to for line in lines if line.bound_to}
    entities = {line.entity for line in lines if line.entity}
    personal = any(
        metric is Metric.USER
        for metric in (
            *(line.metric for line in lines),
            *(situation.terms_of(product).default_metric for some in holding for product in some),
        )
    )
    people: defaultdict[object, list[tuple[frozenset[str], CountedDevice]]] = defaultdict(list)
    # By whether it is a person, then what each device is to the lines.
    copies: Counter[tuple[bool, tuple[_Trait, ...]]] = Counter()
    sorted_products = {some: tuple(sorted(some)) for some in holding}

    def trait(some: frozenset[str], device: CountedDevice) -> _Trait:
        return (
            device.id if device.id in bound else "",
            (device.entity or "") if device.entity in entities else "",
            sorted_products[some],
        )

    for some, devices in holding.items():
        if not (personal or bound or entities):
            copies[False, (("", "", sorted_products[some]),)] += len(devices)
            continue
        for device in devices:
            if personal and device.user is not None:
                people[device.user].append((some, device))
            else:
                copies[False, (trait(some, device),)] += 1
    for theirs in people.values():
        copies[True, tuple(sorted(trait(*each) for each in theirs))] += 1
    made: list[CountedDevice] = []
    installs: set[tuple[str, str]] = set()
    times: dict[str, int] = {}
    for number, ((is_person, cluster), count) in enumerate(sorted(copies.items())):
        for place, (bound_id, entity, some_products) in enumerate(cluster):
            name = bound_id or f"{number}.{place}"
            made.append(CountedDevice(name, entity or None, f"{number}" if is_person else None))
            installs |= {(name, product) for product in some_products}
            times[name] = count
    return replace(situation, devices=made, installs=frozenset(installs), copies=times)


def _tally_of(answer: Reconciliation, lines: Iterable[Entitlement]) -> Tally:
    """The counts of an answer that names devices."""
    found = Tally(Counter(answer.uncovered), Counter(answer.consumed))
    found.covered.update((c.product, c.entitlement, c.right) for c in answer.covered)
    found.lent.update(_lent(answer, lines))
    return found


def _terms_of_all(
    products: Iterable[str], catalogue: Catalogue | CountingTerms, day: date
) -> dict[str, ProductTerms]:
    """The terms of these products and of what is inside them."""
    found: dict[str, ProductTerms] = {}
    unknown = list(products)
    while unknown:
        product = unknown.pop()
        if product not in found:
            found[product] = _terms(product, catalogue, day)
            unknown += (at_own_version(each, product) for each in found[product].includes)
    return found


def _terms(product: str, catalogue: Catalogue | CountingTerms, day: date) -> ProductTerms:
    """What the catalogue says of counting the product on that day."""
    metric = catalogue.metric(product)
    known = catalogue.products.get(line_of(product))
    if known is None:
        return ProductTerms(product, default_metric=metric)
    cores = _core_terms(known, day)
    release = known.release(version_of(product), "")
    return ProductTerms(
        product,
        default_metric=metric,
        edition_rank=known.rank or None,
        released=release.released if release else None,
        includes=known.includes,
        core_minimum_per_device=cores.device_minimum if cores else 0,
        core_minimum_per_processor=cores.processor_minimum if cores else 0,
        core_pack=(cores.pack if cores else 0) or 1,
    )


def _core_terms(product: Product, day: date) -> Terms | None:
    return next((each for each in product.terms_on(day) if each.metric is Metric.CORE), None)


def _reasons(
    fleet: _Fleet,
    entitlements: Sequence[Entitlement],
    catalogue: Catalogue | CountingTerms,
    terms: Mapping[str, ProductTerms],
    day: date,
) -> dict[str, Undetermined]:
    """What cannot be determined: lines, which one missing fact taints whole, and products."""
    reasons: dict[str, Undetermined] = {}
    installed: defaultdict[str, set[str]] = defaultdict(set)
    for product in fleet.installed:
        installed[line_of(product)].add(product)
    nobodys = fleet.lines_where(lambda device: not device.user)
    without_processors = fleet.lines_where(lambda device: not device.processors)
    without_cores = without_processors | fleet.lines_where(lambda device: not device.cores)
    without_host = fleet.lines_where(lambda device: device.is_virtual and not device.host)
    metrics: defaultdict[str, set[Metric]] = defaultdict(set)
    for line, found in installed.items():
        metrics[line] |= {catalogue.metric(product) for product in found}
        for product in found:
            if catalogue.lacks_version(product):
                # A product without its version is written like its line: the @ tells them apart.
                reasons[f"{product}@"] = Undetermined.VERSION
    for each in entitlements:
        metrics[line_of(each.product)] |= {each.metric, catalogue.metric(each.product)}
    lent = {line_of(each.product) for each in entitlements if each.second_use}
    hosting = {line_of(each.product) for each in entitlements if each.virtual_machines is not None}
    for line, counted in metrics.items():
        if not counted <= COUNTED_METRICS or (
            Metric.CORE in counted and not _tells_cores(line, catalogue, day)
        ):
            reasons[line] = Undetermined.METRIC
        elif (Metric.USER in counted or line in lent) and line in nobodys:
            reasons[line] = Undetermined.PERSON
        elif (
            (Metric.PROCESSOR in counted and line in without_processors)
            or (Metric.CORE in counted and line in without_cores)
            or (line in hosting and line in without_host)
        ):
            reasons[line] = Undetermined.MACHINE
    competing_lines = []
    for each in entitlements:
        reached = _reached(each, installed, terms)
        for line in _reached_by_unknown_terms(each, reached, installed, terms):
            reasons.setdefault(line, Undetermined.TERMS)
        base = {line_of(each.requires_base)} if each.requires_base else set[str]()
        competing_lines.append(reached | base)
    return _with_what_competes(reasons, competing_lines)


def _tells_cores(line: str, catalogue: Catalogue | CountingTerms, day: date) -> bool:
    """Whether the catalogue has the minimums and packs of this product line."""
    known = catalogue.products.get(line)
    return known is not None and _core_terms(known, day) is not None


def _reached(
    entitlement: Entitlement,
    installed: Mapping[str, set[str]],
    terms: Mapping[str, ProductTerms],
) -> set[str]:
    """The installed lines that units of the entitlement may cover, and its own."""
    owned = line_of(entitlement.product)
    reached = {owned} | {
        line_of(each) for each in components(entitlement.product, lambda p: _of(p, terms))
    }
    if entitlement.edition_downgrade:
        reached |= {line for line in installed if family_of(line) == family_of(owned)}
    return {line for line in reached if line in installed or line == owned}


def _of(product: str, terms: Mapping[str, ProductTerms]) -> ProductTerms:
    return terms.get(product) or ProductTerms(product)


def _reached_by_unknown_terms(
    entitlement: Entitlement,
    reached: set[str],
    installed: Mapping[str, set[str]],
    terms: Mapping[str, ProductTerms],
) -> Iterator[str]:
    """Lines that a right may reach by release dates or ranks that the catalogue has not."""
    owned = entitlement.product
    for line in reached:
        undated = any(
            (compare_versions(version_of(product), version_of(owned)) or 0) > 0
            and terms[product].released is None
            for product in installed.get(line, ())
        )
        ranks = [terms[owned], *(terms[product] for product in installed.get(line, ()))]
        if (entitlement.maintenance_until and undated) or (
            entitlement.edition_downgrade
            and line != line_of(owned)
            and family_of(line) == family_of(owned)
            and any(each.edition_rank is None for each in ranks)
        ):
            yield line


def _with_what_competes(
    reasons: dict[str, Undetermined], competing: Sequence[set[str]]
) -> dict[str, Undetermined]:
    """A line whose licences may be consumed for an undetermined one is undetermined too."""
    spreading = True
    while spreading:
        spreading = False
        for lines in competing:
            tainted = [reasons[line] for line in sorted(lines) if line in reasons]
            for line in lines - reasons.keys() if tainted else ():
                reasons[line] = tainted[0]
                spreading = True
    return reasons


def _lent(answer: Reconciliation, entitlements: Iterable[Entitlement]) -> Counter[str]:
    """Units per device that cover lower versions only, by the product of their entitlement."""
    per_device = {each.id: each.product for each in entitlements if each.metric is Metric.DEVICE}
    rights: defaultdict[tuple[str, str], set[Right]] = defaultdict(set)
    for cover in answer.covered:
        rights[cover.device, cover.entitlement].add(cover.right)
    return Counter(
        per_device[entitlement]
        for (_, entitlement), found in rights.items()
        if found == {Right.DOWNGRADE} and entitlement in per_device
    )


def _coverage(counts: Mapping[tuple[str, str, Right], int]) -> dict[str, tuple[Coverage, ...]]:
    found: defaultdict[str, list[Coverage]] = defaultdict(list)
    for (product, entitlement, right), installs in sorted(counts.items()):
        found[product].append(Coverage(entitlement, right, installs))
    return {product: tuple(coverage) for product, coverage in found.items()}


def _consumed(units: Mapping[str, int], entitlements: Iterable[Entitlement]) -> Counter[str]:
    consumed: Counter[str] = Counter()
    for each in entitlements:
        consumed[each.product] += units.get(each.id, 0)
    return consumed


def _by_name_and_version(product: str) -> tuple[str, object]:
    return line_of(product), version_key(version_of(product))
