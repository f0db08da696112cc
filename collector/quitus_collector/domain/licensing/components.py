"""Splits a situation into what is independent."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from quitus_collector.domain.entitlement import Entitlement, Right
from quitus_collector.domain.licensing.columns import Counts, Flags, Names, Numbering, Numbers
from quitus_collector.domain.licensing.competition import KIND_OF, Component, Kind
from quitus_collector.domain.licensing.devices import Devices
from quitus_collector.domain.licensing.pools import pools_in_force
from quitus_collector.domain.licensing.rights import right_to
from quitus_collector.domain.licensing.situation import Situation


class AccessLines(NamedTuple):
    """The lines of one product, by the numbers of devices and users; 0 where there is none."""

    devices: Numbers
    users: Numbers


class Demand:
    """Everything that needs a licence, by kind and product; `installs` are devices, rising.

    `copies` say how many devices each stands for, where that is not itself alone.
    """

    def __init__(self, situation: Situation) -> None:
        """Sorts installs, access lines and uses apart."""
        known = {device.id: device for device in situation.devices}
        lines = list(situation.access)
        on = [line.device or "" for line in lines]
        by = [line.user or "" for line in lines]
        of = [line.product for line in lines]
        installs = situation.installs
        self.names = Names(
            tuple(sorted({"", *known, *on})),
            tuple(sorted({"", *by})),
            tuple(sorted({*installs.on, *of})),
            tuple(sorted(line.id for line in situation.entitlements)),
        )
        self.devices = Devices(self.names.devices, known)
        self.copies: Counts | None = None
        if situation.copies:
            copies = [situation.copies.get(device, 1) for device in self.names.devices]
            self.copies = np.array(copies, np.int64)
        self.uses = {product: peak for product, peak in situation.peaks.items() if peak}
        numbers = self.devices.numbers_of(installs.devices)
        self.installs = {product: numbers[places] for product, places in installs.on.items()}
        for product in [p for p in self.installs if situation.is_counted_by_uses(p)]:
            those = self.installs.pop(product)
            if product not in situation.peaks:
                self.uses[product] = len(those)
        user_numbers = {user: number for number, user in enumerate(self.names.users)}
        users = np.array([user_numbers[user] for user in by], np.int32)
        self.access = _by_product(of, AccessLines(self.devices.numbers_of(on), users))

    def have(self, *products: str) -> Flags:
        """Which devices have any of these."""
        found = np.zeros(len(self.names.devices), np.bool)
        for product in products:
            found[self.installs[product]] = True
        return found

    def products(self) -> Iterator[tuple[Kind, str]]:
        """What is demanded of each kind, sorted."""
        for kind, products in (
            (Kind.INSTALLS, self.installs),
            (Kind.ACCESS, self.access),
            (Kind.USES, self.uses),
        ):
            yield from ((kind, product) for product in sorted(products))


def _by_product(products: Sequence[str], lines: AccessLines) -> dict[str, AccessLines]:
    numbers = Numbering()
    of = np.array([numbers[product] for product in products], np.int32)
    return {
        product: AccessLines(lines.devices[of == number], lines.users[of == number])
        for product, number in numbers.items()
    }


def competing(
    situation: Situation, products: Iterable[str]
) -> Iterator[tuple[frozenset[str], list[Entitlement]]]:
    """Installed products that compete, with the lines in force that they compete for."""
    demand = Demand(situation)
    for product in products:
        demand.installs[product] = np.array([], np.int32)
    for component in components(situation, demand):
        lots = (lot for pool in component.pools.values() for lot in pool.lots.values())
        yield component.products, [line for lot in lots for line in lot.lines]


def components(situation: Situation, demand: Demand) -> list[Component]:
    """The independent parts, in the order of their first product."""
    pools = dict(enumerate(pools_in_force(situation)))
    joined = _Joined()
    rights: dict[int, dict[str, Right]] = defaultdict(dict)
    for kind, product in demand.products():
        joined.add((kind, product))
        for number, pool in pools.items():
            if KIND_OF.get(pool.terms.metric, Kind.INSTALLS) is kind:
                right = right_to(pool.terms, product, situation.terms_of)
                if right:
                    rights[number][product] = right
                    joined.join((kind, product), number)
    for number, pool in pools.items():
        base = pool.terms.requires_base
        if base and number in rights:
            for other, candidate in pools.items():
                if candidate.is_base_for(base):
                    joined.join(number, other)
    return [
        Component(
            kind,
            frozenset(product for _, product in parts.demanded),
            {number: pools[number] for number in sorted(parts.pools)},
            {number: rights.get(number, {}) for number in parts.pools},
        )
        for kind, parts in joined.parts()
    ]


@dataclass(slots=True)
class _Parts:
    demanded: list[tuple[Kind, str]]
    pools: list[int]


class _Joined:
    """Disjoint sets, in the order in which their first element was added."""

    def __init__(self) -> None:
        self._parent: dict[Hashable, Hashable] = {}

    def add(self, element: Hashable) -> None:
        self._parent.setdefault(element, element)

    def join(self, one: Hashable, other: Hashable) -> None:
        self.add(one)
        self.add(other)
        self._parent[self._root(other)] = self._root(one)

    def _root(self, element: Hashable) -> Hashable:
        parent = self._parent
        while parent[element] != element:
            parent[element] = parent[parent[element]]
            element = parent[element]
        return element

    def sets(self) -> Iterable[list[Hashable]]:
        found: dict[Hashable, list[Hashable]] = {}
        for element in self._parent:
            found.setdefault(self._root(element), []).append(element)
        return found.values()

    def parts(self) -> Iterator[tuple[Kind, _Parts]]:
        for elements in self.sets():
            parts = _Parts([], [])
            for element in elements:
                if isinstance(element, tuple):
                    parts.demanded.append(element)
                elif isinstance(element, int):
                    parts.pools.append(element)
            if parts.demanded:
                yield parts.demanded[0][0], parts
