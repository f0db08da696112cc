"""The fleet in groups of what licences cannot tell apart, and the engine's answer for it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.columns import Installs
from quitus_collector.domain.licensing.components import competing
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.licensing.situation import (
    CountedDevice,
    Reconciliation,
    Situation,
)
from quitus_collector.domain.licensing.spots import BY_CORES, seats_bought
from quitus_collector.domain.licensing.tally import Tally, is_countable, tally
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.product import (
    line_of,
)

# The device's id where a line is bound to it, its entity where one is tied to that, its products.
_Trait = tuple[str, str, tuple[str, ...]]
# Whether clusters alike are people, and what each of their devices is to the lines.
_Key = tuple[bool, tuple[_Trait, ...]]


class Fleet:
    """Devices by the set of products that they have, which many have in common."""

    def __init__(
        self, devices: Sequence[CountedDevice], products: Mapping[str, frozenset[str]]
    ) -> None:
        """`products` are those of each device, by its id; one without any is left out."""
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

    def products(self) -> dict[str, frozenset[str]]:
        """The products of each device that has any, by its id."""
        return {
            device.id: found
            for found, devices in self.by_products.items()
            for device in devices
            if found
        }

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


class FleetCover(NamedTuple):
    """One install on a device of the fleet, what covers it, and the right that lets it."""

    device: str
    product: str
    entitlement: str
    right: Right


def answer_for(
    situation: Situation, fleet: Fleet, demanded: Iterable[str], solver: Solver
) -> Tally:
    """Reconciles what competes with each other apart from the rest, by groups where it can be."""
    found = Tally()
    for products, lines in competing(situation, demanded):
        part, _ = _answer_for_part(situation, fleet, products, lines, solver)
        found.add(part)
    return found


def named_answer_for(
    situation: Situation, fleet: Fleet, demanded: Iterable[str], solver: Solver
) -> tuple[Tally, list[FleetCover]]:
    """The same answer, and which devices its covers are on, in no order.

    Of devices that the licences cannot tell apart, those with the lowest ids are covered first.
    """
    found, covers = Tally(), list[FleetCover]()
    for products, lines in competing(situation, demanded):
        part, named = _answer_for_part(situation, fleet, products, lines, solver, names=True)
        found.add(part)
        covers += named
    return found, covers


def _answer_for_part(
    situation: Situation,
    fleet: Fleet,
    products: frozenset[str],
    lines: Sequence[Entitlement],
    solver: Solver,
    *,
    names: bool = False,
) -> tuple[Tally, list[FleetCover]]:
    """The counts of what competes with each other, and with `names` its covers."""
    holding = fleet.holding(products)
    if not lines:
        return without_licences(situation, holding), []
    if _may_be_grouped(situation, products, lines):
        alike, stand_for = _alike(situation, holding, lines, names=names)
        part = tally(alike, solver, names=names)
        return part, [
            FleetCover(stand_for[spot.device][spot.copy].id, product, line, right)
            for spot, product, line, right in part.named
        ]
    answer = reconcile(_by_device(situation, holding), solver)
    covers = [FleetCover(c.device, c.product, c.entitlement, c.right) for c in answer.covered]
    return _tally_of(answer, lines), covers


def demand_of(
    situation: Situation,
    fleet: Fleet,
    products: frozenset[str],
    lines: Sequence[Entitlement],
) -> Situation:
    """The situation with the installs of what competes with each other, grouped where it can be."""
    holding = fleet.holding(products)
    if _may_be_grouped(situation, products, lines):
        return _alike(situation, holding, lines, names=False)[0]
    return _by_device(situation, holding)


def _may_be_grouped(
    situation: Situation, products: Iterable[str], lines: Iterable[Entitlement]
) -> bool:
    by_cores = (situation.terms_of(each).default_metric in BY_CORES for each in products)
    return all(map(is_countable, lines)) and not any(by_cores)


def _by_device(
    situation: Situation, holding: Mapping[frozenset[str], Sequence[CountedDevice]]
) -> Situation:
    installs = Installs.of(
        (device.id, product)
        for some, devices in holding.items()
        for device in devices
        for product in some
    )
    return replace(situation, installs=installs)


def without_licences(
    situation: Situation, holding: Mapping[frozenset[str], Sequence[CountedDevice]]
) -> Tally:
    """What nothing can cover, and what there is to buy."""
    found = Tally()
    # The person of each device, by product.
    personal: defaultdict[str, list[str]] = defaultdict(list)
    terms = {product: situation.terms_of(product) for some in holding for product in some}
    for some, devices in holding.items():
        for product in some:
            found.uncovered[product] += len(devices)
            metric = terms[product].default_metric
            if metric is Metric.USER:
                users = [device.user for device in devices if device.user]
                personal[product] += users
                found.purchases[product] += len(devices) - len(users)
            elif metric in BY_CORES:
                found.purchases[product] += sum(
                    terms[product].units_on(device, metric) for device in devices
                )
            else:
                found.purchases[product] += len(devices)
    for product, users in personal.items():
        seats = seats_bought(situation, product)
        found.purchases[product] += (
            sum(-(-count // seats) for count in Counter(users).values())
            if seats
            else len(set(users))
        )
    return found


def _alike(
    situation: Situation,
    holding: Mapping[frozenset[str], Sequence[CountedDevice]],
    lines: Iterable[Entitlement],
    *,
    names: bool,
) -> tuple[Situation, dict[str, list[CountedDevice]]]:
    """The situation with one device for all that the lines cannot tell apart, and who they are.

    People are told apart by what they have on all their devices. Where `names` are wanted, those
    that a device stands for are told, sorted by id; of people's devices, by that of the first one.
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
    sorted_products = {some: tuple(sorted(some)) for some in holding}

    def trait(some: frozenset[str], device: CountedDevice) -> _Trait:
        return (
            device.id if device.id in bound else "",
            (device.entity or "") if device.entity in entities else "",
            sorted_products[some],
        )

    alike = _Alike(names=names)
    people: defaultdict[str, list[tuple[_Trait, CountedDevice]]] = defaultdict(list)
    for some, devices in holding.items():
        if not (personal or bound or entities):
            alike.add_all(("", "", sorted_products[some]), devices)
            continue
        for device in devices:
            if personal and device.user is not None:
                people[device.user].append((trait(some, device), device))
            else:
                alike.add_all(trait(some, device), (device,))
    for theirs in people.values():
        alike.add_person(theirs)
    return alike.situation(situation)


