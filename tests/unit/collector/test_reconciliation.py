"""The engine against cases a licence manager can check, and against brute force."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import chain, combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.adapters.highs import HighsSolver
from quitus_collector.domain.entitlement import Entitlement, Right
from quitus_collector.domain.reconciliation import (
    CountedDevice,
    Cover,
    Reconciliation,
    Situation,
    reconcile,
)
from tests.builders import OFFICE_2016, OFFICE_2019, an_entitlement

TODAY = date(2026, 6, 30)
OFFICE_2013 = "microsoft/office/professional-plus@2013"


def a_situation(installs: str, *entitlements: Entitlement, **fields: object) -> Situation:
    """`installs` is like "pc-1 2016, pc-2 2019"; devices are those that occur."""
    pairs = [pair.split() for pair in installs.split(",") if pair]
    line = OFFICE_2019.partition("@")[0]
    found = frozenset((device, f"{line}@{version}") for device, version in pairs)
    devices = [CountedDevice(device) for device in sorted({device for device, _ in found})]
    values = {"as_of": TODAY, "devices": devices, "installs": found, "entitlements": entitlements}
    return Situation(**(values | fields))  # type: ignore[arg-type]


def solved(situation: Situation) -> Reconciliation:
    return reconcile(situation, HighsSolver())


def test_two_devices_on_one_entitlement_leave_a_shortfall() -> None:
    answer = solved(a_situation("pc-1 2019, pc-2 2019", an_entitlement(quantity=1)))

    assert answer.uncovered == {OFFICE_2019: 1}
    assert answer.consumed == {"E-1": 1}
    assert answer.covered == [Cover("pc-1", OFFICE_2019, "E-1", Right.DIRECT)]


def test_an_older_licence_is_used_where_it_fits_before_a_downgrade() -> None:
    newer = an_entitlement("A-2019", OFFICE_2019, downgrade=True)
    older = an_entitlement("B-2016", OFFICE_2016)

    answer = solved(a_situation("pc-1 2016, pc-2 2019", newer, older))

    assert answer.uncovered == {}
    assert [cover.entitlement for cover in answer.covered] == ["B-2016", "A-2019"]


def test_without_the_right_a_newer_licence_covers_no_older_version() -> None:
    answer = solved(a_situation("pc-1 2016", an_entitlement(quantity=5)))

    assert answer.uncovered == {OFFICE_2016: 1}
    assert answer.consumed == {"E-1": 0}


def test_one_unit_covers_every_version_it_may_on_a_device() -> None:
    unit = an_entitlement(quantity=1, downgrade=True)

    answer = solved(a_situation("pc-1 2013, pc-1 2016, pc-1 2019", unit))

    assert answer.uncovered == {}
    assert answer.consumed == {"E-1": 1}
    assert [cover.right for cover in answer.covered] == ["downgrade", "downgrade", "direct"]


def test_an_oem_licence_stays_with_its_device() -> None:
    oem = an_entitlement("OEM", bound_to="pc-2", quantity=1)

    answer = solved(a_situation("pc-1 2019, pc-2 2019", oem))

    assert [cover.device for cover in answer.covered] == ["pc-2"]


def test_a_licence_bound_to_a_retired_device_covers_nothing() -> None:
    answer = solved(a_situation("pc-1 2019", an_entitlement(bound_to="pc-9-retired")))

    assert answer.uncovered == {OFFICE_2019: 1}


def test_an_entitys_licences_cover_that_entity_alone() -> None:
    situation = a_situation(
        "pc-1 2019, pc-2 2019, pc-3 2019", an_entitlement(entity="A", quantity=3)
    )
    devices = [CountedDevice("pc-1", "A"), CountedDevice("pc-2", "B"), CountedDevice("pc-3")]

    answer = solved(replace(situation, devices=devices))

    assert [cover.device for cover in answer.covered] == ["pc-1"]


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [
        (None, TODAY, 1),
        (TODAY, None, 1),
        (None, date(2026, 6, 29), 0),
        (date(2026, 7, 1), None, 0),
    ],
)
def test_licences_count_from_their_first_to_their_last_day(
    start: date | None, end: date | None, covered: int
) -> None:
    line = an_entitlement(valid_from=start, valid_until=end)

    assert len(solved(a_situation("pc-1 2019", line)).covered) == covered


def test_the_dearer_product_is_covered_first() -> None:
    situation = a_situation("pc-1 2013, pc-2 2016", an_entitlement(quantity=1, downgrade=True))
    prices = {OFFICE_2013: Decimal("199.99"), OFFICE_2016: Decimal("200")}

    answer = solved(replace(situation, unit_costs=prices))

    assert answer.uncovered == {OFFICE_2013: 1}
    assert answer.shortfall_cost == Decimal("199.99")


def test_among_equals_the_most_restricted_licence_goes_first() -> None:
    free = an_entitlement("A-free")
    ending = an_entitlement("B-ending", valid_until=date(2026, 12, 31))
    entity = an_entitlement("C-entity", entity="A")
    oem = an_entitlement("D-oem", bound_to="pc-1")

    def used(*lines: Entitlement) -> list[str]:
        situation = a_situation("pc-1 2019", *lines, devices=[CountedDevice("pc-1", "A")])
        return [cover.entitlement for cover in solved(situation).covered]

    assert used(free, ending, entity, oem) == ["D-oem"]
    assert used(free, ending, entity) == ["C-entity"]
    assert used(free, ending) == ["B-ending"]


def test_nothing_installed_consumes_nothing() -> None:
    answer = solved(a_situation("", an_entitlement(quantity=7)))

    assert answer == Reconciliation({}, {"E-1": 0}, Decimal(0), [])


# --- Brute force: every way to hand out units, judged by the objective of docs/licensing.md ---

VERSIONS = ("2013", "2016", "2019")
DEVICES = [CountedDevice("d-1"), CountedDevice("d-2", "A"), CountedDevice("d-3", "A")]


def brute_force(situation: Situation) -> tuple[object, ...]:
    """The best answer's objective, covers and units, from all of them."""
    by_device = {
        device: sorted(p for d, p in situation.installs if d == device.id)
        for device in situation.devices
    }
    choices = [list(ways(device, by_device[device], situation)) for device in situation.devices]
    answers = []
    for chosen in product(*choices):
        used = Counter(chain.from_iterable(units for units, _ in chosen))
        if all(used[line.id] <= line.quantity for line in situation.entitlements):
            covers = sorted(chain.from_iterable(covers for _, covers in chosen))
            answers.append((*objective(situation, used, covers), covers, used))
    return min(answers, key=lambda answer: answer[:-1])


