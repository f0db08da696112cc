"""The audit log: what happened to identities, each entry sealed to the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

GENESIS = "0" * 64


class Kind(StrEnum):
    """What can happen."""

    ENROLLED = "enrolled"
    REFUSED = "refused"
    RENEWED = "renewed"
    REENTERED = "re-entered"
    REVOKED = "revoked"
    RESTORED = "restored"
    REMOVED = "removed"
    FORGOTTEN = "forgotten"
    PURGED = "purged"
    TOKEN_MADE = "token made"  # noqa: S105 - names of events
    TOKEN_REVOKED = "token revoked"  # noqa: S105
    QUARANTINED = "quarantined"
    SETTLED = "settled"
    REQUESTED = "requested"
    APPROVED = "approved"
    DENIED = "denied"
    AUTHORITY_MADE = "authority made"
    AUTHORITY_RENEWED = "authority renewed"
    ROOT_PREPARED = "root prepared"
    ROOT_ACTIVATED = "root activated"
    ROOT_RETIRED = "root retired"
    COMPANY_TRUSTED = "company authority trusted"
    COMPANY_DISTRUSTED = "company authority distrusted"
    COMPANY_REVOCATIONS = "revocation lists taken in"
    BACKUP_MADE = "backup made"
    BACKUP_RESTORED = "backup restored"
    AGENT_OFFERED = "agent offered"
    AGENT_WITHDRAWN = "agent withdrawn"
    PLACED = "device placed"
    EXEMPTED = "exemption added"
    EXEMPTION_REMOVED = "exemption removed"
    ENTITY_NAMED = "legal entity named"
    READ = "contested rule read"
    RULE_MADE = "rule made"
    POOLS_CHANGED = "pools changed"
    PRICES_CHANGED = "prices changed"
    PROOF_ADDED = "proof added"
    PROOF_REMOVED = "proof removed"
    DRAFTED = "declaration drafted"
    REVIEWED = "declaration reviewed"
    AMENDED = "declaration changed"
    DECLARATION_APPROVED = "declaration approved"
    SEALED = "declaration sealed"
    SUBMITTING = "declaration being submitted"
    SUBMITTED = "declaration submitted"
    UNCERTAIN = "declaration uncertain"
    NOT_SENT = "declaration not sent"
    PORTAL_REFUSED = "declaration refused"
    WITHDRAWN = "declaration withdrawn"
    RECEIPT_SEALED = "receipt sealed"
    LETTER_REGISTERED = "letter registered"
    LETTER_SCANNED = "letter scanned"
    LETTER_REMINDED = "letter reminded"
    LETTER_ANSWERED = "letter answered"
    EXPECTED = "expected devices listed"
    ACCOUNT_MADE = "account made"
    ACCOUNT_CHANGED = "account changed"
    SIGNED_IN = "signed in"
    SIGNED_OUT = "signed out"
    SESSION_ENDED = "session ended"
    UNLOCKED = "account unlocked"
    EXPORTED = "exported"
    PASSWORD_CHANGED = "password changed"  # noqa: S105
    SECOND_FACTOR_SET = "second factor set"
    API_TOKEN_MADE = "API token made"  # noqa: S105
    API_TOKEN_REVOKED = "API token revoked"  # noqa: S105
    CATALOGUE_UPDATED = "catalogue updated"


@dataclass(frozen=True, slots=True)
class Event:
    """`actor` is an operator's account, a device or an address; `detail` never holds a secret."""

    at: datetime
    kind: Kind
    actor: str
    subject: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the log; numbers start at 1 and have no gap."""

    number: int
    event: Event
    digest: str

    def document(self) -> dict[str, object]:
        """The entry as JSON has it."""
        event = self.event
        return {
            "number": self.number,
            "at": event.at.isoformat(),
            "event": event.kind.value,
            "actor": event.actor,
            "subject": event.subject or None,
            "detail": dict(event.detail),
            "digest": self.digest,
        }


def entry_after(previous: Entry | None, event: Event) -> Entry:
    """The event as the log's next entry."""
    number = previous.number + 1 if previous else 1
    return Entry(number, event, _digest(previous.digest if previous else GENESIS, number, event))


def first_broken(entries: Iterable[Entry]) -> int | None:
    """The number of the first entry that is missing, out of place or not as it was written.

    What was cut off at the end leaves no mark here: compare the last digest with a noted one.
    """
    previous = None
    for entry in entries:
        expected = entry_after(previous, entry.event)
        if entry != expected:
            return expected.number
        previous = entry
    return None


def _digest(previous: str, number: int, event: Event) -> str:
    """SHA-256 over the digest before and the content, in one spelling."""
    at = event.at.astimezone(UTC).isoformat(timespec="microseconds")
    content = [previous, number, at, event.kind, event.actor, event.subject, dict(event.detail)]
    canonical = json.dumps(content, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
