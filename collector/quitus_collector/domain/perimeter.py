"""Which devices count, as what, for whom: decisions of people, each with its reason."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from quitus_collector.domain.history import Snapshot
from quitus_collector.domain.product import line_of, publisher_of


class Role(StrEnum):
    """What a device is for; licences may exempt installs on all but PRODUCTION."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"
    TEST = "test"
    STANDBY = "standby"


class Scope(StrEnum):
    """Whether a device is counted; RETIRED ones exist no more, EXCLUDED ones are not concerned."""

    COUNTED = "counted"
    RETIRED = "retired"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class Placement:
    """What people say of a device; `entity` (a SIREN) takes the place of its enrolment's.

    `reason` is why it is in another role or scope than others, or why it is silent.
    """

    device_id: str
    entity: str | None = None
    site: str = ""
    role: Role = Role.PRODUCTION
    scope: Scope = Scope.COUNTED
    reason: str = ""

    @property
    def says_something(self) -> bool:
        """Whether it differs from what holds for a device of which nobody said anything."""
        return self != Placement(self.device_id)

    def document(self) -> dict[str, object]:
        """The placement as JSON has it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Exemption:
    """Installs that need no licence of their own, because of the role of their device.

    `product` is a publisher, a line or a product. `evidence` refers to what grants it (a contract's
    clause, a subscription); it is printed in the declaration. Both dates are included.
    """

    id: str
    product: str
    role: Role
    evidence: str
    valid_from: date | None = None
    valid_until: date | None = None

    def exempts(self, product: str, role: Role, day: date) -> bool:
        """Whether an install of the product on a device of that role needs no licence that day."""
        return (
            role is self.role
            and self.product in (product, line_of(product), publisher_of(product))
            and (self.valid_from is None or self.valid_from <= day)
            and (self.valid_until is None or day <= self.valid_until)
        )

    def document(self) -> dict[str, object]:
        """The exemption as JSON has it."""
        dates = {name: getattr(self, name) for name in ("valid_from", "valid_until")}
        return asdict(self) | {name: day and day.isoformat() for name, day in dates.items()}


@dataclass(frozen=True, slots=True)
class LegalEntity:
    """A company of the group, by its SIREN; `group` is the one that it belongs to, if any."""

    siren: str
    name: str
    group: str = ""


class Unreachable(StrEnum):
    """Why no fresh inventory of a device is counted; SILENT ones have never reported."""

    STALE = "stale"
    SILENT = "silent"
    RETIRED = "retired"
    EXCLUDED = "excluded"


@dataclass(frozen=True, slots=True)
class ReasonedDevices:
    """How many devices are in such a state for one reason; it is empty where nobody gave one."""

    state: Unreachable
    reason: str
    devices: int


@dataclass(frozen=True, slots=True)
class SiteCoverage:
    """How many of a site's devices are counted, and how many of these report; "" is no site."""

    site: str
    enrolled: int
    reporting: int


@dataclass(frozen=True, slots=True)
class Perimeter:
    """The devices that a position rests on; `entities` are their legal entities (SIREN), sorted.

    `stale` devices have reported, but not within `stale_after_days`; they are counted as they last
    were. `namesakes` are names that several devices have: each may be one machine enrolled twice.
    `set_apart` devices are in quarantine or were replaced, `retired` and `excluded` ones were left
    out by people: none of the other figures has them. `reasons` has the largest first of each
    state; `sites` is empty where no site is known.
    """

    entities: tuple[str, ...]
    enrolled: int
    reporting: int
    stale: int
    stale_after_days: int
    with_failed_sources: int
    oldest_report_at: datetime | None
    namesakes: tuple[str, ...]
    set_apart: int = 0
    retired: int = 0
    excluded: int = 0
    reasons: tuple[ReasonedDevices, ...] = ()
    sites: tuple[SiteCoverage, ...] = ()

    def document(self) -> dict[str, object]:
        """The perimeter as JSON has it."""
        oldest = self.oldest_report_at
        return asdict(self) | {"oldest_report_at": oldest.isoformat() if oldest else None}