class _Alike:
    """Devices alone and people's devices together, those alike counted as one."""

    def __init__(self, *, names: bool) -> None:
        self._names = names
        self._copies: Counter[_Key] = Counter()
        # For names, which they are: their devices, by place.
        self._clusters: defaultdict[_Key, list[tuple[CountedDevice, ...]]] = defaultdict(list)

    def add_all(self, trait: _Trait, devices: Sequence[CountedDevice]) -> None:
        """Devices that are all the same to the lines, each by itself."""
        key = (False, (trait,))
        self._copies[key] += len(devices)
        if self._names:
            self._clusters[key] += zip(devices)

    def add_person(self, theirs: list[tuple[_Trait, CountedDevice]]) -> None:
        """One person's devices; puts them in order."""
        if len(theirs) > 1:
            theirs.sort(key=_by_trait)
        key = (True, tuple([trait for trait, _ in theirs]))
        self._copies[key] += 1
        if self._names:
            self._clusters[key].append(tuple(device for _, device in theirs))

    def situation(self, of: Situation) -> tuple[Situation, dict[str, list[CountedDevice]]]:
        """One device for all that are alike, and whom it stands for."""
        made: list[CountedDevice] = []
        installs: list[tuple[str, str]] = []
        times: dict[str, int] = {}
        stand_for: dict[str, list[CountedDevice]] = {}
        for number, ((is_person, traits), count) in enumerate(sorted(self._copies.items())):
            those = sorted(self._clusters.get((is_person, traits), ()), key=_by_id)
            for place, (bound_id, entity, products) in enumerate(traits):
                name = bound_id or f"{number}.{place}"
                made.append(CountedDevice(name, entity or None, f"{number}" if is_person else None))
                installs += [(name, product) for product in products]
                times[name] = count
                stand_for[name] = [devices[place] for devices in those]
        return replace(of, devices=made, installs=Installs.of(installs), copies=times), stand_for


def _by_trait(each: tuple[_Trait, CountedDevice]) -> tuple[_Trait, str]:
    return each[0], each[1].id


def _by_id(devices: tuple[CountedDevice, ...]) -> str:
    return devices[0].id


def _tally_of(answer: Reconciliation, lines: Iterable[Entitlement]) -> Tally:
    """The counts of an answer that names devices."""
    found = Tally(Counter(answer.uncovered), Counter(answer.consumed))
    found.purchases.update(answer.purchases)
    found.covered.update((c.product, c.entitlement, c.right) for c in answer.covered)
    found.lent.update(_lent(answer, lines))
    return found


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
