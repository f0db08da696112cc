"""Taking in what devices report."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.certificate import ClientCertificate, admitted, shown_by
from quitus_collector.domain.device import (
    ANOTHER_MACHINE,
    SAME_MACHINE,
    Chain,
    Device,
    Heard,
    Standing,
    fingerprint,
    likeness,
)
from quitus_collector.domain.install import Install
from quitus_collector.domain.report import Changes, Report, Unchanged, update
from quitus_collector.errors import (
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
# More devices than this with one value in common: the value is no fingerprint.
MAX_RIVALS = 8


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


def accept_reports(
    store: Store,
    clock: Clock,
    reports: Sequence[Incoming],
    recogniser: Recogniser | None = None,
    attempts: int = ATTEMPTS,
) -> list[Accepted | CollectorError]:
    """Keeps the reports of several devices in one transaction; each has its answer.

    With a recogniser, what they bring is recognised too; else it waits until it is asked for.

    An answer is what was accepted, or UnknownDevice, DeviceRefused, FullReportWanted, Quarantined
    where two machines seem to share the device's key, or InvalidRequest where the content has
    another digest than it states. Where the store fails, all of them get its error, unless it
    serves and one of them alone brings it.
    """
    try:
        with store.writing() as work:
            batch = _Batch(work, clock.now())
            answers = batch.answers(reports)
            if recogniser and batch.has_changes:
                recogniser.take_in(work)
            return answers
    except StoreAway as error:
        return [error] * len(reports)
    except StoreConflict as error:
        if attempts > 1:
            return accept_reports(store, clock, reports, recogniser, attempts - 1)
        if len(reports) == 1:
            return [error]
    except StoreError as error:
        if len(reports) == 1:
            return [error]
    return [
        answer for each in reports for answer in accept_reports(store, clock, [each], recogniser)
    ]


def accept_report(store: Store, clock: Clock, peer: ClientCertificate, report: Report) -> Accepted:
    """Keeps one device's report; raises what `accept_reports` answers."""
    (answer,) = accept_reports(store, clock, [(peer, report)])
    if isinstance(answer, CollectorError):
        raise answer
    return answer


def accept_offline(store: Store, clock: Clock, signer: ClientCertificate, report: Report) -> Device:
    """Keeps a report that came as a file; the device was heard when it was read, not now.

    Files cannot carry receipts back, so their order is that of the device's clock: one that is not
    newer than what is held changes nothing. The key that signed has to be the device's present one;
    that its certificate was good then is for the caller to have checked. Raises UsageError for a
    file that is not newer and one from the future, and what `accept_reports` answers.
    """
    with store.writing() as work:
        device = shown_by(work.devices.get(signer.device_id), signer.key_sha256)
        if device.standing is Standing.QUARANTINED and not device.rival:
            raise Quarantined(device.standing_reason)
        if report.taken_at > clock.now() + MAX_CLOCK_ERROR:
            day = f"{report.taken_at:%Y-%m-%d}"
            raise UsageError(f"{device.name} says that it was read on {day}: is its clock right?")
        if device.last_report_at and report.taken_at <= device.last_report_at:
            raise UsageError(f"is not newer than what is held of {device.name}")
        after = replace(_taken_in(work, device, report), last_report_at=report.taken_at)
        work.devices.add(after)
        _log_quarantine(work, device, after, clock.now())
    return after


def _log_quarantine(work: UnitOfWork, before: Device, after: Device, now: datetime) -> None:
    if after.standing is Standing.QUARANTINED and before.standing is not Standing.QUARANTINED:
        who = f"device {after.id}"
        detail = {"reason": after.standing_reason}
        work.audit.add(Event(now, Kind.QUARANTINED, who, who, detail))


