"""Devices as a list that is turned page by page: what is looked for, and what a row tells."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from quitus_collector.domain.device import Standing
from quitus_collector.domain.perimeter import Scope

# A certificate that ends sooner was not renewed when its device should have done so.
ENDING = timedelta(days=14)


class Condition(StrEnum):
    """What is to be known of a device first.

    A row tells the first one that holds, in this order: it goes from what shuts a device out to
    what is as it should be. STALE devices have not reported for long, SILENT ones never.
    """

    REVOKED = "revoked"
    QUARANTINED = "quarantined"
    REPLACED = "replaced"
    RETIRED = "retired"
    EXCLUDED = "excluded"
    SILENT = "silent"
    STALE = "stale"
    FAILED = "failed-sources"
    REPORTING = "reporting"


@dataclass(frozen=True, slots=True)
class Sought:
    """Which devices are looked for; None is any.

    `text` is a part of the name, in large or small letters; `site` is not empty. `product` is one
    that is counted on the device, with its version. With `ending`, only those whose certificate
    ends soon, or has ended.
    """

    text: str = ""
    condition: Condition | None = None
    site: str | None = None
    entity: str | None = None
    product: str | None = None
    ending: bool = False


class Place(NamedTuple):
    """Where a row stands: rows are sorted by it."""

    name: str
    number: int


class Moments(NamedTuple):
    """What time decides: reports before `stale` are old, certificates until `ending` end soon."""

    stale: datetime
    ending: datetime


class Row(NamedTuple):
    """A device in the list; `entity` is a SIREN, `site` empty where nobody named one."""

    name: str
    number: int
    id: str
    system: str
    entity: str | None
    site: str
    standing: Standing
    scope: Scope
    has_failed_sources: bool
    last_report_at: datetime | None
    certificate_expires_at: datetime
    revoked_at: datetime | None
    installs: int

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.name, self.number)

    def condition(self, stale: datetime) -> Condition:
        """What is to be known of it first; reports before `stale` are old."""
        if self.revoked_at:
            return Condition.REVOKED
        if self.standing is not Standing.ACTIVE:
            return Condition(self.standing.value)
        if self.scope is not Scope.COUNTED:
            return Condition(self.scope.value)
        if self.last_report_at is None:
            return Condition.SILENT
        if self.last_report_at < stale:
            return Condition.STALE
        return Condition.FAILED if self.has_failed_sources else Condition.REPORTING
