"""Why a figure of the position is what it is: devices, licences, and what would change it."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from quitus_collector.domain.catalogue import Catalogue, CountingTerms
from quitus_collector.domain.counting import Question, lines_of
from quitus_collector.domain.entitlement import Entitlement, Right
from quitus_collector.domain.licensing.components import competing
from quitus_collector.domain.licensing.fleet import Fleet, answer_for, named_answer_for
from quitus_collector.domain.licensing.rights import right_to
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.licensing.spots import BY_CORES
from quitus_collector.domain.licensing.tally import Tally
from quitus_collector.domain.optimisation import Solver
from quitus_collector.domain.position import PositionLine, Undetermined

# Whether a device tells what is needed, by the reason that is given where one does not.
TELLS: dict[Undetermined, Callable[[CountedDevice], bool]] = {
    Undetermined.PERSON: lambda device: bool(device.user),
    Undetermined.MACHINE: lambda device: (
        bool(device.processors and device.cores) and (not device.is_virtual or bool(device.host))
    ),
}


@dataclass(frozen=True, slots=True)
class ExplainedDevice:
    """A device that has the product: what covers it there; both None where nothing does.

    Of an undetermined product nothing is said: `covered` is None too.
    """

    device: str
    covered: bool | None
    entitlement: str | None = None
    right: Right | None = None


@dataclass(frozen=True, slots=True)
class ExplainedLicence:
    """An entitlement in force whose units may cover the product, and under which right.

    `consumed` counts its units in use, for whatever product; `installs` those of this product.
    """

    entitlement: Entitlement
    right: Right
    consumed: int
    installs: int


class Step(StrEnum):
    """What is tried to see what a figure hangs on."""

    INSTALL_ADDED = "install-added"
    INSTALL_REMOVED = "install-removed"
    LICENCES_ADDED = "licences-added"
    LICENCES_REMOVED = "licences-removed"


@dataclass(frozen=True, slots=True)
class Trial:
    """One change, and the installs without a licence after it, as the engine finds them.

    `on` is the device that has one install fewer or that the new one is like, or the entitlement
    with so many `units` more or fewer; empty for licences of the product that are not owned yet.
    `others` are the installs of other products that gain (below 0) or lose their licence by it.
    """

    step: Step
    on: str
    units: int
    missing: int
    others: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A line of the position with all that it is made of.

    `devices` are sorted by id and as many as are installed; `competing` are the products that
    compete with this one for licences, itself included; `lacking` the devices that do not tell
    what counting needs, where that is the reason why the line is undetermined.
    """

    line: PositionLine
    devices: tuple[ExplainedDevice, ...]
    licences: tuple[ExplainedLicence, ...]
    competing: frozenset[str]
    trials: tuple[Trial, ...]
    lacking: tuple[str, ...] = ()


def explain(
    product: str,
    asked: Question,
    catalogue: Catalogue | CountingTerms,
    solver: Solver,
    *,
    changes: bool = True,
) -> Explanation:
    """Explains a product that is installed or owned; raises SolverError as a position does.

    Without `changes` there are no trials, each of which asks the engine again.
    """
    part = _part_with(product, asked)
    answer, told = named_answer_for(part.situation, part.fleet, part.demanded, solver)
    named = sorted(told)
    (line,) = (each for each in lines_of(part, answer, catalogue) if each.product == product)
    on = sorted(
        device.id
        for found, devices in part.fleet.by_products.items()
        if product in found
        for device in devices
    )
    if line.reason:
        unknown = tuple(ExplainedDevice(each, None) for each in on)
        return Explanation(line, unknown, (), part.demanded, (), _lacking(on, part, product))
    covers = {each.device: each for each in named if each.product == product}
    devices = tuple(
        ExplainedDevice(each, True, cover.entitlement, cover.right)
        if (cover := covers.get(each))
        else ExplainedDevice(each, False)
        for each in on
    )
    licences = tuple(_licences(line, part, answer))
    trials = tuple(_trials(line, part, answer, devices, licences, solver)) if changes else ()
    return Explanation(line, devices, licences, part.demanded, trials)


def _part_with(product: str, asked: Question) -> Question:
    """The question of what competes with the product alone; its answer is that of the whole."""
    products, lines = frozenset[str](), list[Entitlement]()
    for products, lines in competing(asked.situation, asked.demanded):
        if product in products or any(line.product == product for line in lines):
            break
    else:
        products, lines = frozenset(), []
    reaching = {line.id for line in lines}
    # Those that are over say still how many devices a licence per person is sold for.
    owned = [
        each
        for each in asked.situation.entitlements
        if each.id in reaching or each.product in products
    ]
    installed = {
        device.id: some
        for some, devices in asked.fleet.holding(products | {product}).items()
        for device in devices
    }
    return replace(
        asked,
        situation=replace(asked.situation, entitlements=owned),
        fleet=Fleet(asked.fleet.devices, installed),
        demanded=products,
    )


def _lacking(on: Sequence[str], part: Question, product: str) -> tuple[str, ...]:
    """The devices that do not tell what counting the product needs."""
    tells = TELLS.get(part.reason_of(product) or Undetermined.METRIC)
    devices = {device.id: device for device in part.fleet.devices}
    return tuple(each for each in on if tells and not tells(devices[each]))


