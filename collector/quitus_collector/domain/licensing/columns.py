"""Whole numbers for what there are millions of: installs, and the devices and users they are of."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]  # of devices, users and the like; they sort as names do
Rows = NDArray[np.intp]  # places in columns
Counts = NDArray[np.int64]
Flags = NDArray[np.bool]


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


def numbered(values: Iterable[Hashable]) -> Numbers:
    """The same number for the same value, from 0, in the order in which they come."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int32)


def ranked(values: Iterable[str | None]) -> Numbers:
    """Numbers from 1 that sort as the values do; 0 for none."""
    values = list(values)
    known = sorted({value for value in values if value is not None})
    numbers: dict[str | None, int] = {value: number for number, value in enumerate(known, 1)}
    return np.array([numbers.get(value, 0) for value in values], np.int32)


def alike(size: int, columns: Iterable[Numbers | Rows | Flags]) -> tuple[Rows, Rows]:
    """The first row of each kind, rising, and the kind of each row, by that order.

    So many rows are of one kind where all columns have the same number, from 0 on.
    """
    codes, codes_span = np.zeros(size, np.int64), 1
    for column in columns:
        span = int(column.max(initial=0)) + 1
        if codes_span * span > np.iinfo(codes.dtype).max:
            codes, codes_span = np.unique(codes, return_inverse=True)[1], size
        codes = codes * span + column
        codes_span *= span
    _, first, kinds = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    return first[order], places[kinds]
