import copy
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime

from quitus_collector.domain.account import Account, APIToken, Session
from quitus_collector.domain.audit import Entry, Event, entry_after
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
    Standing,
    fingerprint,
)
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.expected import ExpectedDevice
from quitus_collector.domain.filing import Filing
from quitus_collector.domain.history import Episode, Period, Recognised, Snapshot, snapshot
from quitus_collector.domain.holding import NOBODY, Act, Held
from quitus_collector.domain.install import Install
from quitus_collector.domain.job import Job
from quitus_collector.domain.measurement import Measurement
from quitus_collector.domain.perimeter import Exemption, LegalEntity, Placement, Scope
from quitus_collector.domain.price import HeldPrice, Key, Price
from quitus_collector.domain.proof import Proof
from quitus_collector.domain.report import HeldRow, Update
from quitus_collector.domain.roster import Condition, Moments, Place, Row, Sought
from quitus_collector.errors import UnknownDevice, UsageError
from quitus_collector.services.ports import AuditFilter, Paper
from tests.builders import NOON

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class MemoryDevices:
    def __init__(self, inventories: "MemoryInventories") -> None:
        self.by_id: dict[str, Device] = {}
        self.numbers: dict[str, int] = {}
        self.given = 0
        self.inventories = inventories

    def add(self, *devices: Device) -> None:
        for device in devices:
            self.by_id[device.id] = device
            if device.id not in self.numbers:
                self.given += 1
                self.numbers[device.id] = self.given

    def known(self, device_ids: Collection[str]) -> Mapping[str, Device]:
        return {each: self.by_id[each] for each in device_ids if each in self.by_id}

    def get(self, device_id: str) -> Device:
        if device_id not in self.by_id:
            raise UnknownDevice(f"no device has the id {device_id!r}")
        return self.by_id[device_id]

    def find(self, public_key_sha256: str) -> Device | None:
        for device in self.by_id.values():
            if public_key_sha256 in (device.public_key_sha256, device.next_key_sha256):
                return device
        return None

    def list(self) -> Sequence[Device]:
        return sorted(self.by_id.values(), key=lambda device: (device.name, device.id))

    def chains(self, device_ids: Collection[str]) -> Mapping[str, Chain]:
        found = {each: self.by_id[each] for each in device_ids if each in self.by_id}
        return {
            device_id: Chain(*(getattr(device, name) for name in Chain._fields))
            for device_id, device in found.items()
        }

    def hear(self, reports: Collection[Heard]) -> None:
        for each in reports:
            self.by_id[each.device_id] = replace(
                self.by_id[each.device_id],
                last_report_at=each.at,
                receipt=each.receipt,
                shown=each.shown,
            )

    def forget_receipts(self) -> None:
        for device in self.list():
            self.add(replace(device, receipt="", shown=""))

    def alike(self, fingerprints: Iterable[Mapping[str, str]]) -> Sequence[Device]:
        values = {pair for each in fingerprints for pair in each.items()}
        found = [each for each in self.by_id.values() if values & fingerprint(each.facts).items()]
        return sorted(found, key=lambda device: device.id)

    def of_company(self, company_name: str) -> Sequence[Device]:
        found = [each for each in self.by_id.values() if each.company_name == company_name]
        return sorted(found, key=lambda device: (device.enrolled_at, device.id))

    def remove(self, device_id: str) -> None:
        self.by_id.pop(device_id, None)
        self.numbers.pop(device_id, None)
        self.inventories.by_id.pop(device_id, None)
        self.inventories.recognised.pop(device_id, None)
        self.inventories.pending.discard(device_id)


class MemoryJoinTokens:
    def __init__(self) -> None:
        self.by_id: dict[str, JoinToken] = {}

    def add(self, token: JoinToken) -> None:
        self.by_id[token.id] = token

    def find(self, secret_sha256: str) -> JoinToken | None:
        found = [t for t in self.by_id.values() if t.secret_sha256 == secret_sha256]
        return found[0] if found else None

    def list(self) -> Sequence[JoinToken]:
        by_id = sorted(self.by_id.values(), key=lambda token: token.id)
        return sorted(by_id, key=lambda token: token.created_at, reverse=True)