def placed(
    snapshots: Iterable[Snapshot], placements: Mapping[str, Placement]
) -> tuple[list[Snapshot], list[tuple[Snapshot, Placement]]]:
    """The devices that are counted, each with its entity, and those that are not, with the reason.

    `placements` are by device id.
    """
    if not placements:
        return list(snapshots), []
    counted, left_out = [], []
    for each in snapshots:
        placement = placements.get(each.device_id)
        if placement is None:
            counted.append(each)
        elif placement.scope is not Scope.COUNTED:
            left_out.append((each, placement))
        else:
            counted.append(each._replace(entity=placement.entity or each.entity))
    return counted, left_out


def without_exempt(
    products: Mapping[str, frozenset[str]],
    placements: Mapping[str, Placement],
    exemptions: Iterable[Exemption],
    day: date,
) -> tuple[dict[str, frozenset[str]], dict[tuple[str, str], list[str]]]:
    """The products of each device that need a licence, and the devices that exemptions spare it.

    The latter by product and exemption; of several exemptions, the one with the lowest id is named.
    """
    needing = dict(products)
    spared: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    exemptions = sorted(exemptions, key=lambda each: each.id)
    for device_id, placement in placements.items() if exemptions else ():
        if placement.role is Role.PRODUCTION or device_id not in needing:
            continue
        exempt = {
            product: exemption.id
            for product in needing[device_id]
            for exemption in reversed(exemptions)
            if exemption.exempts(product, placement.role, day)
        }
        needing[device_id] = frozenset(needing[device_id] - exempt.keys())
        for found in exempt.items():
            spared[found].append(device_id)
    return needing, dict(spared)


def perimeter(
    counted: Iterable[Snapshot],
    left_out: Iterable[tuple[Snapshot, Placement]],
    set_apart: int,
    placements: Mapping[str, Placement],
    now: datetime,
    stale_after: timedelta,
) -> Perimeter:
    """What a position of these devices rests on; `set_apart` are in quarantine or were replaced."""
    counted, left_out = list(counted), list(left_out)
    reports = [each.heard_at for each in counted if each.heard_at]
    stale = [each for each in counted if each.heard_at and now - each.heard_at > stale_after]
    never = [each for each in counted if not each.heard_at]
    names = Counter(each.name for each in counted)

    def reason(device: Snapshot) -> str:
        placement = placements.get(device.device_id)
        return placement.reason if placement else ""

    reasons = Counter((Unreachable.STALE, reason(each)) for each in stale)
    reasons.update((Unreachable.SILENT, reason(each)) for each in never)
    reasons.update((Unreachable(each.scope.value), each.reason) for _, each in left_out)
    scopes = Counter(each.scope for _, each in left_out)
    return Perimeter(
        entities=tuple(sorted({each.entity for each in counted if each.entity})),
        enrolled=len(counted),
        reporting=len(reports) - len(stale),
        stale=len(stale),
        stale_after_days=stale_after.days,
        with_failed_sources=sum(each.has_failed_sources for each in counted),
        oldest_report_at=min(reports, default=None),
        namesakes=tuple(sorted(name for name, count in names.items() if count > 1)),
        set_apart=set_apart,
        retired=scopes[Scope.RETIRED],
        excluded=scopes[Scope.EXCLUDED],
        reasons=tuple(
            ReasonedDevices(state, text, devices)
            for (state, text), devices in sorted(reasons.items(), key=_by_state_and_size)
        ),
        sites=_sites(counted, placements, now - stale_after),
    )


def _sites(
    counted: Iterable[Snapshot], placements: Mapping[str, Placement], since: datetime
) -> tuple[SiteCoverage, ...]:
    """Coverage by site; nothing where nobody named one."""
    sites = {each.device_id: each.site for each in placements.values() if each.site}
    if not sites:
        return ()
    known: Counter[str] = Counter()
    reporting: Counter[str] = Counter()
    for each in counted:
        site = sites.get(each.device_id, "")
        known[site] += 1
        reporting[site] += each.heard_at is not None and each.heard_at >= since
    return tuple(SiteCoverage(site, known[site], reporting[site]) for site in sorted(known))


def _by_state_and_size(counted: tuple[tuple[Unreachable, str], int]) -> tuple[object, ...]:
    (state, reason), devices = counted
    return list(Unreachable).index(state), -devices, reason
