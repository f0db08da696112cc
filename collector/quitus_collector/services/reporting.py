"""Taking in what devices report."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from quitus_collector.domain.agent_version import is_older
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.certificate import ClientCertificate, admitted, shown_by
from quitus_collector.domain.device import (
    ANOTHER_MACHINE,
    Chain,
    Device,
    Heard,
    Standing,
    fingerprint,
    likeness,
)
from quitus_collector.domain.install import Install
from quitus_collector.domain.machines import Machines
from quitus_collector.domain.report import (
    Changes,
    HeldRow,
    Report,
    Unchanged,
    Update,
    update,
)
from quitus_collector.errors import (
    AgentTooOld,
    CollectorError,
    FullReportWanted,
    InvalidRequest,
    Quarantined,
    StoreAway,
    StoreConflict,
    StoreError,
    UnknownDevice,
    UsageError,
)
from quitus_collector.services.ports import Clock, Store, UnitOfWork
from quitus_collector.services.recognition import Recogniser

RECEIPT_BYTES = 16
# How often a transaction is tried that another one was in the way of.
ATTEMPTS = 4
MAX_CLOCK_ERROR = timedelta(days=1)


class Decision(StrEnum):
    """What a person says of a device in quarantine.

    SEPARATE: it is a machine of its own. REPLACEMENT: it takes the place of its rival, which is
    counted no more. QUARANTINE puts it back.
    """

    SEPARATE = "separate"
    REPLACEMENT = "replacement"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Accepted:
    """The answer to a report that was taken in: how many installs are held, and its receipt."""

    installs: int
    receipt: bytes


Incoming = tuple[ClientCertificate, Report]
Answer = Accepted | CollectorError


def accept_reports(
    store: Store,
    clock: Clock,
    reports: Sequence[Incoming],
    recogniser: Recogniser | None = None,
    oldest_agent: str = "",
) -> list[Answer]:
    """Keeps the reports of several devices together; each has its answer.

    With a recogniser, what they bring is recognised too; else it waits until it is asked for.
    Of agents older than `oldest_agent` nothing is kept but their version.

    An answer is what was accepted, or UnknownDevice, DeviceRefused, FullReportWanted, AgentTooOld,
    Quarantined where two machines seem to share the device's key, or InvalidRequest where the
    content has another digest than it states. Where the store fails, all of them get its error,
    unless it serves and one of them alone brings it.
    """
    answers: dict[int, Answer] = {}
    waiting = dict(enumerate(reports))

    def batch(work: UnitOfWork) -> _Batch:
        return _Batch(work, clock.now(), recogniser, oldest_agent)

    while waiting:
        # A second report of one device is compared with what the first one left.
        first = {peer.device_id: place for place, (peer, _) in reversed(waiting.items())}
        turn = {place: waiting.pop(place) for place in first.values()}
        kept = _keep(store, batch, list(turn.values()), ATTEMPTS)
        answers |= zip(turn, kept, strict=True)
        if isinstance(kept[-1], StoreAway):
            # Each that asks a database that is locked waits for it.
            answers |= dict.fromkeys(waiting, kept[-1])
            break
    return [answers[place] for place in range(len(reports))]


def _keep(
    store: Store,
    batch: Callable[[UnitOfWork], "_Batch"],
    reports: Sequence[Incoming],
    attempts: int,
) -> list[Answer]:
    """Keeps reports of different devices in one transaction, or each in its own if that fails."""
    try:
        with store.writing() as work:
            return batch(work).answers(reports)
    except StoreAway as error:
        return [error] * len(reports)
    except StoreConflict as error:
        if attempts > 1:
            return _keep(store, batch, reports, attempts - 1)
        if len(reports) == 1:
            return [error]
    except StoreError as error:
        if len(reports) == 1:
            return [error]
    answers: list[Answer] = []
    for each in reports:
        answers += _keep(store, batch, [each], ATTEMPTS)
        if isinstance(answers[-1], StoreAway):
            # Each that asks a database that is locked waits for it.
            return [*answers, *[answers[-1]] * (len(reports) - len(answers))]
    return answers


def accept_report(store: Store, clock: Clock, peer: ClientCertificate, report: Report) -> Accepted:
    """Keeps one device's report; raises what `accept_reports` answers."""
    (answer,) = accept_reports(store, clock, [(peer, report)])
    if isinstance(answer, CollectorError):
        raise answer
    return answer


