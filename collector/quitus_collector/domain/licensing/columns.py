"""Whole numbers for what there are millions of: installs, and the devices and users they are of."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import prod
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]  # of devices, users and the like; they sort as names do
Indexes = NDArray[np.intp]  # places in columns
Counts = NDArray[np.int64]
Flags = NDArray[np.bool]


class Names(NamedTuple):
    """What numbers stand for: devices, users of access lines, products to cover, entitlements.

    Sorted, so that numbers sort as names do; the first device and the first user is "", for none.
    """

    devices: tuple[str, ...]
    users: tuple[str, ...]
    products: tuple[str, ...]
    entitlements: tuple[str, ...]


class Numbering(dict[str, int]):
    """Gives names numbers from 0 on, as they are asked for."""

    def __missing__(self, name: str) -> int:
        """The number of one more name."""
        self[name] = number = len(self)
        return number


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
        devices, products = Numbering(), Numbering()
        numbers = [(devices[device], products[product]) for device, product in pairs]
        on, of = np.array(numbers, np.int32).reshape(-1, 2).T
        return cls.at(tuple(devices), tuple(products), on, of)

    @classmethod
    def at(cls, devices: Sequence[str], products: Sequence[str], on: Numbers, of: Numbers) -> Self:
        """The installs that two columns name, however often: each on a device, of a product.

        They are places in `devices` and `products`, which are in any order.
        """
        order = np.array(sorted(range(len(devices)), key=devices.__getitem__), np.intp)
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        found = np.sort(of.astype(np.int64) * len(devices) + places[on])
        found = found[np.diff(found, prepend=-1) > 0]
        bounds = np.searchsorted(found, np.arange(len(products) + 1) * len(devices))
        rising = (found % max(1, len(devices))).astype(np.int32)
        return cls(
            tuple(devices[place] for place in order.tolist()),
            {
                product: rising[start:end]
                for product, (start, end) in zip(products, pairwise(bounds.tolist()), strict=True)
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


def ranked(values: Iterable[str | None]) -> tuple[list[str | None], Numbers]:
    """The values that occur, sorted behind None, and the place of each value among them."""
    values = list(values)
    found = [None, *sorted({value for value in values if value is not None})]
    places = {value: place for place, value in enumerate(found)}
    return found, np.array([places[value] for value in values], np.int32)


def order_of(*columns: tuple[Numbers, int]) -> Indexes:
    """The order of rows by these columns, the first one first, and how many numbers each may have.

    Of two rows that are the same either may come first. One number a row is sorted ten times as
    fast as several columns, where 64 bits have room for it.
    """
    if prod(most for _, most in columns) > np.iinfo(np.int64).max:
        return np.lexsort([column for column, _ in reversed(columns)])
    codes = np.zeros(len(columns[0][0]), np.int64)
    for column, most in columns:
        codes = codes * most + column
    return np.argsort(codes)


def alike(size: int, columns: Iterable[Numbers | Indexes | Flags]) -> tuple[Indexes, Indexes]:
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
