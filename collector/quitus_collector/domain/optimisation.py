"""Integer programmes, as the licence engine states them and a solver answers them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """`lower <= sum(coefficient x variable) <= upper`; None is no bound."""

    coefficients: Mapping[int, int]
    lower: int | None = None
    upper: int | None = None


@dataclass(slots=True)
class Programme:
    """Integer variables from 0 to their upper bound, under rows; all numbers are whole."""

    upper_bounds: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    def add_variable(self, upper_bound: int) -> int:
        """Returns the index by which rows and costs name the variable."""
        self.upper_bounds.append(upper_bound)
        return len(self.upper_bounds) - 1


class Solver(Protocol):
    """Proves an optimum of a programme, or that there is none."""

    def minimise(self, programme: Programme, cost: Mapping[int, int]) -> Sequence[int] | None:
        """The values of an optimal solution, by variable; None where nothing is feasible.

        Raises SolverError where the optimum could not be proven.
        """


class SolverError(Exception):
    """The solver stopped before it proved an optimum."""


def total(cost: Mapping[int, int], values: Sequence[int]) -> int:
    """What a solution costs, exactly."""
    return sum(weight * values[variable] for variable, weight in cost.items())
