"""Makes the spots: what may license a device, an access line or a use, and what it costs else.

Devices that the rules cannot tell apart get one and the same spot.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping

import numpy as np

from quitus_collector.domain.entitlement import UNLIMITED, Metric, Right
from quitus_collector.domain.licensing.columns import Flags, Numbers
from quitus_collector.domain.licensing.competition import Component
from quitus_collector.domain.licensing.demand import Draw, Price, Pricing, Seat, Source, Spot, Take
from quitus_collector.domain.licensing.devices import Devices
from quitus_collector.domain.licensing.pools import Pool
from quitus_collector.domain.licensing.situation import CountedDevice, Situation

BY_CORES = frozenset({Metric.CORE, Metric.PROCESSOR})


class DeviceSpots:
    """The spots of one component's installs."""

    def __init__(
        self,
        component: Component,
        situation: Situation,
        devices: Devices,
        installed: Numbers,
    ) -> None:
        """`installed` are the devices that have any of the component's products, rising."""
        self.component = component
        self.situation = situation
        self.made: list[Spot] = []
        self._devices = devices
        self._installed = installed
        pools = list(component.pools.values())
        defaults = {situation.terms_of(p).default_metric for p in component.products}
        self._by_cores = bool(BY_CORES & (defaults | {pool.terms.metric for pool in pools}))
        self._personal = Metric.USER in defaults or any(
            pool.terms.metric is Metric.USER or pool.terms.second_use for pool in pools
        )
        self._hosting = any(pool.terms.virtual_machines is not None for pool in pools)
        self._hosts = set(devices.hosts[installed].tolist()) - {0} if self._hosting else set()
        self._lending = [
            (number, pool)
            for number, pool in component.pools.items()
            if pool.terms.requires_base and _has_second_use(pool) and component.rights[number]
        ]
        self._left_over: dict[str, list[Pool]] = {
            product: [pool for pool in pools if self._may_be_left_over(pool, product)]
            for product in component.products
        }
        self._numbers: dict[Hashable, int] = {}

    def counted(self) -> Numbers:
        """Devices with an install, and those that may hold a unit for one of them; rising."""
        if not self._lending:
            return self._installed
        portable = self._installed[self._devices.are_portable[self._installed]]
        users = self._devices.users
        is_counted = (users > 0) & np.isin(users, users[portable])
        is_counted[self._installed] = True
        return np.flatnonzero(is_counted).astype(np.int32)

    def shares(self, devices: Numbers) -> tuple[Numbers, Numbers]:
        """Whose units and which host's may reach each of the devices; 0 for none."""
        people = hosts = np.zeros_like(devices)
        if self._personal:
            people = self._devices.users[devices]
        if self._hosting:
            on = self._devices.hosts[devices]
            hosts = np.where(on > 0, on, np.where(self._are_hosts(devices), devices, 0))
        return people, hosts

    def traits(self, devices: Numbers) -> Iterator[Numbers | Flags]:
        """All that the rules of this component ask of the devices, a column each."""
        yield from self._own_traits(devices)
        if self._hosting:
            hosts = self._devices.hosts[devices]
            yield hosts > 0
            yield from self._own_traits(hosts)

    def _own_traits(self, devices: Numbers) -> Iterator[Numbers | Flags]:
        known = self._devices
        yield from _reach(self.component, known, devices)
        if self._personal:
            yield known.users[devices] > 0
            yield known.are_portable[devices]
        if self._hosting:
            yield known.are_virtual[devices]
            yield self._are_hosts(devices)
        if self._by_cores:
            yield known.processors[devices]
            yield known.cores[devices]

    def _are_hosts(self, devices: Numbers) -> Flags:
        return np.isin(devices, list(self._hosts))

    def spots_of(self, number: int, products: tuple[str, ...]) -> list[int]:
        """The numbers of the device's spots in `made`; the same where the rules are.

        Products that no licence covers together are spots of their own: the ways to license them
        do not multiply.
        """
        device = self._devices.all[number]
        takes = list(self._takes(number, products))
        extra = tuple(self._extra(device))
        found = []
        for part in _covered_together(products, takes):
            spot = Spot(
                part,
                tuple(self._price(device, product) for product in part),
                tuple(take for take in takes if not take.rights.keys().isdisjoint(part)),
                extra,
            )
            # What rules ask of devices may differ and come to the same: cores below a minimum.
            found.append(self._numbers.setdefault(_content(spot), len(self.made)))
            if found[-1] == len(self.made):
                self.made.append(spot)
            extra = ()
        return found

    def _takes(self, device_number: int, products: Iterable[str]) -> Iterable[Take]:
        device = self._devices.all[device_number]
        host = self._devices.hosts[device_number] if self._hosting else 0
        for number, pool in self.component.pools.items():
            known = self.component.rights[number]
            rights = {product: known[product] for product in products if product in known}
            if not rights:
                continue
            metric, terms = pool.terms.metric, pool.terms
            base = self._base(pool, device)
            if metric is Metric.EMPLOYEE:
                units = max(1, self.situation.employees)
                yield Take(number, Seat.COMPANY, (Source(number, units, tuple(pool.lots)),), rights)
            elif terms.virtual_machines is not None and device.is_virtual:
                if host and base is not None:
                    guest = dict.fromkeys(rights, Right.VIRTUALISATION)
                    on = self._devices.all[host]
                    yield from self._guest_take(number, pool, on, guest, base)
            elif draw := self._draw(number, pool, device):
                if terms.virtual_machines is not None and device_number in self._hosts:
                    if base is not None:
                        yield Take(number, Seat.HOST, draw, rights, shared_base=base)
                elif metric is Metric.USER:
                    if device.user is not None and base is not None:
                        seats = terms.devices_per_user
                        yield Take(number, Seat.PERSON, draw, rights, seats, base)
                elif _has_second_use(pool) and device.user is not None:
                    if base is not None:
                        yield Take(number, Seat.HOLDER, draw, rights, base=base)
                    if device.portable:
                        second = dict.fromkeys(rights, Right.SECOND_USE)
                        yield Take(number, Seat.SECOND, draw, second)
                elif base is not None:
                    yield Take(number, Seat.OWN, draw, rights, base=base)

    def _guest_take(
        self,
        number: int,
        pool: Pool,
        host: CountedDevice,
        rights: Mapping[str, Right],
        base: Draw,
    ) -> Iterable[Take]:
        draw, host_base = self._draw(number, pool, host), self._base(pool, host)
        if draw and host_base is not None:
            slots = pool.terms.virtual_machines
            capacity = None if slots == UNLIMITED else slots
            yield Take(number, Seat.GUEST, draw, rights, capacity, base, host_base)

    def _draw(self, number: int, pool: Pool, device: CountedDevice) -> Draw:
        """What licenses the device once; empty where no lot may go there."""
        lots = pool.reaching(device)
        terms = self.situation.terms_of(pool.terms.product)
        return (Source(number, terms.units_on(device, pool.terms.metric), lots),) if lots else ()

    def _base(self, pool: Pool, device: CountedDevice) -> Draw | None:
        """The full licences of which an upgrade consumes one; None where it has none to use."""
        wanted = pool.terms.requires_base
        if wanted is None:
            return ()
        sources: list[Source] = []
        for number, base in self.component.pools.items():
            terms = base.terms
            if not base.is_base_for(wanted):
                continue
            if terms.metric is Metric.USER and device.user is None:
                continue
            if terms.virtual_machines is not None and device.is_virtual:
                continue
            sources += self._draw(number, base, device)
        return tuple(sources) or None

    def _extra(self, device: CountedDevice) -> Iterable[tuple[int, Draw, Draw]]:
        for number, pool in self._lending:
            draw, base = self._draw(number, pool, device), self._base(pool, device)
            if draw and base and device.user is not None:
                yield number, draw, base

    def _price(self, device: CountedDevice, product: str) -> Price:
        terms = self.situation.terms_of(product)
        metric = terms.default_metric
        if metric is Metric.USER and device.user is not None:
            return Price(Pricing.PERSON, seats=seats_bought(self.situation, product))
        if metric is Metric.EMPLOYEE or metric in BY_CORES:
            lots = sorted(
                number for pool in self._left_over[product] for number in pool.reaching(device)
            )
            pricing = Pricing.COMPANY if metric is Metric.EMPLOYEE else Pricing.UNITS
            return Price(pricing, terms.units_on(device, metric), tuple(lots))
        return Price(Pricing.UNITS)

    def _may_be_left_over(self, pool: Pool, product: str) -> bool:
        """Whether units that nothing consumes lower what is missing of the product."""
        terms = pool.terms
        return (
            terms.product == product
            and terms.metric is self.situation.terms_of(product).default_metric
            and terms.virtual_machines is None
            and terms.requires_base is None
        )


