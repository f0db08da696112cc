"""What the use cases need from the outside world."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from quitus_collector.domain.audit import Entry, Event, Kind
from quitus_collector.domain.campaign import Campaign
from quitus_collector.domain.catalogue import CatalogueVersion, CountingTerms
from quitus_collector.domain.contested import Reading
from quitus_collector.domain.device import (
    Chain,
    CompanyAuthority,
    Device,
    EnrolmentRequest,
    Heard,
    JoinToken,
)
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.expected import ExpectedDevice
from quitus_collector.domain.filing import Filing
from quitus_collector.domain.history import Episode, Period, Recognised, Snapshot
from quitus_collector.domain.holding import NOBODY, Act, Held
from quitus_collector.domain.install import Install
from quitus_collector.domain.measurement import Measurement
from quitus_collector.domain.perimeter import Exemption, LegalEntity, Placement
from quitus_collector.domain.price import HeldPrice, Key, Price
from quitus_collector.domain.proof import Proof
from quitus_collector.domain.report import HeldRow, Update
from quitus_collector.domain.roster import Condition, Moments, Place, Row, Sought
from quitus_collector.services.account_ports import Accounts, APITokens, Jobs, Notices, Sessions


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Aware, UTC."""

    def today(self) -> date:
        """The day that the company's calendar shows."""

    def end_of(self, day: date) -> datetime:
        """The last moment of a day of the company's calendar, UTC."""

    def day_of(self, moment: datetime) -> date:
        """The day of the company's calendar that a moment is in."""


class Devices(Protocol):
    """The enrolled devices."""

    def add(self, *devices: Device) -> None:
        """Keeps devices, each once; one with the same id is replaced."""

    def get(self, device_id: str) -> Device:
        """Raises UnknownDevice.

        In a writing unit of work, locked until it ends; so is what `known` and `find` give.
        """

    def known(self, device_ids: Collection[str]) -> Mapping[str, Device]:
        """Those of them that are enrolled, by id."""

    def find(self, public_key_sha256: str) -> Device | None:
        """The device that holds this key, or was certified it and has not used it yet."""

    def list(self) -> Sequence[Device]:
        """All of them, sorted by name, then id."""

    def chains(self, device_ids: Collection[str]) -> Mapping[str, Chain]:
        """Of those that are enrolled: what an unchanged report is compared with, by device id.

        Locked against other units of work until this one ends, as with `get` and `find`.
        """

    def hear(self, reports: Collection[Heard]) -> None:
        """Notes reports that changed nothing but when their devices were heard, and receipts."""

    def forget_receipts(self) -> None:
        """Whatever receipts the devices show next are taken: those given last are not known."""

    def alike(self, fingerprints: Iterable[Mapping[str, str]]) -> Sequence[Device]:
        """Those that have a value of one of these fingerprints under the same kind, by id."""

    def of_company(self, company_name: str) -> Sequence[Device]:
        """Those that a company certificate with this name let in, oldest first."""

    def remove(self, device_id: str) -> None:
        """Takes the device away with its installs; nothing if it is not there."""


class JoinTokens(Protocol):
    """The tokens that admit devices."""

    def add(self, token: JoinToken) -> None:
        """Keeps a token; one with the same id is replaced."""

    def find(self, secret_sha256: str) -> JoinToken | None:
        """The token with this secret, locked against another use until the unit of work ends."""

    def list(self) -> Sequence[JoinToken]:
        """All of them, newest first."""


class EnrolmentRequests(Protocol):
    """Devices that wait for a person, or were denied."""

    def add(self, request: EnrolmentRequest) -> None:
        """Keeps a request; one with the same id is replaced."""

    def find(self, public_key_sha256: str) -> EnrolmentRequest | None:
        """The request of the device that holds this key, locked like a token."""

    def list(self) -> Sequence[EnrolmentRequest]:
        """All of them, oldest first."""

    def remove(self, request_id: str) -> None:
        """Takes the request away; nothing if it is not there."""


