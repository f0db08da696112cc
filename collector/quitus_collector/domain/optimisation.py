"""Integer programmes, as the licence engine states them and a solver answers them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol


@dataclass(frozen=True, slots=True)
class Row:
    """`lower <= sum(coefficient x variable) <= upper`; None is no bound."""

    coefficients: Mapping[int, int]
    lower: int | None = None
    upper: int | None = None


class Part(NamedTuple):
    """Variables that its rows bind to each other, and few others to the rest."""

    variables: range
    rows: range


@dataclass(slots=True)
class Programme:
    """Integer variables from 0 to their upper bound, under rows; all numbers are whole.

    It may grow while it is being solved, but for its `parts`, which a solver may look at apart.
    `flows` are how units get from where they are to where they are drawn.
    """

    upper_bounds: list[int] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    flows: list[int] = field(default_factory=list)

    def add_variable(self, upper_bound: int) -> int:
        """Returns the index by which rows and costs name the variable."""
        self.upper_bounds.append(upper_bound)
        return len(self.upper_bounds) - 1

    def add_flow(self, upper_bound: int) -> int:
        """A variable that mostly is whole by itself once those are whole that are no flows."""
        self.flows.append(self.add_variable(upper_bound))
        return self.flows[-1]

    def add_row(
        self, coefficients: Mapping[int, int], lower: int | None = None, upper: int | None = None
    ) -> None:
        """One more condition."""
        self.rows.append(Row(coefficients, lower, upper))

    @contextmanager
    def part(self) -> Iterator[None]:
        """What is added meanwhile is a part."""
        variable, row = len(self.upper_bounds), len(self.rows)
        yield
        self.parts.append(Part(range(variable, len(self.upper_bounds)), range(row, len(self.rows))))

    def most(self, coefficients: Mapping[int, int]) -> int:
        """What the sum cannot exceed, by the bounds of the variables alone."""
        bounds = self.upper_bounds
        return sum(weight * bounds[v] for v, weight in coefficients.items() if weight > 0)


@dataclass(frozen=True, slots=True)
class Settled:
    """Values by variable; `bound` is what the cost was proven not to be below.

    `is_proven` is False where the time limit came before the proof.
    """

    values: Sequence[int]
    bound: int
    is_proven: bool


class Session(Protocol):
    """One programme being solved, level after level."""

    def settle(self, cost: Mapping[int, int]) -> Settled:
        """Minimises the cost and, where that was proven, holds it at the optimum from then on.

        Raises SolverError where there is no answer at all.
        """

    def find(self, at_least: Mapping[int, int], rows: Sequence[Row]) -> Sequence[int] | None:
        """A solution under further conditions, which are not kept; None where there is none.

        Raises SolverError where neither could be proven.
        """


class Solver(Protocol):
    """Solves integer programmes to proven optimality."""

    def open(self, programme: Programme) -> Session:
        """Begins with a programme; what is added to it later counts from then on."""


class SolverError(Exception):
    """The solver stopped before it proved an answer."""


def total(cost: Mapping[int, int], values: Sequence[int]) -> int:
    """What a solution costs, exactly."""
    return sum(weight * values[variable] for variable, weight in cost.items())