class AccessSpots:
    """The spots of one component's access lines."""

    def __init__(self, component: Component, devices: Devices) -> None:
        """Nothing is made yet."""
        self.component = component
        self.made: list[Spot] = []
        self._devices = devices
        self._numbers: dict[Hashable, int] = {}

    def traits(self, devices: Numbers) -> Iterator[Numbers]:
        """All that the rules of this component ask of the devices, a column each."""
        return _reach(self.component, self._devices, devices)

    def spot_of(self, product: str, device: int, *, has_user: bool) -> int:
        """The number of a line's spot in `made`; the same where the rules are."""
        takes: list[Take] = []
        for number, pool in self.component.pools.items():
            right = self.component.rights[number].get(product)
            of_user = pool.terms.metric is Metric.USER_CAL
            has_holder = has_user if of_user else device > 0
            lots = pool.reaching(self._devices.all[device])
            if right and has_holder and lots:
                seat = Seat.PERSON if of_user else Seat.PLACE
                takes.append(Take(number, seat, (Source(number, 1, lots),), {product: right}))
        key = (product, tuple(take.pool for take in takes))
        if key not in self._numbers:
            self._numbers[key] = len(self.made)
            self.made.append(Spot((product,), (Price(Pricing.ACCESS),), tuple(takes)))
        return self._numbers[key]


