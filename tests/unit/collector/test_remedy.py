"""Remedies close the gap as they say, and nothing cheaper does."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import product as combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.catalogue import CountingTerms
from quitus_collector.domain.counting import position_lines, question
from quitus_collector.domain.entitlement import UNLIMITED, Channel, Entitlement, Metric
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.position import Undetermined
from quitus_collector.domain.product import Product, Terms
from quitus_collector.domain.remedy import Gap, Offer, Remedies, remedies
from tests.builders import OFFICE_2016, OFFICE_2019, an_entitlement, shipped_catalogue

CATALOGUE = shipped_catalogue()
DAY = date(2026, 11, 23)
SOLVER = HighsSolver()
WINDOWS = "microsoft/windows-server/standard@2022"
DATACENTER = "microsoft/windows-server/datacenter@2022"

METRICS = {"m/office": Metric.DEVICE, "m/cc": Metric.USER, "m/sql": Metric.CORE}
MADE_UP = CountingTerms(
    "",
    "",
    {
        line: Product(
            line, line, metric=metric, terms=(Terms(metric, "source", device_minimum=2, pack=2),)
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
        entity=st.sampled_from([None, "1"]),
        user=st.sampled_from(["p", "q"]),
        cores=st.sampled_from([2, 3]),
    ),
    min_size=1,
    max_size=3,
).map(lambda found: [replace(each, id=f"d-{n}") for n, each in enumerate(found)])


def _named(prefix: str) -> st.SearchStrategy[list[Entitlement]]:
    return st.lists(
        st.builds(
            Entitlement,
            id=st.just(""),
            product=st.sampled_from(PRODUCTS),
            quantity=st.integers(1, 2),
            downgrade=st.booleans(),
        ),
        max_size=2,
    ).map(
        lambda found: [
            replace(each, id=f"{prefix}{n}", metric=METRICS[each.product.partition("@")[0]])
            for n, each in enumerate(found)
        ]
    )


def missing_after(
    fleet: list[CountedDevice], installed: Mapping[str, frozenset[str]], owned: list[Entitlement]
) -> int:
    lines = position_lines(DAY, fleet, installed, owned, MADE_UP, SOLVER)
    return sum(line.missing or 0 for line in lines)


@settings(deadline=None, max_examples=60)
@given(devices, _named("L-"), _named("O-"), st.data())
def test_nothing_cheaper_closes_as_much(
    fleet: list[CountedDevice],
    owned: list[Entitlement],
    licences: list[Entitlement],
    data: st.DataObject,
) -> None:
    sets = st.frozensets(st.sampled_from(PRODUCTS), max_size=2)
    installed = {device.id: data.draw(sets) for device in fleet}
    offers = [
        Offer(each, Decimal(data.draw(st.integers(1, 300))) / 100, "list") for each in licences
    ]

    found = remedies(question(DAY, fleet, installed, owned, MADE_UP), MADE_UP, offers, SOLVER)

    plans = [gap.plan for gap in found.gaps if gap.plan]
    bought = [
        replace(each.offer.licence, quantity=each.units)
        for plan in plans
        for each in plan.purchases
    ]
    cost = sum((plan.cost for plan in plans), Decimal(0))
    after = missing_after(fleet, installed, [*owned, *bought])
    assert after == min(
        missing_after(fleet, installed, [*owned, *basket]) for basket, _ in _baskets(offers)
    )
    assert cost == min(
        price
        for basket, price in _baskets(offers)
        if missing_after(fleet, installed, [*owned, *basket]) == after
    )


def _baskets(offers: list[Offer]) -> list[tuple[list[Entitlement], Decimal]]:
    """Everything that could be bought, up to more than three devices can use."""
    most = [12 if each.licence.metric is Metric.CORE else 6 for each in offers]
    ranges = [range(n // each.licence.quantity + 1) for n, each in zip(most, offers, strict=True)]
    return [
        (
            [
                replace(each.licence, quantity=each.licence.quantity * count)
                for each, count in zip(offers, times, strict=True)
                if count
            ],
            sum((each.price * n for each, n in zip(offers, times, strict=True)), Decimal(0)),
        )
        for times in combinations(*ranges)
    ]


def found(
    fleet: Mapping[CountedDevice, set[str]],
    owned: list[Entitlement],
    offers: list[Offer],
) -> Remedies:
    installed = {device.id: frozenset(each) for device, each in fleet.items()}
    asked = question(DAY, list(fleet), installed, owned, CATALOGUE)
    return remedies(asked, CATALOGUE, offers, SOLVER)


def an_offer(id_: str, product: str, price: str, quantity: int = 1, **fields: object) -> Offer:
    return Offer(an_entitlement(id_, product, quantity, **fields), Decimal(price), "price list")


def the_gap(remedies: Remedies) -> Gap:
    (gap,) = remedies.gaps
    return gap


def test_the_cheaper_of_two_versions_is_bought_and_the_dearer_is_shown_beside_it() -> None:
    fleet = {CountedDevice("pc-1"): {OFFICE_2016}, CountedDevice("pc-2"): {OFFICE_2019}}
    old = an_offer("O-16", OFFICE_2016, "100")
    new = an_offer("O-19", OFFICE_2019, "120.50", downgrade=True)

    gap = the_gap(found(fleet, [], [old, new]))

    assert gap.plan is not None
    assert [(each.offer, each.times) for each in gap.plan.purchases] == [(old, 1), (new, 1)]
    assert (gap.plan.cost, gap.plan.missing) == (Decimal("220.50"), {})
    assert [(each.cost, sum(each.missing.values())) for each in gap.alternatives] == [
        (Decimal(241), 0),
        (Decimal(100), 1),
    ]


def test_without_offers_the_units_and_the_devices_are_told() -> None:
    fleet = {CountedDevice("pc-1"): {OFFICE_2016}, CountedDevice("pc-2"): {OFFICE_2016}}

    gap = the_gap(found(fleet, [an_entitlement("E-1", OFFICE_2016, 1)], []))

    assert (gap.plan, gap.to_buy) == (None, {OFFICE_2016: 1})
    assert gap.devices == {OFFICE_2016: ("pc-2",)}


def test_what_one_company_has_over_could_move_to_another() -> None:
    fleet = {CountedDevice("pc-1", entity="2"): {OFFICE_2019}}
    reserved = an_entitlement("E-1", OFFICE_2019, 5, entity="1")

    gap = the_gap(found(fleet, [reserved], []))

    (transfer,) = gap.transfers
    assert (transfer.entitlement.id, transfer.units, transfer.missing) == ("E-1", 1, {})
    oem = replace(reserved, channel=Channel.OEM)
    assert the_gap(found(fleet, [oem], [])).transfers == ()


def test_another_edition_of_which_licences_are_left_over_could_take_the_place() -> None:
    standard, professional = "microsoft/visio/standard@2019", "microsoft/visio/professional@2019"
    fleet = {CountedDevice(f"pc-{n}"): {professional} for n in range(3)}
    owned = [an_entitlement("S", standard, 2), an_entitlement("P", professional, 1)]

    gap = the_gap(found(fleet, owned, []))

    (replacement,) = gap.replacements
    assert (replacement.product, replacement.by) == (professional, standard)
    assert (replacement.devices, replacement.missing) == (("pc-1", "pc-2"), {})


def test_another_edition_is_not_proposed_where_a_licence_reserved_elsewhere_is_left() -> None:
    standard, professional = "microsoft/visio/standard@2019", "microsoft/visio/professional@2019"
    fleet = {CountedDevice("pc-1", entity="2"): {professional}}
    reserved = an_entitlement("S", standard, 2, entity="1")

    assert the_gap(found(fleet, [reserved], [])).replacements == ()


def test_an_upgrade_is_bought_where_its_base_is_owned_and_as_often_as_that() -> None:
    fleet = {CountedDevice(f"pc-{n}"): {OFFICE_2019} for n in range(3)}
    base = an_entitlement("B", OFFICE_2016, 2)
    full = an_offer("FULL", OFFICE_2019, "100")
    upgrade = an_offer("UP", OFFICE_2019, "60", requires_base=OFFICE_2016)

    gap = the_gap(found(fleet, [base], [full, upgrade]))

    assert gap.plan is not None
    assert (gap.plan.cost, gap.plan.missing) == (Decimal(220), {})
    assert {each.offer.licence.id: each.times for each in gap.plan.purchases} == {
        "FULL": 1,
        "UP": 2,
    }


def test_one_licence_with_second_use_is_cheaper_than_two_without() -> None:
    fleet = {
        CountedDevice("desk", user="anne"): {OFFICE_2019},
        CountedDevice("laptop", user="anne", portable=True): {OFFICE_2019},
    }
    plain = an_offer("P", OFFICE_2019, "100")
    lent = an_offer("S", OFFICE_2019, "150", second_use=True)

    gap = the_gap(found(fleet, [], [plain, lent]))

    assert gap.plan is not None
    assert [(each.offer.licence.id, each.times) for each in gap.plan.purchases] == [("S", 1)]
    assert [each.cost for each in gap.alternatives] == [Decimal(150), Decimal(200)]


def test_packs_are_bought_whole() -> None:
    fleet = {CountedDevice(f"pc-{n}"): {OFFICE_2019} for n in range(7)}
    single, pack = an_offer("1", OFFICE_2019, "10"), an_offer("5", OFFICE_2019, "42", 5)

    gap = the_gap(found(fleet, [], [single, pack]))

    assert gap.plan is not None
    assert gap.plan.cost == Decimal(62)
    assert [each.units for each in gap.plan.purchases] == [2, 5]
    assert [each.cost for each in gap.alternatives] == [Decimal(70), Decimal(84)]


def _a_host(guests: int) -> dict[CountedDevice, set[str]]:
    host = CountedDevice("host", processors=2, cores=16)
    return {host: set()} | {
        CountedDevice(f"vm-{n}", is_virtual=True, host="host", cores=4): {WINDOWS}
        for n in range(guests)
    }


def test_standard_is_stacked_until_datacenter_is_cheaper() -> None:
    standard = an_offer("STD", WINDOWS, "100", 16, metric=Metric.CORE, virtual_machines=2)
    datacenter = an_offer(
        "DC",
        DATACENTER,
        "640",
        16,
        metric=Metric.CORE,
        virtual_machines=UNLIMITED,
        edition_downgrade=True,
    )

    few = the_gap(found(_a_host(6), [], [standard, datacenter]))
    many = the_gap(found(_a_host(14), [], [standard, datacenter]))

    assert few.plan is not None
    assert [(each.offer.licence.id, each.times) for each in few.plan.purchases] == [("STD", 3)]
    assert [each.cost for each in few.alternatives] == [Decimal(300), Decimal(640)]
    assert many.plan is not None
    assert [(each.offer.licence.id, each.times) for each in many.plan.purchases] == [("DC", 1)]


def test_licences_per_guest_stand_beside_licences_for_the_host() -> None:
    host = an_offer("HOST", WINDOWS, "100", 16, metric=Metric.CORE, virtual_machines=2)
    guest = an_offer("GUEST", WINDOWS, "9", 2, metric=Metric.CORE)

    gap = the_gap(found(_a_host(1), [], [host, guest]))

    assert gap.plan is not None
    assert {each.purchases[0].offer.licence.id for each in gap.alternatives} == {"HOST", "GUEST"}
    assert gap.plan.cost == min(each.cost for each in gap.alternatives)


def test_an_offer_that_cannot_be_counted_here_is_left_out_and_said_to_be() -> None:
    fleet = {CountedDevice("pc-1"): {OFFICE_2019}}
    per_user = an_offer("U", OFFICE_2019, "1", metric=Metric.USER)
    per_device = an_offer("D", OFFICE_2019, "100")

    answer = found(fleet, [], [per_user, per_device])

    assert answer.uncountable == {"U": Undetermined.PERSON}
    gap = the_gap(answer)
    assert gap.plan is not None
    assert gap.plan.cost == 100


def test_nobody_gets_a_remedy_for_what_is_undetermined() -> None:
    fleet = {CountedDevice("pc-1"): {"esri/arcgis-server@11"}}

    assert found(fleet, [], []).gaps == ()