class MemoryEnrolmentRequests:
    def __init__(self) -> None:
        self.by_id: dict[str, EnrolmentRequest] = {}

    def add(self, request: EnrolmentRequest) -> None:
        self.by_id[request.id] = request

    def find(self, public_key_sha256: str) -> EnrolmentRequest | None:
        found = [r for r in self.by_id.values() if r.public_key_sha256 == public_key_sha256]
        return found[0] if found else None

    def list(self) -> Sequence[EnrolmentRequest]:
        return sorted(self.by_id.values(), key=lambda each: (each.requested_at, each.id))

    def remove(self, request_id: str) -> None:
        self.by_id.pop(request_id, None)


class MemoryCompanyAuthorities:
    def __init__(self) -> None:
        self.by_id: dict[str, CompanyAuthority] = {}

    def add(self, authority: CompanyAuthority) -> None:
        self.by_id[authority.id] = authority

    def list(self) -> Sequence[CompanyAuthority]:
        return sorted(self.by_id.values(), key=lambda authority: authority.id)

    def remove(self, authority_id: str) -> None:
        self.by_id.pop(authority_id, None)


class MemoryAuditLog:
    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, *events: Event) -> Sequence[Entry]:
        for event in events:
            self.entries.append(entry_after(self.entries[-1] if self.entries else None, event))
        return self.entries[len(self.entries) - len(events) :]

    def list(self, *, last: int | None = None) -> Iterator[Entry]:
        return iter(self.entries if last is None else self.entries[-last:])

    def page(self, wanted: AuditFilter, *, before: int | None, limit: int) -> Sequence[Entry]:
        found = [
            each
            for each in reversed(self.entries)
            if (before is None or each.number < before)
            and wanted.kind in (None, each.event.kind)
            and (not wanted.since or each.event.at >= wanted.since)
            and (not wanted.until or each.event.at < wanted.until)
            and wanted.actor.casefold() in f"{each.event.actor}\n{each.event.subject}".casefold()
        ]
        return found[:limit]


class MemoryInventories:
    def __init__(self) -> None:
        self.by_id: dict[str, dict[tuple[str, ...], Install]] = {}
        self.numbers: dict[tuple[str, ...], int] = {}
        self.ever: dict[int, Install] = {}
        self.recognised: dict[str, Recognised] = {}
        self.pending: set[str] = set()
        self.work: MemoryUnitOfWork
        self.numbering: Hashable = 0

    def held(self, device_ids: Collection[str]) -> Mapping[str, Sequence[HeldRow]]:
        return {
            device_id: sorted(
                HeldRow(self.numbers[key], each.record(), each.source, each.installed_on)
                for key, each in self.by_id.get(device_id, {}).items()
            )
            for device_id in device_ids
        }

    def change(self, updates: Mapping[str, Update]) -> None:
        for device_id, made in updates.items():
            before = self.by_id.get(device_id, {})
            kept = {k: each for k, each in before.items() if self.numbers[k] not in made.removed}
            for each in made.added:
                assert each.key() not in kept
                kept[each.key()] = each
                self.numbers.setdefault(each.key(), len(self.numbers) + 1)
                self.ever[self.numbers[each.key()]] = replace(each, installed_on="")
            self.by_id[device_id] = kept
            self.pending.add(device_id)

    def list(self, device_id: str) -> Sequence[Install]:
        found = self.by_id.get(device_id, {}).values()
        return sorted(found, key=lambda each: (each.source, each.name, each.version, each.key()))

    def distinct(self) -> Mapping[int, Install]:
        return {
            self.numbers[key]: install
            for installs in self.by_id.values()
            for key, install in installs.items()
        }

    def by_device(self) -> Iterator[tuple[str, Sequence[int]]]:
        for device, installs in sorted(self.by_id.items()):
            if installs:
                yield device, sorted(self.numbers[key] for key in installs)

    def sets(self, *, pending: bool) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
        for device_id, installs in self.by_id.items():
            if not pending or device_id in self.pending:
                numbers = sorted(self.numbers[key] for key in installs)
                yield numbers, [self.work.devices.numbers[device_id]]

    def records(self, numbers: Collection[int] | None = None) -> Iterator[tuple[int, Install]]:
        return ((n, each) for n, each in self.ever.items() if numbers is None or n in numbers)

    def episodes(self, device: int) -> Sequence[Episode]:
        there: dict[tuple[str, ...], Episode] = {}
        gone: list[Episode] = []
        heard_at = None
        for number, (at, work) in enumerate([*self.work.past, (self.work.now, self.work)]):
            device_id = next((i for i, n in work.devices.numbers.items() if n == device), "")
            known = work.devices.by_id.get(device_id)
            installs = list(work.inventories.by_id.get(device_id, {}).values())
            now = {(*each.key(), each.installed_on): each for each in installs}
            for key in there.keys() - now.keys():
                gone.append(replace(there.pop(key), last_seen=heard_at, gone_at=at))
            heard_at = known.last_report_at if known else heard_at
            for key, each in now.items():
                first = at if number or not self.work.purged else None
                there.setdefault(key, Episode(each, first, None))
        lasting = [replace(each, last_seen=heard_at) for each in there.values()]
        return sorted(
            gone + lasting, key=lambda each: (each.first_seen or EPOCH, each.install.key())
        )


