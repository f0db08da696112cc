"""The fleet in groups of what licences cannot tell apart, and the engine's answer for it."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.components import competing
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.licensing.situation import (
    CountedDevice,
    Reconciliation,
    Situation,
)
from quitus_collector.domain.licensing.spots import BY_CORES
from quitus_collector.domain.licensing.tally import Tally, is_countable, tally
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.product import (
    line_of,
)

# The device's id where a line is bound to it, its entity where one is tied to that, its products.
_Trait = tuple[str, str, tuple[str, ...]]


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


def answer_for(
    situation: Situation, fleet: Fleet, demanded: Iterable[str], solver: Solver
) -> Tally:
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
