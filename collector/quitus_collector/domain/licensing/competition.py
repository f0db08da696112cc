"""What competes: products and the licences that may cover them."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from quitus_collector.domain.entitlement import Metric, Right
from quitus_collector.domain.licensing.pools import Pool


class Kind(Enum):
    """What is demanded; licences for one kind never serve another."""

    INSTALLS = "installs"
    ACCESS = "access"
    USES = "uses"


KIND_OF = {
    Metric.CONCURRENT: Kind.USES,
    Metric.USER_CAL: Kind.ACCESS,
    Metric.DEVICE_CAL: Kind.ACCESS,
}


@dataclass(frozen=True, slots=True)
class Component:
    """Products and pools that compete with each other and with nothing else.

    `rights` say by pool under which right it covers which product.
    """

    kind: Kind
    products: frozenset[str]
    pools: Mapping[int, Pool]
    rights: Mapping[int, Mapping[str, Right]]
