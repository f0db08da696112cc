"""Which devices are one machine: a copied disk, or an enrolment beside an old one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from quitus_collector.domain.device import (
    SAME_MACHINE,
    Device,
    Standing,
    fingerprint,
    likeness,
)

# More devices than this with a value in common: it is no fingerprint.
MAX_RIVALS = 8


class Machines:
    """Devices by what tells their machines apart."""

    def __init__(self, devices: Iterable[Device]) -> None:
        """These are known first."""
        self._devices: dict[str, Device] = {}
        self._having: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        for each in devices:
            self.note(each)

    def note(self, device: Device) -> None:
        """The device is like this from now on."""
        self._devices[device.id] = device
        for value in fingerprint(device.facts).items():
            self._having[value].add(device.id)

    def compared(self, device: Device) -> Device:
        """The device, in quarantine where its machine is known already under another key."""
        now = fingerprint(device.facts)
        having = {each for value in now.items() for each in self._having[value]} - {device.id}
        rivals = [
            (likeness(now, of_other), other)
            for other in map(self._devices.__getitem__, having)
            for of_other in [fingerprint(other.facts)]
            # It may have had the value before.
            if now.items() & of_other.items() and other.standing is not Standing.REPLACED
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