class MemoryFleet:
    """Every commit is kept: a past time is asked of the last one until then."""

    def __init__(self, work: "MemoryUnitOfWork") -> None:
        self.work = work
        self.versions: list[CatalogueVersion] = []

    def hold(self, *, alone: bool) -> None:
        pass  # it serves one thread

    def recognise(self, results: Iterable[tuple[Sequence[int], Recognised]]) -> None:
        ids = {number: device_id for device_id, number in self.work.devices.numbers.items()}
        for numbers, recognised in results:
            for number in numbers:
                self.work.inventories.recognised[ids[number]] = recognised
                self.work.inventories.pending.discard(ids[number])

    def snapshots(self, at: datetime | None = None) -> Sequence[Snapshot]:
        work = self.work.at(at)
        return [
            snapshot(device, recognised.products if recognised else None)
            for device in work.devices.by_id.values()
            for recognised in [work.inventories.recognised.get(device.id)]
        ]

    def unknown(self, at: datetime | None = None) -> Mapping[tuple[str, str], int]:
        recognised = self.work.at(at).inventories.recognised
        return Counter(name for each in recognised.values() for name in each.unknown)

    def periods(self, since: datetime) -> Sequence[Period]:
        lasting: dict[int, Period] = {}
        ended: list[Period] = []
        for at, work in [*self.work.past, (self.work.now, self.work)]:
            now = {}
            for each in work.fleet.snapshots():
                number = work.devices.numbers[each.device_id]
                now[number] = Period(number, each.name, each.standing, each.products, at, None)
            for number, period in list(lasting.items()):
                if number not in now or now[number][:4] != period[:4]:
                    ended.append(lasting.pop(number)._replace(until=at))
            for number, period in now.items():
                lasting.setdefault(number, period)
        ended = [each for each in ended if each.until and each.until >= since]
        changed = {each.device for each in ended}
        return ended + [each for number, each in lasting.items() if number in changed]

    def known_as(self, name: str) -> Mapping[int, str]:
        return {
            work.devices.numbers[each.id]: each.id
            for _, work in [*self.work.past, (self.work.now, self.work)]
            for each in work.devices.by_id.values()
            if name in (each.id, each.name)
        }

    def catalogues(self) -> Sequence[CatalogueVersion]:
        return self.versions

    def counted_by(self) -> str:
        return self.versions[-1].terms.digest if self.versions else ""

    def change_catalogue(self, terms: CountingTerms) -> None:
        self.versions.append(CatalogueVersion(self.work.now, terms))

    def begins_at(self) -> datetime | None:
        if not self.versions:
            return None
        return max(self.versions[0].since, self.work.purged or EPOCH)

    def purge(self, before: datetime) -> None:
        self.work.purged = before
        while len(self.work.past) > 1 and self.work.past[1][0] <= before:
            del self.work.past[0]

    def forget(self, device: int) -> None:
        for _, work in self.work.past:
            device_id = next((i for i, n in work.devices.numbers.items() if n == device), "")
            if device_id:
                self.work.decisions.by_device.pop(device_id, None)
                known = work.devices.by_id.pop(device_id)
                facts = replace(
                    known.facts,
                    hostname="",
                    smbios_uuid="",
                    guests=(),
                    primary_user=f"nobody {device}" if known.facts.primary_user else "",
                )
                nameless = f"forgotten {device}"
                work.devices.by_id[nameless] = replace(known, id=nameless, hostname="", facts=facts)
                work.devices.numbers[nameless] = work.devices.numbers.pop(device_id)
                if device_id in work.decisions.by_device:
                    said = work.decisions.by_device.pop(device_id)
                    said = replace(said, device_id=nameless, site="", reason="")
                    work.decisions.by_device[nameless] = said
                inventories = work.inventories
                inventories.by_id.pop(device_id, None)
                if device_id in inventories.recognised:
                    inventories.recognised[nameless] = inventories.recognised.pop(device_id)


