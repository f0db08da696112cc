import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from quitus_collector.domain.device import Device, JoinToken
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.domain.install import Install, Inventory
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
        holders = [d for d in self.by_id.values() if d.public_key_sha256 == public_key_sha256]
        return holders[0] if holders else None

    def list(self) -> Sequence[Device]:
        return sorted(self.by_id.values(), key=lambda device: (device.name, device.id))

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


class MemoryInventories:
    def __init__(self) -> None:
        self.by_id: dict[str, dict[tuple[str, ...], Install]] = {}
        self.numbers: dict[tuple[str, ...], int] = {}

    def add(self, device_id: str, inventory: Inventory) -> int:
        failed = inventory.failed_sources()
        before = self.by_id.get(device_id, {})
        kept = {key: each for key, each in before.items() if each.source in failed}
        new = {each.key(): each for each in inventory.installs if each.source not in failed}
        self.by_id[device_id] = kept | new
        for key in new:
            self.numbers.setdefault(key, len(self.numbers) + 1)
        return len(self.by_id[device_id])

    def list(self, device_id: str) -> Sequence[Install]:
        found = self.by_id.get(device_id, {}).values()
        return sorted(found, key=lambda each: (each.source, each.name, each.version, each.key()))

    def count(self) -> Mapping[str, int]:
        return {device: len(installs) for device, installs in self.by_id.items() if installs}

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
