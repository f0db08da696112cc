"""Covers as rows of numbers: of two million installs, an object each would be too many."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from quitus_collector.domain.entitlement import Right
from quitus_collector.domain.licensing.columns import Names, order_of

RIGHTS = tuple(Right)

# Numbers of `Names`, and of RIGHTS.
ROW = np.dtype(
    [
        ("device", np.int32),
        ("product", np.int32),
        ("entitlement", np.int32),
        ("user", np.int32),
        ("right", np.int32),
    ]
)
Rows = NDArray[Any]  # one-dimensional, of ROW


class Cover(NamedTuple):
    """One install or access line, the entitlement that covers it, and the right that lets it.

    `device` is empty for an access line without one; `user` is that of an access line. Sorted as
    the tie-break has it: device, product, entitlement, then user.
    """

    device: str
    product: str
    entitlement: str
    user: str
    right: Right


class Covers(Sequence[Cover]):
    """Covers in the order of the tie-break; each is made when it is asked for.

    `rows` are the same by numbers.
    """

    def __init__(self, names: Names, parts: Iterable[Rows]) -> None:
        """All covers of these parts, in any order."""
        self.names = names
        rows = np.concatenate([np.empty(0, ROW), *parts])
        self.rows: Rows = rows[
            order_of(
                (rows["device"], len(names.devices)),
                (rows["product"], len(names.products)),
                (rows["entitlement"], len(names.entitlements)),
                (rows["user"], len(names.users)),
            )
        ]

    def __len__(self) -> int:
        """How many they are."""
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> Cover: ...
    @overload
    def __getitem__(self, index: slice) -> list[Cover]: ...
    def __getitem__(self, index: int | slice) -> Cover | list[Cover]:
        """One cover, or a list of them."""
        if isinstance(index, slice):
            return list(map(self._cover, self.rows[index].tolist()))
        return self._cover(self.rows[index].item())

    def __iter__(self) -> Iterator[Cover]:
        """Every cover, in order."""
        return map(self._cover, self.rows.tolist())

    def __eq__(self, other: object) -> bool:
        """Whether the other sequence has the same covers in the same order."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """As a list of covers shows."""
        return repr(list(self))

    def _cover(self, row: tuple[int, int, int, int, int]) -> Cover:
        device, product, entitlement, user, right = row
        names = self.names
        return Cover(
            names.devices[device],
            names.products[product],
            names.entitlements[entitlement],
            names.users[user],
            RIGHTS[right],
        )
