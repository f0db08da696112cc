"""An explanation adds up to the figures of the position, and says what the engine would."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.catalogue import CountingTerms
from quitus_collector.domain.counting import position_lines, question
from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.explanation import Explanation, Step, explain
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.product import Product, Terms
from tests.builders import OFFICE_2016, OFFICE_2019, an_entitlement, shipped_catalogue

CATALOGUE = shipped_catalogue()
DAY = date(2026, 11, 23)
SQL = "microsoft/sql-server/standard@2019"
M365 = "microsoft/365-apps/enterprise"
SOLVER = HighsSolver()

METRICS = {"m/office": Metric.DEVICE, "m/cc": Metric.USER, "m/sql": Metric.CORE}
MADE_UP = CountingTerms(
    "",
    "",
    {
        line: Product(
            line, line, metric=metric, terms=(Terms(metric, "source", device_minimum=4, pack=2),)
        )
        for line, metric in METRICS.items()
    },
    frozenset(METRICS),
)
PRODUCTS = [f"{line}@{version}" for line in METRICS for version in (2016, 2019)]

devices = st.lists(
    st.builds(
        CountedDevice,
        id=st.just(""),
        entity=st.sampled_from([None, "1", "2"]),
        user=st.sampled_from([None, "p", "q", "r"]),
        portable=st.booleans(),
        cores=st.sampled_from([0, 2, 8]),
    ),
    max_size=7,
).map(lambda found: [replace(each, id=f"d-{n}") for n, each in enumerate(found)])


def _entitlements(found: list[Entitlement]) -> list[Entitlement]:
    return [
        replace(
            each,
            id=f"L-{number}",
            metric=METRICS[each.product.partition("@")[0]],
            second_use=each.second_use and each.product.startswith("m/office"),
        )
        for number, each in enumerate(found)
    ]


entitlements = st.lists(
    st.builds(
        Entitlement,
        id=st.just(""),
        product=st.sampled_from(PRODUCTS),
        quantity=st.integers(0, 9),
        downgrade=st.booleans(),
        second_use=st.booleans(),
        bound_to=st.sampled_from([None, None, "d-0"]),
        entity=st.sampled_from([None, None, "1"]),
        valid_until=st.sampled_from([None, date(2026, 12, 31), date(2025, 12, 31)]),
    ),
    max_size=5,
).map(_entitlements)


@settings(deadline=None)
@given(devices, entitlements, st.data())
def test_an_explanation_adds_up_to_the_line_of_the_position(
    fleet: list[CountedDevice], owned: list[Entitlement], data: st.DataObject
) -> None:
    sets = st.frozensets(st.sampled_from(PRODUCTS), max_size=3)
    installed = {device.id: data.draw(sets) for device in fleet}
    asked = question(DAY, fleet, installed, owned, MADE_UP)

    lines = position_lines(DAY, fleet, installed, owned, MADE_UP, SOLVER)

    for line in lines:
        explained = explain(line.product, asked, MADE_UP, SOLVER)
        assert explained.line == line
        _adds_up(explained, installed)


def _adds_up(explained: Explanation, installed: Mapping[str, frozenset[str]]) -> None:
    line = explained.line
    on = [each for each, products in installed.items() if line.product in products]
    assert [each.device for each in explained.devices] == sorted(on)
    if line.reason:
        assert {each.covered for each in explained.devices} <= {None}
        return
    assert sum(each.covered is False for each in explained.devices) == line.missing
    assert Counter((d.entitlement, d.right) for d in explained.devices if d.covered) == {
        (each.entitlement, each.right): each.installs for each in line.covered
    }
    own = [each for each in explained.licences if each.entitlement.product == line.product]
    assert not on or sum(each.consumed for each in own) == line.consumed


@settings(deadline=None, max_examples=30)
@given(devices, entitlements, st.data())
def test_what_one_change_makes_is_what_the_position_says_after_it(
    fleet: list[CountedDevice], owned: list[Entitlement], data: st.DataObject
) -> None:
    sets = st.frozensets(st.sampled_from(PRODUCTS), max_size=2)
    installed = {device.id: data.draw(sets) for device in fleet}
    asked = question(DAY, fleet, installed, owned, MADE_UP)
    for product in sorted(asked.fleet.installed):
        for trial in explain(product, asked, MADE_UP, SOLVER).trials:
            if trial.step is Step.INSTALL_REMOVED:
                fewer = installed | {trial.on: installed[trial.on] - {product}}
                after = position_lines(DAY, fleet, fewer, owned, MADE_UP, SOLVER)
            elif trial.step is Step.LICENCES_ADDED and trial.on:
                more = [
                    replace(each, quantity=each.quantity + trial.units * (each.id == trial.on))
                    for each in owned
                ]
                after = position_lines(DAY, fleet, installed, more, MADE_UP, SOLVER)
            else:
                continue
            found = {line.product: line.missing for line in after}
            assert trial.missing == found.get(product, 0)


def explained(
    product: str,
    products: Mapping[str, set[str]],
    *owned: Entitlement,
    **facts: object,
) -> Explanation:
    fleet = [CountedDevice(device, **facts) for device in products]  # type: ignore[arg-type]
    found = {device: frozenset(each) for device, each in products.items()}
    return explain(product, question(DAY, fleet, found, owned, CATALOGUE), CATALOGUE, SOLVER)


def test_it_names_the_devices_and_the_licences_that_cover_them() -> None:
    newer = an_entitlement("E-19", OFFICE_2019, 1, downgrade=True)

    found = explained(OFFICE_2016, {"pc-2": {OFFICE_2016}, "pc-1": {OFFICE_2016}}, newer)

    first, second = found.devices
    assert (first.device, first.entitlement, first.right) == ("pc-1", "E-19", Right.DOWNGRADE)
    assert (second.device, second.covered) == ("pc-2", False)
    assert [(each.entitlement.id, each.installs) for each in found.licences] == [("E-19", 1)]


def test_one_licence_more_is_said_to_cover_one_install_more() -> None:
    owned = an_entitlement("E-1", OFFICE_2019, 1)

    found = explained(OFFICE_2019, {"pc-1": {OFFICE_2019}, "pc-2": {OFFICE_2019}}, owned)

    added = next(each for each in found.trials if each.step is Step.LICENCES_ADDED)
    assert (found.line.missing, added.on, added.units, added.missing) == (1, "E-1", 1, 0)


def test_a_licence_taken_away_may_leave_another_product_without_one() -> None:
    shared = an_entitlement("E-1", OFFICE_2019, 2, downgrade=True)

    found = explained(OFFICE_2019, {"pc-1": {OFFICE_2016}, "pc-2": {OFFICE_2019}}, shared)

    removed = next(each for each in found.trials if each.step is Step.LICENCES_REMOVED)
    assert removed.missing + sum(removed.others.values()) == 1


def test_the_cores_that_a_device_lacks_are_tried_together() -> None:
    owned = an_entitlement("S", SQL, 8, metric=Metric.CORE)

    found = explained(SQL, {"srv-1": {SQL}}, owned, processors=1, cores=10)

    added = [each for each in found.trials if each.step is Step.LICENCES_ADDED]
    assert [(each.on, each.units, each.missing) for each in added] == [("S", 2, 0), ("", 2, 0)]


def test_an_undetermined_line_names_the_devices_that_lack_a_fact() -> None:
    seat = an_entitlement("S", M365, metric=Metric.USER)

    found = explained(M365, {"pc-1": {M365}}, seat)

    assert (found.lacking, found.trials, found.devices[0].covered) == (("pc-1",), (), None)


def test_a_product_that_is_owned_and_installed_nowhere_is_explained_by_what_it_covers() -> None:
    newer = an_entitlement("E-19", OFFICE_2019, 3, downgrade=True)

    found = explained(OFFICE_2019, {"pc-1": {OFFICE_2016}}, newer)

    assert (found.line.installed, found.line.consumed, found.line.available) == (0, 1, 2)
    assert (found.licences[0].consumed, found.licences[0].installs) == (1, 0)


def test_what_would_change_a_figure_can_be_left_out() -> None:
    asked = question(
        DAY, [CountedDevice("pc-1")], {"pc-1": frozenset({OFFICE_2019})}, [], CATALOGUE
    )

    whole = explain(OFFICE_2019, asked, CATALOGUE, SOLVER)
    short = explain(OFFICE_2019, asked, CATALOGUE, SOLVER, changes=False)

    assert whole.trials
    assert short == replace(whole, trials=())


def test_a_line_of_no_licences_is_none_that_could_cover() -> None:
    nothing = an_entitlement("E-0", OFFICE_2019, 0, second_use=True)

    found = explained(OFFICE_2019, {"pc-1": {OFFICE_2019}}, nothing)

    assert found.licences == ()
    assert {each.on for each in found.trials} == {"pc-1", ""}
