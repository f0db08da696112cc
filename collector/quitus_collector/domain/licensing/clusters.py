"""Spots that share licences form a cluster; clusters that the rules cannot tell apart, a group.

A cluster's *pattern* chooses one option for each of its spots, and with that how many shared units
and purchases it takes.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as combinations
from math import prod
from typing import Self

from quitus_collector.domain.licensing.columns import Counts, Numbers
from quitus_collector.domain.licensing.demand import (
    PERSONAL_SEATS,
    SHARED_SEATS,
    Effect,
    Option,
    Pricing,
    Seat,
    Spot,
    Take,
    add_counts,
)

# So many patterns are listed even for one cluster, and so many at the most however many are alike.
FEW_PATTERNS = 64
MOST_PATTERNS = 4_000


@dataclass(frozen=True, slots=True)
class Place:
    """Where a spot stands in a cluster: whose it is and on which device, as numbers within it.

    None where there is no person, or no device that others could share.
    """

    spot: Spot
    person: int | None
    host: int | None


# Units that takes share: whether a person holds them (else a device), which, and of which pool.
Holding = tuple[bool, int | None, int]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One option for each place."""

    options: tuple[Option, ...]
    effect: Effect


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """What the places of clusters alike stand for: a row a cluster, a column a place.

    A device and, of an access line, its user; the numbers are those of `Names`.
    """

    devices: Numbers
    users: Numbers

    def __len__(self) -> int:
        """How many clusters they are, each counted once."""
        return len(self.devices)

    def apart(self, cluster: int, places: Sequence[int]) -> Self:
        """These places of one cluster, as if each was a cluster by itself."""
        return type(self)(
            self.devices[cluster, places].reshape(-1, 1), self.users[cluster, places].reshape(-1, 1)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Clusters alike; `copies` say how many clusters each member stands for."""

    places: tuple[Place, ...]
    members: Members
    copies: Counts

    @property
    def size(self) -> int:
        """How many clusters they are."""
        return int(self.copies.sum())

    def patterns_if_few(self, few: int = FEW_PATTERNS) -> list[Pattern] | None:
        """The patterns worth having; None where there are too many to list.

        With `few` = 0, only spots that share nothing have theirs listed.
        """
        options = [len(place.spot.options) for place in self.places]
        if len(self.places) > 1:
            count = prod(options)
            if any(place.spot.extra for place in self.places):
                return None
            most = min(MOST_PATTERNS, max(few, self.size * sum(options)))
            if not few or count > most:
                return None
        return _worth_having(list(self._patterns()))

    def _patterns(self) -> Iterator[Pattern]:
        holdings = holdings_of(self.places)
        purchases = _Purchases(self.places)
        spots = [place.spot for place in self.places]
        ways = (zip(spot.options, spot.effects, strict=True) for spot in spots)
        for way in combinations(*ways):
            options, effects = zip(*way, strict=True)
            effect = Effect()
            for each in effects:
                effect.add(each)
            if _add_shared(effect, self.places, options, holdings):
                purchases.add(effect, options)
                yield Pattern(options, effect)


def holding_of(place: Place, take: Take) -> Holding | None:
    """The shared units that the take has a part in."""
    if take.seat not in SHARED_SEATS:
        return None
    personal = take.seat in PERSONAL_SEATS
    return personal, place.person if personal else place.host, take.pool


def holdings_of(places: Sequence[Place]) -> dict[Holding, list[tuple[int, int]]]:
    """All shared units of a cluster, with the (place, take) that have a part in them."""
    found: defaultdict[Holding, list[tuple[int, int]]] = defaultdict(list)
    for number, place in enumerate(places):
        for index, take in enumerate(place.spot.takes):
            holding = holding_of(place, take)
            if holding:
                found[holding].append((number, index))
    return dict(found)


def _add_shared(
    effect: Effect,
    places: Sequence[Place],
    options: Sequence[Option],
    holdings: Mapping[Holding, list[tuple[int, int]]],
) -> bool:
    """Adds the units that the takes share; False where they cannot be had this way."""
    for parts in holdings.values():
        taken = [places[n].spot.takes[t] for n, t in parts if t in options[n].takes]
        if not taken:
            continue
        seats = Counter(take.seat for take in taken)
        first = taken[0]
        if first.seat in (Seat.HOLDER, Seat.SECOND):
            units = seats[Seat.HOLDER]
            if seats[Seat.SECOND] > units:
                return False
        else:
            seated = len(taken) - seats[Seat.HOST]
            capacity = next((t.capacity for t in taken if t.seat is not Seat.HOST), None)
            if capacity == 0:
                return False
            units = max(1, -(-seated // capacity)) if capacity else 1
        add_counts(effect.draws, {first.draw: units})
        if first.shared_base:
            add_counts(effect.draws, {first.shared_base: 1})
    return True


class _Purchases:
    """What is bought for several spots of a cluster together."""

    def __init__(self, places: Sequence[Place]) -> None:
        self._places = places
        self._personal = personal_purchases(places)
        self._access = access_purchases(places)

    def add(self, effect: Effect, options: Sequence[Option]) -> None:
        """Adds what these options leave to buy."""
        for (product, _, seats), numbers in self._personal.items():
            missing = len(self._missing(product, numbers, options))
            if missing:
                add_counts(effect.bought, {product: -(-missing // seats) if seats else 1})
        for product, numbers in self._access.items():
            lines = [
                (self._places[n].person, self._places[n].host)
                for n in self._missing(product, numbers, options)
            ]
            if lines:
                add_counts(effect.bought, {product: _fewest_to_touch_all(lines)})

    def _missing(
        self, product: str, numbers: Sequence[int], options: Sequence[Option]
    ) -> list[int]:
        """The places where the product is uncovered."""
        products = (self._places[n].spot.products for n in numbers)
        return [
            number
            for number, those in zip(numbers, products, strict=True)
            if not options[number].names[those.index(product)]
        ]


def personal_purchases(
    places: Sequence[Place],
) -> dict[tuple[str, int | None, int | None], list[int]]:
    """The places that one person's purchase would serve, by (product, person, seats of a unit)."""
    found: defaultdict[tuple[str, int | None, int | None], list[int]] = defaultdict(list)
    for number, place in enumerate(places):
        for product, price in zip(place.spot.products, place.spot.prices, strict=True):
            if price.pricing is Pricing.PERSON:
                found[product, place.person, price.seats].append(number)
    return dict(found)


def access_purchases(places: Sequence[Place]) -> dict[str, list[int]]:
    """The access lines of each product."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for number, place in enumerate(places):
        for product, price in zip(place.spot.products, place.spot.prices, strict=True):
            if price.pricing is Pricing.ACCESS:
                found[product].append(number)
    return dict(found)


def _fewest_to_touch_all(lines: Sequence[tuple[int | None, int | None]]) -> int:
    """Users and devices such that each line has one of them; König: as many as lines to pair off.

    A line without a user stands for itself on that side, and so does one without a device.
    """
    reached: defaultdict[object, list[object]] = defaultdict(list)
    forced = {("device", host) for person, host in lines if person is None}
    forced |= {("user", person) for person, host in lines if host is None}
    for person, host in lines:
        if ("user", person) not in forced and ("device", host) not in forced:
            reached[person].append(host)
    partners = _Partners(reached)
    return len(forced) + sum(partners.pair_off(person) for person in reached)


class _Partners:
    """Users and devices paired off, as many as can be."""

    def __init__(self, reached: Mapping[object, list[object]]) -> None:
        self._reached = reached
        self._user_of: dict[object, object] = {}
        self._device_of: dict[object, object] = {}

    def pair_off(self, user: object) -> bool:
        """Pairs one more user, others changing their device; without recursion, paths are long."""
        came_from: dict[object, object] = {}
        waiting = [user]
        while waiting:
            asking = waiting.pop()
            for device in self._reached[asking]:
                if device in came_from:
                    continue
                came_from[device] = asking
                if device not in self._user_of:
                    self._change(device, came_from)
                    return True
                waiting.append(self._user_of[device])
        return False

    def _change(self, free: object, came_from: Mapping[object, object]) -> None:
        device: object | None = free
        while device is not None:
            user = came_from[device]
            former = self._device_of.get(user)
            self._user_of[device], self._device_of[user] = user, device
            device = former


def _worth_having(patterns: list[Pattern]) -> list[Pattern]:
    """Leaves out those that another one beats whatever happens elsewhere."""
    signatures = [pattern.effect.signature() for pattern in patterns]
    kinds: dict[Hashable, Effect] = {}
    for signature, pattern in zip(signatures, patterns, strict=True):
        best = kinds.get(signature)
        if best is None or pattern.effect.direct > best.direct:
            kinds[signature] = pattern.effect
    # What beats an effect draws and leaves uncovered no more than it in all, and comes before it;
    # what is beaten need not be compared with, since what beats it beats all that it would.
    front: dict[Hashable, Effect] = {}
    for kind, effect in sorted(kinds.items(), key=lambda kind: (kind[1].size(), -kind[1].direct)):
        if not any(each.spares(effect) for each in front.values()):
            front[kind] = effect
    return [
        pattern
        for signature, pattern in zip(signatures, patterns, strict=True)
        if signature in front and pattern.effect.direct == front[signature].direct
    ]