def accept_offline(
    store: Store,
    clock: Clock,
    signer: ClientCertificate,
    report: Report,
    oldest_agent: str = "",
) -> Device:
    """Keeps a report that came as a file; the device was heard when it was read, not now.

    Files cannot carry receipts back, so their order is that of the device's clock: one that is not
    newer than what is held changes nothing. The key that signed has to be the device's present one;
    that its certificate was good then is for the caller to have checked. Raises UsageError for a
    file that is not newer and one from the future, and what `accept_reports` answers.
    """
    if too_old := _too_old(report, oldest_agent):
        raise too_old
    with store.writing() as work:
        device = shown_by(work.devices.get(signer.device_id), signer.key_sha256)
        # Else who recognises the whole fleet could take what was held before for what is now.
        work.fleet.hold(alone=False)
        if device.standing is Standing.QUARANTINED and not device.rival:
            raise Quarantined(device.standing_reason)
        if report.taken_at > clock.now() + MAX_CLOCK_ERROR:
            day = f"{report.taken_at:%Y-%m-%d}"
            raise UsageError(
                "{name} says that it was read on {day}: is its clock right?",
                name=device.name,
                day=day,
            )
        if device.last_report_at and report.taken_at <= device.last_report_at:
            raise UsageError("is not newer than what is held of {name}", name=device.name)
        (taken,) = _taken_in(work, [(device, report)])
        if isinstance(taken, CollectorError):
            raise taken
        after = replace(taken, last_report_at=report.taken_at, agent_version=report.agent_version)
        work.devices.add(after)
        _log_quarantines(work, [(device, after)], clock.now())
    return after


def _log_quarantines(
    work: UnitOfWork, devices: Iterable[tuple[Device, Device]], now: datetime
) -> None:
    """Notes those that are in quarantine and were not: each as it was, and as it is."""
    work.audit.add(
        *(
            Event(now, Kind.QUARANTINED, who, who, {"reason": after.standing_reason})
            for before, after in devices
            if after.standing is Standing.QUARANTINED
            and before.standing is not Standing.QUARANTINED
            for who in [f"device {after.id}"]
        )
    )


class _Batch:
    """Reports of different devices in one transaction, which costs as much for many as for one.

    What refuses a report does so before anything is written for it. Most reports of a day say that
    nothing changed: those are compared and noted by themselves.
    """

    def __init__(
        self,
        work: UnitOfWork,
        now: datetime,
        recogniser: Recogniser | None,
        oldest_agent: str,
    ) -> None:
        self._work = work
        self._now = now
        self._recogniser = recogniser
        self._oldest_agent = oldest_agent

    def answers(self, reports: Sequence[Incoming]) -> list[Answer]:
        chains = self._work.devices.chains({peer.device_id for peer, _ in reports})
        found: dict[str, Answer] = {}
        heard, others = [], []
        for peer, report in reports:
            chain = chains.get(peer.device_id)
            old = _too_old(report, self._oldest_agent)
            if chain and not old and _is_unchanged(chain, peer, report):
                receipt = secrets.token_bytes(RECEIPT_BYTES)
                shown = report.receipt.hex()
                heard.append(Heard(peer.device_id, self._now, receipt.hex(), shown))
                found[peer.device_id] = Accepted(chain.installs, receipt)
            else:
                others.append((peer, report))
        if heard:
            self._work.devices.hear(heard)
        if others:
            found |= self._others(others)
        return [found[peer.device_id] for peer, _ in reports]

    def _others(self, reports: Sequence[Incoming]) -> dict[str, Answer]:
        work = self._work
        found: dict[str, Answer] = {}
        # Before anything is written: who recognises the whole fleet would wait for that.
        work.fleet.hold(alone=False)
        known = work.devices.known({peer.device_id for peer, _ in reports})
        speaking: list[tuple[Device, Report]] = []
        changed: list[tuple[Device, Device]] = []
        for peer, report in reports:
            try:
                device = admitted(_known(known, peer.device_id), peer, self._now)
            except CollectorError as error:
                found[peer.device_id] = error
                continue
            if too_old := _too_old(report, self._oldest_agent):
                changed.append((device, replace(device, agent_version=report.agent_version)))
                found[device.id] = too_old
            elif suspicion := _suspicion(device, report):
                changed.append((device, _set_apart(device, suspicion)))
                found[device.id] = Quarantined(
                    f"{suspicion}: a person has to decide at the collector"
                )
            else:
                speaking.append((device, report))
        for (device, report), taken in zip(speaking, _taken_in(work, speaking), strict=True):
            if isinstance(taken, CollectorError):
                found[device.id] = taken
                continue
            receipt = secrets.token_bytes(RECEIPT_BYTES)
            after = replace(
                taken,
                last_report_at=self._now,
                receipt=receipt.hex(),
                shown=report.receipt.hex(),
                trust_digest=report.trust_digest.hex(),
                agent_version=report.agent_version,
            )
            changed.append((device, after))
            found[device.id] = Accepted(after.installs, receipt)
        work.devices.add(*(after for before, after in changed if after != before))
        if changed and self._recogniser:
            self._recogniser.take_in(work)
        _log_quarantines(work, changed, self._now)
        return found


