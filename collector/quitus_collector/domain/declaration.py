"""The declaration: what a company states about its licences, drawn from one position."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date, datetime

from quitus_collector.domain.company import Company
from quitus_collector.domain.contested import ReadRule
from quitus_collector.domain.contribution import Basis
from quitus_collector.domain.entitlement import Channel, Entitlement
from quitus_collector.domain.evidence import Commitment
from quitus_collector.domain.expected import SystemCoverage
from quitus_collector.domain.perimeter import Exemption
from quitus_collector.domain.position import Document, LineState, Position, PositionLine

FORMAT = "quitus-declaration/2"
# Before anybody has approved it, every page says so, and it is not sealed.
UNAPPROVED = frozenset({"draft", "reviewed"})


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the inventory reaches: devices of one legal entity, site or system, by `name`.

    `expected` is how many there should be, None where nobody said; the others count as Perimeter
    does.
    """

    name: str
    enrolled: int
    reporting: int
    stale: int
    with_failed_sources: int
    expected: int | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Devices that no figure has, and why; `said` is the reason that a person gave."""

    reason: str
    devices: int
    said: str = ""


@dataclass(frozen=True, slots=True)
class Override:
    """A guard that a person set aside: which, why, who and when."""

    guard: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Remedy:
    """What will be done about a gap; `quantity` counts licences to buy or installs to remove.

    It goes for all lines where `product` is empty.
    """

    product: str
    action: str
    quantity: int | None = None
    due: date | None = None


@dataclass(frozen=True, slots=True)
class Reservation:
    """What the company does not want to be taken as said; of all lines where `product` is empty."""

    text: str
    product: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """Who approved it, in which function, and when; `is_author` for who drafted or changed it."""

    name: str
    function: str
    at: datetime
    is_author: bool = False


@dataclass(frozen=True, slots=True)
class OwnRule:
    """A rule of the company's own that recognised products: what it names, and as which class."""

    product: str
    software_class: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SealPlan:
    """What the document is to be sealed with; empty where it is missing.

    It is said before the seal is made, so it promises no level: a verifier tells that.
    """

    signer: str = ""
    timestamp_authority: str = ""


