"""The best way to hand out licences: one integer programme for what shares licences.

Clusters that the rules cannot tell apart are counted together: a variable says how many of them
take a pattern. The levels of the objective are settled one after the other.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any, NamedTuple

from quitus_collector.domain.licensing.clusters import (
    FEW_PATTERNS,
    Group,
    Holding,
    Members,
    Place,
    access_purchases,
    holdings_of,
    personal_purchases,
)
from quitus_collector.domain.licensing.demand import (
    Draw,
    Effect,
    Option,
    Seat,
    Spot,
    Take,
    add_counts,
)
from quitus_collector.domain.licensing.pools import Lot, Pool, lots_of
from quitus_collector.domain.licensing.situation import Situation
from quitus_collector.domain.licensing.tightening import Seats, Shared, tighten
from quitus_collector.domain.optimisation import Programme, Row, Session, Solver, total

Sum = dict[int, int]  # coefficients by variable

# What is drawn from one lot by several units at a time (cores) is a variable of its own where it is
# a sum of more than these: so the levels that count units stay short, and branch and bound is fast.
FEW_TERMS = 8


class Some(NamedTuple):
    """How many of so many alike: a sum of variables, and what it cannot exceed."""

    sum: Sum
    most: int
    cell: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Clusters of a group, or places alike of one cluster, and the variables of its patterns.

    `clusters` has the number of each member's cluster. `cluster` is that number where other places
    of the cluster have cells of their own.
    """

    places: tuple[Place, ...]
    members: Members
    clusters: Sequence[int]
    patterns: tuple[tuple[Option, ...], ...]
    variables: tuple[int, ...]
    cluster: int | None = None


