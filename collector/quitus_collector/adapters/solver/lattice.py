"""By how much a cost can move at all while others are held: some whole multiple of a step."""

from collections.abc import Mapping, Sequence
from itertools import repeat


def step(cost: Mapping[int, int], held: Sequence[Mapping[int, int]], free: Sequence[int]) -> int:
    """What divides each change of the cost that changes no held cost; 0 where there is none.

    Variables are whole and those that are not free stay as they are. The columns of the free ones,
    held costs first, generate a lattice; those of its points that are zero but for the cost are the
    multiples of the step (Hermite normal form).
    """
    # Most columns are alike.
    columns = set(zip(*(map(each.get, free, repeat(0)) for each in (*held, cost)), strict=True))
    basis: list[list[int] | None] = [None] * (len(held) + 1)
    # Small columns first: numbers stay small.
    for column in sorted(columns, key=lambda each: (sum(map(abs, each)), each)):
        _insert(basis, list(column))
        last = basis[-1]
        if last is not None and abs(last[-1]) == 1:
            return 1
    last = basis[-1]
    return 0 if last is None else abs(last[-1])


def _insert(basis: list[list[int] | None], vector: list[int]) -> None:
    """Adds a vector to what the basis generates; the i-th has its first number at i."""
    for at in range(len(basis)):
        if not vector[at]:
            continue
        other = basis[at]
        if other is None:
            basis[at] = vector
            return
        # One that the basis has already leaves it as it is.
        while vector[at] % other[at]:
            vector, other = _less(other, vector, other[at] // vector[at]), vector
        basis[at] = other
        vector = _less(vector, other, vector[at] // other[at])


def _less(left: list[int], right: list[int], times: int) -> list[int]:
    return [a - times * b for a, b in zip(left, right, strict=True)]
