"""A declaration from its draft to its seal: each step checked, written down and kept."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256

from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.device import Standing
from quitus_collector.domain.expected import (
    Coverage,
    ExpectedDevice,
    ListChanges,
    SeenDevice,
    SystemCoverage,
    by_system,
    changes,
    coverage,
    without,
)
from quitus_collector.domain.filing import (
    Approval,
    Facts,
    Filing,
    Guard,
    Override,
    Policy,
    Sealed,
    State,
)
from quitus_collector.domain.history import Snapshot
from quitus_collector.domain.perimeter import placed
from quitus_collector.errors import FilingRefused, UsageError
from quitus_collector.services import duties
from quitus_collector.services.licensing import STALE_AFTER
from quitus_collector.services.ports import Clock, Paper, Sealer, Store, UnitOfWork

MIN_DIGEST = 12
MAX_TEXT = 255


def draft(
    store: Store,
    clock: Clock,
    *,
    document: bytes,
    lines: Iterable[str],
    papers: Mapping[Paper, bytes],
    publisher: str,
    policy: Policy,
    actor: str,
    campaign: str = "",
    asked_as: str = "",
) -> Filing:
    """Keeps a declaration that was filled in: its JSON, and the papers that go with it.

    Guards look at the fleet as it is now. What the job `asked_as` drafted before is given again.
    Raises UsageError for a letter that is not registered.
    """
    with store.writing() as work:
        if asked_as:
            # Locked: another process that has the same job waits here, and finds the draft.
            work.jobs.get(asked_as)
            if made := work.filings.find(asked_as):
                return made
        if campaign and work.campaigns.get(campaign).publisher != publisher:
            raise UsageError("the letter {campaign} is not from this publisher", campaign=campaign)
        now = clock.now()
        devices = work.fleet.snapshots()
        in_scope, listed = _in_scope(work, devices)
        covered = coverage(listed, _seen(in_scope, clock))
        standings = [each.standing for each in devices]
        filing = Filing(
            id=f"{now:%Y%m%d}-{secrets.token_hex(3)}",
            reference=f"Q{secrets.token_hex(12)}",
            publisher=publisher,
            document=document,
            facts=Facts(
                lines=tuple(lines),
                known=covered.known,
                reporting=covered.reporting,
                failed=sum(
                    each.has_failed_sources for each in in_scope if each.standing is Standing.ACTIVE
                ),
                quarantined=standings.count(Standing.QUARANTINED),
            ),
            policy=policy,
            drafted_by=actor,
            drafted_at=now,
            campaign=campaign,
            asked_as=asked_as,
        )
        work.filings.add(filing)
        for paper, content in papers.items():
            work.papers.add(filing.id, paper, content)
        work.audit.add(Event(now, Kind.DRAFTED, actor, filing.id, {"sha256": filing.digest}))
    return filing


def fleet_coverage(store: Store, clock: Clock) -> tuple[Coverage, Sequence[SystemCoverage]]:
    """The company's list of devices beside what is enrolled now, as a whole and by system."""
    with store.reading() as work:
        in_scope, listed = _in_scope(work, work.fleet.snapshots())
        seen = list(_seen(in_scope, clock))
        return coverage(listed, seen), by_system(listed, seen)


def review(
    store: Store, clock: Clock, filing_id: str, lines: Sequence[str] | None, *, actor: str
) -> Filing:
    """Someone read these lines, by product, or all of them where `lines` is None."""
    with store.writing() as work:
        before = work.filings.get(filing_id)
        filing = before.review(before.facts.lines if lines is None else lines)
        work.filings.add(filing)
        newly = len(before.unread()) - len(filing.unread())
        detail = {"lines": str(newly), "unread": str(len(filing.unread()))}
        work.audit.add(Event(clock.now(), Kind.REVIEWED, actor, filing_id, detail))
    return filing


