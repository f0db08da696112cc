"""What a device reported: raw software records, facts, and whether each source could be read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Scope(StrEnum):
    """Whether an install serves everyone on the device or one person."""

    MACHINE = "machine"
    USER = "user"


class SourceStatus(StrEnum):
    """READ: what is not listed is not there. FAILED: nothing may be concluded."""

    READ = "read"
    ABSENT = "absent"
    FAILED = "failed"


class DeviceKind(StrEnum):
    """UNKNOWN where the device could not tell."""

    PHYSICAL = "physical"
    VIRTUAL = "virtual"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Install:
    """One software record, verbatim; empty where its source does not say.

    `hidden` records are parts, patches and evidence. `installed_on` is an ISO date and belongs to
    the device: it does not make two records different. Digests are worked out once: a record that
    many devices have may be one object.
    """

    name: str
    version: str = ""
    publisher: str = ""
    architecture: str = ""
    source: str = ""
    scope: Scope = Scope.MACHINE
    identifiers: Mapping[str, str] = field(default_factory=dict)
    hidden: bool = False
    installed_on: str = ""
    _record: bytes = field(default=b"", init=False, repr=False, compare=False)
    _row: bytes = field(default=b"", init=False, repr=False, compare=False)

    def document(self) -> dict[str, object]:
        """The record as JSON has it; null where its source does not say."""
        return {
            "name": self.name,
            "version": self.version or None,
            "publisher": self.publisher or None,
            "architecture": self.architecture or None,
            "source": self.source,
            "scope": self.scope.value,
            "identifiers": dict(self.identifiers),
            "hidden": self.hidden,
            "installed_on": self.installed_on or None,
        }

    def key(self) -> tuple[str, ...]:
        """What makes two records the same one, wherever they were found."""
        pairs = (text for pair in sorted(self.identifiers.items()) for text in pair)
        return (
            self.name,
            self.version,
            self.publisher,
            self.architecture,
            self.source,
            self.scope,
            "hidden" if self.hidden else "",
            *pairs,
        )

    def record(self) -> bytes:
        """The digest of its key; no text on the wire has the character that parts them."""
        if not self._record:
            digest = hashlib.sha256("\0".join(self.key()).encode()).digest()
            object.__setattr__(self, "_record", digest)
        return self._record

    def row(self) -> bytes:
        """The digest of the record with the day on which its device says that it got it."""
        if not self._row:
            object.__setattr__(self, "_row", row_digest(self.record(), self.installed_on))
        return self._row


def row_digest(record: bytes, installed_on: str) -> bytes:
    """That of a row whose record has this digest."""
    return hashlib.sha256(record + installed_on.encode()).digest()


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What counting needs to know of a device; zero or empty where it could not tell."""

    hostname: str = ""
    system: str = ""
    system_version: str = ""
    architecture: str = ""
    processors: int = 0
    cores: int = 0
    memory_bytes: int = 0
    kind: DeviceKind = DeviceKind.UNKNOWN
    hypervisor: str = ""
    chassis: str = ""
    portable: bool = False
    logical_cores: int = 0
    smbios_uuid: str = ""
    serial: str = ""
    machine_id: str = ""
    primary_user: str = ""
    domain: str = ""
    guests: tuple[str, ...] = ()
    disk_id: str = ""


@dataclass(frozen=True, slots=True)
class SourceOutcome:
    """How reading one source went; `reason` is empty unless it failed or is turned off."""

    name: str
    status: SourceStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that a device has, as it was read at one time."""

    facts: DeviceFacts
    sources: tuple[SourceOutcome, ...]
    installs: tuple[Install, ...]