@dataclass(frozen=True, slots=True)
class Declaration:
    """What is stated, to whom, from what. `publisher` is the addressee, or None for all.

    `bases` are by product, and so are `channels`: the units in force that were bought through each.
    `entitlements` are those of the lines, `readings` how the contested rules are read that concern
    them, `exemptions` those that spare one of their installs a licence. `reference` names the
    letter that it answers. A `state` other than "draft" is for who keeps declarations to give.
    """

    company: Company
    publisher: str | None
    publisher_label: str
    position: Position
    drafted_at: datetime
    software_version: str
    state: str = "draft"
    language: str = "fr"
    reference: str = ""
    catalogue_version: str = ""
    bases: Mapping[str, Basis] = field(default_factory=dict)
    channels: Mapping[str, Mapping[Channel, int]] = field(default_factory=dict)
    entitlements: tuple[Entitlement, ...] = ()
    evidence: Commitment | None = None
    reach: tuple[Reach, ...] = ()
    systems: tuple[SystemCoverage, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    overrides: tuple[Override, ...] = ()
    readings: tuple[ReadRule, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    remediation: tuple[Remedy, ...] = ()
    approvals: tuple[Approval, ...] = ()
    own_rules: tuple[OwnRule, ...] = ()
    own_rules_digest: str = ""
    seal: SealPlan = SealPlan()

    @property
    def lines(self) -> tuple[PositionLine, ...]:
        """The lines of the position, which is already reduced to what concerns the addressee."""
        return self.position.lines

    def remarked(self, remark: Reservation | Remedy) -> "Declaration":
        """With one reservation or one step of the plan more, after those that are there."""
        if isinstance(remark, Reservation):
            return replace(self, reservations=(*self.reservations, remark))
        return replace(self, remediation=(*self.remediation, remark))

    def unremarked(self, number: int) -> "Declaration":
        """Without its remark of this number: reservations, then the plan, from 1 on.

        Raises IndexError where there is none.
        """
        remarks = [*self.reservations, *self.remediation]
        if not 0 < number <= len(remarks):
            raise IndexError(number)
        del remarks[number - 1]
        return replace(
            self,
            reservations=tuple(each for each in remarks if isinstance(each, Reservation)),
            remediation=tuple(each for each in remarks if isinstance(each, Remedy)),
        )

    @property
    def is_approved(self) -> bool:
        """Whether somebody answers for it."""
        return self.state not in UNAPPROVED

    def document(self) -> Document:
        """The declaration as its JSON file has it; every figure of the PDF comes from here."""
        states = Counter(line.state for line in self.lines)
        return {
            "format": FORMAT,
            "state": self.state,
            "language": self.language,
            "reference": self.reference,
            "company": {each.name: getattr(self.company, each.name) for each in fields(Company)}
            | {"missing": list(self.company.missing())},
            "publisher": self.publisher and {"id": self.publisher, "label": self.publisher_label},
            "as_of": self.position.as_of.isoformat(),
            "drafted_at": self.drafted_at.isoformat(),
            "perimeter": self.position.perimeter.document()
            | {
                "reach": [asdict(each) for each in self.reach],
                "excluded": [asdict(each) for each in self.exclusions],
                "unknown_names": len(self.position.unknown),
            }
            # Without the key where there is none: a draft from before it is still what it was.
            | ({"systems": [asdict(each) for each in self.systems]} if self.systems else {}),
            "totals": {state.value: states[state] for state in LineState}
            | {"missing": sum(line.missing or 0 for line in self.lines)},
            "lines": [self._line(line) for line in self.lines],
            "entitlements": [_entitlement(each) for each in self.entitlements],
            "reservations": [asdict(each) for each in self.reservations],
            "overrides": [_dated(each) for each in self.overrides],
            "readings": [each.document() for each in self.readings],
            "exemptions": [each.document() for each in self.exemptions],
            "remediation": [_dated(each) for each in self.remediation],
            "approvals": [_dated(each) for each in self.approvals],
            "own_rules": [_dated(each) for each in self.own_rules],
            "versions": {
                "quitus": self.software_version,
                "catalogue": self.catalogue_version,
                "catalogue_sha256": self.position.catalogue_digest,
                "own_rules_sha256": self.own_rules_digest,
            },
            "seal": asdict(self.seal),
            "evidence": self.evidence and self.evidence.document(),
        }

    def _line(self, line: PositionLine) -> Document:
        basis = self.bases.get(line.product)
        return line.document() | {
            "required": basis and basis.required,
            "certain": basis and basis.certain,
            "confidence": basis and basis.confidence.value,
            **{f"entitled_{channel}": n for channel, n in self.owned_by_channel(line).items()},
        }

    def owned_by_channel(self, line: PositionLine) -> dict[Channel, int]:
        """The line's `entitled` by channel, in their order; what is not known is UNSTATED."""
        known = self.channels.get(line.product, {})
        found = {channel: known.get(channel, 0) for channel in Channel}
        stated = sum(n for channel, n in found.items() if channel is not Channel.UNSTATED)
        return found | {Channel.UNSTATED: line.entitled - stated}


def _entitlement(line: Entitlement) -> Document:
    """What is known of it; that it is bound to a device, but not to which."""
    known = _dated(line) | {"bound_to": line.bound_to is not None}
    return {name: value for name, value in known.items() if value not in (None, "", False)}


def _dated(value: object) -> Document:
    """A value as JSON has it: days and moments in ISO 8601."""
    found = {each.name: getattr(value, each.name) for each in fields(value)}  # type: ignore[arg-type]
    return {
        name: each.isoformat() if isinstance(each, date) else each for name, each in found.items()
    }
