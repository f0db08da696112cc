"""The agent's use cases, put together from its parts.

Imports that only some commands need stand inside the functions: reading an inventory must not pay
for TLS and protobuf.
"""

import sys
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quitus_agent import device, reading
from quitus_agent.device import DeviceFacts
from quitus_agent.errors import AgentError, CollectorUnreachable, NotEnrolled, UsageError
from quitus_agent.inventory import ABSENT, Inventory
from quitus_agent.limits import lower_priority
from quitus_agent.places import RUNNING
from quitus_agent.version import RELEASE_FILE

if TYPE_CHECKING:
    from quitus.v1.inventory_pb2 import ReportRequest, ReportResponse
    from quitus_agent.identity import Identity
    from quitus_agent.join_token import JoinToken
    from quitus_agent.release import Package, Release
    from quitus_agent.reporting import Send
    from quitus_agent.spool import Accepted, Trouble
    from quitus_agent.statement import Statement


OFFLINE_PREFIX = b"quitus offline report 1\0"


class Status(NamedTuple):
    """What `status` tells: identity, the last accepted report, how many wait, and why.

    An identity that is not `whole` opens nothing: its key or a certificate cannot be read.
    """

    identity: "Identity"
    whole: bool
    accepted: "Accepted"
    waiting: int
    trouble: "Trouble | None"


def read_device(root: Path, *, last_use: bool = False) -> tuple[DeviceFacts, Inventory]:
    """The device's facts and everything its sources yield, out of the way of people's work."""
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder")
    lower_priority()
    found = reading.system(root.resolve(), turned_on=_turned_on(last_use=last_use))
    absent = all(each.status == ABSENT for each in found.inventory.sources)
    if absent and not found.facts.system:
        raise UsageError(f"{root} holds no system that is known: no source of it is there")
    return found.facts, found.inventory


def read_capture(file: Path, form: str) -> Inventory:
    """What a file that was captured elsewhere holds, read as this source or listing."""
    known = reading.readers()
    if form not in known:
        raise UsageError(f"{form!r} is not a source; known: {', '.join(known)}")
    if not file.exists():
        raise UsageError(f"{file} does not exist")
    return reading.capture(file, form)


def preview(state: Path, *, last_use: bool = False) -> str:
    """The very inventory that `report` would send now, as JSON."""
    from google.protobuf import json_format

    from quitus_agent import wire

    said, _ = _statement(RUNNING, _pseudonym_key(state), last_use=last_use)
    return str(
        json_format.MessageToJson(
            wire.inventory(said), preserving_proto_field_name=True, indent=1, ensure_ascii=False
        )
    )


def _statement(
    root: Path,
    pseudonym_key: bytes,
    *,
    last_use: bool,
    meanwhile: Callable[[], object] = lambda: None,
) -> tuple["Statement", Inventory]:
    """What a report of this device says now, and what it was made from."""
    from quitus_agent import pseudonyms, statement

    lower_priority()
    facts, found, user = reading.system(
        root,
        who=bool(pseudonym_key),
        turned_on=_turned_on(last_use=last_use),
        meanwhile=meanwhile,
    )
    pseudonym = pseudonyms.of_user(user, pseudonym_key)
    return statement.make(facts, found, datetime.now(UTC), pseudonym), found


def _turned_on(*, last_use: bool) -> tuple[str, ...]:
    """The sources that the policy wants beyond those that are always read."""
    return ("last_use",) if last_use else ()


def _pseudonym_key(state: Path) -> bytes:
    """The key of this company's pseudonyms; empty for who may not read it, or is not enrolled."""
    from quitus_agent import identity

    try:
        return identity.load(state).pseudonym_key
    except AgentError:
        return b""


def enrol(
    state: Path,
    address: tuple[str, int],
    token: "JoinToken",
    company: tuple[Path, Path] | None,
    *,
    again: bool,
) -> "Identity":
    """Gets an identity for this device and keeps it in `state`.

    `company` are the files of its company certificate and of that one's key.
    """
    from quitus_agent import company_certificate, enrolment, identity, keys

    if not again and (state / identity.IDENTITY_FILE).exists():
        known = identity.load(state)
        raise UsageError(
            f"this device is already enrolled with {known.collector_host} as {known.device_id}; "
            "--again makes it a new device"
        )
    shown = company_certificate.read(*company) if company else None
    key = keys.pending_key(state)
    made = enrolment.enrol(*address, token, key, device.hostname(), shown)
    identity.save(state, made)
    return made


def token(file: Path | None, fingerprint: str | None) -> "JoinToken":
    """What lets this device in: a token in a file, or a person asked at a pinned collector."""
    from quitus_agent import join_token

    if file:
        return read_token(file)
    return join_token.of_fingerprint(fingerprint or "")


def read_token(file: Path) -> "JoinToken":
    """Reads a join token from a file, or from standard input where the file is `-`."""
    from quitus_agent import join_token

    try:
        text = sys.stdin.read() if str(file) == "-" else _text(file.read_bytes())
        return join_token.parse(text)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "is not text"
        raise UsageError(f"the join token cannot be read: {file}: {reason}") from error
    except UsageError as error:
        raise UsageError(f"{file} {error}") from error


def _text(content: bytes) -> str:
    """What editors and shells of Windows write, too: marked UTF-8, and UTF-16."""
    is_utf_16 = content.startswith((BOM_UTF16_LE, BOM_UTF16_BE))
    return content.decode("utf-16" if is_utf_16 else "utf-8-sig")


