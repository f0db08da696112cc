"""Findings that stand beside the position."""

from quitus_collector.domain.catalogue import Catalogue
from quitus_collector.domain.findings import Finding, Seen, findings, used_without_title
from quitus_collector.services.pools import owned
from quitus_collector.services.ports import Clock, Store


def observe(
    store: Store, catalogue: Catalogue, clock: Clock, key_servers: frozenset[str] = frozenset()
) -> tuple[Finding, ...]:
    """The findings of now; devices are called by their names."""
    with store.reading() as work:
        names = {device.id: device.name for device in work.devices.list()}
        seen = {
            number: Seen(install, catalogue.recognise(install))
            for number, install in work.inventories.distinct().items()
        }
        devices = {
            names.get(device, device): [seen[number] for number in numbers]
            for device, numbers in work.inventories.by_device()
        }
    seen_on_devices = findings(devices, catalogue, clock.today(), key_servers)
    return seen_on_devices + used_without_title(owned(store))
