"""The devices by number, and what the rules ask of them in columns."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from quitus_collector.domain.licensing.columns import Flags, Numbers, numbered, ranked
from quitus_collector.domain.licensing.situation import CountedDevice


class Devices:
    """Every device that is named, numbered in the order of the ids, and a column for each fact.

    0 is no device. Of one that an access line alone names nothing is known.
    """

    def __init__(self, names: Sequence[str], known: Mapping[str, CountedDevice]) -> None:
        """`names` are the ids, sorted, the first of them ""; `known` are by id."""
        self.all = [known.get(name) or CountedDevice(name) for name in names]
        self.numbers = {name: number for number, name in enumerate(names)}
        self._known = known

    def numbers_of(self, names: Iterable[str]) -> Numbers:
        """The numbers of devices by their ids."""
        return np.array([self.numbers[name] for name in names], np.int32)

    def among(self, devices: Numbers, those: Collection[str]) -> Numbers:
        """The devices, but 0 for each that is not one of those."""
        numbers = [number for name in those if (number := self.numbers.get(name))]
        return np.where(np.isin(devices, np.array(numbers, np.int32)), devices, 0)

    @cached_property
    def users(self) -> Numbers:
        """Numbers of the primary users, from 1 as their names sort; 0 for none."""
        return ranked(device.user for device in self.all)[1]

    @cached_property
    def _entities(self) -> tuple[list[str | None], Numbers]:
        return ranked(device.entity for device in self.all)

    def entities_among(self, those: Collection[str]) -> Numbers:
        """A number for each of those entities; 0 where it is another or none."""
        names, places = self._entities
        asked = np.array([place if name in those else 0 for place, name in enumerate(names)])
        return asked[places]

    @cached_property
    def are_portable(self) -> Flags:
        """Whether they are carried about."""
        return np.array([device.portable for device in self.all])

    @cached_property
    def are_virtual(self) -> Flags:
        """Whether they run on another device."""
        return np.array([device.is_virtual for device in self.all])

    @cached_property
    def hosts(self) -> Numbers:
        """The physical device that a virtual one runs on, where it is known; else 0."""
        hosts = [
            self._known.get(device.host or "") if device.is_virtual else None for device in self.all
        ]
        return np.array(
            [self.numbers[host.id] if host and not host.is_virtual else 0 for host in hosts],
            np.int32,
        )

    @cached_property
    def processors(self) -> Numbers:
        """The same number for as many processors."""
        return numbered(device.processors for device in self.all)

    @cached_property
    def cores(self) -> Numbers:
        """The same number for as many cores."""
        return numbered(device.cores for device in self.all)