class CompanyAuthorities(Protocol):
    """The authorities whose machine certificates let devices in."""

    def add(self, authority: CompanyAuthority) -> None:
        """Keeps an authority; one with the same id is replaced."""

    def list(self) -> Sequence[CompanyAuthority]:
        """All of them, sorted by id; in a writing unit of work, locked until it ends."""

    def remove(self, authority_id: str) -> None:
        """Takes the authority away; nothing if it is not there."""


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are wanted: empty or None wants any; `until` is left out itself.

    `actor` is a part of who did it or whom it was done to, whatever the case of its letters.
    """

    kind: Kind | None = None
    actor: str = ""
    since: datetime | None = None
    until: datetime | None = None


class AuditLog(Protocol):
    """What happened, append-only. A unit of work adds to it last: until it ends, others wait."""

    def add(self, *events: Event) -> Sequence[Entry]:
        """Seals each event to the entry before it."""

    def list(self, *, last: int | None = None) -> Iterator[Entry]:
        """Oldest first; only so many of the newest where `last` is given."""

    def page(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[Entry]:
        """Newest first: at most `limit` of those wanted, below the number `before`."""


class Inventories(Protocol):
    """What each device last reported."""

    @property
    def numbering(self) -> Hashable:
        """Another one after a number may have come to stand for another record.

        Asked for in a writing unit of work, it stays what it is until that ends.
        """

    def held(self, device_ids: Collection[str]) -> Mapping[str, Sequence[HeldRow]]:
        """The rows that are held for each of these devices, sorted by number."""

    def change(self, updates: Mapping[str, Update]) -> None:
        """Takes rows away from devices, by id, then adds others; no record may be there twice.

        Raises UnknownDevice.
        """

    def list(self, device_id: str) -> Sequence[Install]:
        """The device's installs, sorted by source, name, version."""

    def distinct(self) -> Mapping[int, Install]:
        """Every distinct record of the fleet, by a number that `by_device` uses."""

    def by_device(self) -> Iterator[tuple[str, Sequence[int]]]:
        """Each device that has reported, with the numbers of its records."""

    def sets(self, *, pending: bool) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        """Each set of records by their numbers, and the numbers of the devices that have it.

        With `pending`, only for devices of which nothing was recognised since they changed.
        """

    def records(self, numbers: Collection[int] | None = None) -> Iterator[tuple[int, Install]]:
        """Records with their numbers: of these, or without any, all that were ever reported.

        One that this very transaction brought has the day of a device that has it.
        """

    def episodes(self, device: int) -> Sequence[Episode]:
        """Everything that is or was installed on a device, by its number, the oldest first."""


class Fleet(Protocol):
    """Devices as counting knows them, now and at any time since the history begins.

    It follows what is done to devices by itself; what was recognised has to be told.
    """

    def hold(self, *, alone: bool) -> None:
        """Waits for its turn to recognise, and keeps it until the unit of work ends.

        `alone` for what was not brought by this unit of work: nobody else recognises meanwhile.
        """

    def recognise(self, results: Iterable[tuple[Sequence[int], Recognised]]) -> None:
        """Keeps what was recognised on devices, by their numbers; of others nothing is pending."""

    def snapshots(self, at: datetime | None = None) -> Sequence[Snapshot]:
        """Every device that was enrolled at that time, or is now, in no order."""

    def unknown(self, at: datetime | None = None) -> Mapping[tuple[str, str], int]:
        """On how many devices each unknown name, with its publisher, was then or is now."""

    def periods(self, since: datetime) -> Sequence[Period]:
        """What was counted on devices of which that changed since then."""

    def known_as(self, name: str) -> Mapping[int, str]:
        """The numbers of devices, present or removed, that had this id or name, with their id."""

    def catalogues(self) -> Sequence[CatalogueVersion]:
        """The catalogues that were counted by, the oldest first."""

    def counted_by(self) -> str:
        """The digest of the catalogue that is counted by; empty before the first one."""

    def change_catalogue(self, terms: CountingTerms) -> None:
        """Counts by another catalogue from now on."""

    def begins_at(self) -> datetime | None:
        """From when on a past time can be asked for; None while nothing was counted yet."""

    def purge(self, before: datetime) -> None:
        """Forgets what ended before that time; what lasts stays."""

    def forget(self, device: int) -> None:
        """Takes from the history whose and which machine a removed device was, and its installs.

        What it had installed stays counted in past positions.
        """