class MemoryRoster:
    def __init__(self, work: "MemoryUnitOfWork") -> None:
        self.work = work

    def find(
        self, sought: Sought, moments: Moments, *, beyond: Place | None, forward: bool, most: int
    ) -> Sequence[Row]:
        rows = [each for each in self._rows() if self._meets(each, sought, moments)]
        if forward:
            return [each for each in rows if beyond is None or each.place > beyond][:most]
        return [each for each in rows if beyond is None or each.place < beyond][-most:]

    def get(self, device_id: str) -> Row:
        self.work.devices.get(device_id)
        return next(each for each in self._rows() if each.id == device_id)

    def conditions(self, moments: Moments) -> Mapping[Condition, int]:
        return Counter(each.condition(moments.stale) for each in self._rows())

    def ending(self, moments: Moments) -> int:
        return sum(self._is_ending(each, moments) for each in self._rows())

    def sites(self) -> Sequence[str]:
        return sorted({each.site for each in self.work.decisions.placements() if each.site})

    def products(self) -> Mapping[str, int]:
        return Counter(
            product
            for each in self.work.fleet.snapshots()
            if each.standing is Standing.ACTIVE
            for product in each.products or ()
        )

    def _rows(self) -> Sequence[Row]:
        said = {each.device_id: each for each in self.work.decisions.placements()}
        rows = [
            Row(
                name=each.name,
                number=self.work.devices.numbers[each.id],
                id=each.id,
                system=" ".join(filter(None, (each.facts.system, each.facts.system_version))),
                entity=said.get(each.id, Placement("")).entity or each.entity,
                site=said.get(each.id, Placement("")).site,
                standing=each.standing,
                scope=said.get(each.id, Placement("")).scope,
                has_failed_sources=snapshot(each, None).has_failed_sources,
                last_report_at=each.last_report_at,
                certificate_expires_at=each.certificate_expires_at,
                revoked_at=each.revoked_at,
                installs=each.installs,
            )
            for each in self.work.devices.by_id.values()
        ]
        return sorted(rows, key=lambda row: row.place)

    def _meets(self, row: Row, sought: Sought, moments: Moments) -> bool:
        text = sought.text.lower()
        recognised = self.work.inventories.recognised.get(row.id)
        counted = row.standing is Standing.ACTIVE and row.scope is Scope.COUNTED
        return (
            text in row.name.lower()
            and sought.condition in (None, row.condition(moments.stale))
            and sought.site in (None, row.site)
            and sought.entity in (None, row.entity or "")
            and (not sought.ending or self._is_ending(row, moments))
            and (
                sought.product is None
                or (counted and recognised is not None and sought.product in recognised.products)
            )
        )

    def _is_ending(self, row: Row, moments: Moments) -> bool:
        ends = row.certificate_expires_at < moments.ending
        return ends and not row.revoked_at and row.standing is not Standing.REPLACED


class MemoryMeasurements:
    def __init__(self) -> None:
        self.by_day: dict[date, Measurement] = {}

    def add(self, measured: Iterable[Measurement]) -> None:
        self.by_day |= {each.day: each for each in measured}

    def list(self, since: date | None = None) -> Sequence[Measurement]:
        return [each for day, each in sorted(self.by_day.items()) if not since or day >= since]


