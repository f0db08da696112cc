"""Makes the spots: what may license a device, an access line or a use, and what it costs else.

Devices that the rules cannot tell apart get one and the same spot.
"""

from collections.abc import Hashable, Iterable, Mapping

from quitus_collector.domain.entitlement import UNLIMITED, Metric, Right
from quitus_collector.domain.licensing.competition import Component
from quitus_collector.domain.licensing.demand import Draw, Price, Pricing, Seat, Source, Spot, Take
from quitus_collector.domain.licensing.pools import Pool
from quitus_collector.domain.licensing.situation import Access, CountedDevice, Situation

BY_CORES = frozenset({Metric.CORE, Metric.PROCESSOR})


class DeviceSpots:
    """The spots of one component's installs."""

    def __init__(
        self,
        component: Component,
        situation: Situation,
        devices: Mapping[str, CountedDevice],
        installed: Mapping[str, tuple[str, ...]],
    ) -> None:
        """`installed` has the component's products by device."""
        self.component = component
        self.situation = situation
        self.devices = devices
        self.installed = installed
        pools = list(component.pools.values())
        defaults = {situation.terms_of(p).default_metric for p in component.products}
        lots = [lot.terms for pool in pools for lot in pool.lots.values()]
        self.bound = {line.bound_to for line in lots if line.bound_to}
        self.entities = {line.entity for line in lots if line.entity}
        self.by_cores = bool(BY_CORES & (defaults | {pool.terms.metric for pool in pools}))
        self.personal = Metric.USER in defaults or any(
            pool.terms.metric is Metric.USER or pool.terms.second_use for pool in pools
        )
        self.hosting = any(pool.terms.virtual_machines is not None for pool in pools)
        self.asks_more = self.personal or self.hosting or self.by_cores
        self.hosts = (
            {host.id for name in installed if (host := self._host(devices[name]))}
            if self.hosting
            else set()
        )
        self.lending = [
            (number, pool)
            for number, pool in component.pools.items()
            if pool.terms.requires_base and _has_second_use(pool) and component.rights[number]
        ]
        self._left_over: dict[str, list[Pool]] = {
            product: [pool for pool in pools if self._may_be_left_over(pool, product)]
            for product in component.products
        }
        self._spots: dict[tuple[object, ...], tuple[tuple[int, Spot], ...]] = {}
        self._alike: dict[Hashable, tuple[int, Spot]] = {}

    def counted(self) -> set[str]:
        """Devices with an install, and those that may hold a unit for one of them."""
        counted = set(self.installed)
        if self.lending:
            users = {
                device.user
                for name in self.installed
                if (device := self.devices[name]).user and device.portable
            }
            counted |= {device.id for device in self.devices.values() if device.user in users}
        return counted

    def shares(self, device: CountedDevice) -> tuple[str | None, str | None]:
        """Whose units and which host's may reach the device."""
        host = None
        if self.hosting:
            host = device.id if device.id in self.hosts else None
            if device.is_virtual and (on := self._host(device)):
                host = on.id
        return device.user if self.personal else None, host

    def spots_of(
        self, device: CountedDevice, products: tuple[str, ...]
    ) -> tuple[tuple[int, Spot], ...]:
        """The device's spots and their numbers; the same where the rules tell no difference.

        Products that no licence covers together are spots of their own: the ways to license them
        do not multiply.
        """
        host = self._host(device) if self.hosting else None
        key = (products, self.traits_of(device), host and self.traits_of(host))
        if key not in self._spots:
            takes = list(self._takes(device, host, products))
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
                found.append(self._alike.setdefault(_content(spot), (len(self._alike), spot)))
                extra = ()
            self._spots[key] = tuple(found)
        return self._spots[key]

    def traits_of(self, device: CountedDevice) -> tuple[object, ...]:
        """All that the rules of this component ask of the device."""
        own = (
            device.id if device.id in self.bound else None,
            device.entity if device.entity in self.entities else None,
        )
        if not self.asks_more:
            return own
        return (
            *own,
            (device.user is not None, device.portable) if self.personal else None,
            (device.is_virtual, device.id in self.hosts) if self.hosting else None,
            (device.processors, device.cores) if self.by_cores else None,
        )

    def _host(self, device: CountedDevice) -> CountedDevice | None:
        """The physical device that a virtual one runs on, where it is known."""
        host = self.devices.get(device.host or "") if device.is_virtual else None
        return host if host and not host.is_virtual else None

    def _takes(
        self, device: CountedDevice, host: CountedDevice | None, products: Iterable[str]
    ) -> Iterable[Take]:
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
                    yield from self._guest_take(number, pool, host, guest, base)
            elif draw := self._draw(number, pool, device):
                if terms.virtual_machines is not None and device.id in self.hosts:
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
        for number, pool in self.lending:
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

    def __init__(self, component: Component, situation: Situation) -> None:
        """Nothing is made yet."""
        self.component = component
        self._spots: dict[tuple[object, ...], tuple[int, Spot]] = {}

    def spot_of(self, line: Access, device: CountedDevice) -> tuple[int, Spot]:
        """The spot and its number; the same for lines that the rules cannot tell apart."""
        product = line.product
        takes: list[Take] = []
        for number, pool in self.component.pools.items():
            right = self.component.rights[number].get(product)
            of_user = pool.terms.metric is Metric.USER_CAL
            holder = line.user if of_user else line.device
            lots = pool.reaching(device)
            if right and holder is not None and lots:
                seat = Seat.PERSON if of_user else Seat.PLACE
                takes.append(Take(number, seat, (Source(number, 1, lots),), {product: right}))
        key = (product, tuple(take.pool for take in takes))
        if key not in self._spots:
            spot = Spot((product,), (Price(Pricing.ACCESS),), tuple(takes))
            self._spots[key] = len(self._spots), spot
        return self._spots[key]


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
