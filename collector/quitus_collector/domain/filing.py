"""The life of a declaration, from its draft to the portal's receipt: states, guards, approvals.

Every step is a method that gives the filing as it is after it, or raises FilingRefused. None of
them sends anything.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from quitus_collector.errors import FilingRefused


class State(StrEnum):
    """UNCERTAIN: the portal may have it. It is asked, or a person; nothing is sent meanwhile."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    SEALED = "sealed"
    SUBMITTING = "submitting"
    UNCERTAIN = "uncertain"
    SUBMITTED = "submitted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Guard(StrEnum):
    """What keeps a declaration from being approved unless it is set aside, with a reason."""

    UNREAD = "unread-lines"
    COVERAGE = "coverage"
    FAILED_SOURCES = "failed-sources"
    QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the company asks before a declaration is approved.

    `coverage_percent` of the known devices have to have reported lately. `approvers` are different
    people; with `apart`, who drafted or changed it is none of them, and no account may do both.
    """

    coverage_percent: int = 95
    approvers: int = 1
    apart: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What guards look at, as it was when the draft was made.

    `lines` are products. Of `known` devices, enrolled or expected, `reporting` did so lately;
    `failed` of those in scope have a source that could not be read.
    """

    lines: tuple[str, ...]
    known: int
    reporting: int
    failed: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class Block:
    """A guard that does not hold: `count` of `total`, which is 0 where there is no whole."""

    guard: Guard
    count: int
    total: int = 0

    def __str__(self) -> str:
        """What is in the way."""
        return {
            Guard.UNREAD: f"{self.count} of {self.total} lines are unread",
            Guard.COVERAGE: f"{self.count} of {self.total} known devices report",
            Guard.FAILED_SOURCES: f"a source failed on {self.count} devices in scope",
            Guard.QUARANTINE: f"{self.count} devices in quarantine are undecided",
        }[self.guard]


@dataclass(frozen=True, slots=True)
class Override:
    """A guard that an approver set aside, and why; printed in the document."""

    guard: Guard
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Approval:
    """`by` is an account; name and function are as the document has them.

    `portal` is the one whose view the approver saw, and `view` the digest of that view.
    `is_author` says that the approver drafted or changed it: the document prints that.
    """

    by: str
    name: str
    function: str
    at: datetime
    portal: str = ""
    view: str = ""
    is_author: bool = False


