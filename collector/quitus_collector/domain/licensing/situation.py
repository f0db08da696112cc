"""The question that the engine answers, and its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.licensing.columns import Installs
from quitus_collector.domain.licensing.covers import Covers


@dataclass(frozen=True, slots=True)
class CountedDevice:
    """What the rules ask of a device; None where it is not known.

    `host` is the device that a virtual one runs on; its `cores` are virtual ones.
    """

    id: str
    entity: str | None = None
    user: str | None = None
    portable: bool = False
    is_virtual: bool = False
    host: str | None = None
    processors: int = 1
    cores: int = 1


@dataclass(frozen=True, slots=True)
class ProductTerms:
    """What counting needs to know of a product; `unit_cost` is for one unit of `default_metric`.

    `includes` names the components of a suite, without a version where they stand at its own;
    `continues` the product line whose older versions are this one's.
    """

    id: str
    unit_cost: Decimal = Decimal(1)
    default_metric: Metric = Metric.DEVICE
    edition_rank: int | None = None
    released: date | None = None
    includes: tuple[str, ...] = ()
    core_minimum_per_device: int = 0
    core_minimum_per_processor: int = 0
    core_pack: int = 1
    continues: str = ""

    def units_on(self, device: CountedDevice, metric: Metric) -> int:
        """Units that license the whole device once; at least one, whatever the device tells."""
        if metric is Metric.PROCESSOR:
            return max(1, device.processors)
        if metric is not Metric.CORE:
            return 1
        cores = max(
            1,
            device.cores,
            self.core_minimum_per_processor * device.processors,
            self.core_minimum_per_device,
        )
        return -(-cores // self.core_pack) * self.core_pack


@dataclass(frozen=True, slots=True)
class Access:
    """A user and a device that reach a server product which asks for a CAL (`product`)."""

    product: str
    user: str | None = None
    device: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What is installed and used, and what is owned on one day.

    `installs` are on `devices`. `peaks` count simultaneous uses. A product that `products` lacks
    has the default terms. `copies` say how many devices that are alike one stands for, with as many
    people and hosts; only where no cover is to be named.
    """

    as_of: date
    devices: Sequence[CountedDevice]
    installs: Installs
    entitlements: Sequence[Entitlement]
    products: Mapping[str, ProductTerms] = field(default_factory=dict)
    access: frozenset[Access] = frozenset()
    peaks: Mapping[str, int] = field(default_factory=dict)
    employees: int = 0
    copies: Mapping[str, int] = field(default_factory=dict)

    def terms_of(self, product: str) -> ProductTerms:
        """The product's terms."""
        return self.products.get(product) or ProductTerms(product)

    def is_counted_by_uses(self, product: str) -> bool:
        """Whether simultaneous uses are what needs a licence, not installs."""
        return product in self.peaks or self.terms_of(product).default_metric is Metric.CONCURRENT


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The best assignment.

    `uncovered` counts installs (or simultaneous uses) and `uncovered_access` access lines by
    product, without zeros; `consumed` counts units and has every entitlement; `covered` is sorted.
    `bound` is what the shortfall cost was proven not to be below; where not every level of the
    objective was proven in time, `optimal` is False. `purchases` are the units that the shortfall
    cost is made of, by product.
    """

    uncovered: Mapping[str, int]
    consumed: Mapping[str, int]
    shortfall_cost: Decimal
    covered: Covers
    uncovered_access: Mapping[str, int] = field(default_factory=dict)
    bound: Decimal = Decimal(0)
    optimal: bool = True
    purchases: Mapping[str, int] = field(default_factory=dict)