class MemoryEntitlements:
    def __init__(self, work: "MemoryUnitOfWork") -> None:
        self.work = work
        self.by_id: dict[str, Entitlement] = {}
        self.held: list[Held] = []

    def hold(self) -> None:
        """It serves one thread."""

    def add(self, entitlement: Entitlement, act: Act = NOBODY) -> None:
        self.remove(entitlement.id, act)
        self.by_id[entitlement.id] = entitlement
        self.held.append(Held(entitlement, self.work.now, None, act))

    def list(self, at: datetime | None = None) -> Sequence[Entitlement]:
        found = self.work.at(at).entitlements.by_id
        return sorted(found.values(), key=lambda line: line.id)

    def remove(self, entitlement_id: str, act: Act = NOBODY) -> None:
        self.by_id.pop(entitlement_id, None)
        for number, each in enumerate(self.held):
            if each.entitlement.id == entitlement_id and each.until is None:
                self.held[number] = replace(each, until=self.work.now, ended=act)
        self.held = [each for each in self.held if each.since != each.until]

    def history(self, entitlement_id: str | None = None) -> Sequence[Held]:
        found = [each for each in self.held if entitlement_id in (None, each.entitlement.id)]
        return sorted(found, key=lambda each: (each.entitlement.id, each.since))


class MemoryPrices:
    def __init__(self, work: "MemoryUnitOfWork") -> None:
        self.work = work
        self.held: list[HeldPrice] = []

    def hold(self) -> None:
        """It serves one thread."""

    def add(self, price: Price, act: Act = NOBODY) -> None:
        self.remove(price.key, act)
        self.held.append(HeldPrice(price, self.work.now, None, act))

    def list(self, at: datetime | None = None) -> Sequence[Price]:
        held = self.work.at(at).prices.held
        found = [each.price for each in held if each.until is None]
        return sorted(found, key=lambda each: (each.licence.id, each.valid_from or date.min))

    def remove(self, key: Key, act: Act = NOBODY) -> None:
        for number, each in enumerate(self.held):
            if each.price.key == key and each.until is None:
                self.held[number] = replace(each, until=self.work.now, ended=act)
        self.held = [each for each in self.held if each.since != each.until]

    def history(self, price_id: str | None = None) -> Sequence[HeldPrice]:
        found = [each for each in self.held if price_id in (None, each.price.licence.id)]
        return sorted(
            found,
            key=lambda each: (
                each.price.licence.id,
                each.price.valid_from or date.min,
                each.since,
            ),
        )


class MemoryProofs:
    def __init__(self) -> None:
        self.all: list[Proof] = []

    def add(self, proof: Proof) -> None:
        self.all.append(proof)

    def list(self, *, removed: bool = False) -> Sequence[Proof]:
        found = [each for each in self.all if removed or each.removed_at is None]
        return sorted(found, key=lambda each: each.entitlement)

    def remove(self, entitlement_id: str, sha256: str, at: datetime, act: Act) -> None:
        for number, each in enumerate(self.all):
            if (each.entitlement, each.sha256, each.removed_at) == (entitlement_id, sha256, None):
                gone = replace(each, removed_at=at, removed_by=act.actor, reason=act.reason)
                self.all[number] = gone


class MemoryDecisions:
    def __init__(self, work: "MemoryUnitOfWork") -> None:
        self.work = work
        self.by_device: dict[str, Placement] = {}
        self.exemptions_by_id: dict[str, Exemption] = {}
        self.entities_by_siren: dict[str, LegalEntity] = {}
        self.readings_by_rule: dict[str, tuple[Reading, str]] = {}

    def hold(self) -> None:
        """It serves one thread."""

    def place(self, placements: Iterable[Placement]) -> None:
        for each in placements:
            if each.device_id in self.work.devices.by_id:
                self.by_device.pop(each.device_id, None)
                if each.says_something:
                    self.by_device[each.device_id] = each

    def placements(self, at: datetime | None = None) -> Sequence[Placement]:
        return list(self.work.at(at).decisions.by_device.values())

    def placed(self, device_ids: Collection[str]) -> Mapping[str, Placement]:
        return {each.device_id: each for each in self.placements() if each.device_id in device_ids}

    def exempt(self, exemption: Exemption) -> None:
        self.exemptions_by_id[exemption.id] = exemption

    def exemptions(self, at: datetime | None = None) -> Sequence[Exemption]:
        found = self.work.at(at).decisions.exemptions_by_id
        return sorted(found.values(), key=lambda each: each.id)

    def remove_exemption(self, exemption_id: str) -> None:
        self.exemptions_by_id.pop(exemption_id, None)

    def read(self, rule: str, reading: Reading, reason: str) -> None:
        self.readings_by_rule[rule] = (reading, reason)

    def readings(self, at: datetime | None = None) -> Mapping[str, tuple[Reading, str]]:
        return dict(self.work.at(at).decisions.readings_by_rule)

    def name_entity(self, entity: LegalEntity) -> None:
        self.entities_by_siren[entity.siren] = entity

    def entities(self) -> Sequence[LegalEntity]:
        return sorted(self.entities_by_siren.values(), key=lambda each: each.siren)


