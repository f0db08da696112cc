"""Reconciles installs with entitlements: what is covered, by which licence, and what is missing.

Exact by integer optimisation over groups of identical devices; the rules and the order of the
objective are those of docs/licensing.md. The answer does not depend on the order of the input.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from math import gcd

from quitus_collector.domain.entitlement import Entitlement, Right
from quitus_collector.domain.optimisation import Programme, Row, Solver, SolverError, total
from quitus_collector.domain.product import line_of

# Beyond this an objective is taken digit by digit: a solver's tolerance is 1e-6, a double's 1e-16.
SAFE_TOTAL = 10**8
BASE = 10**4


@dataclass(frozen=True, slots=True)
class CountedDevice:
    """What the rules ask of a device; without an `entity`, only unrestricted lines cover it."""

    id: str
    entity: str | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What is installed, as (device id, product), and what is owned on one day.

    `unit_costs` gives the price of one unit by product; a product that is not there costs 1.
    """

    as_of: date
    devices: Sequence[CountedDevice]
    installs: frozenset[tuple[str, str]]
    entitlements: Sequence[Entitlement]
    unit_costs: Mapping[str, Decimal] = field(default_factory=dict)

    def unit_cost(self, product: str) -> Decimal:
        """Price of one unit of the product."""
        return self.unit_costs.get(product, Decimal(1))


