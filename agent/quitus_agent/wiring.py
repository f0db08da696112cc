"""The agent's use cases, put together from its parts.

Imports that only some commands need stand inside the functions: reading an inventory must not pay
for TLS and protobuf.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quitus_agent import device, inventory
from quitus_agent.device import DeviceFacts
from quitus_agent.errors import AgentError, CollectorUnreachable, UsageError
from quitus_agent.inventory import Inventory, Source
from quitus_agent.limits import lower_priority

if TYPE_CHECKING:
    from quitus.v1.inventory_pb2 import ReportRequest
    from quitus_agent.identity import Identity
    from quitus_agent.join_token import JoinToken

LAST_REPORT_FILE = "last-report.json"


class LastReport(NamedTuple):
    """The receipt of the last report that the collector accepted."""

    accepted_at: datetime
    installs: int


def read_device(root: Path) -> tuple[DeviceFacts, Inventory]:
    """The device's facts and everything its sources yield, out of the way of people's work."""
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder")
    from quitus_agent import sources

    root = root.resolve()
    lower_priority()
    return device.facts(root), inventory.take(sources.for_system(root), root)


def read_capture(file: Path, form: str) -> Inventory:
    """What a file that was captured elsewhere holds, read as this source or listing."""
    from quitus_agent import sources
    from quitus_agent.foreign import LISTINGS

    readers = {each.name: each.read for each in map(sources.load, sources.ALL)}
    readers |= {each.name: each.read for each in LISTINGS}
    if form not in readers:
        raise UsageError(f"{form!r} is not a source; known: {', '.join(readers)}")
    if not file.exists():
        raise UsageError(f"{file} does not exist")
    source = Source(form, lambda _: True, lambda _: readers[form](file), readers[form])
    return inventory.take([source], file)


def preview(state: Path) -> str:
    """The very message that `report` would send now, as JSON."""
    from google.protobuf import json_format

    request, _ = _report_request(Path("/"), _pseudonym_key(state))
    return str(
        json_format.MessageToJson(
            request.inventory, preserving_proto_field_name=True, indent=1, ensure_ascii=False
        )
    )


def _report_request(root: Path, pseudonym_key: bytes) -> tuple["ReportRequest", Inventory]:
    """What a report of this device says now, and what it was made from."""
    from quitus_agent import people, pseudonyms, wire

    facts, found = read_device(root)
    user = pseudonyms.of_user(people.primary_user(root), pseudonym_key)
    return wire.report_request(facts, found, datetime.now(UTC), user), found


def _pseudonym_key(state: Path) -> bytes:
    """The key of this company's pseudonyms; empty for who may not read it, or is not enrolled."""
    from quitus_agent import identity

    try:
        return identity.load(state).pseudonym_key
    except AgentError:
        return b""


def enrol(state: Path, address: tuple[str, int], token_file: Path, *, again: bool) -> "Identity":
    """Gets an identity for this device and keeps it in `state`."""
    from quitus_agent import enrolment, identity, keys

    token = read_token(token_file)
    if not again and (state / identity.IDENTITY_FILE).exists():
        known = identity.load(state)
        raise UsageError(
            f"this device is already enrolled with {known.collector_host} as {known.device_id}; "
            "--again makes it a new device"
        )
    key = keys.pending_key(state)
    made = enrolment.enrol(*address, token, key, device.hostname())
    identity.save(state, made)
    return made


def read_token(file: Path) -> "JoinToken":
    """Reads a join token from a file, or from standard input where the file is `-`."""
    from quitus_agent import join_token

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        return join_token.parse(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise UsageError(f"the join token cannot be read: {file}: {reason}") from error
    except UsageError as error:
        raise UsageError(f"{file} {error}") from error


def report(state: Path, root: Path) -> tuple[LastReport, Inventory]:
    """Reads this device and reports it; the receipt is kept in `state`."""
    import json

    from quitus_agent import identity, transport
    from quitus_agent.files import write_whole

    known = identity.load(state)
    if identity.is_expired(known):
        raise AgentError(
            f"this device's certificate ended on {known.expires_at:%Y-%m-%d}: "
            "enrol again with --again"
        )
    request, found = _report_request(root, known.pseudonym_key)
    try:
        held = transport.report(known, request)
    except CollectorUnreachable as error:
        # A key that cannot be read looks like a collector that does not answer.
        from quitus_agent import keys

        if not keys.are_whole(known):
            raise identity.damaged(state) from error
        raise
    receipt = LastReport(datetime.now(UTC), held)
    document = {"accepted_at": receipt.accepted_at.isoformat(), "installs": receipt.installs}
    try:
        write_whole(state / LAST_REPORT_FILE, json.dumps(document).encode())
    except OSError as error:
        print(
            f"quitus-agent: the report was accepted, but its receipt could not be kept in {state}: "
            f"{error.strerror}",
            file=sys.stderr,
        )
    return receipt, found


def status(state: Path) -> tuple["Identity", LastReport | None]:
    """Who this device is to the collector, and when it was last heard."""
    import json

    from quitus_agent import identity

    known = identity.load(state)
    try:
        document = json.loads((state / LAST_REPORT_FILE).read_text(encoding="utf-8"))
        last = LastReport(datetime.fromisoformat(document["accepted_at"]), document["installs"])
    except FileNotFoundError:
        last = None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AgentError(f"{state / LAST_REPORT_FILE} is damaged: remove it") from error
    return known, last
