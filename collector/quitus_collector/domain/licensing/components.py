"""Splits a situation into what is independent, and each part into groups of clusters alike."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import NamedTuple

import numpy as np

from quitus_collector.domain.entitlement import Entitlement, Right
from quitus_collector.domain.licensing.clusters import Group, Members, Place
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.competition import KIND_OF, Component, Kind
from quitus_collector.domain.licensing.demand import Spot
from quitus_collector.domain.licensing.pools import pools_in_force
from quitus_collector.domain.licensing.rights import right_to
from quitus_collector.domain.licensing.situation import Access, CountedDevice, Situation
from quitus_collector.domain.licensing.spots import AccessSpots, DeviceSpots, use_spot

_Member = tuple[tuple[int, int], ...]  # the numbers of device and user, by place
# What clusters alike have in common: for each place the number of its spot, a person, a host.
_Form = tuple[tuple[int, int | None, int | None], ...]


class Demand:
    """Everything that needs a licence, by kind and product; `devices` are by id.

    `installs` are rising numbers of devices; `names` has what they stand for, also for devices
    that access lines alone name.
    """

    def __init__(self, situation: Situation) -> None:
        """Sorts installs, access lines and uses apart."""
        self.devices = {device.id: device for device in situation.devices}
        self.names = Names(
            tuple(sorted({"", *self.devices, *(line.device or "" for line in situation.access)})),
            tuple(sorted({"", *(line.user or "" for line in situation.access)})),
        )
        self.numbers = {device: number for number, device in enumerate(self.names.devices)}
        self.uses = {product: peak for product, peak in situation.peaks.items() if peak}
        installs = situation.installs
        numbers = np.array([self.numbers[device] for device in installs.devices], np.int32)
        self.installs = {product: numbers[on] for product, on in installs.on.items()}
        for product in [p for p in self.installs if situation.is_counted_by_uses(p)]:
            devices = self.installs.pop(product)
            if product not in situation.peaks:
                self.uses[product] = len(devices)
        self.access: defaultdict[str, list[Access]] = defaultdict(list)
        for line in situation.access:
            self.access[line.product].append(line)

    def products(self) -> Iterator[tuple[Kind, str]]:
        """What is demanded of each kind, sorted."""
        for kind, products in (
            (Kind.INSTALLS, self.installs),
            (Kind.ACCESS, self.access),
            (Kind.USES, self.uses),
        ):
            yield from ((kind, product) for product in sorted(products))


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


def groups(component: Component, situation: Situation, demand: Demand) -> list[Group]:
    """The component's clusters, those alike together."""
    if component.kind is Kind.USES:
        return [
            _group((Place(use_spot(component, product), None, None),), [((0, 0),)] * count, demand)
            for product, count in sorted(demand.uses.items())
            if product in component.products
        ]
    if component.kind is Kind.ACCESS:
        return _access_groups(component, situation, demand)
    return _device_groups(component, situation, demand)


class _Stand(NamedTuple):
    """A spot before its cluster is known: which, what it stands for, whose and on what."""

    number: int
    spot: Spot
    identity: tuple[int, int]
    person: str | None
    host: str | None


def _device_groups(component: Component, situation: Situation, demand: Demand) -> list[Group]:
    found: dict[str, tuple[str, ...]] = {}
    names = demand.names.devices
    for product in sorted(component.products):
        alone = (product,)
        for name in map(names.__getitem__, demand.installs[product].tolist()):
            before = found.get(name)
            found[name] = alone if before is None else (*before, product)
    devices = demand.devices
    spots = DeviceSpots(component, situation, devices, found)
    if not spots.asks_more:
        return _lone_groups(spots, demand, situation.copies)
    stands = []
    for name in sorted(spots.counted()):
        device = devices[name]
        person, host = spots.shares(device)
        for number, spot in spots.spots_of(device, found.get(name, ())):
            stands.append(_Stand(number, spot, (demand.numbers[name], 0), person, host))
    return _grouped(stands, demand, situation.copies)


