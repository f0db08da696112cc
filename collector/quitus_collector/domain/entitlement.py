"""Entitlements: licences bought, what they are counted against, and the rights they carry."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


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


class Channel(StrEnum):
    """How licences were bought; no rule of counting depends on it, but what proves them does.

    Used licences are those of a former owner (CJEU C-128/11, UsedSoft).
    """

    VOLUME = "volume"
    FULL_PACKAGE = "full_package"
    OEM = "oem"
    SUBSCRIPTION = "subscription"
    USED = "used"
    UNSTATED = "unstated"


# Guests that a host may run where its licence sets no number.
UNLIMITED = 2**31 - 1

# The metrics that each right goes with; bound_to and entity need something that has a device.
METRICS_OF_RIGHT = {
    "second_use": frozenset({Metric.DEVICE}),
    "devices_per_user": frozenset({Metric.USER}),
    "virtual_machines": frozenset({Metric.CORE, Metric.PROCESSOR}),
    "requires_base": frozenset({Metric.DEVICE, Metric.USER, Metric.CORE, Metric.PROCESSOR}),
    "bound_to": frozenset(Metric) - {Metric.EMPLOYEE, Metric.CONCURRENT},
    "entity": frozenset(Metric) - {Metric.EMPLOYEE, Metric.CONCURRENT},
}


class Right(StrEnum):
    """Why a unit covers an install; of several, the first is the one that is named."""

    DIRECT = "direct"
    DOWNGRADE = "downgrade"
    MAINTENANCE = "maintenance"
    EDITION_DOWNGRADE = "edition_downgrade"
    SUITE = "suite"
    SECOND_USE = "second_use"
    VIRTUALISATION = "virtualisation"


@dataclass(frozen=True, slots=True)
class Entitlement:
    """A quantity of licences of one product under one metric; one line of a licence pool.

    `bound_to` names the only device it covers (OEM), `entity` the only legal entity. All dates
    are included; None means no limit, and for `maintenance_until` no maintenance.
    `virtual_machines` is how many guests a host licensed once may run. `requires_base` makes
    it an upgrade: the product of which each device needs a full licence besides. `proof` refers
    to the document that proves the purchase, `channel` is how it was made. `part_number` and
    `bought_as` are what that document calls the product. Of used licences: the former owners, the
    first one first, the country of the first sale (two letters, or EEA), whether it was for ever.
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
    edition_downgrade: bool = False
    maintenance_until: date | None = None
    second_use: bool = False
    devices_per_user: int | None = None
    virtual_machines: int | None = None
    requires_base: str | None = None
    channel: Channel = Channel.UNSTATED
    part_number: str = ""
    bought_as: str = ""
    previous_owners: tuple[str, ...] = ()
    first_sale: str = ""
    perpetual: bool | None = None

    def is_valid_on(self, day: date) -> bool:
        """Whether the licences are in force on that day."""
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )

    def misplaced_right(self) -> str | None:
        """The name of a right that does not go with the metric, if there is one."""
        for right, metrics in METRICS_OF_RIGHT.items():
            if getattr(self, right) not in (None, False) and self.metric not in metrics:
                return right
        return None
