"""The effective licence position: what is installed, owned, covered and missing."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum

from quitus_collector.domain.entitlement import Metric, Right
from quitus_collector.domain.perimeter import Perimeter
from quitus_collector.domain.product import (
    publisher_of,
)

Document = dict[str, object]


class LineState(StrEnum):
    """UNDETERMINED: the figure cannot be had, and no claim is made about it."""

    COMPLIANT = "compliant"
    GAP = "gap"
    UNDETERMINED = "undetermined"


class Undetermined(StrEnum):
    """Why a line makes no claim."""

    METRIC = "metric-not-counted"
    VERSION = "version-unknown"
    PERSON = "person-unknown"
    MACHINE = "machine-unknown"
    TERMS = "terms-unknown"


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many installs of a line one entitlement covers, and under which right."""

    entitlement: str
    right: Right
    installs: int


@dataclass(frozen=True, slots=True)
class PositionLine:
    """One product's position.

    `installed` counts devices. `entitled` and `consumed` count the units of the product's own
    entitlements in force; a unit may be consumed by an install of another version. `missing` counts
    installs that nothing covers; it and `consumed` are None where the line is undetermined.
    `lent` units cover a lower version on a device that this product is not covered on. `to_buy`
    are the units of the product's own metric that would close its gap, and `demanded` those that
    its installs would take with no right beside them; None where the line is undetermined. `exempt`
    installs need no licence, by the exemptions that are named.
    """

    product: str
    label: str
    metric: Metric
    installed: int
    entitled: int
    consumed: int | None
    covered: tuple[Coverage, ...]
    missing: int | None
    state: LineState
    reason: Undetermined | None = None
    lent: int = 0
    exempt: tuple[tuple[str, int], ...] = ()
    to_buy: int | None = None
    demanded: int | None = None

    @property
    def available(self) -> int | None:
        """Units owned that no install consumes."""
        return None if self.consumed is None else self.entitled - self.consumed

    @property
    def delta(self) -> int | None:
        """Units to buy, below 0, or units that no install consumes."""
        return -self.to_buy if self.missing and self.to_buy else self.available

    @property
    def allocation(self) -> int | None:
        """What rights bring from other products' licences, less what they take or keep from here.

        `entitled` and this, less `demanded`, make `delta`.
        """
        if self.delta is None or self.demanded is None:
            return None
        return self.delta + self.demanded - self.entitled

    @property
    def covered_installs(self) -> int | None:
        """Installs that a licence covers."""
        return None if self.missing is None else self.needing - self.missing

    @property
    def needing(self) -> int:
        """Installs that need a licence."""
        return self.installed - sum(installs for _, installs in self.exempt)

    def document(self) -> Document:
        """The line as JSON has it."""
        return {
            "product": self.product,
            "label": self.label,
            "metric": self.metric.value,
            "installed": self.installed,
            "entitled": self.entitled,
            "consumed": self.consumed,
            "available": self.available,
            "missing": self.missing,
            "to_buy": self.to_buy,
            "state": self.state.value,
            "reason": self.reason and self.reason.value,
            "covered": [asdict(each) for each in self.covered],
            "exempt": [{"exemption": name, "installs": count} for name, count in self.exempt],
        }


@dataclass(frozen=True, slots=True)
class Unknown:
    """A raw name that no rule knows, and on how many devices it is."""

    name: str
    publisher: str
    devices: int


@dataclass(frozen=True, slots=True)
class Position:
    """Every line, sorted by product, with what it rests on and what it leaves out."""

    as_of: datetime
    catalogue_digest: str
    perimeter: Perimeter
    lines: tuple[PositionLine, ...]
    unknown: tuple[Unknown, ...]

    def of_publisher(self, publisher: str) -> "Position":
        """The same position, reduced to one publisher's products."""
        lines = tuple(each for each in self.lines if publisher_of(each.product) == publisher)
        return replace(self, lines=lines)

    def document(self) -> Document:
        """The position as JSON has it."""
        return {
            "as_of": self.as_of.isoformat(),
            "catalogue_sha256": self.catalogue_digest,
            "perimeter": self.perimeter.document(),
            "lines": [line.document() for line in self.lines],
            "unknown": [asdict(each) for each in self.unknown],
        }
