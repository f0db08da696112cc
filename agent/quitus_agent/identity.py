"""Who this device is to the collector: kept for the service account alone."""

import binascii
import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from quitus_agent.errors import AgentError, NotEnrolled
from quitus_agent.files import write_whole

IDENTITY_FILE = "identity.json"
PENDING_KEY_FILE = "pending-key.pem"
RENEWAL_KEY_FILE = "renewal-key.pem"
LOCK_FILE = "identity.lock"
NEVER = datetime.max.replace(tzinfo=UTC)


class Identity(NamedTuple):
    """What a device shows and whom it trusts; certificates and key in PEM.

    `expires_at` is when its own certificate ends and `renews_at` when a new one is due, UTC.
    """

    device_id: str
    collector_host: str
    inventory_port: int
    private_key: bytes
    certificate_chain: bytes
    trust_roots: bytes
    expires_at: datetime
    pseudonym_key: bytes = b""
    enrolment_port: int = 0
    renews_at: datetime = NEVER


def load(state: Path) -> Identity:
    """Reads the identity kept in `state`; raises NotEnrolled where there is none."""
    try:
        document = json.loads((state / IDENTITY_FILE).read_text(encoding="utf-8"))
        return Identity(
            device_id=document["device_id"],
            collector_host=document["collector_host"],
            inventory_port=document["inventory_port"],
            private_key=document["private_key"].encode(),
            certificate_chain=document["certificate_chain"].encode(),
            trust_roots=document["trust_roots"].encode(),
            expires_at=datetime.fromisoformat(document["expires_at"]).astimezone(UTC),
            pseudonym_key=bytes.fromhex(document["pseudonym_key"]),
            enrolment_port=document["enrolment_port"],
            renews_at=datetime.fromisoformat(document["renews_at"]).astimezone(UTC),
        )
    except FileNotFoundError as error:
        raise NotEnrolled(
            f"this device is not enrolled ({state} holds no identity): run quitus-agent enrol"
        ) from error
    except PermissionError as error:
        raise AgentError(f"{error.filename} is readable by the agent's account alone") from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise damaged(state) from error


def damaged(state: Path) -> AgentError:
    """What to say where an identity is there but of no use."""
    return AgentError(
        f"the identity in {state} is damaged: enrol again with quitus-agent enrol --again"
    )


def save(state: Path, identity: Identity) -> None:
    """Keeps an identity, key and all, in one write that takes the place of the one before."""
    document = {
        "device_id": identity.device_id,
        "collector_host": identity.collector_host,
        "inventory_port": identity.inventory_port,
        "private_key": identity.private_key.decode(),
        "certificate_chain": identity.certificate_chain.decode(),
        "trust_roots": identity.trust_roots.decode(),
        "expires_at": identity.expires_at.isoformat(),
        "pseudonym_key": identity.pseudonym_key.hex(),
        "enrolment_port": identity.enrolment_port,
        "renews_at": identity.renews_at.isoformat(),
    }
    write_whole(state / IDENTITY_FILE, json.dumps(document, indent=1).encode())
    for key in (PENDING_KEY_FILE, RENEWAL_KEY_FILE):
        (state / key).unlink(missing_ok=True)


def is_expired(identity: Identity, now: datetime | None = None) -> bool:
    """Whether the certificate has ended, by this device's clock."""
    return identity.expires_at <= (now or datetime.now(UTC))


def renewal_time(device_id: str, starts_at: datetime, expires_at: datetime) -> datetime:
    """After two thirds of a certificate's life, up to a tenth later: its own moment per device."""
    life = expires_at - starts_at
    jitter = int.from_bytes(hashlib.sha256(device_id.encode()).digest()[:4]) / 2**32
    return starts_at + life * (2 / 3) + life * jitter / 10


def trust_digest(identity: Identity) -> bytes:
    """What tells the collector which roots this device trusts; see inventory.proto."""
    blocks = identity.trust_roots.split(b"-----BEGIN CERTIFICATE-----")[1:]
    roots = (binascii.a2b_base64(block.partition(b"-----END")[0]) for block in blocks)
    return hashlib.sha256(
        b"".join(sorted(hashlib.sha256(each).digest() for each in roots))
    ).digest()
