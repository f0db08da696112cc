import copy
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from quitus_collector.domain.audit import Entry, Event, entry_after
from quitus_collector.domain.device import (
    Chain,
    CompanyAuthority,
    Device,
    EnrolmentRequest,
    Heard,
    JoinToken,
    fingerprint,
)
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.install import Install
from quitus_collector.domain.report import HeldRow
from quitus_collector.errors import UnknownDevice


class MemoryDevices:
    def __init__(self, inventories: "MemoryInventories") -> None:
        self.by_id: dict[str, Device] = {}
        self.inventories = inventories

    def add(self, device: Device) -> None:
        self.by_id[device.id] = device

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

    def alike(self, values: Mapping[str, str]) -> Sequence[Device]:
        found = [
            each for each in self.by_id.values() if values.items() & fingerprint(each.facts).items()
        ]
        return sorted(found, key=lambda device: device.id)

    def of_company(self, company_name: str) -> Sequence[Device]:
        found = [each for each in self.by_id.values() if each.company_name == company_name]
        return sorted(found, key=lambda device: (device.enrolled_at, device.id))

    def remove(self, device_id: str) -> None:
        self.by_id.pop(device_id, None)
        self.inventories.by_id.pop(device_id, None)


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

    def add(self, event: Event) -> Entry:
        self.entries.append(entry_after(self.entries[-1] if self.entries else None, event))
        return self.entries[-1]

    def list(self, *, last: int | None = None) -> Iterator[Entry]:
        return iter(self.entries if last is None else self.entries[-last:])


class MemoryInventories:
    def __init__(self) -> None:
        self.by_id: dict[str, dict[tuple[str, ...], Install]] = {}
        self.numbers: dict[tuple[str, ...], int] = {}

    def held(self, device_id: str) -> Sequence[HeldRow]:
        return [
            HeldRow(self.numbers[key], each.record(), each.source, each.installed_on)
            for key, each in self.by_id.get(device_id, {}).items()
        ]

    def change(self, device_id: str, added: Sequence[Install], removed: Collection[int]) -> None:
        before = self.by_id.get(device_id, {})
        kept = {key: each for key, each in before.items() if self.numbers[key] not in removed}
        for each in added:
            assert each.key() not in kept
            kept[each.key()] = each
            self.numbers.setdefault(each.key(), len(self.numbers) + 1)
        self.by_id[device_id] = kept

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

    def sweep(self) -> None:
        pass  # nothing is shared here


class MemoryEntitlements:
    def __init__(self) -> None:
        self.by_id: dict[str, Entitlement] = {}

    def add(self, entitlement: Entitlement) -> None:
        self.by_id[entitlement.id] = entitlement

    def list(self) -> Sequence[Entitlement]:
        return sorted(self.by_id.values(), key=lambda line: line.id)

    def remove(self, entitlement_id: str) -> None:
        self.by_id.pop(entitlement_id, None)


class MemoryUnitOfWork:
    def __init__(self) -> None:
        self.inventories = MemoryInventories()
        self.devices = MemoryDevices(self.inventories)
        self.tokens = MemoryJoinTokens()
        self.requests = MemoryEnrolmentRequests()
        self.company_authorities = MemoryCompanyAuthorities()
        self.audit = MemoryAuditLog()
        self.entitlements = MemoryEntitlements()


class MemoryStore:
    """Implements ports.Store in memory; a block that raises leaves no trace."""

    def __init__(self) -> None:
        self._kept = MemoryUnitOfWork()

    @contextmanager
    def reading(self) -> Iterator[MemoryUnitOfWork]:
        yield copy.deepcopy(self._kept)

    @contextmanager
    def writing(self) -> Iterator[MemoryUnitOfWork]:
        work = copy.deepcopy(self._kept)
        yield work
        self._kept = work
