"""Entitlements: licences bought, what they are counted against, and what they let a unit cover."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from quitus_collector.domain.product import is_lower_version


class Metric(StrEnum):
    """What one licence unit is counted against (docs/licensing.md)."""

    DEVICE = "device"
    USER = "user"
    CORE = "core"
    PROCESSOR = "processor"
    CONCURRENT = "concurrent"
    EMPLOYEE = "employee"
    USER_CAL = "user_cal"
    DEVICE_CAL = "device_cal"


# The metrics that this version of the engine counts; a product under another one is undetermined.
COUNTED_METRICS = frozenset({Metric.DEVICE})


class Right(StrEnum):
    """Why a unit covers an install."""

    DIRECT = "direct"
    DOWNGRADE = "downgrade"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A quantity of licences of one product under one metric; one line of a licence pool.

    `bound_to` names the only device it covers (OEM), `entity` the only legal entity. Both dates
    are included; None means no limit. `proof` refers to the document that proves the purchase.
    """

    id: str
    product: str
    quantity: int
    metric: Metric = Metric.DEVICE
    downgrade: bool = False
    bound_to: str | None = None
    entity: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    proof: str = ""

    def is_valid_on(self, day: date) -> bool:
        """Whether the licences are in force on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )

    def right_to(self, product: str) -> Right | None:
        """The right under which a unit covers this product, if there is one."""
        if product == self.product:
            return Right.DIRECT
        if self.downgrade and is_lower_version(product, of=self.product):
            return Right.DOWNGRADE
        return None