def _lone_groups(spots: DeviceSpots, demand: Demand, copies: Mapping[str, int]) -> list[Group]:
    """Groups of devices that share nothing: nearly all of a large estate."""
    alike: defaultdict[tuple[tuple[str, ...], object], list[_Member]] = defaultdict(list)
    devices, traits_of, names = spots.devices, spots.traits_of, demand.names.devices
    for name, products in sorted(spots.installed.items()):
        alike[products, traits_of(devices[name])].append(((demand.numbers[name], 0),))
    members: defaultdict[int, list[list[_Member]]] = defaultdict(list)
    found: dict[int, Spot] = {}
    for (products, _), those in alike.items():
        for number, spot in spots.spots_of(devices[names[those[0][0][0]]], products):
            found[number] = spot
            members[number].append(those)
    return [
        _group((Place(found[number], None, None),), list(merge(*each)), demand, copies)
        for number, each in members.items()
    ]


def _access_groups(component: Component, situation: Situation, demand: Demand) -> list[Group]:
    devices = demand.devices
    spots = AccessSpots(component, situation)
    lines = sorted(
        (line for product in component.products for line in demand.access[product]),
        key=lambda line: (line.device or "", line.product, line.user or ""),
    )
    users = {user: number for number, user in enumerate(demand.names.users)}
    stands = []
    for line in lines:
        on = devices.get(line.device or "") or CountedDevice(line.device or "")
        number, spot = spots.spot_of(line, on)
        identity = demand.numbers[line.device or ""], users[line.user or ""]
        stands.append(_Stand(number, spot, identity, line.user, line.device))
    return _grouped(stands, demand)


def _grouped(
    stands: Iterable[_Stand], demand: Demand, copies: Mapping[str, int] | None = None
) -> list[Group]:
    """Joins stands that share a person or a host, and clusters that look the same.

    `copies` say how many devices, each with a person of its own, a device stands for.
    """
    alone: defaultdict[int, list[_Member]] = defaultdict(list)
    spots: dict[int, Spot] = {}
    sharing: list[_Stand] = []
    for stand in stands:
        number, spot, identity, person, host = stand
        spots[number] = spot
        if person is None and host is None:
            # Nearly all of a large estate: a cluster by itself.
            alone[number].append((identity,))
        else:
            sharing.append(stand)
    alike: defaultdict[_Form, list[_Member]] = defaultdict(list)
    for number, lone in alone.items():
        alike[(number, None, None),] = lone
    for form, member in _clusters(sharing):
        alike[form].append(member)
    return [
        _group(
            tuple(Place(spots[number], person, host) for number, person, host in form),
            members,
            demand,
            copies,
        )
        for form, members in alike.items()
    ]


def _group(
    places: tuple[Place, ...],
    members: Sequence[_Member],
    demand: Demand,
    copies: Mapping[str, int] | None = None,
) -> Group:
    table = np.array(members, np.int32)
    counts = np.ones(len(members), np.int32)
    if copies:
        names = demand.names.devices
        counts[:] = [copies.get(names[member[0][0]], 1) for member in members]
    return Group(places, Members(table[:, :, 0], table[:, :, 1]), counts)


def _clusters(stands: Sequence[_Stand]) -> Iterator[tuple[_Form, _Member]]:
    """The stands that share a person or a host, and what makes them look like others that do."""
    joined = _Joined()
    degrees: Counter[Hashable] = Counter()
    for index, stand in enumerate(stands):
        joined.add(index)
        for owner in ((True, stand.person), (False, stand.host)):
            if owner[1] is not None:
                joined.join(index, owner)
                degrees[owner] += 1

    def likeness(stand: _Stand) -> tuple[object, ...]:
        return (
            stand.number,
            degrees[True, stand.person],
            degrees[False, stand.host],
            stand.person or "",
            stand.host or "",
            stand.identity,
        )

    for members in joined.sets():
        cluster = [stands[i] for i in members if isinstance(i, int)]
        if len(cluster) > 1:
            cluster.sort(key=likeness)
        people: dict[str, int] = {}
        hosts: dict[str, int] = {}
        form = tuple(
            (
                stand.number,
                None if stand.person is None else people.setdefault(stand.person, len(people)),
                None if stand.host is None else hosts.setdefault(stand.host, len(hosts)),
            )
            for stand in cluster
        )
        yield form, tuple(stand.identity for stand in cluster)


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