def amend(
    store: Store,
    clock: Clock,
    filing_id: str,
    digest: str,
    document: bytes,
    papers: Mapping[Paper, bytes],
    *,
    actor: str,
) -> Filing:
    """Another document in place of the one with this digest, and the papers that go with it.

    Raises FilingRefused where somebody else changed it meanwhile, or it is approved already.
    """
    with store.writing() as work:
        before = work.filings.get(filing_id)
        if before.digest != digest:
            raise FilingRefused(
                "the declaration {filing_id} changed meanwhile: look at it again",
                filing_id=filing_id,
            )
        filing = before.amend(document, actor)
        work.filings.add(filing)
        for paper, content in papers.items():
            work.papers.add(filing_id, paper, content)
        detail = {"sha256": filing.digest, "approvals_fallen": str(len(before.approvals))}
        work.audit.add(Event(clock.now(), Kind.AMENDED, actor, filing_id, detail))
    return filing


def approve(
    store: Store,
    clock: Clock,
    filing_id: str,
    *,
    digest: str,
    name: str,
    function: str,
    overrides: Mapping[Guard, str],
    actor: str,
    portal: str = "",
    view: str = "",
) -> Filing:
    """One approval of the document with this digest, or the digest's first 12 characters or more.

    `overrides` have a written reason for each guard that is set aside. Raises UsageError for
    another digest, FilingRefused while a guard holds.
    """
    with store.writing() as work:
        before, now = work.filings.get(filing_id), clock.now()
        if len(digest) < MIN_DIGEST or not before.digest.startswith(digest.lower()):
            raise UsageError(
                "the declaration {filing_id} does not have the digest {digest!r}: look at it with "
                "declaration show, and give the digest that is shown there",
                filing_id=filing_id,
                digest=digest,
            )
        aside = [Override(guard, reason, actor, now) for guard, reason in overrides.items()]
        duties.must_not_wait(work, actor, now)
        is_author = before.is_by(actor) or _is_authors_name(work, before, name)
        approval = Approval(actor, name, function, now, portal, view, is_author)
        filing = before.approve(approval, aside)
        work.filings.add(filing)
        detail = {"sha256": before.digest, "name": name, "portal": portal, "view": view}
        detail |= {"by_an_author": "yes"} if is_author else {}
        detail |= {each.guard.value: each.reason[:MAX_TEXT] for each in aside}
        work.audit.add(Event(now, Kind.DECLARATION_APPROVED, actor, filing_id, detail))
    return filing


def _is_authors_name(work: UnitOfWork, filing: Filing, name: str) -> bool:
    """Whether the approval is given in the name of someone who drafted or changed it."""
    names = (each.removeprefix("account ") for each in filing.authors if each[:8] == "account ")
    accounts = (work.accounts.find(name=each) for each in names)
    return any(each and each.full_name.casefold() == name.strip().casefold() for each in accounts)


def seal(
    store: Store,
    clock: Clock,
    sealer: Sealer,
    filing_id: str,
    *,
    actor: str,
    still: Callable[[], None] = duties.unasked,
) -> Filing:
    """Makes the document that goes out; raises FilingRefused, or what the sealer raises.

    `still` raises where `actor` lost the role while it was made: then nothing is kept.
    """
    with store.reading() as work:
        duties.must_not_wait(work, actor, clock.now())
        before = work.filings.get(filing_id)
        figures = work.papers.find(filing_id, Paper.FIGURES) or b""
    # Tried first: a key that is on a card is not asked for in vain.
    before.seal(Sealed("", "", clock.now()))
    made = sealer.seal(before, figures)
    still()
    sealed = Sealed(sha256(made.pdf).hexdigest(), made.level, clock.now())
    with store.writing() as work:
        duties.must_not_wait(work, actor, sealed.at)
        now = work.filings.get(filing_id)
        if now != before:
            raise FilingRefused(
                "the declaration {filing_id} changed while it was being sealed", filing_id=filing_id
            )
        filing = now.seal(sealed)
        work.filings.add(filing)
        work.papers.add(filing_id, Paper.SEALED, made.pdf)
        work.papers.add(filing_id, Paper.DATA, made.data)
        detail = {"sha256": sealed.sha256, "level": sealed.level}
        work.audit.add(Event(sealed.at, Kind.SEALED, actor, filing_id, detail))
    return filing