class Roster(Protocol):
    """The devices for who looks through them: however many there are, a page is found at once."""

    def find(
        self, sought: Sought, moments: Moments, *, beyond: Place | None, forward: bool, most: int
    ) -> Sequence[Row]:
        """The next rows after, or the last ones before a place, sorted by name.

        Without a place, the first or the last of all.
        """

    def get(self, device_id: str) -> Row:
        """Raises UnknownDevice."""

    def conditions(self, moments: Moments) -> Mapping[Condition, int]:
        """How many devices are in each condition; those that none is in are left out."""

    def ending(self, moments: Moments) -> int:
        """How many devices that are let in have a certificate that ends soon or has ended."""

    def sites(self) -> Sequence[str]:
        """The sites that devices are said to be at, sorted."""

    def products(self) -> Mapping[str, int]:
        """On how many devices each product is counted, of those that are not set apart."""


class Measurements(Protocol):
    """What the first page draws over time: a row for each day."""

    def add(self, measured: Iterable[Measurement]) -> None:
        """Keeps days; one that is there is replaced."""

    def list(self, since: date | None = None) -> Sequence[Measurement]:
        """From a day on, or all, the oldest first."""


class Entitlements(Protocol):
    """The licence pools, line by line."""

    def hold(self) -> None:
        """Lets nobody else who holds them change lines until this transaction ends."""

    def add(self, entitlement: Entitlement, act: Act = NOBODY) -> None:
        """Keeps a line; one with the same id is replaced, and kept as what was owned before."""

    def list(self, at: datetime | None = None) -> Sequence[Entitlement]:
        """All that are known, or were at that time, sorted by id."""

    def remove(self, entitlement_id: str, act: Act = NOBODY) -> None:
        """Takes the line away from now on; nothing if it is not there."""

    def history(self, entitlement_id: str | None = None) -> Sequence[Held]:
        """What a line, or every line, has said since the history begins, by id, oldest first."""


class Prices(Protocol):
    """The company's price list, line by line; what a line said stays."""

    def hold(self) -> None:
        """Lets nobody else who holds them change prices until this transaction ends."""

    def add(self, price: Price, act: Act = NOBODY) -> None:
        """Keeps a line; one with the same key is replaced, and kept as what it said before."""

    def list(self, at: datetime | None = None) -> Sequence[Price]:
        """All that are known, or were at that time, by id and first day."""

    def remove(self, key: Key, act: Act = NOBODY) -> None:
        """Takes the line off the list from now on; nothing if it is not there."""

    def history(self, price_id: str | None = None) -> Sequence[HeldPrice]:
        """What the lines of an offer, or all, have said, by id, oldest first."""


class Proofs(Protocol):
    """Which documents prove which lines of the pools; their content is kept elsewhere."""

    def add(self, proof: Proof) -> None:
        """Ties a document to a line."""

    def list(self, *, removed: bool = False) -> Sequence[Proof]:
        """By line, in the order they came; with `removed`, those that were taken off too."""

    def remove(self, entitlement_id: str, sha256: str, at: datetime, act: Act) -> None:
        """Takes a document off a line; that it was there stays."""


class ProofFiles(Protocol):
    """Where documents are kept, each under the SHA-256 of its content, hex."""

    def keep(self, file: Path) -> tuple[str, int]:
        """Takes a copy of a file; returns its digest and size. Raises UsageError."""

    def is_whole(self, sha256: str) -> bool:
        """Whether the document is there as it was kept."""

    def export(self, sha256: str, target: Path) -> None:
        """Copies a document out; raises UsageError."""

    def all(self) -> Iterator[str]:
        """The digests of all that are there, sorted."""