def ways(
    device: CountedDevice, products: list[str], situation: Situation
) -> Iterator[tuple[tuple[str, ...], list[Cover]]]:
    """Every set of units that a device may take, with every way to name what they cover."""
    reaching = [
        line
        for line in situation.entitlements
        if line.is_valid_on(situation.as_of)
        and line.bound_to in (None, device.id)
        and line.entity in (None, device.entity)
    ]
    for size in range(len(reaching) + 1):
        for lines in combinations(reaching, size):
            options = []
            for name in products:
                rights = [(line, line.right_to(name)) for line in lines]
                covers = [Cover(device.id, name, line.id, right) for line, right in rights if right]
                options.append([[cover] for cover in covers] or [[]])
            for named in product(*options):
                yield tuple(line.id for line in lines), list(chain.from_iterable(named))


def objective(situation: Situation, used: Counter[str], covers: list[Cover]) -> tuple[object, ...]:
    missing = situation.installs - {(cover.device, cover.product) for cover in covers}
    lines = situation.entitlements
    ends = sorted({line.valid_until for line in lines if line.valid_until})
    return (
        sum((situation.unit_cost(name) for _, name in missing), Decimal(0)),
        len(missing),
        sum((situation.unit_cost(line.product) * used[line.id] for line in lines), Decimal(0)),
        used.total(),
        -sum(used[line.id] for line in lines if line.bound_to),
        -sum(used[line.id] for line in lines if line.entity),
        *(-sum(used[line.id] for line in lines if line.valid_until == end) for end in ends),
        -sum(cover.right is Right.DIRECT for cover in covers),
    )


entitlements = st.builds(
    Entitlement,
    id=st.just(""),
    product=st.sampled_from([f"x/y/z@{version}" for version in VERSIONS]),
    quantity=st.integers(0, 3),
    downgrade=st.booleans(),
    bound_to=st.sampled_from([None, None, None, "d-1", "d-2", "retired"]),
    entity=st.sampled_from([None, None, "A", "B"]),
    valid_from=st.sampled_from([None, None, date(2026, 7, 1)]),
    valid_until=st.sampled_from([None, None, date(2026, 12, 31), date(2027, 12, 31)]),
)
PRICES = [
    *map(Decimal, ("0", "0.1", "1", "2.5")),
    # What a division leaves, and more than floating point holds.
    *map(Decimal, ("378.7142857142857", "1306.6666666666667", "98765432109876.54")),
]
situations = st.builds(
    lambda installs, lines, prices, names: Situation(
        as_of=TODAY,
        devices=DEVICES,
        installs=frozenset(installs),
        entitlements=[replace(line, id=name) for line, name in zip(lines, names, strict=False)],
        unit_costs={f"x/y/z@{v}": price for v, price in zip(VERSIONS, prices, strict=True)},
    ),
    installs=st.sets(
        st.tuples(
            st.sampled_from([device.id for device in DEVICES]),
            st.sampled_from([f"x/y/z@{version}" for version in VERSIONS]),
        ),
        max_size=6,
    ),
    lines=st.lists(entitlements, max_size=4),
    prices=st.tuples(*[st.sampled_from(PRICES)] * 3),
    names=st.permutations(["e-1", "e-2", "e-3", "e-4"]),
)


@settings(max_examples=400, deadline=None)
@given(situations)
def test_the_answer_is_the_best_of_all(situation: Situation) -> None:
    *_, covers, used = brute_force(situation)

    answer = solved(situation)

    assert list(answer.covered) == covers
    assert Counter(answer.consumed) == used


@settings(max_examples=100, deadline=None)
@given(situations, st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(situation: Situation, order: object) -> None:
    devices, lines = list(situation.devices), list(situation.entitlements)
    order.shuffle(devices)  # type: ignore[attr-defined]
    order.shuffle(lines)  # type: ignore[attr-defined]

    shuffled = solved(replace(situation, devices=devices, entitlements=lines))

    answer = solved(situation)
    assert (shuffled.covered, shuffled.uncovered) == (answer.covered, answer.uncovered)
    assert dict(shuffled.consumed) == dict(answer.consumed)


@settings(max_examples=100, deadline=None)
@given(situations, entitlements)
def test_one_more_entitlement_never_raises_the_shortfall(
    situation: Situation, more: Entitlement
) -> None:
    richer = replace(situation, entitlements=[*situation.entitlements, replace(more, id="more")])

    assert solved(richer).shortfall_cost <= solved(situation).shortfall_cost
