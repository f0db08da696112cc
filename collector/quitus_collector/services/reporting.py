"""Taking in what devices report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from quitus_collector.domain.device import Device
from quitus_collector.domain.install import Install, Inventory
from quitus_collector.errors import UnknownDevice, UsageError
from quitus_collector.services.ports import Clock, Store


@dataclass(frozen=True, slots=True)
class DeviceSummary:
    """A device and how many installs it has."""

    device: Device
    installs: int

    def document(self) -> dict[str, object]:
        """The summary as JSON has it."""
        return self.device.document() | {"installs": self.installs}


def accept_report(store: Store, clock: Clock, device_id: str, inventory: Inventory) -> int:
    """Keeps a device's report; returns how many installs it has now. Raises UnknownDevice.

    A source that failed keeps its last good answer: "could not read" is not "not installed".
    """
    with store.writing() as work:
        device = work.devices.get(device_id)
        installs = work.inventories.add(device_id, inventory)
        work.devices.add(
            replace(
                device,
                last_report_at=clock.now(),
                facts=inventory.facts,
                sources=inventory.sources,
            )
        )
    return installs


def remove_device(store: Store, name: str) -> Device:
    """Forgets a device and its installs; its certificate opens nothing any more.

    Raises UnknownDevice, or UsageError where several devices have the name.
    """
    device, _ = show_device(store, name)
    with store.writing() as work:
        work.devices.remove(device.id)
    return device


def list_devices(store: Store) -> list[DeviceSummary]:
    """Every device, sorted by name."""
    with store.reading() as work:
        counts = work.inventories.count()
        return [DeviceSummary(device, counts.get(device.id, 0)) for device in work.devices.list()]


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
