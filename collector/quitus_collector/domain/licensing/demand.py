"""What needs a licence on one spot, and every way to give it one.

A spot is a device with its installs, an access line, or one simultaneous use. A *take* is one way
to license the spot, an *option* a set of takes that is worth having together.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple, TypeVar

from quitus_collector.domain.entitlement import Right


class Source(NamedTuple):
    """Where one licensing comes from: so many units of a pool, in any mixture from these lots."""

    pool: int
    units: int
    lots: tuple[int, ...]


Key = TypeVar("Key")

# Sources of which one is drawn from: one for a licence, several for the base of an upgrade.
Draw = tuple[Source, ...]


class Seat(Enum):
    """How a take comes to its units. All but OWN and COMPANY share them within a cluster."""

    OWN = "units of its own"
    HOLDER = "a unit of its own, which a second device may use too"
    SECOND = "the second use of a unit that another device of the person holds"
    PERSON = "a seat of the person's units"
    HOST = "the units that license it as a host"
    GUEST = "a slot of its host's units"
    PLACE = "the unit that its device holds"
    COMPANY = "units for every employee"


PERSONAL_SEATS = frozenset({Seat.HOLDER, Seat.SECOND, Seat.PERSON})
SHARED_SEATS = PERSONAL_SEATS | {Seat.HOST, Seat.GUEST, Seat.PLACE}


@dataclass(frozen=True, slots=True)
class Take:
    """One way to license a spot.

    `capacity` is how many takes one shared unit seats (None: any number). `base` is what an
    upgrade consumes besides for this spot, `shared_base` for the holder of the shared units.
    """

    pool: int
    seat: Seat
    draw: Draw
    rights: Mapping[str, Right]
    capacity: int | None = None
    base: Draw = ()
    shared_base: Draw = ()


class Pricing(Enum):
    """What an uncovered product is bought by."""

    UNITS = "a number of units"
    PERSON = "units per person"
    ACCESS = "units per user or device, whichever are fewer"
    COMPANY = "units for every employee, once"


@dataclass(frozen=True, slots=True)
class Price:
    """What an uncovered product on a spot makes one buy.

    `units` are lowered by what is left over of `lots`; `seats` is how many devices one unit per
    person serves (None: any number).
    """

    pricing: Pricing
    units: int = 1
    lots: tuple[int, ...] = ()
    seats: int | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """A set of takes, as indexes; `names` has for each product the takes that may be named."""

    takes: tuple[int, ...]
    names: tuple[tuple[int, ...], ...]
    direct: int


@dataclass(frozen=True, eq=False)
class Spot:
    """All that counting knows of one kind of spot; `prices` are in the order of `products`.

    `extra` are units of second-use upgrades that the spot may hold for other devices alone, by
    pool, each with what it draws and with its base.
    """

    products: tuple[str, ...]
    prices: tuple[Price, ...]
    takes: tuple[Take, ...]
    extra: tuple[tuple[int, Draw, Draw], ...] = ()

    @cached_property
    def options(self) -> tuple[Option, ...]:
        """Every set of takes that wastes nothing; the first is to take none."""
        sets: list[tuple[int, ...]] = [()]
        for take in range(len(self.takes)):
            sets += [made for chosen in sets if not self._wastes(made := (*chosen, take))]
        return tuple(self._option(takes) for takes in sets)

    @cached_property
    def effects(self) -> "tuple[Effect, ...]":
        """What each option does on its own; shared units and purchases are not its own."""
        return tuple(map(self._effect, self.options))

    def _effect(self, option: Option) -> "Effect":
        effect = Effect(direct=option.direct)
        for index in option.takes:
            take = self.takes[index]
            if take.seat is Seat.OWN:
                add_counts(effect.draws, {take.draw: 1})
            elif take.seat is Seat.COMPANY:
                effect.company.add(take.draw)
            if take.base:
                add_counts(effect.draws, {take.base: 1})
        for product, price, names in zip(self.products, self.prices, option.names, strict=True):
            if names:
                continue
            effect.uncovered[product] = 1
            if price.pricing is Pricing.COMPANY:
                effect.company_missing.add((product, price.lots))
            elif price.pricing is Pricing.UNITS and price.lots:
                effect.lowered[product, price.lots] = price.units
            elif price.pricing is Pricing.UNITS:
                effect.bought[product] = price.units
        return effect

    def _wastes(self, chosen: Sequence[int]) -> bool:
        """Whether a take that costs units of its own covers nothing alone, or one is never named.

        Those that share units may be had without any more of them.
        """
        if len({self.takes[take].pool for take in chosen}) < len(chosen):
            return True
        if not self._each_names(chosen, frozenset(self.products)):
            return True
        for take in chosen:
            others = [each for each in chosen if each != take]
            rights = self.takes[take].rights
            if self.takes[take].seat is Seat.OWN:
                needed = any(not any(p in self.takes[o].rights for o in others) for p in rights)
            else:
                needed = any(
                    right is Right.DIRECT
                    or not any(self.takes[o].rights.get(p) is Right.DIRECT for o in others)
                    for p, right in rights.items()
                )
            if not needed:
                return True
        return False

    def _each_names(self, chosen: Sequence[int], products: frozenset[str]) -> bool:
        """Whether each of the takes may be the one named for a product of its own."""
        if len(chosen) > len(products):
            return False
        return not chosen or any(
            self._each_names(chosen[1:], products - {product})
            for product in products.intersection(self.takes[chosen[0]].rights)
        )

    def _option(self, takes: tuple[int, ...]) -> Option:
        names = []
        direct = 0
        for product in self.products:
            covering = [take for take in takes if product in self.takes[take].rights]
            best = [take for take in covering if self.takes[take].rights[product] is Right.DIRECT]
            direct += bool(best)
            names.append(tuple(best or covering))
        return Option(takes, tuple(names), direct)


@dataclass(slots=True)
class Effect:
    """What a way to license spots adds to the sums of the objective; nothing is counted as 0.

    `draws` counts licensings; `uncovered` installs, lines or uses; `bought` units; `lowered` units
    that left-over units of these lots may replace; `company` the takes of employee pools, and
    `company_missing` the uncovered products that are bought for every employee.
    """

    draws: dict[Draw, int] = field(default_factory=dict)
    uncovered: dict[str, int] = field(default_factory=dict)
    bought: dict[str, int] = field(default_factory=dict)
    lowered: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)
    company: set[Draw] = field(default_factory=set)
    company_missing: set[tuple[str, tuple[int, ...]]] = field(default_factory=set)
    direct: int = 0

    def add(self, other: "Effect") -> None:
        """Adds what another way does besides."""
        add_counts(self.draws, other.draws)
        add_counts(self.uncovered, other.uncovered)
        add_counts(self.bought, other.bought)
        add_counts(self.lowered, other.lowered)
        self.company |= other.company
        self.company_missing |= other.company_missing
        self.direct += other.direct

    def signature(self) -> tuple[frozenset[object], ...]:
        """What makes two effects the same."""
        return (
            frozenset(self.draws.items()),
            frozenset(self.uncovered.items()),
            frozenset(self.bought.items()),
            frozenset(self.lowered.items()),
            frozenset(self.company),
            frozenset(self.company_missing),
        )

    def size(self) -> int:
        """What it draws and leaves uncovered in all."""
        return sum(self.draws.values()) + sum(self.uncovered.values())

    def spares(self, other: "Effect") -> bool:
        """Whether it is no worse than the other in anything, and better before names matter."""
        no_worse = (
            _within(self.draws, other.draws)
            and _within(self.uncovered, other.uncovered)
            and _within(self.bought, other.bought)
            and _within(self.lowered, other.lowered)
            and self.company <= other.company
            and self.company_missing <= other.company_missing
        )
        # It draws and leaves uncovered the same, or less of one of them and no more of the other.
        return no_worse and (self.size() < other.size() or self.direct > other.direct)


def add_counts(counts: dict[Key, int], more: Mapping[Key, int]) -> None:
    """Adds further counts."""
    for key, count in more.items():
        counts[key] = counts.get(key, 0) + count


def _within(counts: Mapping[Key, int], others: Mapping[Key, int]) -> bool:
    """Whether no count is above the other's."""
    return counts.keys() <= others.keys() and all(
        count <= others[key] for key, count in counts.items()
    )
