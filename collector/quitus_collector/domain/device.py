"""Devices, what tells them apart, and what lets them in: tokens, persons, company authorities."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple

from quitus_collector.domain.install import DeviceFacts, SourceOutcome


class Standing(StrEnum):
    """ACTIVE devices are counted; the others are kept and shown, each with its reason.

    QUARANTINED: two machines may be behind it, or it may be one that is known already; a person
    decides. REPLACED: another device took its place. A decision can be taken back.
    """

    ACTIVE = "active"
    QUARANTINED = "quarantined"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Device:
    """An enrolled workstation; `facts` and `sources` are those of its last report, if there is one.

    `entity` is the legal entity (SIREN) that its join token was made for, or None. `company_name`
    is what the company certificate that let it in calls it, empty for other ways in. A renewed key
    is `next_key_sha256` until its first use. `trust_digest` says which roots the device trusts, as
    it said last. `digest`, `receipt` and `shown` (the receipt that the last report showed) are hex,
    empty before the first report. `rival` is the id of the device that a quarantine is about, or
    that replaced this one. `agent_version` is what its agent said last, empty before it said any.
    """

    id: str
    hostname: str
    public_key_sha256: str
    token_id: str
    enrolled_at: datetime
    certificate_expires_at: datetime
    entity: str | None = None
    company_name: str = ""
    next_key_sha256: str | None = None
    revoked_at: datetime | None = None
    trust_digest: str = ""
    last_report_at: datetime | None = None
    facts: DeviceFacts = field(default_factory=DeviceFacts)
    sources: tuple[SourceOutcome, ...] = ()
    installs: int = 0
    digest: str = ""
    receipt: str = ""
    shown: str = ""
    standing: Standing = Standing.ACTIVE
    standing_reason: str = ""
    rival: str = ""
    agent_version: str = ""

    @property
    def name(self) -> str:
        """What people call it: what it last said, or said when it enrolled, or its id."""
        return self.facts.hostname or self.hostname or self.id

    def document(self) -> dict[str, object]:
        """The device as JSON has it."""
        last = self.last_report_at
        return {
            "id": self.id,
            "name": self.name,
            "entity": self.entity,
            "company_name": self.company_name or None,
            "standing": self.standing.value,
            "standing_reason": self.standing_reason or None,
            "rival": self.rival or None,
            "enrolled_at": self.enrolled_at.isoformat(),
            "certificate_expires_at": self.certificate_expires_at.isoformat(),
            "revoked_at": self.revoked_at.isoformat() if self.revoked_at else None,
            "last_report_at": last.isoformat() if last else None,
            "agent_version": self.agent_version or None,
            "installs": self.installs,
            "digest": self.digest or None,
            "facts": asdict(self.facts),
            "sources": [asdict(source) for source in self.sources],
        }


class Chain(NamedTuple):
    """Of a device, what an unchanged report is compared with; fields as in Device."""

    digest: str
    receipt: str
    shown: str
    standing: Standing
    installs: int
    public_key_sha256: str
    revoked_at: datetime | None
    trust_digest: str
    agent_version: str


class Heard(NamedTuple):
    """A report that changed nothing but when its device was heard, and its receipts."""

    device_id: str
    at: datetime
    receipt: str
    shown: str


# What one agreement says for two devices being one machine. Firmware ids outlive a new system
# disk; a machine id travels with a copied disk, so it says little alone. A disk is in one machine
# at a time, so it says most.
WEIGHTS: Mapping[str, int] = {"smbios_uuid": 4, "serial": 3, "machine_id": 2, "disk_id": 7}
# What one disagreement says against it. That the disk is a new one is an ordinary repair.
AGAINST: Mapping[str, int] = {**WEIGHTS, "disk_id": 0}
# From this weight on two devices are taken for one machine until a person decides: firmware ids
# that agree say so even under another machine id, which is what a new installation looks like.
SAME_MACHINE = 5
# Down from here one device speaks from two machines: its firmware ids became others.
ANOTHER_MACHINE = -5
# Ids that makers give to whole series: they tell nothing (as seen by inventory tools' users).
MEANINGLESS = frozenset(
    {
        "00000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
        "12345678-1234-5678-90ab-cddeefaabbcc",
        "123456789",
        "0123456789",
        "1234567890",
        "default string",
        "none",
        "not specified",
        "system serial number",
        "to be filled by o.e.m.",
    }
)


def fingerprint(facts: DeviceFacts) -> dict[str, str]:
    """What tells one machine from another, by kind; meaningless values are left out."""
    values = {kind: str(getattr(facts, kind)).strip().lower() for kind in WEIGHTS}
    return {
        kind: value
        for kind, value in values.items()
        if len(value) >= 4 and value not in MEANINGLESS and len(set(value) - {"-", "0"}) > 1
    }


def likeness(one: Mapping[str, str], other: Mapping[str, str]) -> int:
    """How much two fingerprints speak for one machine: agreements less disagreements."""
    return sum(
        WEIGHTS[kind] if one[kind] == other[kind] else -AGAINST[kind]
        for kind in WEIGHTS
        if kind in one and kind in other
    )


@dataclass(frozen=True, slots=True)
class JoinToken:
    """Admits `uses_allowed` devices until `expires_at`; only the hash of its secret is kept."""

    id: str
    secret_sha256: str
    uses_allowed: int
    created_at: datetime
    expires_at: datetime
    uses: int = 0
    entity: str | None = None
    label: str = ""

    @property
    def has_uses_left(self) -> bool:
        """Whether another device may enter with it."""
        return self.uses < self.uses_allowed

    def used_once_more(self) -> "JoinToken":
        """The token after one more device."""
        return replace(self, uses=self.uses + 1)


@dataclass(frozen=True, slots=True)
class CompanyAuthority:
    """An authority of the company's own, whose machine certificates let devices in.

    `id` is what operators call it. `certificates` are those that end a chain, `revocations` its
    revocation lists, empty where none were given; both are PEM. `names` is a pattern, `*` for any
    characters, that a machine's name must match. `entity` is the legal entity (SIREN) of its
    devices, or None.
    """

    id: str
    certificates: str
    added_at: datetime
    names: str = "*"
    entity: str | None = None
    revocations: str = ""

    def admits(self, machine: str) -> bool:
        """Whether a machine of this name may come in; letters are alike in both cases."""
        return fnmatchcase(machine.lower(), self.names.lower())


@dataclass(frozen=True, slots=True)
class EnrolmentRequest:
    """A device without a token that waits for a person; known by its key until it is let in.

    `approved` is None until someone decides.
    """

    id: str
    public_key_sha256: str
    hostname: str
    address: str
    requested_at: datetime
    approved: bool | None = None
    entity: str | None = None
