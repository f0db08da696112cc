"""Devices and the join tokens that admit them."""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime

from quitus_collector.domain.install import DeviceFacts, SourceOutcome


@dataclass(frozen=True, slots=True)
class Device:
    """An enrolled workstation; `facts` and `sources` are those of its last report, if there is one.

    `entity` is the legal entity (SIREN) that its join token was made for, or None.
    """

    id: str
    hostname: str
    public_key_sha256: str
    token_id: str
    enrolled_at: datetime
    certificate_expires_at: datetime
    entity: str | None = None
    last_report_at: datetime | None = None
    facts: DeviceFacts = field(default_factory=DeviceFacts)
    sources: tuple[SourceOutcome, ...] = ()

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
            "enrolled_at": self.enrolled_at.isoformat(),
            "certificate_expires_at": self.certificate_expires_at.isoformat(),
            "last_report_at": last.isoformat() if last else None,
            "facts": asdict(self.facts),
            "sources": [asdict(source) for source in self.sources],
        }


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