def _reach(component: Component, known: Devices, devices: Numbers) -> Iterator[Numbers]:
    """What decides which lines may go to the devices, a column each."""
    lines = [lot.terms for pool in component.pools.values() for lot in pool.lots.values()]
    if bound := {line.bound_to for line in lines if line.bound_to}:
        yield known.among(devices, bound)
    if entities := {line.entity for line in lines if line.entity}:
        yield known.entities_among(entities)[devices]


def use_spot(component: Component, product: str) -> Spot:
    """One simultaneous use: covered by one unit of any pool that may cover the product."""
    takes = [
        Take(number, Seat.OWN, (Source(number, 1, tuple(pool.lots)),), {product: right})
        for number, pool in component.pools.items()
        if (right := component.rights[number].get(product))
    ]
    return Spot((product,), (Price(Pricing.UNITS),), tuple(takes))


def _covered_together(products: tuple[str, ...], takes: Iterable[Take]) -> list[tuple[str, ...]]:
    """The products in parts, such that no take covers products of two parts."""
    parts = [{product} for product in products] or [set[str]()]
    for take in takes:
        joined = [part for part in parts if not part.isdisjoint(take.rights)]
        if len(joined) > 1:
            parts = [part for part in parts if part not in joined] + [set().union(*joined)]
    return sorted(tuple(sorted(part)) for part in parts)


def _content(spot: Spot) -> Hashable:
    """What makes two spots the same."""
    takes = tuple(
        (
            *(take.pool, take.seat, take.draw, tuple(take.rights.items())),
            *(take.capacity, take.base, take.shared_base),
        )
        for take in spot.takes
    )
    return spot.products, spot.prices, takes, spot.extra


def _has_second_use(pool: Pool) -> bool:
    return pool.terms.second_use and pool.terms.bound_to is None


def seats_bought(situation: Situation, product: str) -> int | None:
    """Devices that one unit per person would serve: the least of any line that is owned."""
    limits = [
        line.devices_per_user
        for line in situation.entitlements
        if line.product == product and line.devices_per_user is not None
    ]
    return min(limits, default=None)
