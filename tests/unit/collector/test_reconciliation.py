"""The engine's values: what goes in, what comes out, and the order of its choices."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.columns import Installs
from quitus_collector.domain.licensing.covers import Cover
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.licensing.situation import (
    CountedDevice,
    ProductTerms,
    Reconciliation,
    Situation,
)
from tests.builders import OFFICE_2016, OFFICE_2019, an_entitlement

TODAY = date(2026, 6, 30)
OFFICE_2013 = "microsoft/office/professional-plus@2013"


def a_situation(installs: str, *entitlements: Entitlement, **fields: object) -> Situation:
    """`installs` is like "pc-1 2016, pc-2 2019"; devices are those that occur."""
    pairs = [pair.split() for pair in installs.split(",") if pair]
    line = OFFICE_2019.partition("@")[0]
    found = Installs.of((device, f"{line}@{version}") for device, version in pairs)
    devices = [CountedDevice(device) for device in found.devices]
    values = {"as_of": TODAY, "devices": devices, "installs": found, "entitlements": entitlements}
    return Situation(**(values | fields))  # type: ignore[arg-type]


def solved(situation: Situation) -> Reconciliation:
    return reconcile(situation, HighsSolver())


def test_two_devices_on_one_entitlement_leave_a_shortfall() -> None:
    answer = solved(a_situation("pc-1 2019, pc-2 2019", an_entitlement(quantity=1)))

    assert answer.uncovered == {OFFICE_2019: 1}
    assert answer.consumed == {"E-1": 1}
    assert answer.covered == [Cover("pc-1", OFFICE_2019, "E-1", "", Right.DIRECT)]


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
    products = {
        OFFICE_2013: ProductTerms(OFFICE_2013, unit_cost=Decimal("199.99")),
        OFFICE_2016: ProductTerms(OFFICE_2016, unit_cost=Decimal("200")),
    }

    answer = solved(replace(situation, products=products))

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


@pytest.mark.parametrize("few", ["0.1", "378.7142857142857", "1306.6666666666667"])
def test_prices_are_summed_exactly_whatever_their_length(few: str) -> None:
    many = Decimal("98765432109876.5432109876543")
    products = {
        OFFICE_2016: ProductTerms(OFFICE_2016, unit_cost=Decimal(few)),
        OFFICE_2019: ProductTerms(OFFICE_2019, unit_cost=many),
    }
    unit = an_entitlement(quantity=1, downgrade=True)

    answer = solved(
        a_situation("pc-1 2016, pc-2 2016, pc-3 2019, pc-4 2019", unit, products=products)
    )

    assert answer.shortfall_cost == answer.bound == 2 * Decimal(few) + many


def test_a_line_may_have_any_number_of_units() -> None:
    product = ProductTerms(OFFICE_2019, default_metric=Metric.CONCURRENT)
    many = an_entitlement("A-site", metric=Metric.CONCURRENT, quantity=10**16)
    few = an_entitlement("B-few", metric=Metric.CONCURRENT, quantity=1)

    answer = solved(
        a_situation("", many, few, products={OFFICE_2019: product}, peaks={OFFICE_2019: 2})
    )

    assert answer.consumed == {"A-site": 2, "B-few": 0}
    assert answer.optimal


def test_uses_may_be_any_number() -> None:
    product = ProductTerms(OFFICE_2019, default_metric=Metric.CONCURRENT)
    line = an_entitlement(metric=Metric.CONCURRENT, quantity=7)

    answer = solved(
        a_situation("", line, products={OFFICE_2019: product}, peaks={OFFICE_2019: 10**12})
    )

    assert answer.uncovered == {OFFICE_2019: 10**12 - 7}
    assert answer.optimal


def test_prices_may_be_far_apart() -> None:
    def terms(product: str, price: str) -> ProductTerms:
        return ProductTerms(product, unit_cost=Decimal(price), default_metric=Metric.PROCESSOR)

    processors = {"metric": Metric.PROCESSOR}
    lines = (
        an_entitlement("A-cores", OFFICE_2019, quantity=1, metric=Metric.CORE, downgrade=True),
        an_entitlement("B-full", OFFICE_2019, quantity=2, **processors),
        an_entitlement("C-dear", OFFICE_2016, quantity=1, **processors),
        an_entitlement(
            "D-upgrade", OFFICE_2019, quantity=1, downgrade=True, requires_base=OFFICE_2019,
            **processors,
        ),
    )  # fmt: skip
    situation = a_situation(
        "pc-1 2016, pc-1 2019, pc-2 2016, pc-2 2019",
        *lines,
        devices=[CountedDevice("pc-1"), CountedDevice("pc-2", cores=2, processors=2)],
        products={
            OFFICE_2016: terms(OFFICE_2016, "99999999.99"),
            OFFICE_2019: terms(OFFICE_2019, "0.01"),
        },
    )

    answer = solved(situation)

    assert answer.uncovered == {OFFICE_2016: 1}
    assert answer.consumed == {"A-cores": 1, "B-full": 2, "C-dear": 0, "D-upgrade": 0}
    assert answer.shortfall_cost == answer.bound == Decimal("99999999.99")


def test_what_a_level_is_held_by_stays_in_force_for_the_next() -> None:
    def line(name: str, quantity: int, guests: int | None = 1, **rights: object) -> Entitlement:
        product = OFFICE_2019 if name == "D" else OFFICE_2016
        values = {"metric": Metric.CORE, "virtual_machines": guests}
        return an_entitlement(name, product, quantity, **(values | rights))

    lines = (
        line("A", 1, guests=None, maintenance_until=date(2021, 1, 1)),
        line("B", 2, maintenance_until=date(2018, 10, 10), requires_base=OFFICE_2016),
        line("C", 4, guests=2),
        line("D", 1),
        line("E", 2),
    )
    situation = a_situation(
        "pc-1 2016, pc-1 2019, vm-1 2016, vm-1 2019, vm-2 2016",
        *lines,
        devices=[
            CountedDevice("pc-1"),
            *(CountedDevice(name, is_virtual=True, host="pc-1") for name in ("vm-1", "vm-2")),
        ],
        products={
            OFFICE_2016: ProductTerms(OFFICE_2016, core_minimum_per_device=2),
            OFFICE_2019: ProductTerms(OFFICE_2019, released=date(2016, 1, 1), core_pack=2),
        },
    )

    by_devices = reconcile(situation, HighsSolver(few_variables=0), few_patterns=0)

    assert by_devices.optimal
    assert by_devices == solved(situation)