class Decisions(Protocol):
    """What people decided of devices and of contested rules; all is known for past times too."""

    def hold(self) -> None:
        """Lets nobody else who holds them decide until this transaction ends."""

    def place(self, placements: Iterable[Placement]) -> None:
        """Keeps what is said of enrolled devices instead of what was said before."""

    def placements(self, at: datetime | None = None) -> Sequence[Placement]:
        """What is said now, or was at that time, of devices that anything is said of."""

    def placed(self, device_ids: Collection[str]) -> Mapping[str, Placement]:
        """What is said now of those of these devices that anything is said of, by id."""

    def exempt(self, exemption: Exemption) -> None:
        """Keeps an exemption; one with the same id is replaced."""

    def exemptions(self, at: datetime | None = None) -> Sequence[Exemption]:
        """All that hold, or held at that time, sorted by id."""

    def remove_exemption(self, exemption_id: str) -> None:
        """Takes the exemption away from now on; nothing if it is not there."""

    def read(self, rule: str, reading: Reading, reason: str) -> None:
        """Keeps how the company reads a contested rule, instead of how it did before."""

    def readings(self, at: datetime | None = None) -> Mapping[str, tuple[Reading, str]]:
        """How the company reads, or read then, contested rules by their ids, and why."""

    def name_entity(self, entity: LegalEntity) -> None:
        """Keeps the name of a legal entity; one with the same SIREN is replaced."""

    def entities(self) -> Sequence[LegalEntity]:
        """All that have a name, sorted by SIREN."""


class Filings(Protocol):
    """The declarations with what was done to them."""

    def add(self, filing: Filing) -> None:
        """Keeps a filing; one with the same id is replaced."""

    def get(self, filing_id: str) -> Filing:
        """Raises UsageError. In a writing unit of work, locked until it ends."""

    def find(self, asked_as: str) -> Filing | None:
        """The one that this job drafted."""

    def list(self) -> Sequence[Filing]:
        """All of them, the newest first."""


class Paper(StrEnum):
    """What is kept of a filing beside its document.

    DRAFT is how it looked before it was approved, FIGURES what it is typeset from, EVIDENCE what
    proves its counts. SEALED is what goes out, DATA the JSON in it, RECEIPT the portal's page,
    RECEIPT_SEAL what the company states of the receipt, signed.
    """

    DRAFT = "draft"
    FIGURES = "figures"
    EVIDENCE = "evidence"
    SEALED = "sealed"
    DATA = "data"
    RECEIPT = "receipt"
    RECEIPT_SEAL = "receipt-seal"


class Papers(Protocol):
    """Files of filings, by what they are."""

    def add(self, filing_id: str, paper: Paper, content: bytes) -> None:
        """Keeps a file; the one before it is replaced."""

    def find(self, filing_id: str, paper: Paper) -> bytes | None:
        """The file, or None where there is none."""


class Campaigns(Protocol):
    """The letters that were registered."""

    def hold(self) -> None:
        """Lets nobody else who holds them register letters until this transaction ends."""

    def add(self, campaign: Campaign) -> None:
        """Keeps a campaign; one with the same id is replaced."""

    def get(self, campaign_id: str) -> Campaign:
        """Raises UsageError. In a writing unit of work, locked until it ends."""

    def list(self) -> Sequence[Campaign]:
        """All of them, those received last first."""


class ExpectedDevices(Protocol):
    """The devices that there should be, by the company's own list."""

    def add(self, devices: Iterable[ExpectedDevice]) -> None:
        """Keeps a list in place of the one before; of two with one name, the last."""

    def list(self) -> Sequence[ExpectedDevice]:
        """All of them, sorted by name."""


class UnitOfWork(Protocol):
    """One transaction over the repositories: all of it is kept, or nothing."""

    devices: Devices
    tokens: JoinTokens
    requests: EnrolmentRequests
    company_authorities: CompanyAuthorities
    inventories: Inventories
    fleet: Fleet
    roster: Roster
    measurements: Measurements
    entitlements: Entitlements
    decisions: Decisions
    prices: Prices
    proofs: Proofs
    audit: AuditLog
    filings: Filings
    papers: Papers
    campaigns: Campaigns
    expected_devices: ExpectedDevices
    accounts: Accounts
    sessions: Sessions
    api_tokens: APITokens
    jobs: Jobs
    notices: Notices