def _licences(line: PositionLine, part: Question, answer: Tally) -> Iterator[ExplainedLicence]:
    """What may cover the product, those that do first."""
    used = Counter({each.entitlement: 0 for each in line.covered})
    for each in line.covered:
        used[each.entitlement] += each.installs
    found = [
        ExplainedLicence(each, right, answer.consumed[each.id], used[each.id])
        for each in part.situation.entitlements
        if each.quantity
        and each.is_valid_on(part.situation.as_of)
        and (right := right_to(each, line.product, part.situation.terms_of))
    ]
    yield from sorted(found, key=lambda each: (not each.installs, each.entitlement.id))


# --- what would change it ---


def _trials(
    line: PositionLine,
    part: Question,
    answer: Tally,
    devices: Sequence[ExplainedDevice],
    licences: Sequence[ExplainedLicence],
    solver: Solver,
) -> Iterator[Trial]:
    """Asks the engine again, one thing changed."""
    product, before = line.product, answer.uncovered

    def trial(step: Step, on: str, units: int, changed: Question) -> Trial:
        after = _missing(changed, solver)
        others = {
            each: after[each] - before[each]
            for each in sorted(part.demanded - {product})
            if after[each] != before[each]
        }
        return Trial(step, on, units, after[product], others)

    for covered in (False, True):
        if on := next((each.device for each in devices if each.covered is covered), None):
            yield trial(Step.INSTALL_REMOVED, on, 1, _without(part, on, product))
    if devices:
        on = devices[0].device
        yield trial(Step.INSTALL_ADDED, on, 1, _with_one_more(part, on, product))
    for each in licences:
        id_ = each.entitlement.id
        for more in _units_for_one(each.entitlement, part, answer, devices):
            added = trial(Step.LICENCES_ADDED, id_, more, _with_units(part, id_, more))
            if added.missing < before[product]:
                break
        yield added
        if each.installs:
            yield trial(Step.LICENCES_REMOVED, id_, 1, _with_units(part, id_, -1))
    if line.missing:
        new = Entitlement(_unused_id(part), product, 0, line.metric)
        for more in _units_for_one(new, part, answer, devices):
            owned = [*part.situation.entitlements, replace(new, quantity=more)]
            situation = replace(part.situation, entitlements=owned)
            added = trial(Step.LICENCES_ADDED, "", more, replace(part, situation=situation))
            if added.missing < before[product]:
                break
        yield added


def _missing(part: Question, solver: Solver) -> Counter[str]:
    return answer_for(part.situation, part.fleet, part.demanded, solver).uncovered


def _installed(part: Question) -> dict[str, frozenset[str]]:
    return {
        device.id: some
        for some, devices in part.fleet.by_products.items()
        for device in devices
        if some
    }


def _without(part: Question, device: str, product: str) -> Question:
    """The question with one install fewer."""
    installed = _installed(part)
    installed[device] -= {product}
    return replace(part, fleet=Fleet(part.fleet.devices, installed))


def _with_one_more(part: Question, like: str, product: str) -> Question:
    """The question with the product on one more device, like that one, with a person of its own."""
    (model,) = (device for device in part.fleet.devices if device.id == like)
    new = replace(model, id=_unused_id(part), user=model.user and _unused_id(part))
    devices = [*part.fleet.devices, new]
    installed = _installed(part) | {new.id: frozenset({product})}
    situation = replace(part.situation, devices=devices)
    return replace(part, situation=situation, fleet=Fleet(devices, installed))


def _with_units(part: Question, id_: str, units: int) -> Question:
    """The question with so many units more, or fewer, of one entitlement."""
    owned = [
        replace(each, quantity=each.quantity + units) if each.id == id_ else each
        for each in part.situation.entitlements
    ]
    return replace(part, situation=replace(part.situation, entitlements=owned))


def _units_for_one(
    licence: Entitlement, part: Question, answer: Tally, devices: Sequence[ExplainedDevice]
) -> tuple[int, ...]:
    """What to try: the units that license the smallest device without a licence.

    At first less those of the product that are left over; one unit where size is no matter.
    """
    without = {each.device for each in devices if not each.covered}
    if licence.metric not in BY_CORES or not without:
        return (1,)
    terms = part.situation.terms_of(licence.product)
    units = min(
        terms.units_on(each, licence.metric) for each in part.fleet.devices if each.id in without
    )
    left_over = sum(
        each.quantity - answer.consumed[each.id]
        for each in part.situation.entitlements
        if (each.product, each.metric) == (licence.product, licence.metric)
    )
    return (units - left_over, units) if 0 < left_over < units else (units,)


def _unused_id(part: Question) -> str:
    """An id that no device, person or entitlement has: longer than any."""
    taken = [
        *(device.id for device in part.fleet.devices),
        *(device.user or "" for device in part.fleet.devices),
        *(each.id for each in part.situation.entitlements),
    ]
    return "+" * (max(map(len, taken), default=0) + 1)
