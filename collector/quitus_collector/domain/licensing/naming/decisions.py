"""What is decided of the members of cells, and the conditions that hold it."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from quitus_collector.domain.licensing.assignment import Assignment, Cell, Sum
from quitus_collector.domain.optimisation import Row

Allowed = frozenset[int]  # patterns by index that a member may still take
Step = tuple[int, Allowed, Allowed]  # a member of this cell that may take what it may no longer


@dataclass(slots=True)
class Progress:
    """How far the members of a cell are decided.

    `members` say how many may still take which patterns; `holdings` how many of those take which
    one in the solution at hand, without zeros. `allowed` has the members that may not take
    everything, but for lone ones named in runs.
    """

    cell: Cell
    everything: Allowed
    members: Counter[Allowed]
    allowed: dict[int, Allowed] = field(default_factory=dict)
    holdings: dict[Allowed, Counter[int]] = field(default_factory=dict)
    variables: dict[Allowed, dict[int, int]] = field(default_factory=dict)

    def count(self, allowed: Allowed, wanted: Allowed, pattern: int, members: int) -> None:
        """So many members take the pattern as ones that may take the wanted alone."""
        holding = self.holdings[allowed]
        holding[pattern] -= members
        if not holding[pattern]:
            del holding[pattern]
        self.holdings.setdefault(wanted, Counter())[pattern] += members


class Decisions:
    """Which patterns each member may still take; nothing is decided to begin with."""

    def __init__(self, assignment: Assignment) -> None:
        """Reads the solution at hand."""
        self.assignment = assignment
        self.progress: list[Progress] = []
        for cell in assignment.cells:
            everything = frozenset(range(len(cell.patterns)))
            members = Counter({everything: len(cell.members)})
            self.progress.append(Progress(cell, everything, members))
        self.read()

    def allowed(self, cell: int, member: int) -> Allowed:
        """What the member may still take."""
        progress = self.progress[cell]
        return progress.allowed.get(member, progress.everything)

    def offers(self, cell: int, allowed: Allowed, wanted: Allowed) -> bool:
        """Whether any that may take the allowed takes a wanted one in the solution at hand."""
        return not wanted.isdisjoint(self.progress[cell].holdings[allowed])

    def offered(self, cell: int, allowed: Allowed, wanted: Allowed) -> int:
        """How many do."""
        holding = self.progress[cell].holdings[allowed]
        return sum(holding[pattern] for pattern in wanted.intersection(holding))

    def decide(self, cell: int, member: int, wanted: Allowed) -> None:
        """The member may take the wanted patterns only, and does so in another solution."""
        progress = self.progress[cell]
        progress.members[self.allowed(cell, member)] -= 1
        progress.members[wanted] += 1
        progress.allowed[member] = wanted

    def move(self, cell: int, member: int, wanted: Allowed) -> None:
        """The member may take the wanted patterns only, and does so in the solution at hand."""
        progress = self.progress[cell]
        allowed = self.allowed(cell, member)
        if wanted != allowed:
            self.decide(cell, member, wanted)
            pattern = min(wanted.intersection(progress.holdings[allowed]))
            progress.count(allowed, wanted, pattern, 1)

    def move_many(self, cell: int, members: int, wanted: Allowed) -> None:
        """So does any number of lone members."""
        progress = self.progress[cell]
        everything = progress.everything
        if wanted == everything or not members:
            return
        progress.members[everything] -= members
        progress.members[wanted] += members
        holding = progress.holdings[everything]
        for pattern in sorted(wanted.intersection(holding)):
            if moved := min(members, holding[pattern]):
                progress.count(everything, wanted, pattern, moved)
                members -= moved

    def read(self) -> None:
        """Shares the solution's patterns out among what the members may still take."""
        solution = self.assignment.solution
        for progress in self.progress:
            rest = Counter({n: solution[v] for n, v in enumerate(progress.cell.variables)})
            holdings: dict[Allowed, Counter[int]] = {}
            for allowed, count in progress.members.items():
                if allowed != progress.everything and count:
                    holdings[allowed] = _holding(progress, allowed, count, solution)
                    rest.subtract(holdings[allowed])
            holdings[progress.everything] = +rest
            progress.holdings = holdings

    def held(self, moves: Mapping[Step, int]) -> tuple[dict[int, int], list[Row]]:
        """What keeps the decisions; `moves` are further ones, with how many members take them."""
        at_least: dict[int, int] = {}
        rows: list[Row] = []
        further: defaultdict[int, Counter[Allowed]] = defaultdict(Counter)
        for (cell, before, after), members in moves.items():
            further[cell][before] -= members
            further[cell][after] += members
        for number, progress in enumerate(self.progress):
            counts = progress.members
            if number in further:
                counts = counts.copy()
                counts.update(further[number])
            fixed: Counter[int] = Counter()
            shares: defaultdict[int, Sum] = defaultdict(dict)
            for allowed, members in counts.items():
                if allowed == progress.everything or not members:
                    continue
                if len(allowed) == 1:
                    fixed[min(allowed)] += members
                    continue
                variables = self._variables(progress, allowed)
                rows.append(Row(dict.fromkeys(variables.values(), 1), members, members))
                for pattern, variable in variables.items():
                    shares[pattern][variable] = -1
            for pattern in fixed.keys() | shares.keys():
                variable = progress.cell.variables[pattern]
                if pattern in shares:
                    rows.append(Row({variable: 1, **shares[pattern]}, lower=fixed[pattern]))
                else:
                    at_least[variable] = fixed[pattern]
        return at_least, rows

    def _variables(self, progress: Progress, allowed: Allowed) -> Mapping[int, int]:
        """How many of the members that are decided so far take which pattern."""
        if allowed not in progress.variables:
            size = len(progress.cell.members)
            progress.variables[allowed] = {
                pattern: self.assignment.programme.add_variable(size) for pattern in sorted(allowed)
            }
        return progress.variables[allowed]


def _holding(
    progress: Progress, allowed: Allowed, members: int, solution: Sequence[int]
) -> Counter[int]:
    """How many of the members that may take these patterns take which one in the solution."""
    if len(allowed) == 1:
        return Counter({min(allowed): members})
    return +Counter({n: solution[v] for n, v in progress.variables[allowed].items()})