class Store(Protocol):
    """Where everything is kept, and when it was changed; each unit of work happens at one time."""

    def reading(self) -> AbstractContextManager[UnitOfWork]:
        """A consistent view; nothing may be added."""

    def writing(self) -> AbstractContextManager[UnitOfWork]:
        """Commits when the block ends, unless it raises."""


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A device's certificate and its issuers without the root, DER."""

    chain: tuple[bytes, ...]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CompanyProof:
    """A machine's company certificate with its issuers (DER), and what its key signed, and when."""

    chain: tuple[bytes, ...]
    signature: bytes
    signed_at: datetime


# Which of these authorities vouches for who signed a message, at a time, and the name that it gives
# the machine; raises EnrolmentRefused or InvalidRequest.
Vouching = Callable[
    [Sequence[CompanyAuthority], CompanyProof, bytes, datetime], tuple[CompanyAuthority, str]
]


class CertificateAuthority(Protocol):
    """Issues certificates to devices."""

    def root(self) -> bytes:
        """The root certificate, DER: what devices trust."""

    def issue(self, signing_request: bytes, device_id: str, now: datetime) -> IssuedCertificate:
        """Certifies the request's key under this identity, whatever name the request asks for.

        Raises InvalidRequest if the request is malformed, or its signature or key unsuitable.
        """

    def trust_roots(self) -> tuple[bytes, ...]:
        """The root certificates that devices are to trust, DER; the active one first."""

    def key_sha256(self, signing_request: bytes) -> str:
        """The fingerprint of the request's public key, hex; raises InvalidRequest."""

    def proven_key_sha256(self, public_key: bytes, signature: bytes, message: bytes) -> str:
        """The fingerprint of a key that signed this message, hex; raises InvalidRequest."""


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A sealed PDF and the JSON inside it.

    `level` is what its seal reached, as a verifier tells it; never promised.
    """

    pdf: bytes
    data: bytes
    level: str


class Sealer(Protocol):
    """Makes the document that goes out."""

    def seal(self, filing: Filing, figures: bytes) -> SealedDocument:
        """The filing's document with its approvals and overrides, as PDF; raises CollectorError.

        `figures` are the paper that was kept with the draft.
        """


@dataclass(frozen=True, slots=True)
class Sending:
    """What a portal is given: `values` by name, flat, and the files by theirs.

    `reference` is what the portal is asked for afterwards.
    """

    reference: str
    values: Mapping[str, str]
    files: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the portal answered: the number it gave, and the page or message that says so."""

    number: str
    page: bytes


@dataclass(frozen=True, slots=True)
class Disclosed:
    """One thing that leaves the house: on which page of the portal, under which label."""

    page: str
    label: str
    value: str


class Portal(Protocol):
    """One place that takes declarations. Whatever it sends ends within `timeout_s`.

    What was sent may arrive later still, up to `settles_s` after that.
    """

    name: str
    timeout_s: int
    settles_s: int

    def disclose(self, sending: Sending) -> Sequence[Disclosed]:
        """Everything that `submit` would send, without sending anything."""

    def check(self, sending: Sending) -> None:
        """Looks whether the portal is as it is described; gives it nothing of the declaration.

        Raises PortalMismatch or NotSent.
        """

    def submit(self, sending: Sending) -> Accepted:
        """Sends it, once.

        Raises NotSent or PortalMismatch where the portal does not have it, PortalRefused where it
        says no, and OutcomeUnknown otherwise.
        """

    def look_up(self, reference: str) -> Accepted | None:
        """What the portal has under this reference; None where it says that it has nothing.

        Raises OutcomeUnknown where it does not tell.
        """


class Messages(Protocol):
    """What people read, in one language; English texts are the keys."""

    language: str

    def text(self, message: str, **values: object) -> str:
        """The message, its {names} filled in."""

    def count(self, one: str, many: str, number: int, **values: object) -> str:
        """The form that fits the number, {n} and other {names} filled in."""

    def number(self, value: int | None) -> str:
        """A whole number with its separators; a dash where there is none."""

    def money(self, amount: Decimal, currency: str) -> str:
        """An amount with its currency."""

    def date(self, moment: datetime) -> str:
        """The day in words."""

    def day(self, iso: str) -> str:
        """A day that is written 2026-12-31, in words."""

    def moment(self, moment: datetime) -> str:
        """The day in words and the time."""
