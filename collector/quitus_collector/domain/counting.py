"""The lines of a position: the engine's answer where there is one, a reason where not."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from quitus_collector.domain.catalogue import Catalogue, CountingTerms, fold
from quitus_collector.domain.counting_terms import terms_of_all
from quitus_collector.domain.entitlement import Entitlement, Right
from quitus_collector.domain.licensing.columns import Installs
from quitus_collector.domain.licensing.fleet import Fleet, answer_for, without_licences
from quitus_collector.domain.licensing.situation import (
    CountedDevice,
    Situation,
)
from quitus_collector.domain.licensing.tally import Tally
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import Coverage, LineState, PositionLine, Undetermined
from quitus_collector.domain.product import (
    line_of,
    version_key,
    version_of,
)
from quitus_collector.domain.recognition import Recognition, SoftwareClass
from quitus_collector.domain.undetermined import reasons_of


def licensable(
    recognitions: Iterable[Recognition], suites: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    """The products on one device that need a licence, each once however many records show it.

    The parts of a suite that is there are the suite's own, not products beside it.
    """
    recognitions = list(recognitions)
    products = fold((each.product for each in recognitions if each.product), suites)
    commercial = {
        each.product for each in recognitions if each.software_class is SoftwareClass.COMMERCIAL
    }
    return frozenset(product for product in products if product in commercial)


@dataclass(frozen=True, slots=True)
class Question:
    """What a position asks the engine, and what it cannot ask.

    `situation` has the entitlements whose lines can be determined, and no installs: those are the
    fleet's. `entitlements` are all, in force or not; `demanded` the installed products that can be
    determined; `reasons` why others cannot, by line, or by `product@` where it lacks its version.
    `spared` are the devices on which installs need no licence, by product and exemption.
    """

    situation: Situation
    fleet: Fleet
    entitlements: Sequence[Entitlement]
    demanded: frozenset[str]
    reasons: Mapping[str, Undetermined]
    spared: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)

    def reason_of(self, product: str) -> Undetermined | None:
        """Why the product's figures cannot be had; None where they can."""
        return self.reasons.get(line_of(product)) or self.reasons.get(f"{product}@")


def question(
    as_of: date,
    devices: Sequence[CountedDevice],
    products: Mapping[str, frozenset[str]],
    entitlements: Sequence[Entitlement],
    catalogue: Catalogue | CountingTerms,
    spared: Mapping[tuple[str, str], Sequence[str]] = MappingProxyType({}),
) -> Question:
    """Sorts what the engine counts from what cannot be determined.

    `products` holds the products of each device that need a licence, by device id; `spared` are
    the devices on which they need none.
    """
    fleet = Fleet(devices, products)
    in_force = [each for each in entitlements if each.quantity and each.is_valid_on(as_of)]
    named = fleet.installed.keys() | {each.product for each in entitlements}
    terms = terms_of_all(named, catalogue, as_of)
    reasons = reasons_of(fleet, in_force, catalogue, terms, as_of)
    counted = [each for each in entitlements if line_of(each.product) not in reasons]
    demanded = frozenset(
        product
        for product in fleet.installed
        if line_of(product) not in reasons and f"{product}@" not in reasons
    )
    situation = Situation(as_of, devices, Installs(), counted, terms)
    return Question(situation, fleet, entitlements, demanded, reasons, spared)


def position_lines(
    as_of: date,
    devices: Sequence[CountedDevice],
    products: Mapping[str, frozenset[str]],
    entitlements: Sequence[Entitlement],
    catalogue: Catalogue | CountingTerms,
    solver: Solver,
) -> tuple[PositionLine, ...]:
    """Reconciles what the engine counts and marks the rest undetermined; see `question`."""
    asked = question(as_of, devices, products, entitlements, catalogue)
    answer = answer_for(asked.situation, asked.fleet, asked.demanded, solver)
    return lines_of(asked, answer, catalogue)


def lines_of(
    asked: Question, answer: Tally, catalogue: Catalogue | CountingTerms
) -> tuple[PositionLine, ...]:
    """The answer, line by line, sorted by product."""
    exempt: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    installed = Counter(asked.fleet.installed)
    for (product, exemption), on in sorted(asked.spared.items()):
        exempt[product].append((exemption, len(on)))
        installed[product] += len(on)
    owned: Counter[str] = Counter()
    for each in asked.entitlements:
        in_force = each.is_valid_on(asked.situation.as_of)
        owned[each.product] += each.quantity if in_force else 0
    names = installed.keys() | owned.keys()
    alone = without_licences(asked.situation, asked.fleet.holding(asked.demanded))
    coverage = _coverage(answer.covered)
    consumed = _consumed(answer.consumed, asked.entitlements)
    lines = []
    for product in sorted(names, key=_by_name_and_version):
        reason = asked.reason_of(product)
        missing = answer.uncovered[product]
        state = LineState.GAP if missing else LineState.COMPLIANT
        lines.append(
            PositionLine(
                product=product,
                label=catalogue.label(product),
                metric=catalogue.metric(product),
                installed=installed[product],
                entitled=owned[product],
                consumed=None if reason else consumed[product],
                covered=coverage.get(product, ()),
                missing=None if reason else missing,
                state=LineState.UNDETERMINED if reason else state,
                reason=reason,
                lent=answer.lent[product],
                exempt=tuple(exempt.get(product, ())),
                to_buy=None if reason else answer.purchases[product],
                demanded=None if reason else alone.purchases[product],
            )
        )
    return tuple(lines)


def _coverage(counts: Mapping[tuple[str, str, Right], int]) -> dict[str, tuple[Coverage, ...]]:
    found: defaultdict[str, list[Coverage]] = defaultdict(list)
    for (product, entitlement, right), installs in sorted(counts.items()):
        found[product].append(Coverage(entitlement, right, installs))
    return {product: tuple(coverage) for product, coverage in found.items()}


def _consumed(units: Mapping[str, int], entitlements: Iterable[Entitlement]) -> Counter[str]:
    consumed: Counter[str] = Counter()
    for each in entitlements:
        consumed[each.product] += units.get(each.id, 0)
    return consumed


def _by_name_and_version(product: str) -> tuple[str, object]:
    return line_of(product), version_key(version_of(product))