class _Batch:
    """Reports in one transaction. What refuses a report does so before anything is written for it.

    Most reports of a day say that nothing changed: those are compared and noted together.
    """

    def __init__(self, work: UnitOfWork, now: datetime) -> None:
        self._work = work
        self._now = now
        self._heard: list[Heard] = []
        self.has_changes = False

    def answers(self, reports: Sequence[Incoming]) -> list[Accepted | CollectorError]:
        chains = dict(self._work.devices.chains({peer.device_id for peer, _ in reports}))
        found: list[Accepted | CollectorError] = []
        for peer, report in reports:
            receipt = secrets.token_hex(RECEIPT_BYTES)
            # A second report of one device is compared with what the first one left.
            chain = chains.pop(peer.device_id, None)
            if chain and _is_unchanged(chain, peer, report):
                self._heard.append(Heard(peer.device_id, self._now, receipt, report.receipt.hex()))
                found.append(Accepted(chain.installs, bytes.fromhex(receipt)))
                continue
            self._note()
            try:
                found.append(self._accept(peer, report, receipt))
            except StoreError:
                raise
            except CollectorError as error:
                found.append(error)
        self._note()
        return found

    def _note(self) -> None:
        if self._heard:
            self._work.devices.hear(self._heard)
            self._heard = []

    def _accept(self, peer: ClientCertificate, report: Report, receipt: str) -> Accepted:
        work = self._work
        device = admitted(work.devices.get(peer.device_id), peer, self._now)
        self.has_changes = True
        if suspicion := _suspicion(device, report):
            if device.standing is not Standing.QUARANTINED:
                # Without a rival: nothing is taken in from either machine until a person decides.
                apart = replace(
                    device,
                    standing=Standing.QUARANTINED,
                    standing_reason=suspicion,
                    rival="",
                )
                work.devices.add(apart)
                _log_quarantine(work, device, apart, self._now)
            raise Quarantined(f"{suspicion}: a person has to decide at the collector")
        after = replace(
            _taken_in(work, device, report),
            last_report_at=self._now,
            receipt=receipt,
            shown=report.receipt.hex(),
            trust_digest=report.trust_digest.hex(),
        )
        work.devices.add(after)
        _log_quarantine(work, device, after, self._now)
        return Accepted(after.installs, bytes.fromhex(receipt))


def _is_unchanged(chain: Chain, peer: ClientCertificate, report: Report) -> bool:
    """Whether nothing is to be kept but that the device was heard; what is not plain is not."""
    return (
        isinstance(report.content, Unchanged)
        and peer.key_sha256 == chain.public_key_sha256
        and chain.revoked_at is None
        and report.trust_digest.hex() == chain.trust_digest
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


def _taken_in(work: UnitOfWork, device: Device, report: Report) -> Device:
    """The device after its report; what it holds is changed where the report says so."""
    stated = report.digest.hex()
    content = report.content
    if device.standing is Standing.REPLACED:
        device = replace(
            device,
            standing=Standing.QUARANTINED,
            standing_reason=f"{device.standing_reason}, and reports again",
        )
    if stated == device.digest:
        return device
    if isinstance(content, Unchanged):
        raise FullReportWanted("the inventory that is held is another one")
    held = work.inventories.held(device.id)
    made = update(content, held, device.sources)
    if made.digest.hex() != stated:
        if isinstance(content, Changes):
            raise FullReportWanted("the changes do not lead to the inventory that they state")
        raise InvalidRequest("digest: is not that of the inventory")
    work.inventories.change(device.id, made.added, made.removed)
    changed = replace(
        device,
        facts=content.facts,
        sources=content.sources,
        installs=len(held) - len(made.removed) + len(made.added),
        digest=stated,
    )
    return _compared(work, changed, fingerprint(device.facts))


def _compared(work: UnitOfWork, device: Device, before: Mapping[str, str]) -> Device:
    """The device, in quarantine where its machine is known already under another key."""
    now = fingerprint(device.facts)
    if now == before or device.standing is not Standing.ACTIVE:
        return device
    rivals = [
        (likeness(now, fingerprint(each.facts)), each)
        for each in work.devices.alike(now)
        if each.id != device.id and each.standing is not Standing.REPLACED
    ]
    if len(rivals) > MAX_RIVALS:
        # A value that a whole series shares tells nothing of one machine.
        return device
    alike, rival = max(rivals, key=lambda pair: (pair[0], pair[1].id), default=(0, device))
    if alike < SAME_MACHINE:
        return device
    return replace(
        device,
        standing=Standing.QUARANTINED,
        standing_reason=f"its machine is also {rival.name} ({rival.id})",
        rival=rival.id,
    )


def settle(store: Store, clock: Clock, name: str, decision: Decision, actor: str) -> Device:
    """Decides on a device in quarantine, or decides again; returns it as it is now.

    Raises UnknownDevice, or UsageError where the decision does not fit the device.
    """
    device, _ = show_device(store, name)
    with store.writing() as work:
        device = work.devices.get(device.id)
        rival = next((each for each in work.devices.list() if each.id == device.rival), None)
        if rival and rival.standing is Standing.REPLACED and rival.rival == device.id:
            rival = _active(rival)
            work.devices.add(rival)
        settled = _active(device)
        if decision is Decision.QUARANTINE:
            reason = device.standing_reason or "put there by a person"
            settled = replace(device, standing=Standing.QUARANTINED, standing_reason=reason)
        elif decision is Decision.REPLACEMENT:
            if not rival:
                raise UsageError(f"{device.name} ({device.id}) has no other device to replace")
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
        named = [device for device in work.devices.list() if name in (device.id, device.name)]
        if not named:
            raise UnknownDevice(f"no device has the id or the name {name!r}")
        if len(named) > 1:
            ids = ", ".join(device.id for device in named)
            raise UsageError(f"{len(named)} devices are named {name!r}: give one of the ids {ids}")
        return named[0], work.inventories.list(named[0].id)
