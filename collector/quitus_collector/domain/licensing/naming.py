"""Says which device got which licence, so that the sorted list of covers is the smallest.

The solution counts patterns; here the spots are decided one after the other, in the order of the
list. A better name than the solution at hand offers is tried by solving again with everything
decided held; what was impossible once stays so. In a large estate that would take for ever: after a
set effort the solution at hand decides, which is still one and the same for one input.
"""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from quitus_collector.domain.entitlement import Right
from quitus_collector.domain.licensing.assignment import Assignment, Cell, Sum
from quitus_collector.domain.licensing.clusters import holding_of
from quitus_collector.domain.licensing.columns import Names
from quitus_collector.domain.licensing.covers import Cover
from quitus_collector.domain.licensing.demand import Draw, Seat, Spot, Take
from quitus_collector.domain.licensing.pools import Lot
from quitus_collector.domain.optimisation import Row, SolverError

# Solving again for a better name stops at this sum of squared numbers of variables: some seconds.
EFFORT = 20_000_000

# So many positions are looked at ahead to begin with; twice as many each time that it goes well.
FIRST_STRIDE = 16

Allowed = tuple[int, ...]  # patterns by index that a member may still take
_Step = tuple[int, Allowed, Allowed]  # a member of this cell that may take what it may no longer
_Flow = tuple[Draw, int, int]  # a draw, a lot and the variable of the units drawn from it


@dataclass(slots=True)
class _Unit:
    """A unit that has a name, and how many devices it may still serve (None: any number)."""

    name: str
    seats: int | None


@dataclass(slots=True)
class _Line:
    """A line that gives its name to so many more units."""

    name: str
    left: int


class _Stock:
    """The lines of a lot that may still give a name: each unit names once, the lowest id first."""

    def __init__(self, lot: Lot) -> None:
        self._lines = [_Line(line.id, line.quantity) for line in reversed(lot.lines)]

    def current(self) -> _Line | None:
        """The line that names the next unit."""
        while self._lines and not self._lines[-1].left:
            self._lines.pop()
        return self._lines[-1] if self._lines else None

    @property
    def next_name(self) -> str | None:
        line = self.current()
        return line.name if line else None

    def name_after(self, taken: int) -> str | None:
        """The name that is next once so many have been taken."""
        for line in reversed(self._lines):
            if taken < line.left:
                return line.name
            taken -= line.left
        return None

    def take(self) -> str:
        self.current()
        self._lines[-1].left -= 1
        return self._lines[-1].name


@dataclass(slots=True)
class _Count:
    """Units of a draw and a lot that have a name."""

    units: int = 0


@dataclass(slots=True)
class _Progress:
    """How far the members of a cell are decided.

    `holdings` say how many of the members that may still take these patterns take which one in the
    solution at hand.
    """

    cell: Cell
    everything: Allowed
    state: list[Allowed]
    holdings: dict[Allowed, Counter[int]] = field(default_factory=dict)
    variables: dict[Allowed, dict[int, int]] = field(default_factory=dict)


class _Position(NamedTuple):
    """One install or access line: the place of a member of a cell, and the product there."""

    device: str
    product: str
    user: str
    cell: int
    member: int
    place: int
    product_index: int


@dataclass(frozen=True, slots=True)
class _Choice:
    """A name for a position, by one of these takes; a unit is new where it comes from a lot.

    Several takes have one name where a device may hold a unit or be the second to use it.
    Of the takes of other pools each has its own, and then a `unit` or a `lot`.
    """

    name: str
    position: _Position
    takes: tuple[int, ...]
    unit: _Unit | None = None
    lot: int | None = None


@dataclass(slots=True)
class _Run:
    """How the last lone member of a cell was named: the next one is too, while all of it lasts.

    What was impossible once stays so and the names of a lot only go up, so no better name can come.
    `left` more members take the wanted patterns in the solution at hand, and `taken` were named
    since holdings were counted. Without a `line` its install stays uncovered. At most `room` units
    of the draw and the lot are `named`.
    """

    wanted: Allowed
    left: int
    line: _Line | None = None
    right: Right = Right.DIRECT
    named: _Count | None = None
    room: int = 0
    taken: int = 0

    def goes_on(self) -> bool:
        """Names one more where all of it lasts; returns whether it did."""
        line, named = self.line, self.named
        if not self.left or (line is not None and not line.left):
            return False
        if named is not None:
            if named.units >= self.room:
                return False
            named.units += 1
        if line is not None:
            line.left -= 1
        self.left -= 1
        self.taken += 1
        return True