@dataclass(frozen=True, slots=True)
class Sealed:
    """The document as it goes out: its digest, and the level that its seal reached."""

    sha256: str
    level: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to submit. Written down before anything is sent.

    Until `ends_at` the process that began it may still send; until `settles_at` what it sent may
    still arrive, so that a portal that knows nothing of it tells nothing.
    """

    portal: str
    by: str
    began_at: datetime
    ends_at: datetime
    settles_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the portal answered. `page_sha256` is of the page that said so, kept beside it.

    `by` is who said that there is one, where the portal was not asked.
    """

    number: str
    at: datetime
    page_sha256: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Filing:
    """A declaration with all that was done to it. `document` is its JSON, to the byte.

    `changed_by` are those who put a remark into it or took one out: authors too.
    `reference` is what the portal is told to know it again by: the same however often it is tried.
    `asked_as` is the job that drafted it, empty without one: a job makes one declaration.
    `note` says why it is refused, withdrawn, uncertain or back from the portal.
    """

    id: str
    reference: str
    publisher: str
    document: bytes
    facts: Facts
    policy: Policy
    drafted_by: str
    drafted_at: datetime
    campaign: str = ""
    state: State = State.DRAFT
    read: tuple[str, ...] = ()
    approvals: tuple[Approval, ...] = ()
    overrides: tuple[Override, ...] = ()
    sealed: Sealed | None = None
    attempts: tuple[Attempt, ...] = ()
    receipt: Receipt | None = None
    note: str = ""
    changed_by: tuple[str, ...] = ()
    asked_as: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the document, hex: what is approved is what is sealed and sent."""
        return hashlib.sha256(self.document).hexdigest()

    def unread(self) -> tuple[str, ...]:
        """The lines that nobody has read yet, in their order."""
        return tuple(each for each in self.facts.lines if each not in self.read)

    def blocks(self) -> tuple[Block, ...]:
        """The guards that do not hold and were not set aside."""
        facts, lines = self.facts, len(self.facts.lines)
        unread = len(self.unread())
        found = [
            (unread > 0, Block(Guard.UNREAD, unread, lines)),
            (
                not facts.known
                or facts.reporting * 100 < self.policy.coverage_percent * facts.known,
                Block(Guard.COVERAGE, facts.reporting, facts.known),
            ),
            (facts.failed > 0, Block(Guard.FAILED_SOURCES, facts.failed)),
            (facts.quarantined > 0, Block(Guard.QUARANTINE, facts.quarantined)),
        ]
        aside = {each.guard for each in self.overrides}
        return tuple(block for holds, block in found if holds and block.guard not in aside)

    def review(self, lines: Iterable[str]) -> "Filing":
        """Some of its lines are read; it is reviewed when all of them are."""
        self._must_be("read", State.DRAFT, State.REVIEWED)
        lines = set(lines)
        if strange := sorted(lines - set(self.facts.lines)):
            raise FilingRefused(
                "the declaration {id} has no line {value}", id=self.id, value=strange[0]
            )
        read = tuple(each for each in self.facts.lines if each in self.read or each in lines)
        state = State.REVIEWED if len(read) == len(self.facts.lines) else State.DRAFT
        return replace(self, read=read, state=state)

    @property
    def authors(self) -> frozenset[str]:
        """The accounts that made it what it is."""
        return frozenset({self.drafted_by, *self.changed_by})

    def is_by(self, actor: str) -> bool:
        """Whether this person is an author, at the console as well as at a terminal."""
        return _person(actor) in {_person(each) for each in self.authors}

    def amend(self, document: bytes, by: str) -> "Filing":
        """Another document with the same lines, which nobody has approved yet."""
        self._must_be("changed", State.DRAFT, State.REVIEWED)
        if document == self.document:
            raise FilingRefused("nothing of the declaration {id} would change", id=self.id)
        changed_by = tuple(sorted({*self.changed_by, by}))
        return replace(self, document=document, approvals=(), overrides=(), changed_by=changed_by)

    def approve(self, approval: Approval, overrides: Sequence[Override] = ()) -> "Filing":
        """One approval more; it is approved when the policy has enough of them."""
        self._must_be("approved", State.DRAFT, State.REVIEWED)
        is_author = approval.is_author or self.is_by(approval.by)
        if self.policy.apart and is_author:
            raise FilingRefused(
                "{by} drafted or changed the declaration {id}: someone else has to approve it",
                by=approval.by,
                id=self.id,
            )
        if approval.by in {each.by for each in self.approvals}:
            raise FilingRefused(
                "{by} approved the declaration {id} already: another approver is wanted",
                by=approval.by,
                id=self.id,
            )
        for each in overrides:
            if not each.reason.strip():
                raise FilingRefused(
                    "{guard} may be set aside for a written reason only", guard=each.guard
                )
        longer = replace(self, overrides=(*self.overrides, *self._needed(overrides)))
        if blocks := longer.blocks():
            said = "; ".join(f"{each} ({each.guard})" for each in blocks)
            raise FilingRefused(
                "the declaration {id} cannot be approved: {said}; put it right and draft again, "
                "or set it aside with a written reason",
                id=self.id,
                said=said,
            )
        approvals = (*self.approvals, replace(approval, is_author=is_author))
        enough = len(approvals) >= self.policy.approvers
        return replace(
            longer, approvals=approvals, state=State.APPROVED if enough else State.REVIEWED
        )

    def seal(self, sealed: Sealed) -> "Filing":
        """The approved document is sealed; sealed again, it replaces what was not sent yet."""
        self._must_be("sealed", State.APPROVED, State.SEALED)
        return replace(self, state=State.SEALED, sealed=sealed)

    def begin(self, attempt: Attempt) -> "Filing":
        """From now on the portal may get it: to be committed before anything is sent."""
        self._must_be("submitted", State.SEALED, State.REFUSED)
        return replace(self, state=State.SUBMITTING, attempts=(*self.attempts, attempt), note="")

    def accepted(self, receipt: Receipt) -> "Filing":
        """The portal has it, also where it was thought not to: a late answer is an answer.

        Raises FilingRefused for a second receipt with another number.
        """
        if self.receipt and self.receipt.number != receipt.number:
            raise FilingRefused(
                "the declaration {id} has the receipt {number}, and now {number2} too: ask the "
                "portal which one stands",
                id=self.id,
                number=self.receipt.number,
                number2=receipt.number,
            )
        if self.receipt:
            return self
        if not self.attempts:
            self._must_be("settled", State.SUBMITTING, State.UNCERTAIN)
        return replace(self, state=State.SUBMITTED, receipt=receipt, note="")

    def refused(self, reason: str) -> "Filing":
        """The portal said no, and keeps nothing of it."""
        self._must_be("settled", State.SUBMITTING, State.UNCERTAIN)
        return replace(self, state=State.REFUSED, note=reason)

    def not_sent(self, reason: str) -> "Filing":
        """The portal does not have it and will not get it from this attempt."""
        self._must_be("settled", State.SUBMITTING, State.UNCERTAIN)
        return replace(self, state=State.SEALED, note=reason)

    def lost_sight(self, reason: str) -> "Filing":
        """Whether the portal has it is not known."""
        self._must_be("settled", State.SUBMITTING, State.UNCERTAIN)
        return replace(self, state=State.UNCERTAIN, note=reason)

    def withdraw(self, reason: str) -> "Filing":
        """It will not be sent; what a portal has or may have cannot be taken back here."""
        if not reason.strip():
            raise FilingRefused("a declaration is withdrawn for a written reason only")
        self._must_be(
            "withdrawn",
            State.DRAFT,
            State.REVIEWED,
            State.APPROVED,
            State.SEALED,
            State.REFUSED,
        )
        return replace(self, state=State.WITHDRAWN, note=reason)

    def discard(self, reason: str) -> "Filing":
        """A draft that nobody approved is put aside by who drafts."""
        if self.state not in (State.DRAFT, State.REVIEWED) or self.approvals:
            raise FilingRefused("only a draft that nobody approved can be put aside here")
        return self.withdraw(reason)

    def _needed(self, overrides: Sequence[Override]) -> list[Override]:
        """Those of guards that do not hold; raises FilingRefused for another one."""
        failing = {each.guard for each in self.blocks()}
        for each in overrides:
            if each.guard not in failing:
                raise FilingRefused(
                    "{guard} is not in the way: nothing is to be set aside", guard=each.guard
                )
        return list(overrides)

    def _must_be(self, step: str, *states: State) -> None:
        if self.state not in states:
            possible = " or ".join(states)
            raise FilingRefused(
                "the declaration {id} is {state}: it can be {step} when it is {possible}",
                id=self.id,
                state=self.state,
                step=step,
                possible=possible,
            )


def _person(actor: str) -> str:
    """The name of an account or of who is at a terminal: one name is one person."""
    kind, _, name = actor.partition(" ")
    return name.casefold() if kind in ("account", "operator") else actor