class MemoryFilings:
    def __init__(self) -> None:
        self.by_id: dict[str, Filing] = {}

    def add(self, filing: Filing) -> None:
        self.by_id[filing.id] = filing

    def get(self, filing_id: str) -> Filing:
        if filing_id not in self.by_id:
            raise UsageError(f"no declaration has the id {filing_id!r}")
        return self.by_id[filing_id]

    def find(self, asked_as: str) -> Filing | None:
        found = (each for each in self.by_id.values() if each.asked_as == asked_as)
        return next(found, None)

    def list(self) -> Sequence[Filing]:
        return sorted(self.by_id.values(), key=lambda each: (each.drafted_at, each.id))[::-1]


class MemoryPapers:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, Paper], bytes] = {}

    def add(self, filing_id: str, paper: Paper, content: bytes) -> None:
        self.kept[filing_id, paper] = content

    def find(self, filing_id: str, paper: Paper) -> bytes | None:
        return self.kept.get((filing_id, paper))


class MemoryCampaigns:
    def __init__(self) -> None:
        self.by_id: dict[str, Campaign] = {}

    def hold(self) -> None:
        """It serves one thread."""

    def add(self, campaign: Campaign) -> None:
        self.by_id[campaign.id] = campaign

    def get(self, campaign_id: str) -> Campaign:
        if campaign_id not in self.by_id:
            raise UsageError(f"no letter has the id {campaign_id!r}")
        return self.by_id[campaign_id]

    def list(self) -> Sequence[Campaign]:
        return sorted(self.by_id.values(), key=lambda each: (each.received_on, each.id))[::-1]


class MemoryExpectedDevices:
    def __init__(self) -> None:
        self.kept: list[ExpectedDevice] = []

    def add(self, devices: Iterable[ExpectedDevice]) -> None:
        self.kept = list({each.name: each for each in devices}.values())

    def list(self) -> Sequence[ExpectedDevice]:
        return sorted(self.kept, key=lambda each: each.name)


class MemoryAccounts:
    def __init__(self) -> None:
        self.by_id: dict[str, Account] = {}

    def hold(self) -> None:
        """It serves one thread."""

    def add(self, account: Account) -> None:
        other = self.find(name=account.name)
        if other and other.id != account.id:
            raise UsageError(f"there is an account {other.name!r} already")
        self.by_id[account.id] = account

    def get(self, account_id: str) -> Account:
        if account_id not in self.by_id:
            raise UsageError(f"no account has the id {account_id!r}")
        return self.by_id[account_id]

    def find(self, *, name: str = "", subject: str = "") -> Account | None:
        for each in self.by_id.values():
            if name and each.name.casefold() == name.casefold():
                return each
            if not name and subject and each.subject == subject:
                return each
        return None

    def list(self) -> Sequence[Account]:
        return sorted(self.by_id.values(), key=lambda each: (each.name.casefold(), each.id))


class MemorySessions:
    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}

    def add(self, session: Session) -> None:
        self.by_id[session.id] = session

    def find(self, session_id: str) -> Session | None:
        return self.by_id.get(session_id)

    def remove(self, session_id: str) -> None:
        self.by_id.pop(session_id, None)

    def remove_of(self, account_id: str, *, but: str = "") -> None:
        for each in [*self.by_id.values()]:
            if each.account == account_id and each.id != but:
                self.remove(each.id)

    def remove_before(self, moment: datetime) -> None:
        for each in [*self.by_id.values()]:
            if each.seen_at < moment:
                self.remove(each.id)


class MemoryAPITokens:
    def __init__(self) -> None:
        self.by_id: dict[str, APIToken] = {}

    def add(self, token: APIToken) -> None:
        self.by_id[token.id] = token

    def find(self, secret_sha256: str) -> APIToken | None:
        found = [each for each in self.by_id.values() if each.secret_sha256 == secret_sha256]
        return found[0] if found else None

    def list(self) -> Sequence[APIToken]:
        ordered = sorted(self.by_id.values(), key=lambda each: each.id)
        return sorted(ordered, key=lambda each: each.made_at, reverse=True)


