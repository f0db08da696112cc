"""What a device has to say of itself: exactly what may leave it, and the digests of it.

Digests are those of docs/protocol.md, the same on both sides of the wire.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from quitus_agent import pseudonyms
from quitus_agent.device import DeviceFacts
from quitus_agent.errors import AgentError
from quitus_agent.inventory import FAILED, READ, Install, Inventory, SourceOutcome

# The collector refuses longer texts; a source's record is cut rather than lost.
MAX_TEXT = 1_024
MAX_GUESTS = 4_096
# It refuses larger reports too: a source that makes one so large is left out rather than all.
MAX_INSTALLS, MAX_REPORT_BYTES = 50_000, 15 * 1024 * 1024
# What the wire spends on a text beside its letters, at most.
WIRE_BYTES = 8
PREFIX = b"quitus inventory 1\0"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

Fact = str | int | bool | tuple[str, ...]


class _Said(NamedTuple):
    taken_at: datetime
    facts: Mapping[str, Fact]
    sources: tuple[SourceOutcome, ...]
    installs: tuple[Install, ...]


class Statement(_Said):
    """An inventory in the form in which it leaves; `installs` has no record twice.

    `facts` go by the names of the wire's DeviceFacts; the user and the ids of system and disk are
    stand-ins.
    """

    @cached_property
    def rows(self) -> Mapping[bytes, Install]:
        """Each install by the digest of its row."""
        return {row_digest(each): each for each in self.installs}

    @cached_property
    def digest(self) -> bytes:
        """The digest of the whole; the order of nothing matters."""
        parts = [
            PREFIX,
            _texts(text for fact in _stated(self.facts) for text in fact),
            _texts(text for outcome in sorted(self.sources) for text in outcome),
            *sorted(self.rows),
        ]
        return sha256(b"".join(parts)).digest()


def make(
    device: DeviceFacts, inventory: Inventory, taken_at: datetime, user_pseudonym: str = ""
) -> Statement:
    """What was read, reduced to what may leave: no location, no name of a person or a system."""
    facts = device._asdict()
    del facts["system_id"], facts["disk_serial"]
    facts["guests"] = tuple(map(clean, device.guests[:MAX_GUESTS]))
    facts["machine_id"] = pseudonyms.of_system(device.system_id)
    facts["disk_id"] = pseudonyms.of_disk(device.disk_serial)
    facts["primary_user"] = user_pseudonym
    installs: dict[tuple[str, ...], Install] = {}
    for each in inventory.installs:
        install = _cleaned(each)
        installs.setdefault(_key(install), install)
    left_out = _too_large((each.source, key) for key, each in installs.items())
    return Statement(
        taken_at=taken_at,
        facts={
            name: clean(value) if isinstance(value, str) else value for name, value in facts.items()
        },
        sources=tuple(
            SourceOutcome(each.name, FAILED, "says more than a report can hold")
            if each.name in left_out
            else each._replace(reason=clean(each.reason))
            for each in inventory.sources
        ),
        installs=tuple(each for each in installs.values() if each.source not in left_out),
    )


def _too_large(installs: Iterable[tuple[str, tuple[str, ...]]]) -> set[str]:
    """The sources without which the others fit a report, given each install's source and texts."""
    shares: Counter[str] = Counter()
    for source, texts in installs:
        size = len("\0".join(texts).encode()) + WIRE_BYTES * len(texts)
        shares[source] += max(size, -(-MAX_REPORT_BYTES // MAX_INSTALLS))
    left_out: set[str] = set()
    while shares.total() > MAX_REPORT_BYTES:
        [(largest, _)] = shares.most_common(1)
        left_out.add(largest)
        del shares[largest]
    return left_out


def row_digest(install: Install) -> bytes:
    """A row is a record and the day on which this device says that it got it."""
    record = sha256("\0".join(_key(install)).encode()).digest()
    return sha256(record + install.installed_on.encode()).digest()


def clean(text: str) -> str:
    """A text as the wire takes it: bounded, without control characters or half surrogate pairs."""
    if len(text) > MAX_TEXT:
        text = text[: MAX_TEXT - 1] + "…"
    if text.isprintable():
        return text
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _CONTROL.sub("\ufffd", text)


def to_json(statement: Statement) -> bytes:
    """The statement as it waits on disk."""
    return json.dumps(
        {
            "taken_at": statement.taken_at.isoformat(),
            "facts": statement.facts,
            "sources": statement.sources,
            "installs": statement.installs,
        },
        ensure_ascii=False,
    ).encode()


def from_json(content: bytes) -> Statement:
    """Reads `to_json` back; raises AgentError where that is not what the bytes are."""
    try:
        document = json.loads(content)
        facts = document["facts"] | {"guests": tuple(document["facts"]["guests"])}
        return Statement(
            datetime.fromisoformat(document["taken_at"]),
            facts,
            tuple(SourceOutcome(*each) for each in document["sources"]),
            tuple(Install(*each) for each in document["installs"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise AgentError("is not a report that waits") from error


def _cleaned(install: Install) -> Install:
    """The install as it leaves. Most texts need nothing, and there are very many of them."""
    identifiers = install.identifiers
    texts = (install.name, install.version, install.publisher, install.architecture)
    if not all(map(_is_clean, (*texts, *identifiers.values(), *identifiers))):
        identifiers = {clean(key): clean(value) for key, value in identifiers.items()}
        name, version, publisher, architecture = map(clean, texts)
        return install._replace(
            name=name,
            version=version,
            publisher=publisher,
            architecture=architecture,
            identifiers=identifiers,
            location="",
        )
    return install._replace(location="") if install.location else install


def _is_clean(text: str) -> bool:
    return text.isprintable() and len(text) <= MAX_TEXT


def _key(install: Install) -> tuple[str, ...]:
    """What makes two records the same one; no text has the character that parts them."""
    pairs = (text for pair in sorted(install.identifiers.items()) for text in pair)
    return (
        install.name,
        install.version,
        install.publisher,
        install.architecture,
        install.source,
        install.scope,
        "hidden" if install.hidden else "",
        *pairs,
    )


def _stated(facts: Mapping[str, Fact]) -> list[tuple[str, str]]:
    """Names and values of the facts that the device knows, sorted; of several values, each."""
    stated: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, tuple):
            stated += [(name, each) for each in value]
        elif value:
            stated.append((name, "1" if value is True else str(value)))
    return sorted(stated)


def _texts(texts: Iterable[str]) -> bytes:
    return sha256("\0".join(texts).encode()).digest()


def read_sources(statement: Statement) -> frozenset[str]:
    """The sources whose rows the statement has."""
    return frozenset(each.name for each in statement.sources if each.status == READ)