@dataclass(frozen=True, slots=True, order=True)
class Cover:
    """One install, the entitlement whose unit covers it, and the right that lets it."""

    device: str
    product: str
    entitlement: str
    right: Right


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The best assignment, proven.

    `uncovered` counts installs by product and leaves out zeros; `consumed` counts units and has
    every entitlement; `covered` is sorted.
    """

    uncovered: Mapping[str, int]
    consumed: Mapping[str, int]
    shortfall_cost: Decimal
    covered: Sequence[Cover]


def reconcile(situation: Situation, solver: Solver) -> Reconciliation:
    """Finds the best assignment; raises SolverError if its optimality could not be proven.

    No right reaches from one product line to another, so each line is solved alone.
    """
    installed: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for device, product in situation.installs:
        installed[line_of(product)][device].add(product)
    covered: list[Cover] = []
    for line in sorted(installed):
        lots = _lots(situation, line)
        if lots:
            covered += _Assignment(situation, lots, installed[line]).solve(solver)
    missing = Counter(product for _, product in situation.installs)
    missing.subtract(cover.product for cover in covered)
    uncovered = {product: count for product, count in sorted(missing.items()) if count}
    # A unit covers all that it may on its device: it is consumed once there, however many installs.
    units = Counter(entitlement for _, entitlement in {(c.device, c.entitlement) for c in covered})
    return Reconciliation(
        uncovered,
        {line.id: units[line.id] for line in situation.entitlements},
        sum((situation.unit_cost(p) * count for p, count in uncovered.items()), Decimal(0)),
        sorted(covered),
    )


@dataclass(frozen=True, slots=True)
class _Lot:
    """Entitlement lines that differ in id and quantity alone, sorted by id."""

    lines: tuple[Entitlement, ...]

    @property
    def terms(self) -> Entitlement:
        """What all the lines grant; its id and quantity are those of the first line only."""
        return self.lines[0]

    def reaches(self, device: CountedDevice) -> bool:
        """Whether a unit may go to this device at all."""
        terms = self.terms
        return terms.bound_to in (None, device.id) and terms.entity in (None, device.entity)


@dataclass(frozen=True, slots=True)
class _Pattern:
    """One way to license a device: the lots that give it a unit, and which covers what."""

    lots: frozenset[int]
    covers: tuple[tuple[str, int | None], ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """Devices that the rules cannot tell apart, and the variables that count their patterns."""

    devices: tuple[str, ...]
    variables: tuple[int, ...]


def _lots(situation: Situation, product_line: str) -> list[_Lot]:
    lots: defaultdict[tuple[object, ...], list[Entitlement]] = defaultdict(list)
    for each in sorted(situation.entitlements, key=lambda line: line.id):
        if line_of(each.product) == product_line and each.is_valid_on(situation.as_of):
            key = (each.product, each.downgrade, each.bound_to, each.entity, each.valid_until)
            lots[key].append(each)
    return [_Lot(tuple(lines)) for lines in lots.values()]


def _patterns(
    products: Sequence[str], reaching: Iterable[int], lots: Sequence[_Lot]
) -> list[_Pattern]:
    """Every way to license a device that wastes no unit; the first takes none."""
    covering = {p: [i for i in reaching if lots[i].terms.right_to(p)] for p in products}
    choices = {frozenset[int]()}
    for product in products:
        choices |= {
            chosen | {lot}
            for chosen in choices
            if not chosen.intersection(covering[product])
            for lot in covering[product]
        }
    return [
        _Pattern(chosen, tuple((p, _coverer(p, chosen, lots)) for p in products))
        for chosen in sorted(choices, key=sorted)
        if not _wastes(chosen, covering)
    ]


def _wastes(chosen: frozenset[int], covering: Mapping[str, list[int]]) -> bool:
    """Whether one of the units covers nothing that the others do not cover too."""
    alone = {
        next(iter(coverers))
        for lots in covering.values()
        if len(coverers := chosen.intersection(lots)) == 1
    }
    return alone != chosen


def _coverer(product: str, chosen: Iterable[int], lots: Sequence[_Lot]) -> int | None:
    """The chosen lot that covers the product, a direct cover before any other."""
    rights = {lot: right for lot in sorted(chosen) if (right := lots[lot].terms.right_to(product))}
    return min(rights, key=lambda lot: (rights[lot] is not Right.DIRECT, lot), default=None)


class _Stock:
    """The units of a lot that are still to be given out, lowest line id first."""

    def __init__(self, lot: _Lot) -> None:
        self._left = [[line.id, line.quantity] for line in reversed(lot.lines) if line.quantity]

    def next_line(self) -> str:
        """The line that the next unit comes from; only asked while units are left."""
        return str(self._left[-1][0])

    def take(self) -> None:
        self._left[-1][1] -= 1  # type: ignore[operator]
        if not self._left[-1][1]:
            self._left.pop()

    def __bool__(self) -> bool:
        return bool(self._left)


class _Assignment:
    """The integer programme of one product line: how many devices of a group take each pattern."""

    def __init__(
        self,
        situation: Situation,
        lots: Sequence[_Lot],
        installed: Mapping[str, Iterable[str]],
    ) -> None:
        self.situation = situation
        self.lots = lots
        self.programme = Programme()
        self.patterns: list[_Pattern] = []  # by variable
        alike: defaultdict[tuple[tuple[str, ...], tuple[int, ...]], list[str]] = defaultdict(list)
        for device in situation.devices:
            if device.id in installed:
                reaching = tuple(i for i, lot in enumerate(lots) if lot.reaches(device))
                alike[tuple(sorted(installed[device.id])), reaching].append(device.id)
        self.groups = [self._group(*situation, ids) for situation, ids in sorted(alike.items())]
        for index, lot in enumerate(lots):
            takers = {v: 1 for v, pattern in enumerate(self.patterns) if index in pattern.lots}
            if takers:
                quantity = sum(line.quantity for line in lot.lines)
                self.programme.rows.append(Row(takers, upper=quantity))

    def _group(
        self, products: tuple[str, ...], reaching: tuple[int, ...], ids: list[str]
    ) -> _Group:
        variables = []
        for pattern in _patterns(products, reaching, self.lots):
            variables.append(self.programme.add_variable(len(ids)))
            self.patterns.append(pattern)
        self.programme.rows.append(Row(dict.fromkeys(variables, 1), len(ids), len(ids)))
        return _Group(tuple(ids), tuple(variables))

    def solve(self, solver: Solver) -> list[Cover]:
        """Optimises level after level, each held while the next is sought; then names devices."""
        solution = self._holding(solver, {})
        for level in self._levels():
            for cost in self._digits(level):
                solution = solver.minimise(self.programme, cost)
                if solution is None:
                    raise SolverError("the solver lost the assignment that it had found")
                self.programme.rows.append(Row(cost, upper=total(cost, solution)))
        if solution is None:
            raise SolverError(
                "the solver found no assignment, although leaving all uncovered is one"
            )
        return self._name_devices(solver, solution)

    def _digits(self, cost: dict[int, int]) -> list[dict[int, int]]:
        """The same objective in numbers that floating point holds exactly.

        A cost that may grow large is written in digits of a large base, each a variable of its own
        with its carry; the least number is the one whose digits are least, highest digit first.
        """
        bounds = self.programme.upper_bounds
        if sum(abs(weight) * bounds[variable] for variable, weight in cost.items()) < SAFE_TOTAL:
            return [cost]
        digits: list[dict[int, int]] = []
        carry: int | None = None
        while any(cost.values()):
            parts = {variable: weight % BASE for variable, weight in cost.items()}
            cost = {variable: weight // BASE for variable, weight in cost.items()}
            highest = sum(part * bounds[variable] for variable, part in parts.items())
            highest += bounds[carry] if carry is not None else 0
            digit = self.programme.add_variable(BASE - 1)
            next_carry = self.programme.add_variable(highest // BASE)
            row = parts | {digit: -1, next_carry: -BASE}
            if carry is not None:
                row[carry] = 1
            self.programme.rows.append(Row(row, 0, 0))
            digits.append({digit: 1})
            carry = next_carry
        if carry is not None:
            digits.append({carry: 1})
        return digits[::-1]

    def _levels(self) -> list[dict[int, int]]:
        """What is minimised, in turn; docs/licensing.md, "The objective"."""
        unit_cost = self.situation.unit_cost
        terms = [lot.terms for lot in self.lots]
        products = {product for pattern in self.patterns for product, _ in pattern.covers}
        price = _whole({product: unit_cost(product) for product in products})
        weight = _whole({each.product: unit_cost(each.product) for each in terms})

        def uncovered(pattern: _Pattern) -> list[str]:
            return [product for product, lot in pattern.covers if lot is None]

        def units(pattern: _Pattern, counts: Callable[[Entitlement], bool]) -> int:
            return sum(counts(terms[lot]) for lot in pattern.lots)

        def ending(end: date) -> Callable[[_Pattern], int]:
            return lambda pattern: -units(pattern, lambda line: line.valid_until == end)

        def direct(pattern: _Pattern) -> int:
            return sum(lot is not None and terms[lot].product == p for p, lot in pattern.covers)

        measures: list[Callable[[_Pattern], int]] = [
            lambda pattern: sum(price[product] for product in uncovered(pattern)),
            lambda pattern: len(uncovered(pattern)),
            lambda pattern: sum(weight[terms[lot].product] for lot in pattern.lots),
            lambda pattern: len(pattern.lots),
            lambda pattern: -units(pattern, lambda line: line.bound_to is not None),
            lambda pattern: -units(pattern, lambda line: line.entity is not None),
        ]
        for end in sorted({each.valid_until for each in terms if each.valid_until}):
            measures.append(ending(end))
        measures.append(lambda pattern: -direct(pattern))
        levels: list[dict[int, int]] = []
        for measure in measures:
            level = {
                v: value for v, pattern in enumerate(self.patterns) if (value := measure(pattern))
            }
            if level and level not in levels:
                levels.append(level)
        return levels

    def _name_devices(self, solver: Solver, solution: Sequence[int]) -> list[Cover]:
        """Gives each device its pattern so that the sorted list of covers is the smallest.

        Devices are decided in the order of their ids. A better pattern than the solution at hand
        offers is tried by solving again with all decisions held; what was impossible stays so.
        """
        stocks = [_Stock(lot) for lot in self.lots]
        group_of = {device: group for group in self.groups for device in group.devices}
        decided: Counter[int] = Counter()
        impossible: set[int] = set()
        covered: list[Cover] = []
        for device in sorted(group_of):
            for variable in self._preferred(group_of[device], stocks):
                if solution[variable] <= decided[variable]:
                    if variable in impossible:
                        continue
                    better = self._holding(solver, decided + Counter([variable]))
                    if better is None:
                        impossible.add(variable)
                        continue
                    solution = better
                decided[variable] += 1
                covered += self._covers(device, self.patterns[variable], stocks)
                break
        return covered

    def _preferred(self, group: _Group, stocks: Sequence[_Stock]) -> list[int]:
        """The patterns that stocks still allow, the one with the smallest list of covers first."""

        def covers(variable: int) -> list[tuple[bool, str]]:
            pairs = self.patterns[variable].covers
            return [
                (lot is None, "" if lot is None else stocks[lot].next_line()) for _, lot in pairs
            ]

        allowed = (v for v in group.variables if all(stocks[lot] for lot in self.patterns[v].lots))
        return sorted(allowed, key=covers)

    def _covers(self, device: str, pattern: _Pattern, stocks: Sequence[_Stock]) -> list[Cover]:
        covers = []
        for product, lot in pattern.covers:
            if lot is not None and (right := self.lots[lot].terms.right_to(product)):
                covers.append(Cover(device, product, stocks[lot].next_line(), right))
        for lot in pattern.lots:
            stocks[lot].take()
        return covers

    def _holding(self, solver: Solver, decided: Mapping[int, int]) -> Sequence[int] | None:
        held = [Row({variable: 1}, lower=count) for variable, count in decided.items()]
        programme = Programme(self.programme.upper_bounds, [*self.programme.rows, *held])
        return solver.minimise(programme, {})


def _whole(amounts: Mapping[str, Decimal]) -> dict[str, int]:
    """The amounts as whole numbers in the same proportion, as small as they can be."""
    ratios = {key: amount.as_integer_ratio() for key, amount in amounts.items()}
    scale = 1
    for _, denominator in ratios.values():
        scale = scale * denominator // gcd(scale, denominator)
    whole = {key: top * (scale // bottom) for key, (top, bottom) in ratios.items()}
    divisor = gcd(*whole.values()) or 1
    return {key: value // divisor for key, value in whole.items()}
