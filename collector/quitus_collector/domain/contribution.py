"""What each device contributes to the figures of a position, and how far to trust them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import chain
from types import MappingProxyType

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.counting_terms import terms_of_all
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.evidence import Kind, Part, Share
from quitus_collector.domain.licensing.fleet import FleetCover
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.licensing.spots import BY_CORES
from quitus_collector.domain.position import PositionLine


class Confidence(StrEnum):
    """How much of a line rests on devices read whole and lately; NONE: no claim is made."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


# From which share of the installs on, in hundredths.
CONFIDENT = ((95, Confidence.HIGH), (80, Confidence.MEDIUM), (0, Confidence.LOW))


@dataclass(frozen=True, slots=True)
class Basis:
    """What a line rests on beside its counts.

    `required` counts units of the line's metric, None where it is not known; `certain` counts
    installs on devices that were read whole and lately.
    """

    required: int | None
    certain: int
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Contributions:
    """The parts of every count, and the basis of each line, by product."""

    parts: Mapping[Kind, Sequence[Part]]
    bases: Mapping[str, Basis]


def contributions(
    lines: Iterable[PositionLine],
    devices: Sequence[CountedDevice],
    products: Mapping[str, frozenset[str]],
    named: Iterable[FleetCover],
    certain: frozenset[str],
    catalogue: Catalogue | CountingTerms,
    day: date,
    spared: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType({}),
) -> Contributions:
    """Every install of the lines in exactly one count.

    `products` are those of each device that need a licence, `named` the covers, `certain` the
    devices that were read whole and lately, `spared` those that exemptions spare a licence. Units
    of virtual devices under cores or processors depend on how their host is licensed; a line that
    has some has no `required`, and its parts have no units.
    """
    found: defaultdict[str, list[CountedDevice]] = defaultdict(list)
    for device in sorted(devices, key=lambda device: device.id):
        for product in products.get(device.id, ()):
            found[product].append(device)
    covers: defaultdict[str, defaultdict[tuple[str, str], list[str]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for device_id, product, entitlement, right in named:
        covers[product][entitlement, right.value].append(device_id)
    exempt: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    for (product, exemption), ids in spared.items():
        exempt[product][exemption] = sorted(ids)
    terms = terms_of_all(found, catalogue, day)
    parts: dict[Kind, list[Part]] = {}
    bases = {}
    for line in lines:
        on = found[line.product]
        is_known = line.reason is None and not (
            line.metric in BY_CORES and any(device.is_virtual for device in on)
        )
        units = dict.fromkeys((device.id for device in on), 0)
        if is_known and line.metric is Metric.USER:
            # A person counts once: in this order, the first device of a user stays.
            first = {device.user: device.id for device in reversed(on)}
            units |= dict.fromkeys(first.values(), 1)
        elif is_known and line.metric not in BY_CORES:
            units = dict.fromkeys(units, 1)
        elif is_known and on:
            known = terms[line.product]
            units = {device.id: known.units_on(device, line.metric) for device in on}
        required = sum(units.values()) if is_known else None
        free = exempt[line.product]
        for kind, ids in _counts(line, covers[line.product], units, free):
            parts[kind] = [Part(each, units.get(each, 0)) for each in ids]
        sure = sum(each in certain for each in chain(units, *free.values()))
        bases[line.product] = Basis(required, sure, _confidence(line, sure))
    return Contributions(parts, bases)


def _counts(
    line: PositionLine,
    covers: Mapping[tuple[str, str], list[str]],
    devices: Iterable[str],
    exempt: Mapping[str, list[str]],
) -> Iterable[tuple[Kind, list[str]]]:
    product, metric = line.product, line.metric.value
    left = dict.fromkeys(devices)
    if line.reason:
        left = dict.fromkeys(sorted(chain(left, *exempt.values())))
        return [(Kind(product, metric, Share.UNDETERMINED), list(left))] if left else []
    counts = [
        (Kind(product, metric, Share.EXEMPT, exemption), ids)
        for exemption, ids in sorted(exempt.items())
    ]
    for (entitlement, right), ids in sorted(covers.items()):
        ids.sort()
        counts.append((Kind(product, metric, Share.COVERED, entitlement, right), ids))
        for each in ids:
            del left[each]
    if left:
        counts.append((Kind(product, metric, Share.UNCOVERED), list(left)))
    return counts


def _confidence(line: PositionLine, certain: int) -> Confidence:
    if line.reason:
        return Confidence.NONE
    if not line.installed:
        return Confidence.HIGH
    return next(
        confidence for share, confidence in CONFIDENT if certain * 100 >= share * line.installed
    )