class _Candidate(NamedTuple):
    """A lot that may give a lone position its name, and what that would decide."""

    lot: int
    step: _Step
    flow: _Flow | None
    memo: Hashable


class Naming:
    """Names the covers of a solved assignment."""

    def __init__(self, assignment: Assignment, names: Names) -> None:
        """Nothing is decided yet."""
        self.assignment = assignment
        self.names = names
        self.stocks = {number: _Stock(lot) for number, lot in assignment.lots.items()}
        self.progress = []
        for cell in assignment.cells:
            everything = tuple(range(len(cell.patterns)))
            self.progress.append(_Progress(cell, everything, [everything] * len(cell.members)))
        self._runs: dict[int, _Run] = {}
        self._read_solution()
        self._named: defaultdict[tuple[Draw, int], _Count] = defaultdict(_Count)
        self._unit_of: dict[Hashable, _Unit] = {}
        self._units: defaultdict[Hashable, list[_Unit]] = defaultdict(list)
        self._impossible: set[Hashable] = set()
        self._effort = EFFORT
        self._stride, self._foreseen = FIRST_STRIDE, 0
        self._candidates_of: dict[int, list[_Candidate]] = {}
        self._lone = [_is_lone(cell) for cell in assignment.cells]

    def covers(self) -> list[Cover]:
        """Every cover, sorted."""
        named: list[_Choice] = []
        found: list[Cover] = []
        everything = self._positions()
        lone, progresses = self._lone, self.progress
        at, size = 0, len(everything)
        while at < size:
            device, product, user, cell, member, _, _ = everything[at]
            end = at + 1
            while end < size and everything[end][:2] == (device, product):
                end += 1
            if end > at + 1 or not lone[cell]:
                self._stop_runs()
                named += self._name_all(everything[at:end])
                for position in everything[at:end]:
                    self._runs.pop(position.cell, None)
            elif (run := self._runs.get(cell)) is not None and run.goes_on():
                # In a large estate nearly all are such, and choosing anew would take for ever.
                progresses[cell].state[member] = run.wanted
                if run.line is not None:
                    found.append(Cover(device, product, run.line.name, user, run.right))
            elif (cover := self._name_lone(everything, at)) is not None:
                found.append(cover)
            at = end
        self._stop_runs()
        found += map(self._cover, named)
        return sorted(found)

    def _positions(self) -> list[_Position]:
        # Plain tuples are sorted several times as fast.
        found: list[tuple[str, str, str, int, int, int, int]] = []
        for c, progress in enumerate(self.progress):
            members = progress.cell.members
            for p, place in enumerate(progress.cell.places):
                devices = map(self.names.devices.__getitem__, members.devices[:, p].tolist())
                users = map(self.names.users.__getitem__, members.users[:, p].tolist())
                of_place = list(zip(devices, users, strict=True))
                for i, product in enumerate(place.spot.products):
                    found += [
                        (device, product, user, c, m, p, i)
                        for m, (device, user) in enumerate(of_place)
                    ]
        found.sort()
        return list(map(_Position._make, found))

    def _name_lone(self, everything: Sequence[_Position], at: int) -> Cover | None:
        """Names a position that nothing else of its cluster depends on, and begins a run."""
        self._stop_runs()
        position = everything[at]
        self._look_ahead(everything, at)
        choice = next(self._name_all([position]), None)
        self._runs[position.cell] = self._run_of(position, choice)
        return None if choice is None else self._cover(choice)

    def _stop_runs(self) -> None:
        """Counts what was named in runs, which may go on later."""
        for cell, run in self._runs.items():
            progress = self.progress[cell]
            before = progress.holdings[progress.everything]
            for pattern in run.wanted:
                moved = min(run.taken, before[pattern])
                _count_move(progress, progress.everything, run.wanted, pattern, moved)
                run.taken -= moved

    def _look_ahead(self, everything: Sequence[_Position], at: int) -> None:
        """Finds a solution that has the names which the next positions would like best, together.

        One that suits the next position alone would have to be found anew for the one after it.
        Nothing is decided here.
        """
        while at >= self._foreseen and self._stride > 1 and self._may_solve():
            moves, flows = self._wishes(everything[at : at + self._stride])
            if not self._is_at_hand(moves, flows):
                solution = self._solved(moves, flows)
                if solution is None:
                    self._stride //= 2
                    continue
                self.assignment.solution = solution
                self._read_solution()
            self._foreseen = at + self._stride
            self._stride *= 2
        self._stride = max(self._stride, FIRST_STRIDE)

    def _wishes(self, positions: Sequence[_Position]) -> tuple[Counter[_Step], Counter[_Flow]]:
        """What the lone ones among these would decide if each got the best that may be possible."""
        moves: Counter[_Step] = Counter()
        flows: Counter[_Flow] = Counter()
        taken: Counter[int] = Counter()
        for position in positions:
            if not self._lone[position.cell]:
                continue
            best: tuple[str, _Candidate] | None = None
            for candidate in self._candidates(position):
                if candidate.memo not in self._impossible:
                    name = self.stocks[candidate.lot].name_after(taken[candidate.lot])
                    if name is not None and (best is None or name < best[0]):
                        best = name, candidate
            if best is not None:
                (_, candidate) = best
                taken[candidate.lot] += 1
                moves[candidate.step] += 1
                if candidate.flow is not None:
                    flows[candidate.flow] += 1
        return moves, flows

    def _candidates(self, position: _Position) -> list[_Candidate]:
        """The names that a lone position may get, by their lots."""
        cell = position.cell
        if cell not in self._candidates_of:
            everything = self.progress[cell].everything
            found = []
            for choice in self._choices([position]):
                wanted = self._patterns(position, everything, choice.takes)
                if choice.lot is not None and len(wanted) == 1:
                    flow = self._flow(choice)
                    step = cell, everything, wanted
                    memo = (*step, flow and flow[:2])
                    found.append(_Candidate(choice.lot, step, flow, memo))
            self._candidates_of[cell] = found
        return self._candidates_of[cell]

    def _is_at_hand(self, moves: Mapping[_Step, int], flows: Mapping[_Flow, int]) -> bool:
        return all(
            self.progress[cell].holdings[allowed][pattern] >= count
            for (cell, allowed, (pattern,)), count in moves.items()
        ) and all(
            self._flow_units(flow) >= self._named[flow[:2]].units + count
            for flow, count in flows.items()
        )

    def _run_of(self, position: _Position, choice: _Choice | None) -> _Run:
        progress = self.progress[position.cell]
        everything = progress.everything
        takes = choice.takes if choice is not None and choice.lot is not None else ()
        wanted = self._patterns(position, everything, takes)
        left = sum(map(progress.holdings[everything].__getitem__, wanted))
        if choice is None or choice.lot is None:
            return _Run(wanted, left)
        line = self.stocks[choice.lot].current()
        if line is None or line.name != choice.name:
            return _Run(wanted, 0)
        run = _Run(wanted, left, line, self._take(choice).rights[position.product])
        if flow := self._flow(choice):
            run.named, run.room = self._named[flow[:2]], self._flow_units(flow)
        return run

    def _name_all(self, positions: list[_Position]) -> Iterator[_Choice]:
        """Names the positions of one device and product, the smallest (name, user) first."""
        while positions:
            choice = next(filter(self._can_be, self._choices(positions)), None)
            if choice is None:
                break
            self._decide(choice)
            yield choice
            positions.remove(choice.position)
        for position in positions:
            progress = self.progress[position.cell]
            allowed = progress.state[position.member]
            bare = self._patterns(position, allowed, ())
            if bare != allowed and self._offers(position, bare):
                self._move(position, bare)

    # --- choices ---

    def _choices(self, positions: Sequence[_Position]) -> list[_Choice]:
        found: list[_Choice] = []
        for position in positions:
            progress = self.progress[position.cell]
            takes = {
                take
                for pattern in progress.state[position.member]
                for take in progress.cell.patterns[pattern][position.place].names[
                    position.product_index
                ]
            }
            found += self._names(position, sorted(takes))
        return sorted(found, key=lambda each: (each.name, each.position.user))

    def _names(self, position: _Position, takes: Sequence[int]) -> Iterator[_Choice]:
        lent: defaultdict[str, list[int]] = defaultdict(list)
        for index in takes:
            take = self._spot(position).takes[index]
            if take.seat in (Seat.HOLDER, Seat.SECOND):
                (lot,) = take.draw[0].lots
                lent[self.assignment.lots[lot].terms.id].append(index)
                continue
            unit = self._unit_of.get(self._taken(position, take)) or next(
                (u for u in self._units[self._holder(position, take)] if u.seats != 0), None
            )
            if unit is not None:
                yield _Choice(unit.name, position, (index,), unit)
                continue
            for number in take.draw[0].lots:
                name = self.stocks[number].next_name
                if name is not None:
                    yield _Choice(name, position, (index,), lot=number)
        for name, indexes in lent.items():
            yield _Choice(name, position, tuple(indexes))

    def _spot(self, position: _Position) -> Spot:
        return self.progress[position.cell].cell.places[position.place].spot

    def _taken(self, position: _Position, take: Take) -> Hashable:
        """What makes two uses of a take on one spot the same use."""
        return *self._stand(position), take.pool, take.seat

    def _holder(self, position: _Position, take: Take) -> Hashable:
        """Where the units of the take sit."""
        if take.seat is Seat.COMPANY:
            return take.draw
        cell = self.progress[position.cell].cell
        holding = holding_of(cell.places[position.place], take)
        if holding:
            return cell.clusters[position.member], holding
        return *self._stand(position), take.pool

    def _stand(self, position: _Position) -> tuple[int, str, str]:
        """The cluster, and what stands at the place in it."""
        cluster = self.progress[position.cell].cell.clusters[position.member]
        return cluster, position.device, position.user

    # --- deciding ---

    def _patterns(self, position: _Position, allowed: Allowed, takes: tuple[int, ...]) -> Allowed:
        """Those of the allowed patterns in which one of the takes may name the position.

        Without takes, those that leave it uncovered.
        """
        patterns = self.progress[position.cell].cell.patterns
        place, product = position.place, position.product_index
        if not takes:
            return tuple(o for o in allowed if not patterns[o][place].names[product])
        return tuple(
            o for o in allowed if any(t in takes for t in patterns[o][place].names[product])
        )

    def _can_be(self, choice: _Choice) -> bool:
        """Whether a best solution has this name besides all that is decided."""
        position = choice.position
        allowed = self.progress[position.cell].state[position.member]
        wanted = self._patterns(position, allowed, choice.takes)
        if not wanted:
            return False
        flow = self._flow(choice)
        named = self._named[flow[:2]].units + 1 if flow else 0
        if self._offers(position, wanted) and (flow is None or self._flow_units(flow) >= named):
            return True
        step = position.cell, allowed, wanted
        memo = (*step, flow and flow[:2])
        if memo in self._impossible or not self._may_solve():
            return False
        solution = self._solved({step: 1}, {flow: 1} if flow else {})
        if solution is None:
            if self.assignment.is_optimal:
                self._impossible.add(memo)
            return False
        self.assignment.solution = solution
        self._move(position, wanted, count=False)
        self._read_solution()
        return True

    def _may_solve(self) -> bool:
        return self.assignment.is_optimal and self._effort >= 0

    def _solved(
        self, moves: Mapping[_Step, int], flows: Mapping[_Flow, int]
    ) -> Sequence[int] | None:
        """A best solution with all that is decided and this besides; None where there is none."""
        self._effort -= len(self.assignment.programme.upper_bounds) ** 2
        at_least, rows = self._held(moves)
        for flow, count in flows.items():
            at_least[flow[2]] = max(at_least.get(flow[2], 0), self._named[flow[:2]].units + count)
        try:
            return self.assignment.session.find(at_least, rows)
        except SolverError:
            self.assignment.is_optimal = False
            return None

    def _offers(self, position: _Position, wanted: Allowed) -> bool:
        progress = self.progress[position.cell]
        holding = progress.holdings[progress.state[position.member]]
        return any(holding[pattern] for pattern in wanted)

    def _flow(self, choice: _Choice) -> _Flow | None:
        """The variable that must leave a unit for a new name, where a lot does not give all."""
        if choice.lot is None:
            return None
        take = self._take(choice)
        if len(take.draw[0].lots) == 1:
            return None
        (variable,) = self.assignment.flows[take.draw][choice.lot]
        return take.draw, choice.lot, variable

    def _flow_units(self, flow: _Flow) -> int:
        return self.assignment.solution[flow[2]]

    def _take(self, choice: _Choice) -> Take:
        return self._spot(choice.position).takes[choice.takes[0]]

    def _decide(self, choice: _Choice) -> None:
        position, take = choice.position, self._take(choice)
        allowed = self.progress[position.cell].state[position.member]
        self._move(position, self._patterns(position, allowed, choice.takes))
        unit = choice.unit
        if choice.lot is not None:
            flow = self._flow(choice)
            if flow:
                self._named[flow[:2]].units += 1
            seats = take.capacity if take.seat is Seat.PERSON else None
            unit = _Unit(self.stocks[choice.lot].take(), seats)
            self._units[self._holder(position, take)].append(unit)
        if unit is None:
            return
        taken = self._taken(position, take)
        if taken not in self._unit_of:
            self._unit_of[taken] = unit
            if unit.seats is not None:
                unit.seats -= 1

    def _cover(self, choice: _Choice) -> Cover:
        """The cover, once it is settled which of the takes it is."""
        position = choice.position
        if len(choice.takes) > 1:
            apart = (replace(choice, takes=(take,)) for take in choice.takes)
            choice = next((each for each in apart if self._can_be(each)), choice)
            self._decide(choice)
        right = self._take(choice).rights[position.product]
        return Cover(position.device, position.product, choice.name, position.user, right)

    def _move(self, position: _Position, wanted: Allowed, *, count: bool = True) -> None:
        """The member may take the wanted patterns only."""
        progress = self.progress[position.cell]
        allowed = progress.state[position.member]
        if wanted == allowed:
            return
        progress.state[position.member] = wanted
        if count:
            pattern = next(filter(progress.holdings[allowed].__getitem__, wanted))
            _count_move(progress, allowed, wanted, pattern, 1)

    # --- the programme with all that is decided ---

    def _held(self, moves: Mapping[_Step, int]) -> tuple[dict[int, int], list[Row]]:
        """What keeps the decisions; `moves` are further ones, with how many members take them."""
        at_least: dict[int, int] = {}
        for (draw, lot), named in self._named.items():
            if not named.units:
                continue
            (variable,) = self.assignment.flows[draw][lot]
            at_least[variable] = named.units
        rows: list[Row] = []
        for number, progress in enumerate(self.progress):
            counts = Counter(
                {allowed: holding.total() for allowed, holding in progress.holdings.items()}
            )
            for (cell, before, after), members in moves.items():
                if cell == number:
                    counts[before] -= members
                    counts[after] += members
            fixed: Counter[int] = Counter()
            shares: defaultdict[int, Sum] = defaultdict(dict)
            for allowed, members in counts.items():
                if allowed == progress.everything or not members:
                    continue
                if len(allowed) == 1:
                    fixed[allowed[0]] += members
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

    def _variables(self, progress: _Progress, allowed: Allowed) -> Mapping[int, int]:
        """How many of the members that are decided so far take which pattern."""
        if allowed not in progress.variables:
            size = len(progress.cell.members)
            progress.variables[allowed] = {
                pattern: self.assignment.programme.add_variable(size) for pattern in allowed
            }
        return progress.variables[allowed]

    def _read_solution(self) -> None:
        """Shares the solution's patterns out among what the members may still take."""
        self._runs = {}
        solution = self.assignment.solution
        for progress in self.progress:
            rest = Counter(dict(enumerate(solution[v] for v in progress.cell.variables)))
            members = Counter(progress.state)
            holdings: dict[Allowed, Counter[int]] = {}
            for allowed, count in members.items():
                if allowed == progress.everything:
                    continue
                if len(allowed) == 1:
                    holdings[allowed] = Counter({allowed[0]: count})
                else:
                    holdings[allowed] = Counter(
                        {
                            pattern: solution[variable]
                            for pattern, variable in progress.variables[allowed].items()
                        }
                    )
                rest.subtract(holdings[allowed])
            holdings[progress.everything] = rest
            progress.holdings = holdings

    def settle_lines(self) -> None:
        """Where covers leave a choice between lots, takes most units from the lowest ids."""
        assignment = self.assignment
        if assignment.is_optimal and any(
            len(draw) > 1 or len(draw[0].lots) > 1 for draw in assignment.flows
        ):
            at_least, rows = self._held({})
            assignment.keep(at_least, rows)
            assignment.settle_lines()


def _count_move(
    progress: _Progress, allowed: Allowed, wanted: Allowed, pattern: int, members: int
) -> None:
    """So many members take the pattern as ones that may take these alone, in the same solution."""
    if members and wanted != allowed:
        progress.holdings[allowed][pattern] -= members
        after = progress.holdings.setdefault(wanted, Counter())
        after[pattern] += members


def _is_lone(cell: Cell) -> bool:
    """Whether a member's only install or line is all of its cluster, under units of its own."""
    if cell.cluster is not None or len(cell.places) > 1 or len(cell.places[0].spot.products) > 1:
        return False
    kept = (Seat.HOLDER, Seat.SECOND, Seat.COMPANY)
    return not any(take.seat in kept for take in cell.places[0].spot.takes)
