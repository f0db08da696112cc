"""Changes tried on paper: the position after what is not done yet."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.position import PositionLine
from quitus_collector.domain.product import line_of


@dataclass(frozen=True, slots=True)
class Estate:
    """What is installed and owned; `products` are those of each device, by its id."""

    devices: Sequence[CountedDevice]
    products: Mapping[str, frozenset[str]]
    entitlements: Sequence[Entitlement]


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """A product goes away, from one device or from all; without a version, all versions do."""

    product: str
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Bought:
    """Licences are owned besides."""

    entitlement: Entitlement


@dataclass(frozen=True, slots=True)
class Moved:
    """People change from one product to another, on all their devices, and get licences of it.

    `entitlement` has the licences; its quantity is set to the people, or devices, that move.
    """

    product: str
    entitlement: Entitlement
    users: frozenset[str]


Change = Uninstalled | Bought | Moved


@dataclass(frozen=True, slots=True)
class Effect:
    """What became of one change: installs that went away, and licences that came."""

    change: Change
    installs: int
    licences: int


def try_out(estate: Estate, changes: Iterable[Change]) -> tuple[Estate, tuple[Effect, ...]]:
    """The estate after the changes, one after the other; the one given stays as it is."""
    products = dict(estate.products)
    entitlements = list(estate.entitlements)
    effects = []
    for change in changes:
        gone, come = 0, 0
        match change:
            case Uninstalled(product, only):
                where = products if only is None else [only]
                gone = len(_replace(products, where, product, frozenset()))
            case Bought(entitlement):
                entitlements.append(entitlement)
                come = entitlement.quantity
            case Moved(product, entitlement, users):
                theirs = {each.id: each.user for each in estate.devices if each.user in users}
                to = frozenset({entitlement.product})
                moved = _replace(products, theirs, product, to)
                is_personal = entitlement.metric is Metric.USER
                come = len({theirs[each] for each in moved} if is_personal else moved)
                gone = len(moved)
                entitlements.append(replace(entitlement, quantity=come))
        effects.append(Effect(change, gone, come))
    return Estate(estate.devices, products, entitlements), tuple(effects)


@dataclass(frozen=True, slots=True)
class LineChange:
    """A line that differs; None where there is no such line."""

    product: str
    label: str
    before: PositionLine | None
    after: PositionLine | None


def differences(
    before: Iterable[PositionLine], after: Iterable[PositionLine]
) -> tuple[LineChange, ...]:
    """The lines that differ, sorted by product."""
    one = {line.product: line for line in before}
    other = {line.product: line for line in after}
    return tuple(
        LineChange(product, line.label, one.get(product), other.get(product))
        for product, line in sorted((one | other).items())
        if one.get(product) != other.get(product)
    )


def _replace(
    products: dict[str, frozenset[str]], devices: Iterable[str], product: str, by: frozenset[str]
) -> list[str]:
    """Replaces a product, or all its versions where it has none, and says on which devices."""
    found = []
    for device in list(devices):
        has = products.get(device, frozenset())
        # A product that is installed without its version is written like its line.
        gone = {each for each in has if product in (each, line_of(each))} - by
        if gone:
            products[device] = (has - gone) | by
            found.append(device)
    return found
