"""Licences that add up: lines of the same product with the same rights form a pool."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.licensing.situation import CountedDevice, Situation
from quitus_collector.domain.product import line_of

# Under these, one unit reaches several devices: lines for different devices do not add up.
PERSONAL = frozenset({Metric.USER, Metric.USER_CAL, Metric.DEVICE_CAL})
# Metrics that license one device as a whole: what the base of an upgrade is counted by.
WHOLE_DEVICE = frozenset({Metric.DEVICE, Metric.USER, Metric.CORE, Metric.PROCESSOR})


@dataclass(frozen=True, slots=True)
class Lot:
    """Lines of a pool that differ in id, quantity and start alone, sorted by id."""

    lines: tuple[Entitlement, ...]

    @property
    def terms(self) -> Entitlement:
        """What all the lines grant; its id and quantity are those of the first line only."""
        return self.lines[0]

    @property
    def quantity(self) -> int:
        """Units of all lines."""
        return sum(line.quantity for line in self.lines)

    @property
    def valid_until(self) -> date | None:
        """The last day."""
        return self.terms.valid_until

    def reaches(self, device: CountedDevice) -> bool:
        """Whether a unit may go to this device at all."""
        terms = self.terms
        return terms.bound_to in (None, device.id) and terms.entity in (None, device.entity)


@dataclass(frozen=True, slots=True)
class Pool:
    """Lines whose units may be added up on a device; `lots` are numbered through all pools."""

    terms: Entitlement
    lots: Mapping[int, Lot]

    def reaching(self, device: CountedDevice) -> tuple[int, ...]:
        """The lots that may give units to this device."""
        return tuple(number for number, lot in self.lots.items() if lot.reaches(device))

    @property
    def is_full_licence(self) -> bool:
        """Whether a unit may be the base of an upgrade."""
        return self.terms.requires_base is None and self.terms.metric in WHOLE_DEVICE

    def is_base_for(self, product: str) -> bool:
        """Whether it is a full licence of the product, of any version where that has none."""
        owned = self.terms.product
        return self.is_full_licence and product in (owned, line_of(owned))


def pools_in_force(situation: Situation) -> list[Pool]:
    """The pools of the day, in the order of their lowest ids."""
    pools: defaultdict[tuple[object, ...], defaultdict[tuple[object, ...], list[Entitlement]]]
    pools = defaultdict(lambda: defaultdict(list))
    for line in sorted(situation.entitlements, key=lambda line: line.id):
        if line.quantity and line.is_valid_on(situation.as_of):
            pools[_rights(line)][line.bound_to, line.entity, line.valid_until].append(line)
    number = 0
    made = []
    for lots in pools.values():
        numbered = {}
        for lines in lots.values():
            numbered[number] = Lot(tuple(lines))
            number += 1
        made.append(Pool(next(iter(numbered.values())).terms, numbered))
    return made


def _rights(line: Entitlement) -> tuple[object, ...]:
    """What lines must have in common to add up; the rest may differ."""
    return (
        line.product,
        line.metric,
        line.downgrade,
        line.edition_downgrade,
        line.maintenance_until,
        line.second_use,
        line.devices_per_user,
        line.virtual_machines,
        line.requires_base,
        (line.bound_to, line.entity) if line.metric in PERSONAL else None,
        # Which of two devices holds a unit and which one only uses it is for the end to say.
        line.id if line.second_use else None,
    )


def lots_of(pools: Iterable[Pool]) -> dict[int, Lot]:
    """All lots by number."""
    return {number: lot for pool in pools for number, lot in pool.lots.items()}
