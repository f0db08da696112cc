"""What is to be named, in the order of the list of covers: installs and access lines, as rows."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from quitus_collector.domain.licensing.assignment import Cell
from quitus_collector.domain.licensing.columns import Names, Numbers, order_of
from quitus_collector.domain.licensing.demand import Seat

# Numbers of `Names`; the place of a member of a cell, and the product's number on its spot.
POSITION = np.dtype(
    [
        ("device", np.int32),
        ("product", np.int32),
        ("user", np.int32),
        ("cell", np.int32),
        ("member", np.int32),
        ("place", np.int32),
        ("product_index", np.int32),
    ]
)


class Position(NamedTuple):
    """One row, and which it is; see POSITION."""

    row: int
    device: int
    product: int
    user: int
    cell: int
    member: int
    place: int
    product_index: int


class Positions:
    """All that is to be named, sorted by device, product and user.

    `rows` is a one-dimensional array of POSITION. A cell is *lone* where a member's only install or
    access line is all of its cluster, under units of its own.
    """

    def __init__(self, cells: Sequence[Cell], names: Names) -> None:
        """Those of the members of the cells."""
        parts = [np.empty(0, POSITION)]
        for number, cell in enumerate(cells):
            for at, place in enumerate(cell.places):
                for index, product in enumerate(place.spot.products):
                    part = np.empty(len(cell.members), POSITION)
                    part["device"] = cell.members.devices[:, at]
                    part["product"] = bisect_left(names.products, product)
                    part["user"] = cell.members.users[:, at]
                    part["cell"] = number
                    part["member"] = np.arange(len(part))
                    part["place"] = at
                    part["product_index"] = index
                    parts.append(part)
        rows = np.concatenate(parts)
        order = order_of(
            (rows["device"], len(names.devices)),
            (rows["product"], len(names.products)),
            (rows["user"], len(names.users)),
        )
        self.rows: NDArray[Any] = rows[order]
        self.cells: Numbers = self.rows["cell"].copy()
        self.is_lone = np.array([_is_lone(cell) for cell in cells], bool)

    def __len__(self) -> int:
        """How many they are."""
        return len(self.rows)

    def __getitem__(self, row: int) -> Position:
        """One of them."""
        return Position(row, *self.rows[row].item())

    def together(self) -> Iterator[list[Position]]:
        """The positions of one device and product that must be named with regard to others.

        What is left out is in a lone cell, and the only position of its device and product.
        """
        differs = np.ones(len(self) + 1, bool)
        device, product = self.rows["device"], self.rows["product"]
        differs[1:-1] = (device[1:] != device[:-1]) | (product[1:] != product[:-1])
        bounds = np.flatnonzero(differs)
        starts, sizes = bounds[:-1], np.diff(bounds)
        chosen = (sizes > 1) | ~self.is_lone[self.cells[starts]]
        numbers = np.flatnonzero(np.repeat(chosen, sizes))
        rows = zip(numbers.tolist(), self.rows[numbers].tolist(), strict=True)
        positions = (Position(number, *row) for number, row in rows)
        for size in sizes[chosen].tolist():
            yield list(islice(positions, size))


def _is_lone(cell: Cell) -> bool:
    if cell.cluster is not None or len(cell.places) > 1 or len(cell.places[0].spot.products) > 1:
        return False
    kept = (Seat.HOLDER, Seat.SECOND, Seat.COMPANY)
    return not any(take.seat in kept for take in cell.places[0].spot.takes)