def withdraw(store: Store, clock: Clock, filing_id: str, reason: str, *, actor: str) -> Filing:
    """It will not be sent; raises FilingRefused where that cannot be decided, or not by `actor`."""
    with store.reading() as work:
        duties.must_not_wait(work, actor, clock.now())
    return _end(store, clock, filing_id, lambda now: now.withdraw(reason), reason, actor)


def discard(store: Store, clock: Clock, filing_id: str, reason: str, *, actor: str) -> Filing:
    """A draft that nobody approved is put aside; raises FilingRefused where somebody just did."""
    return _end(store, clock, filing_id, lambda now: now.discard(reason), reason, actor)


def _end(
    store: Store,
    clock: Clock,
    filing_id: str,
    step: Callable[[Filing], Filing],
    reason: str,
    actor: str,
) -> Filing:
    with store.writing() as work:
        filing = step(work.filings.get(filing_id))
        work.filings.add(filing)
        detail = {"reason": reason[:MAX_TEXT]}
        work.audit.add(Event(clock.now(), Kind.WITHDRAWN, actor, filing_id, detail))
    return filing


def values(document: bytes) -> dict[str, str]:
    """What the document states once, by dotted names: `company.siren`, `totals.gap`."""
    found: dict[str, str] = {}
    _flatten("", json.loads(document), found)
    return found


def stated(document: bytes) -> dict[str, str]:
    """All that the document states but its lines and counts, by dotted names, lists numbered."""
    found: dict[str, str] = {}
    read = json.loads(document)
    apart = {"lines": None, "evidence": {**(read.get("evidence") or {}), "counts": None}}
    _flatten("", read | apart, found, lists=True)
    return {
        name: value for name, value in found.items() if name not in ("lines", "evidence.counts")
    }


def has_gap(filing: Filing) -> bool:
    """Whether a line of a declaration that went out, or is about to, has a gap."""
    return filing.state is not State.WITHDRAWN and int(values(filing.document)["totals.gap"]) > 0


def _flatten(name: str, value: object, found: dict[str, str], *, lists: bool = False) -> None:
    if lists and isinstance(value, list):
        value = {str(number): each for number, each in enumerate(value, 1)}
    if isinstance(value, dict):
        for key, each in value.items():
            _flatten(f"{name}.{key}" if name else key, each, found, lists=lists)
    elif not isinstance(value, list):
        found[name] = "" if value is None else str(value)


def _in_scope(
    work: UnitOfWork, devices: Iterable[Snapshot]
) -> tuple[Sequence[Snapshot], list[ExpectedDevice]]:
    """Devices and the company's list without what people took out: no guard looks at that."""
    placements = {each.device_id: each for each in work.decisions.placements()}
    counted, left_out = placed(devices, placements)
    names = (each.name for each in counted if each.standing is Standing.ACTIVE)
    gone = (each.name for each, _ in left_out)
    return counted, without(work.expected_devices.list(), gone, names)


def _seen(devices: Iterable[Snapshot], clock: Clock) -> Iterable[SeenDevice]:
    """Those that are counted; what is set apart was never seen, as far as figures go."""
    now = clock.now()
    for each in devices:
        if each.standing is Standing.ACTIVE:
            lately = each.heard_at is not None and now - each.heard_at <= STALE_AFTER
            yield SeenDevice(each.name, lately, each.system)


def preview_expected(store: Store, devices: Sequence[ExpectedDevice]) -> ListChanges:
    """What this list would change of the company's; nothing is kept."""
    with store.reading() as work:
        return changes(work.expected_devices.list(), devices)


def expect(
    store: Store, clock: Clock, devices: Sequence[ExpectedDevice], *, actor: str
) -> ListChanges:
    """Keeps the company's list of devices in place of the one before; what that changes."""
    with store.writing() as work:
        changed = changes(work.expected_devices.list(), devices)
        work.expected_devices.add(devices)
        detail = {"devices": str(len(devices))}
        work.audit.add(Event(clock.now(), Kind.EXPECTED, actor, "", detail))
    return changed