class MemoryNotices:
    def __init__(self) -> None:
        self.by_way: dict[str, dict[str, datetime]] = {}

    def told(self, way: str) -> frozenset[str]:
        return frozenset(self.by_way.get(way, ()))

    def replace(self, way: str, marks: Collection[str], at: datetime) -> None:
        before = self.by_way.get(way, {})
        self.by_way[way] = {each: before.get(each, at) for each in marks}


class MemoryJobs:
    def __init__(self) -> None:
        self.by_id: dict[str, Job] = {}
        self.contents: dict[str, bytes] = {}

    def add(self, job: Job, content: bytes | None = None) -> None:
        self.by_id[job.id] = job
        if content is not None:
            self.contents[job.id] = content
        elif job.is_over:
            self.contents.pop(job.id, None)

    def get(self, job_id: str) -> Job:
        if job_id not in self.by_id:
            raise UsageError(f"no job has the id {job_id!r}")
        return self.by_id[job_id]

    def content(self, job_id: str) -> bytes:
        return self.contents.get(job_id, b"")

    def list(self, *, last: int = 50, actor: str = "") -> Sequence[Job]:
        ordered = sorted(self.by_id.values(), key=lambda each: each.id)
        ordered = [each for each in ordered if actor in ("", each.actor)]
        return sorted(ordered, key=lambda each: each.made_at, reverse=True)[:last]

    def open(self) -> Sequence[Job]:
        left = (each for each in self.by_id.values() if not each.is_over)
        return sorted(left, key=lambda each: (each.made_at, each.id))

    def remove_before(self, moment: datetime) -> None:
        for each in [*self.by_id.values()]:
            if each.ended_at and each.ended_at < moment:
                del self.by_id[each.id]


class MemoryUnitOfWork:
    def __init__(self) -> None:
        self.now = NOON
        # Former states with their times, the oldest first, and from when on they are kept.
        self.past: list[tuple[datetime, MemoryUnitOfWork]] = []
        self.purged: datetime | None = None
        self.inventories = MemoryInventories()
        self.inventories.work = self
        self.devices = MemoryDevices(self.inventories)
        self.tokens = MemoryJoinTokens()
        self.requests = MemoryEnrolmentRequests()
        self.company_authorities = MemoryCompanyAuthorities()
        self.audit = MemoryAuditLog()
        self.fleet = MemoryFleet(self)
        self.roster = MemoryRoster(self)
        self.measurements = MemoryMeasurements()
        self.entitlements = MemoryEntitlements(self)
        self.decisions = MemoryDecisions(self)
        self.prices = MemoryPrices(self)
        self.proofs = MemoryProofs()
        self.filings = MemoryFilings()
        self.papers = MemoryPapers()
        self.campaigns = MemoryCampaigns()
        self.expected_devices = MemoryExpectedDevices()
        self.accounts = MemoryAccounts()
        self.sessions = MemorySessions()
        self.api_tokens = MemoryAPITokens()
        self.jobs = MemoryJobs()
        self.notices = MemoryNotices()

    def at(self, at: datetime | None) -> "MemoryUnitOfWork":
        if at is None:
            return self
        found = [work for time, work in self.past if time <= at]
        return found[-1] if found else MemoryUnitOfWork()


class MemoryStore:
    """Implements ports.Store in memory; a block that raises leaves no trace."""

    def __init__(self, now: Callable[[], datetime] = lambda: NOON) -> None:
        self._now = now
        self._kept = MemoryUnitOfWork()
        self._failures = 0

    @contextmanager
    def reading(self) -> Iterator[MemoryUnitOfWork]:
        yield self._copy()

    @contextmanager
    def writing(self) -> Iterator[MemoryUnitOfWork]:
        work = self._copy()
        try:
            yield work
        except BaseException:
            self._failures += 1
            raise
        former = copy.deepcopy(work, {id(work.past): []})
        former.past = []
        work.past.append((work.now, former))
        self._kept = work

    def _copy(self) -> MemoryUnitOfWork:
        # Former states are shared: nobody but `forget` touches them.
        work = copy.deepcopy(self._kept, {id(self._kept.past): list(self._kept.past)})
        work.now = self._now()
        work.inventories.numbering = self._failures
        return work