def report(
    state: Path, root: Path, patience_s: float = 0, *, last_use: bool = False
) -> tuple["Accepted", Inventory]:
    """Reads this device and reports it, with what still waits from earlier days.

    Tries again for `patience_s` where the collector is away or busy; then what it had to say
    waits on disk for the next run.
    """
    from quitus_agent import identity
    from quitus_agent.spool import Spool, Trouble

    known = identity.load(state)
    spool = Spool(state, known.device_id)
    said, found = _statement(
        root, known.pseudonym_key, last_use=last_use, meanwhile=_prepare_to_speak
    )
    from quitus_agent import reporting, transport

    waiting = reporting.queue(spool, said)
    try:

        def deliver() -> "Accepted":
            known = kept_up(state)
            with transport.reporting(known) as send:
                return reporting.deliver(spool, waiting, _trusting(state, known, send))

        accepted = reporting.patiently(deliver, patience_s)
    except AgentError as error:
        trouble = error
        # A key that cannot be read looks like a collector that does not answer.
        if isinstance(error, CollectorUnreachable) and not _is_whole(known):
            trouble = identity.damaged(state)
        spool.note(Trouble(str(trouble), datetime.now(UTC)))
        raise trouble from error
    spool.note(None)
    return accepted, found


def _prepare_to_speak() -> None:
    """Loads gRPC while the reader reads, without what asynchronous calls alone need of it.

    That is more than half of what `import grpc` takes.
    """
    from quitus_agent.postponed import postponed

    with postponed("asyncio", "grpc.aio"):
        import_module("quitus_agent.transport")
        import_module("quitus_agent.reporting")


def report_to(state: Path, root: Path, file: Path, *, last_use: bool = False) -> Inventory:
    """Reads this device and writes a signed report, for a collector that cannot be reached."""
    from quitus.v1 import offline_pb2
    from quitus_agent import identity, keys, wire
    from quitus_agent.files import write_whole

    known = identity.load(state)
    said, found = _statement(root, known.pseudonym_key, last_use=last_use)
    content = wire.offline_content(said)
    try:
        signed = offline_pb2.SignedReport(
            report=content,
            signature=keys.sign(known.private_key, OFFLINE_PREFIX + content),
            certificate_chain=keys.der(known.certificate_chain),
        )
    except ValueError as error:
        raise identity.damaged(state) from error
    write_whole(file, signed.SerializeToString())
    return found


def kept_up(state: Path) -> "Identity":
    """This device's identity, its certificate renewed first where it is time."""
    from quitus_agent import identity

    known = identity.load(state)
    now = datetime.now(UTC)
    if now < min(known.renews_at, known.expires_at):
        return known
    from quitus_agent import renewal

    if not _is_whole(known):
        raise identity.damaged(state)
    return renewal.keep_up(state, now)


def _is_whole(known: "Identity") -> bool:
    from quitus_agent import keys

    return keys.are_whole(known)


def _trusting(state: Path, known: "Identity", send: "Send") -> "Send":
    """`send`, saying whom this device trusts and keeping what the answer adds to it."""
    from quitus_agent import identity

    try:
        trusted = identity.trust_digest(known)
    except ValueError as error:
        raise identity.damaged(state) from error

    def sent(request: "ReportRequest") -> "ReportResponse":
        request.trust_digest = trusted
        answer = send(request)
        if answer.trust_roots:
            from quitus_agent import keys

            keys.keep_trust(state, answer.trust_roots)
        if not answer.full_wanted:
            _note_wanted_agent(state, known, answer)
        return answer

    return sent


def _note_wanted_agent(state: Path, known: "Identity", answer: "ReportResponse") -> None:
    """Keeps what the answer says of the agent that should be here, for `status`."""
    if not answer.HasField("wanted_agent") and not (state / RELEASE_FILE).exists():
        return
    from quitus_agent import release

    try:
        release.note(state, known.trust_roots, answer)
    except AgentError as error:
        # That a report was accepted is worth more than news of another agent.
        print(f"quitus-agent: {error}", file=sys.stderr)


def wanted_agent(state: Path) -> "Release | None":
    """The agent that the collector wants here, if it is another one; raises AgentError."""
    from quitus_agent import identity, release

    return release.load(state, identity.load(state).trust_roots)


def check_package(state: Path, file: Path) -> "tuple[Release, Package]":
    """Whether a file is a package of the agent that the collector wants; raises AgentError."""
    from quitus_agent import release

    found = wanted_agent(state)
    if found is None:
        raise AgentError("the collector told this device of no other agent")
    return found, release.checked(found, file)


def status(state: Path) -> Status:
    """Who this device is to the collector, when it was last heard, and what waits."""
    from quitus_agent import identity
    from quitus_agent.spool import Spool

    try:
        known = identity.load(state)
    except NotEnrolled as error:
        if trouble := Spool(state, "").trouble():
            at = f"{trouble.at:%Y-%m-%d %H:%M} UTC"
            raise NotEnrolled(f"{error}; last attempt {at}: {trouble.reason}") from error
        raise
    spool = Spool(state, known.device_id)
    whole = _is_whole(known)
    return Status(known, whole, spool.accepted(), len(spool.waiting()), spool.trouble())


def wait_for_turn(state: Path, spread_s: int) -> None:
    """Waits for this device's own moment of `spread_s`: a fleet must not call at once."""
    import time
    from hashlib import sha256

    from quitus_agent import identity

    device_id = identity.load(state).device_id
    time.sleep(int.from_bytes(sha256(device_id.encode()).digest()[:8]) % spread_s)
