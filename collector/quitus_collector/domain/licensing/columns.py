"""Whole numbers for what there are millions of: installs, and the devices and users they are of."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]


class Names(NamedTuple):
    """What the numbers of devices and of the users of access lines stand for.

    Sorted, so that numbers sort as names do; the first of each is "", for none.
    """

    devices: tuple[str, ...]
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Installs:
    """Pairs of device id and product, each once.

    `devices` are ids, sorted; `on` has for each product the places in `devices` of those that
    have it, rising.
    """

    devices: tuple[str, ...] = ()
    on: Mapping[str, Numbers] = field(default_factory=dict)

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Self:
        """The installs that these pairs name, however often."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for device, product in pairs:
            found[product].add(device)
        devices = tuple(sorted(set().union(*found.values())))
        numbers = {device: number for number, device in enumerate(devices)}
        return cls(
            devices,
            {
                product: np.array(sorted(map(numbers.__getitem__, those)), np.int32)
                for product, those in found.items()
            },
        )

    def __iter__(self) -> Iterator[tuple[str, str]]:
        """The pairs, product by product."""
        for product, on in self.on.items():
            yield from ((self.devices[number], product) for number in on.tolist())

    def __len__(self) -> int:
        """How many pairs they are."""
        return sum(map(len, self.on.values()))
