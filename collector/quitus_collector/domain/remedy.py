"""What closes a gap: the cheapest purchases of a price list, licences to move, installs to remove.

Each remedy is what the engine finds after it, never a difference of two figures.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from math import lcm

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.counting import Question
from quitus_collector.domain.counting_terms import terms_of_all
from quitus_collector.domain.entitlement import Channel, Entitlement, Metric
from quitus_collector.domain.licensing.assignment import Assignment
from quitus_collector.domain.licensing.components import Demand, competing, components
from quitus_collector.domain.licensing.fleet import Fleet, answer_for, demand_of, named_answer_for
from quitus_collector.domain.licensing.groups import groups
from quitus_collector.domain.licensing.rights import right_to
from quitus_collector.domain.licensing.situation import Situation
from quitus_collector.domain.licensing.spots import BY_CORES
from quitus_collector.domain.licensing.tally import Tally
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import Undetermined
from quitus_collector.domain.product import family_of, line_of
from quitus_collector.domain.undetermined import reasons_of

# What another edition must be licensed by to be put in a product's place.
INSTEAD = frozenset({Metric.DEVICE, Metric.USER})


@dataclass(frozen=True, slots=True)
class Offer:
    """Licences that can be bought: those of `licence`, in its quantity, for `price`."""

    licence: Entitlement
    price: Decimal
    source: str = ""


@dataclass(frozen=True, slots=True)
class Purchase:
    """So many times an offer."""

    offer: Offer
    times: int

    @property
    def units(self) -> int:
        """Licences in all."""
        return self.times * self.offer.licence.quantity

    @property
    def cost(self) -> Decimal:
        """What they cost, exactly."""
        return self.times * self.offer.price


@dataclass(frozen=True, slots=True)
class Plan:
    """Purchases, and the installs without a licence after them, by product without zeros."""

    purchases: tuple[Purchase, ...]
    missing: Mapping[str, int]

    @property
    def cost(self) -> Decimal:
        """What they cost together."""
        return sum((each.cost for each in self.purchases), Decimal(0))


@dataclass(frozen=True, slots=True)
class Transfer:
    """Units of an entitlement that another company of the group could use, and what is left then.

    Whether the contract lets them move is for people to say.
    """

    entitlement: Entitlement
    units: int
    missing: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Replacement:
    """Devices on which another edition or version would do, of which licences are left over.

    `missing` are the installs without a licence after it, by product without zeros.
    """

    product: str
    by: str
    devices: tuple[str, ...]
    missing: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Gap:
    """Products that lack licences and compete for them, with every remedy; `missing` is by product.

    `plan` is the cheapest of all purchases, None without an offer that helps; `alternatives` are
    what each offer alone would make, the cheapest of those that close most first. `devices` are
    those without a licence, by product: as many installs fewer close the gap too.
    """

    missing: Mapping[str, int]
    to_buy: Mapping[str, int]
    plan: Plan | None
    alternatives: tuple[Plan, ...]
    transfers: tuple[Transfer, ...]
    replacements: tuple[Replacement, ...]
    devices: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Remedies:
    """The gaps, each with its remedies, and offers that cannot be counted here, with the reason."""

    gaps: tuple[Gap, ...]
    uncountable: Mapping[str, Undetermined] = field(default_factory=dict)


def remedies(
    asked: Question,
    catalogue: Catalogue | CountingTerms,
    offers: Sequence[Offer],
    solver: Solver,
) -> Remedies:
    """Every gap of the position with what closes it; raises SolverError as a position does.

    Offers have ids of their own, and none of an entitlement. A line that is undetermined has no
    remedy, and an offer that would make one undetermined is left out.
    """
    now = answer_for(asked.situation, asked.fleet, asked.demanded, solver)
    lacking = +now.uncovered
    terms = {
        **terms_of_all([each.licence.product for each in offers], catalogue, _day(asked)),
        **asked.situation.products,
    }
    asked = replace(asked, situation=replace(asked.situation, products=terms))
    terms_of = asked.situation.terms_of
    reaching = [
        each for each in offers if any(right_to(each.licence, p, terms_of) for p in asked.demanded)
    ]
    countable, uncountable = _countable(asked, catalogue, reaching, lacking)
    shop = _Shop(asked, now, countable, solver)
    return Remedies(tuple(shop.gaps(lacking)), uncountable)


def _day(asked: Question) -> date:
    return asked.situation.as_of


def _countable(
    asked: Question,
    catalogue: Catalogue | CountingTerms,
    offers: Sequence[Offer],
    lacking: Mapping[str, int],
) -> tuple[list[Offer], dict[str, Undetermined]]:
    """The offers that leave every line with a gap determined, and why the others do not."""
    spoilt = _spoilt(asked, catalogue, offers, lacking)
    if not spoilt:
        return list(offers), {}
    bad = {}
    for offer in offers:
        if reasons := _spoilt(asked, catalogue, [offer], lacking):
            bad[offer.licence.id] = reasons[min(reasons)]
    return [each for each in offers if each.licence.id not in bad], bad


def _spoilt(
    asked: Question,
    catalogue: Catalogue | CountingTerms,
    offers: Sequence[Offer],
    lacking: Mapping[str, int],
) -> dict[str, Undetermined]:
    """The lines that offers or gaps are of and that these offers make undetermined."""
    owned = [each for each in asked.entitlements if each.quantity and each.is_valid_on(_day(asked))]
    owned += [each.licence for each in offers]
    named = asked.fleet.installed.keys() | {each.product for each in owned}
    terms = terms_of_all(named, catalogue, _day(asked))
    reasons = reasons_of(asked.fleet, owned, catalogue, terms, _day(asked))
    lines = {line_of(each) for each in (*lacking, *(each.licence.product for each in offers))}
    return {line: reasons[line] for line in lines & reasons.keys()}


class _Shop:
    """The question, and what can be bought for it."""

    def __init__(
        self, asked: Question, now: Tally, offers: Sequence[Offer], solver: Solver
    ) -> None:
        self._asked, self._now, self._offers, self._solver = asked, now, offers, solver

    def gaps(self, lacking: Mapping[str, int]) -> Iterator[Gap]:
        """Each group of products with a gap that compete, in the order of the products."""
        asked = self._asked
        stocked = self._stocked(asked.situation, self._offers)
        for products, lines in competing(stocked, asked.demanded):
            missing = {each: lacking[each] for each in sorted(products) if each in lacking}
            if not missing:
                continue
            ids = {line.id for line in lines}
            offers = [each for each in self._offers if each.licence.id in ids]
            answer, covers = named_answer_for(asked.situation, asked.fleet, products, self._solver)
            named = sorted(covers)
            covered = {(each.device, each.product) for each in named}
            uncovered = {each: self._uncovered(each, covered) for each in missing}
            yield Gap(
                missing,
                {each: answer.purchases[each] for each in missing},
                self._plan(products, offers) if offers else None,
                tuple(self._alternatives(products, offers)),
                tuple(self._transfers(products, answer)),
                tuple(self._replacements(products, uncovered)),
                uncovered,
            )

    def _uncovered(self, product: str, covered: set[tuple[str, str]]) -> tuple[str, ...]:
        return tuple(
            sorted(
                device.id
                for some, devices in self._asked.fleet.by_products.items()
                if product in some
                for device in devices
                if (device.id, product) not in covered
            )
        )

    def _alternatives(self, products: frozenset[str], offers: Sequence[Offer]) -> Iterator[Plan]:
        """What each offer alone would make, where it makes a difference."""
        plans = [self._plan(products, [each]) for each in offers] if len(offers) > 1 else []
        found = [each for each in plans if each.purchases]
        yield from sorted(found, key=lambda each: (sum(each.missing.values()), each.cost))

    # --- buying ---

    def _plan(self, products: frozenset[str], offers: Sequence[Offer]) -> Plan:
        """The cheapest purchases that leave the fewest installs without a licence, verified."""
        asked = self._asked
        stocked = self._stocked(asked.situation, offers)
        times: Counter[str] = Counter()
        for some, lines in competing(stocked, products):
            if {line.id for line in lines} & {each.licence.id for each in offers}:
                times += self._cheapest(demand_of(stocked, asked.fleet, some, lines), offers)
        purchases = tuple(
            Purchase(each, times[each.licence.id]) for each in offers if times[each.licence.id]
        )
        bought = [replace(each.offer.licence, quantity=each.units) for each in purchases]
        owned = [*asked.situation.entitlements, *bought]
        after = answer_for(
            replace(asked.situation, entitlements=owned), asked.fleet, products, self._solver
        )
        return Plan(purchases, dict(sorted((+after.uncovered).items())))

    def _cheapest(self, situation: Situation, offers: Sequence[Offer]) -> Counter[str]:
        """How often each offer is bought: least uncovered, then least cost, then fewest units."""
        demand, found = Demand(situation), Counter[str]()
        by_id = {each.licence.id: each for each in offers}
        for component in components(situation, demand):
            clusters = groups(component, situation, demand)
            assignment = Assignment(situation, component.pools, clusters, self._solver)
            bought = {
                line.id: number
                for number, lot in assignment.lots.items()
                for line in lot.lines
                if line.id in by_id
            }
            times: dict[str, int] = {}
            for id_, lot in sorted(bought.items()):
                pack = by_id[id_].licence.quantity
                most = assignment.lots[lot].quantity // pack
                times[id_] = assignment.programme.add_variable(most)
                used = dict(assignment.used[lot])
                used[times[id_]] = -pack
                assignment.programme.add_row(used, upper=0)
            solution = self._settled(assignment, {times[id_]: by_id[id_] for id_ in times})
            found += Counter({id_: solution[variable] for id_, variable in times.items()})
        return found

    def _settled(self, assignment: Assignment, offers: Mapping[int, Offer]) -> Sequence[int]:
        """The best solution, level after level; offers are by the variable that counts them."""
        uncovered: Counter[int] = Counter()
        for sums in assignment.uncovered.values():
            uncovered.update(sums)
        prices = {variable: Fraction(each.price) for variable, each in offers.items()}
        scale = lcm(*(price.denominator for price in prices.values()))
        levels = [
            uncovered,
            {variable: int(price * scale) for variable, price in prices.items()},
            {variable: each.licence.quantity for variable, each in offers.items()},
            *({variable: 1} for variable in offers),
        ]
        solution: Sequence[int] = ()
        for level in levels:
            if any(level.values()) or not solution:
                solution = assignment.session.settle({v: w for v, w in level.items() if w}).values
        return solution

    def _stocked(self, situation: Situation, offers: Sequence[Offer]) -> Situation:
        """The situation as if a shop were ours: each offer in a lot of its own.

        Lines of one pool are lots apart where they end on different days, and add up all the same.
        """
        most = self._most()
        stock = []
        for number, offer in enumerate(offers):
            licence, pack = offer.licence, offer.licence.quantity
            units = -(-most[licence.metric in BY_CORES] // pack) * pack
            if licence.virtual_machines is not None:
                units *= max(1, sum(each.is_virtual for each in self._asked.fleet.devices))
            ends = date.max - timedelta(days=number)
            stock.append(replace(licence, quantity=units, valid_from=None, valid_until=ends))
        return replace(situation, entitlements=[*situation.entitlements, *stock])

    def _most(self) -> tuple[int, int]:
        """Units that nothing takes more of: per device or person, and by cores or processors."""
        fleet, terms_of = self._asked.fleet, self._asked.situation.terms_of
        by_cores = {
            terms_of(each.licence.product)
            for each in self._offers
            if each.licence.metric in BY_CORES
        }
        cores = sum(
            terms.units_on(device, Metric.CORE) for terms in by_cores for device in fleet.devices
        )
        return max(1, sum(fleet.installed.values())), max(1, cores)

    # --- moving ---

    def _transfers(self, products: frozenset[str], now: Tally) -> Iterator[Transfer]:
        """Licences left over that are reserved to one company and would help another."""
        situation = self._asked.situation
        before = sum(now.uncovered.values())
        for line in situation.entitlements:
            spare = line.quantity - now.consumed[line.id]
            if (
                line.entity is None
                or spare <= 0
                or line.channel is Channel.OEM
                or not line.is_valid_on(situation.as_of)
                or not any(right_to(line, each, situation.terms_of) for each in products)
            ):
                continue
            tried = self._moved(line, spare, products)
            units = tried.consumed[_moved_id(line)]
            if not units or sum(tried.uncovered.values()) >= before:
                continue
            after = self._moved(line, units, products)
            yield Transfer(line, units, dict(sorted((+after.uncovered).items())))

    def _moved(self, line: Entitlement, units: int, products: Iterable[str]) -> Tally:
        """The answer with so many units of the line for any company."""
        situation = self._asked.situation
        owned = [
            replace(each, quantity=each.quantity - units) if each.id == line.id else each
            for each in situation.entitlements
        ]
        owned.append(replace(line, id=_moved_id(line), quantity=units, entity=None))
        changed = replace(situation, entitlements=owned)
        return answer_for(changed, self._asked.fleet, products, self._solver)

    # --- replacing ---

    def _replacements(
        self, products: frozenset[str], uncovered: Mapping[str, tuple[str, ...]]
    ) -> Iterator[Replacement]:
        """Other editions and versions of the family of which licences are left over."""
        spare: Counter[str] = Counter()
        for line in self._asked.situation.entitlements:
            in_force = line.is_valid_on(self._asked.situation.as_of)
            if in_force and line.metric in INSTEAD and line.channel is not Channel.OEM:
                spare[line.product] += line.quantity - self._now.consumed[line.id]
        for product, devices in uncovered.items():
            for by, units in sorted((+spare).items()):
                if by != product and family_of(by) == family_of(product):
                    chosen = devices[: min(units, len(devices))]
                    if found := self._replaced(products, product, by, chosen):
                        yield found

    def _replaced(
        self, products: frozenset[str], product: str, by: str, devices: tuple[str, ...]
    ) -> Replacement | None:
        """What it makes on these devices, or on as many of them as it helps; None where on none."""
        asked = self._asked
        beside = {by} | next(
            (some for some, _ in competing(asked.situation, asked.demanded) if by in some),
            frozenset(),
        )
        together = products | beside
        before = sum(self._now.uncovered[each] for each in together)
        while devices:
            instead = set(devices)
            installed = {
                device.id: some - {product} | {by} if device.id in instead else some
                for some, on in asked.fleet.holding(together).items()
                for device in on
            }
            fleet = Fleet(asked.fleet.devices, installed)
            after = answer_for(asked.situation, fleet, together, self._solver).uncovered
            helped = before - sum(after.values())
            if helped >= len(devices):
                missing = {each: after[each] for each in sorted(together) if after[each]}
                return Replacement(product, by, devices, missing)
            devices = devices[: max(0, helped)]
        return None


def _moved_id(line: Entitlement) -> str:
    return f"{line.id}\0moved"