def _too_old(report: Report, oldest: str) -> AgentTooOld | None:
    """What to answer to an agent that is older than the oldest that is heard."""
    if not oldest or not is_older(report.agent_version, oldest):
        return None
    said = f"agent {report.agent_version}" if report.agent_version else "this agent"
    return AgentTooOld(
        f"{said} is too old, the oldest that this collector supports is {oldest}: "
        "install a newer one; the report waits on the device meanwhile"
    )


def _known(devices: Mapping[str, Device], device_id: str) -> Device:
    if device_id not in devices:
        raise UnknownDevice("no device has the id {device_id!r}", device_id=device_id)
    return devices[device_id]


def _set_apart(device: Device, suspicion: str) -> Device:
    """Without a rival: nothing is taken in from either machine until a person decides."""
    if device.standing is Standing.QUARANTINED:
        return device
    standing = Standing.QUARANTINED
    return replace(device, standing=standing, standing_reason=suspicion, rival="")


def _is_unchanged(chain: Chain, peer: ClientCertificate, report: Report) -> bool:
    """Whether nothing is to be kept but that the device was heard; what is not plain is not."""
    return (
        isinstance(report.content, Unchanged)
        and peer.key_sha256 == chain.public_key_sha256
        and chain.revoked_at is None
        and report.trust_digest.hex() == chain.trust_digest
        and report.agent_version == chain.agent_version
        and chain.standing is Standing.ACTIVE
        and bool(chain.receipt)
        and report.digest.hex() == chain.digest
        and report.receipt.hex() in (chain.receipt, chain.shown)
    )


def _suspicion(device: Device, report: Report) -> str:
    """Why another machine may be behind this report; empty if nothing says so.

    Each answer carries a receipt. Showing the last one, or the one before where the answer was
    lost, is what a single machine does; of two that share a key, one shows an older one.
    """
    if device.standing is Standing.QUARANTINED and not device.rival:
        return device.standing_reason
    if not device.receipt:
        return ""
    if report.receipt.hex() not in (device.receipt, device.shown):
        return "two machines report with this device's key, or an old copy of this one does"
    if not isinstance(report.content, Unchanged):
        alike = likeness(fingerprint(device.facts), fingerprint(report.content.facts))
        if alike <= ANOTHER_MACHINE:
            return "this device's key is used on another machine than before"
    return ""


def _taken_in(
    work: UnitOfWork, reports: Sequence[tuple[Device, Report]]
) -> list[Device | CollectorError]:
    """Each device after its report, or why that is not taken in.

    What they hold is changed where the reports say so.
    """
    held = work.inventories.held(
        {
            device.id
            for device, report in reports
            if report.digest.hex() != device.digest and not isinstance(report.content, Unchanged)
        }
    )
    updates: dict[str, Update] = {}
    taken: list[Device | CollectorError] = []
    for device, report in reports:
        try:
            taken.append(_after(device, report, held.get(device.id, ()), updates))
        except CollectorError as error:
            taken.append(error)
    work.inventories.change(updates)
    return _compared(work, [device for device, _ in reports], taken)