class Assignment:
    """The programme of pools and demand that belong together, and its solution."""

    def __init__(
        self,
        situation: Situation,
        pools: Mapping[int, Pool],
        groups: Iterable[Group],
        solver: Solver,
        few_patterns: int = FEW_PATTERNS,
    ) -> None:
        """States the programme; `pools` are by number."""
        self.situation = situation
        self._few_patterns = few_patterns
        self.pools = pools
        self.lots = lots_of(pools.values())
        self.programme = Programme()
        self.cells: list[Cell] = []
        # What is drawn from each lot, for each draw; naming asks for one unit more of a lot.
        self.flows: dict[Draw, dict[int, Sum]] = {}
        self.used: dict[int, Sum] = {number: {} for number in self.lots}
        self._drawn: dict[int, Sum] = {number: {} for number in pools}
        self.uncovered: defaultdict[str, Sum] = defaultdict(dict)
        self._bought: defaultdict[str, Sum] = defaultdict(dict)
        self._lowered: defaultdict[tuple[str, tuple[int, ...]], Sum] = defaultdict(dict)
        self._draws: defaultdict[Draw, Sum] = defaultdict(dict)
        self._direct: Sum = {}
        self._licensed: dict[Draw, int] = {}
        self._for_all: dict[tuple[str, tuple[int, ...]], int] = {}
        self._clusters = 0
        for group in groups:
            self._add_group(group)
        self._supply()
        self.session: Session = solver.open(self.programme)
        self.solution: Sequence[int] = ()
        self.is_optimal = True

    # --- demand ---

    def _add_group(self, group: Group) -> None:
        patterns = group.patterns_if_few(self._few_patterns)
        if patterns is None:
            for member, copies in enumerate(group.copies.tolist()):
                for _ in range(copies):
                    with self.programme.part():
                        self._add_cluster(group, member, self._clusters)
                    self._clusters += 1
            return
        clusters = range(self._clusters, self._clusters + len(group.members))
        self._clusters += len(clusters)
        options = tuple(pattern.options for pattern in patterns)
        effects = [pattern.effect for pattern in patterns]
        self._add_cell(group.places, group.members, clusters, options, effects, group.size)

    def _add_cell(
        self,
        places: tuple[Place, ...],
        members: Members,
        clusters: Sequence[int],
        patterns: tuple[tuple[Option, ...], ...],
        effects: Sequence[Effect],
        size: int,
        cluster: int | None = None,
    ) -> Cell:
        variables = tuple(self.programme.add_variable(size) for _ in patterns)
        self.programme.add_row(dict.fromkeys(variables, 1), size, size)
        takers: defaultdict[int, Sum] = defaultdict(dict)
        for variable, effect in zip(variables, effects, strict=True):
            for draw, times in effect.draws.items():
                self._draws[draw][variable] = times
            for product, count in effect.uncovered.items():
                self.uncovered[product][variable] = count
            for product, units in effect.bought.items():
                self._bought[product][variable] = units
            for key, units in effect.lowered.items():
                self._lowered[key][variable] = units
            if effect.direct:
                self._direct[variable] = effect.direct
            for chosen in (
                *map(self._whole_company, effect.company),
                *map(self._bought_for_all, effect.company_missing),
            ):
                takers[chosen][variable] = 1
        for chosen, taking in takers.items():
            self.programme.add_row({**taking, chosen: -size}, upper=0)
        cell = Cell(places, members, clusters, patterns, variables, cluster)
        self.cells.append(cell)
        return cell

    def _whole_company(self, draw: Draw) -> int:
        """Whether the draw licenses all employees."""
        if draw not in self._licensed:
            self._licensed[draw] = self.programme.add_variable(1)
            self._draws[draw][self._licensed[draw]] = 1
        return self._licensed[draw]

    def _bought_for_all(self, key: tuple[str, tuple[int, ...]]) -> int:
        """Whether the product is bought for all employees."""
        if key not in self._for_all:
            self._for_all[key] = self.programme.add_variable(1)
            self._lowered[key][self._for_all[key]] = max(1, self.situation.employees)
        return self._for_all[key]

    def _add_cluster(self, group: Group, member: int, number: int) -> None:
        """States one cluster option by option, where its patterns are too many to list.

        Places alike are counted together: which of them takes what is for the names to say.
        """
        alike: defaultdict[Place, list[int]] = defaultdict(list)
        for at, place in enumerate(group.places):
            alike[place].append(at)
        kinds = tuple(alike)
        cells = []
        for place, those in alike.items():
            spot, size = place.spot, len(those)
            members, clusters = group.members.apart(member, those), [number] * size
            options = tuple((option,) for option in spot.options)
            cells.append(
                self._add_cell((place,), members, clusters, options, spot.effects, size, number)
            )

        def taking(kind: int, take: int) -> Some:
            cell = cells[kind]
            chosen = {
                v: 1
                for v, (option,) in zip(cell.variables, cell.patterns, strict=True)
                if take in option.takes
            }
            return Some(chosen, len(cell.members), frozenset(cell.variables))

        def missing(kind: int, product: str) -> Some:
            cell = cells[kind]
            at = kinds[kind].spot.products.index(product)
            chosen = {
                v: 1
                for v, (option,) in zip(cell.variables, cell.patterns, strict=True)
                if not option.names[at]
            }
            return Some(chosen, len(cell.members))

        shared = []
        for holding, parts in holdings_of(kinds).items():
            takers = [(kinds[k].spot, kinds[k].spot.takes[t], taking(k, t)) for k, t in parts]
            units = self._share(kinds, holding, [(take, some) for _, take, some in takers])
            if units is not None:
                shared.append(_shared(units, takers))
        tighten(self.programme, shared, is_simple=all(map(_is_simple, kinds)))
        self._pair(cells)
        for (product, _, seats), numbers in personal_purchases(kinds).items():
            self._buy_together(product, seats, [missing(k, product) for k in numbers])
        for product, numbers in access_purchases(kinds).items():
            buyers: dict[object, int] = {}
            for k in numbers:
                without = missing(k, product)
                row = _times(without.sum, -1)
                for side in (("user", kinds[k].person), ("device", kinds[k].host)):
                    if side[1] is not None:
                        if side not in buyers:
                            buyers[side] = self.programme.add_variable(1)
                            self._bought[product][buyers[side]] = 1
                        row[buyers[side]] = without.most
                self.programme.add_row(row, lower=0)

    def _pair(self, cells: Sequence[Cell]) -> None:
        """States that an odd number of devices cannot all be two to a unit.

        Implied, but not by halves. A device with several such units may be in several pairs.
        """
        size = sum(len(cell.members) for cell in cells)
        if size % 2 == 0 or any(place.spot.extra for cell in cells for place in cell.places):
            return
        row: Sum = {}
        for cell in cells:
            takes = cell.places[0].spot.takes
            for variable, (option,) in zip(cell.variables, cell.patterns, strict=True):
                seats = [takes[take].seat for take in option.takes]
                seconds, holders = seats.count(Seat.SECOND), seats.count(Seat.HOLDER)
                weight = seconds - max(0, seconds + holders - 1)
                if weight:
                    row[variable] = weight
        if any(weight > 0 for weight in row.values()):
            self.programme.add_row(row, upper=size // 2)

    def _share(
        self,
        places: Sequence[Place],
        holding: Holding,
        parts: Sequence[tuple[Take, Some]],
    ) -> int | None:
        """States how the takes of one cluster share units; returns how many, where none is lent."""
        first = parts[0][0]
        by_seat: defaultdict[Seat, list[Some]] = defaultdict(list)
        for take, taking in parts:
            by_seat[take.seat].append(taking)
        if first.seat in (Seat.HOLDER, Seat.SECOND):
            held = _union(taking.sum for taking in by_seat[Seat.HOLDER])
            for place in places:
                for pool, _, base in place.spot.extra:
                    if (True, place.person, pool) == holding:
                        unit = self.programme.add_variable(sum(each.most for _, each in parts))
                        held[unit] = 1
                        add_counts(self._draws[base], {unit: 1})
            add_counts(self._draws[first.draw], held)
            self._lend(held, by_seat[Seat.SECOND])
            return None
        seated = [
            taking for seat, each in by_seat.items() if seat is not Seat.HOST for taking in each
        ]
        capacity = next((t.capacity for t, _ in parts if t.seat is not Seat.HOST), None)
        seats = sum(taking.most for taking in seated)
        most = max(1, 1 if capacity is None else -(-seats // max(1, capacity)))
        units = self.programme.add_variable(most)
        self._draws[first.draw][units] = 1
        for taking in by_seat[Seat.HOST] if capacity is not None else [t for _, t in parts]:
            self.programme.add_row(taking.sum | {units: -taking.most}, upper=0)
        if capacity is not None:
            row = _union(taking.sum for taking in seated) | {units: -capacity}
            self.programme.add_row(row, upper=0)
        if first.shared_base:
            licensed = self.programme.add_variable(1)
            self.programme.add_row({units: 1, licensed: -most}, upper=0)
            self._draws[first.shared_base][licensed] = 1
        return units

    def _lend(self, held: Sum, seconds: Sequence[Some]) -> None:
        """States that units which are held serve one second device each, and not their holder's.

        The latter is implied, but not by halves. Of two devices it says all there is to say.
        """
        alone = [second for second in seconds if second.most == 1]
        times: Sum = {}
        for second in alone:
            others = {unit: n for unit, n in held.items() if unit not in second.cell}
            self.programme.add_row(second.sum | _times(others, -1), upper=0)
            add_counts(times, others)
        if len(alone) < len(seconds) or any(times[unit] > held[unit] for unit in times):
            lent = _union(second.sum for second in seconds)
            self.programme.add_row(lent | _times(held, -1), upper=0)

    def _buy_together(self, product: str, seats: int | None, missing: Sequence[Some]) -> None:
        """States what is bought for the spots of one person."""
        if seats is None:
            units = self.programme.add_variable(1)
            for each in missing:
                self.programme.add_row(each.sum | {units: -each.most}, upper=0)
        else:
            most = sum(each.most for each in missing)
            units = self.programme.add_variable(-(-most // seats))
            row = _union(each.sum for each in missing) | {units: -seats}
            self.programme.add_row(row, upper=0)
        self._bought[product][units] = 1

    # --- supply ---

    def _supply(self) -> None:
        """States where the units come from, and that no lot gives more than it has."""
        for draw, times in self._draws.items():
            self.flows[draw] = self._flows(draw, times)
        left: defaultdict[int, Sum] = defaultdict(dict)
        for (product, lots), needed in self._lowered.items():
            most = self.programme.most(needed)
            to_buy = self.programme.add_variable(most)
            self._bought[product][to_buy] = 1
            row = {to_buy: 1} | _times(needed, -1)
            for number in lots:
                units = self.programme.add_flow(min(most, self.lots[number].quantity))
                row[units] = left[number][units] = 1
            self.programme.add_row(row, lower=0)
        for number, lot in self.lots.items():
            taken = self.used[number] | left[number]
            if self.programme.most(taken) > lot.quantity:
                self.programme.add_row(taken, upper=lot.quantity)
        self._supply_whole_packs()

    def _supply_whole_packs(self) -> None:
        """States that what comes in eights does not use up the seven that lots have over.

        Implied, but not by fractions. For the lots that one draw may take from, or the whole pool.
        """
        for number, pool in self.pools.items():
            draws = [draw for draw in self._draws if len(draw) == 1 and draw[0].pool == number]
            reached = {frozenset(draw[0].lots) for draw in draws} | {frozenset(pool.lots)}
            for lots in sorted(reached, key=sorted):
                within = [draw for draw in draws if lots.issuperset(draw[0].lots)]
                pack = gcd(*(draw[0].units for draw in within))
                quantity = sum(self.lots[lot].quantity for lot in lots)
                taken = _sum((self._draws[draw], draw[0].units // max(1, pack)) for draw in within)
                if pack > 1 and quantity % pack and self.programme.most(taken) > quantity // pack:
                    self.programme.add_row(taken, upper=quantity // pack)

    def _flows(self, draw: Draw, times: Sum) -> dict[int, Sum]:
        flows: dict[int, Sum] = {}
        most = self.programme.most(times)
        for source in draw:
            if len(draw) > 1:
                chosen = {self.programme.add_variable(most): 1}
                times = times | _times(chosen, -1)
            else:
                chosen = times
            needed = _times(chosen, source.units)
            if len(source.lots) == 1 and (source.units == 1 or len(needed) <= FEW_TERMS):
                flows[source.lots[0]] = needed
                add_counts(self._drawn[source.pool], needed)
                continue
            row = dict(needed)
            for number in source.lots:
                units = self.programme.add_flow(
                    min(most * source.units, self.lots[number].quantity)
                )
                row[units] = -1
                flows[number] = {units: 1}
                add_counts(self._drawn[source.pool], flows[number])
            self.programme.add_row(row, 0, 0)
        if len(draw) > 1:
            self.programme.add_row(times, 0, 0)
        for number, flow in flows.items():
            add_counts(self.used[number], flow)
        return flows

    # --- the objective ---

    def solve(self) -> tuple[Fraction, Fraction]:
        """Settles level after level; returns the shortfall cost and its proven bound."""
        bought = {product: units for product, units in self._bought.items() if units}
        prices = {product: self._price(product) for product in bought}
        scale = lcm(*(price.denominator for price in prices.values()))
        cost = _sum((units, int(prices[p] * scale)) for p, units in bought.items())
        settled = self.session.settle(cost)
        self.solution = settled.values
        bound = Fraction(settled.bound, scale)
        reached = Fraction(total(cost, self.solution), scale)
        self.is_optimal = settled.is_proven
        done = [cost]
        for level in self._later_levels():
            if not self.is_optimal:
                break
            if level and level not in done:
                settled = self.session.settle(level)
                self.solution = settled.values
                self.is_optimal = settled.is_proven
                done.append(level)
        return reached, bound

    def _price(self, product: str) -> Fraction:
        return Fraction(self.situation.terms_of(product).unit_cost)

    def _later_levels(self) -> Iterator[Sum]:
        """What is minimised once the cost is; docs/licensing.md, "The objective"."""
        yield _sum((count, 1) for count in self.uncovered.values())
        weights = {n: self._price(pool.terms.product) for n, pool in self.pools.items()}
        scale = lcm(*(weight.denominator for weight in weights.values()))
        whole = {n: int(weight * scale) for n, weight in weights.items()}
        divisor = gcd(*whole.values()) or 1
        yield _sum((self._drawn[n], weight // divisor) for n, weight in whole.items())
        yield _sum((drawn, 1) for drawn in self._drawn.values())

        def most_from(chosen: Callable[[Lot], bool]) -> Sum:
            return _sum((self.used[n], -1) for n, lot in self.lots.items() if chosen(lot))

        yield most_from(lambda lot: lot.terms.bound_to is not None)
        yield most_from(lambda lot: lot.terms.entity is not None)
        for end in sorted({lot.valid_until for lot in self.lots.values() if lot.valid_until}):
            yield most_from(lambda lot, end=end: lot.valid_until == end)  # type: ignore[misc]
        yield _times(self._direct, -1)

    # --- which lines ---

    def keep(self, at_least: Mapping[int, int], rows: Iterable[Row]) -> None:
        """Takes on conditions that the solution meets, for good."""
        for variable, low in at_least.items():
            self.programme.add_row({variable: 1}, lower=low)
        self.programme.rows.extend(rows)

    def settle_lines(self) -> None:
        """Takes as many units as possible from the lowest line ids, one after the other."""
        if not self.is_optimal:
            return
        before: defaultdict[int, int] = defaultdict(int)
        lines = [(line.id, n, line.quantity) for n, lot in self.lots.items() for line in lot.lines]
        for _, number, quantity in sorted(lines):
            before[number] += quantity
            if not self.used[number]:
                continue
            if self.units_used(number) >= before[number]:
                self.programme.add_row(self.used[number], lower=before[number])
                continue
            # A line may have far more than is asked for; a bound that large settles nothing.
            most = min(before[number], self.programme.most(self.used[number]))
            units = self.programme.add_variable(most)
            self.programme.add_row(self.used[number] | {units: -1}, lower=0)
            settled = self.session.settle({units: -1})
            if not settled.is_proven:
                self.is_optimal = False
                return
            self.solution = settled.values

    def settle_uses(self, order: Callable[[str], Any] = str) -> None:
        """Where units leave a choice between products, covers the first ones first."""
        for product in sorted(self.uncovered, key=order):
            if self.is_optimal:
                settled = self.session.settle(self.uncovered[product])
                self.solution = settled.values
                self.is_optimal = settled.is_proven

    def units_used(self, lot: int) -> int:
        """Units of the lot that the solution consumes."""
        return total(self.used[lot], self.solution)

    def purchases(self) -> dict[str, int]:
        """Units that would cover what is uncovered, by product, each under its own metric."""
        return {product: total(units, self.solution) for product, units in self._bought.items()}

    def consumed(self) -> dict[str, int]:
        """Units by line; a lot's lowest ids give first."""
        consumed = {}
        for number, lot in self.lots.items():
            left = self.units_used(number)
            for line in lot.lines:
                consumed[line.id] = min(left, line.quantity)
                left -= consumed[line.id]
        return consumed


def _is_simple(place: Place) -> bool:
    """Whether the place takes one thing at a time, and nothing that is lent or is for everybody."""
    besides = (Seat.HOLDER, Seat.SECOND, Seat.COMPANY)
    takes = max(len(option.takes) for option in place.spot.options)
    kept = any(take.seat in besides for take in place.spot.takes)
    return takes <= 1 and not kept and not place.spot.extra


def _shared(units: int, takers: Sequence[tuple[Spot, Take, Some]]) -> Shared:
    seats = [
        Seats(
            taking.sum,
            taking.most,
            taking.cell,
            fills=all(product in take.rights for product in spot.products),
            is_counted=take.seat is not Seat.HOST,
        )
        for spot, take, taking in takers
    ]
    capacities = [take.capacity for _, take, _ in takers if take.seat is not Seat.HOST]
    is_bare = not any(take.base for _, take, _ in takers)
    return Shared(units, next(iter(capacities), None), seats, is_bare)


def _times(amounts: Mapping[int, int], factor: int) -> Sum:
    return {variable: amount * factor for variable, amount in amounts.items()}


def _union(sums: Iterable[Sum]) -> Sum:
    """The sum of sums that have no variable in common."""
    return {variable: amount for each in sums for variable, amount in each.items()}


def _sum(parts: Iterable[tuple[Mapping[int, int], int]]) -> Sum:
    """The weighted sum, without zeros."""
    found: defaultdict[int, int] = defaultdict(int)
    for amounts, weight in parts:
        for variable, amount in amounts.items():
            found[variable] += amount * weight
    return {variable: amount for variable, amount in found.items() if amount}