def _after(
    device: Device, report: Report, held: Sequence[HeldRow], updates: dict[str, Update]
) -> Device:
    """The device after its report; what that changes of what is held is put with `updates`."""
    stated, content = report.digest.hex(), report.content
    if device.standing is Standing.REPLACED:
        reason = f"{device.standing_reason}, and reports again"
        device = replace(device, standing=Standing.QUARANTINED, standing_reason=reason)
    if stated == device.digest:
        return device
    if isinstance(content, Unchanged):
        raise FullReportWanted("the inventory that is held is another one")
    made = update(content, held, device.sources)
    if made.digest.hex() != stated:
        if isinstance(content, Changes):
            raise FullReportWanted("the changes do not lead to the inventory that they state")
        raise InvalidRequest("digest: is not that of the inventory")
    updates[device.id] = made
    return replace(
        device,
        facts=content.facts,
        sources=content.sources,
        installs=len(held) - len(made.removed) + len(made.added),
        digest=stated,
    )


def _compared(
    work: UnitOfWork, before: Sequence[Device], after: Sequence[Device | CollectorError]
) -> list[Device | CollectorError]:
    """The devices, in quarantine where their machine is known already under another key.

    Each is compared with those before it as they are now.
    """
    fingerprints = {
        now.id: fingerprint(now.facts)
        for was, now in zip(before, after, strict=True)
        if isinstance(now, Device) and now.facts != was.facts and now.standing is Standing.ACTIVE
        if fingerprint(now.facts) != fingerprint(was.facts)
    }
    if not any(fingerprints.values()):
        return list(after)
    machines = Machines(work.devices.alike(fingerprints.values()))
    found: list[Device | CollectorError] = []
    for each in after:
        compared = each
        if isinstance(each, Device):
            compared = machines.compared(each) if each.id in fingerprints else each
            machines.note(compared)
        found.append(compared)
    return found


def settle(store: Store, clock: Clock, name: str, decision: Decision, actor: str) -> Device:
    """Decides on a device in quarantine, or decides again; returns it as it is now.

    Raises UnknownDevice, or UsageError where the decision does not fit the device.
    """
    device, _ = show_device(store, name)
    with store.writing() as work:
        device = work.devices.get(device.id)
        # Not of the list, which others may change meanwhile: what they keep of it would be undone.
        rival = work.devices.known([device.rival]).get(device.rival)
        if rival and rival.standing is Standing.REPLACED and rival.rival == device.id:
            rival = _active(rival)
            work.devices.add(rival)
        settled = _active(device)
        if decision is Decision.QUARANTINE:
            reason = device.standing_reason or "put there by a person"
            settled = replace(device, standing=Standing.QUARANTINED, standing_reason=reason)
        elif decision is Decision.REPLACEMENT:
            if not rival:
                raise UsageError(
                    "{name} ({id}) has no other device to replace", name=device.name, id=device.id
                )
            reason = f"replaced by {device.name} ({device.id})"
            work.devices.add(
                replace(rival, standing=Standing.REPLACED, standing_reason=reason, rival=device.id)
            )
        elif not rival:
            # The next report starts a new chain of receipts, whoever of the two sends it.
            settled = replace(settled, receipt="", shown="")
        work.devices.add(settled)
        detail = {"as": decision.value, "rival": device.rival}
        event = Event(clock.now(), Kind.SETTLED, actor, f"device {device.id}", detail)
        work.audit.add(event)
    return settled


def _active(device: Device) -> Device:
    return replace(device, standing=Standing.ACTIVE, standing_reason="")


def list_devices(store: Store) -> Sequence[Device]:
    """Every device, sorted by name."""
    with store.reading() as work:
        return work.devices.list()


def show_device(store: Store, name: str) -> tuple[Device, Sequence[Install]]:
    """One device by id or by hostname, with its installs.

    Raises UnknownDevice, or UsageError where several devices have the name.
    """
    with store.reading() as work:
        # By its id, as the console asks, without a look at every other one.
        named = list(work.devices.known([name]).values()) or [
            device for device in work.devices.list() if name == device.name
        ]
        if not named:
            raise UnknownDevice("no device has the id or the name {name!r}", name=name)
        if len(named) > 1:
            ids = ", ".join(device.id for device in named)
            raise UsageError(
                "{number} devices are named {name!r}: give one of the ids {ids}",
                number=len(named),
                name=name,
                ids=ids,
            )
        return named[0], work.inventories.list(named[0].id)
