from collections.abc import Mapping
from datetime import date
from zoneinfo import ZoneInfo

from quitus_collector.adapters.messages import Messages
from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.counting import position_lines
from quitus_collector.domain.entitlement import Entitlement, Metric, Right
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.position import LineState, PositionLine, Undetermined
from quitus_collector.services.wording import why
from tests.builders import OFFICE_2016, OFFICE_2019, an_entitlement, shipped_catalogue

CATALOGUE = shipped_catalogue()
SQL = "microsoft/sql-server/standard@2019"
ARCGIS = "esri/arcgis-server@11"
M365 = "microsoft/365-apps/enterprise"


def lines(
    products: Mapping[str, set[str]],
    *entitlements: Entitlement,
    day: date = date(2026, 11, 23),
    **facts: object,
) -> dict[str, PositionLine]:
    """`facts` are those of every device."""
    devices = [CountedDevice(device, **facts) for device in products]  # type: ignore[arg-type]
    found = {device: frozenset(each) for device, each in products.items()}
    made = position_lines(day, devices, found, entitlements, CATALOGUE, HighsSolver())
    return {line.product: line for line in made}


def test_what_is_missing_is_a_gap() -> None:
    line = lines({"pc-1": {OFFICE_2019}, "pc-2": {OFFICE_2019}}, an_entitlement())[OFFICE_2019]

    assert (line.installed, line.entitled, line.consumed, line.missing) == (2, 1, 1, 1)
    assert line.state is LineState.GAP


def test_licences_of_a_product_that_is_not_installed_are_shown_as_available() -> None:
    line = lines({}, an_entitlement(quantity=7))[OFFICE_2019]

    assert (line.installed, line.available, line.missing) == (0, 7, 0)
    assert line.state is LineState.COMPLIANT


def test_a_unit_that_covers_a_lower_version_is_consumed_on_its_own_line() -> None:
    newer = an_entitlement(quantity=3, downgrade=True)

    found = lines({"pc-1": {OFFICE_2016}, "pc-2": {OFFICE_2019}}, newer)

    assert (found[OFFICE_2019].consumed, found[OFFICE_2019].lent) == (2, 1)
    assert [each.right for each in found[OFFICE_2016].covered] == ["downgrade"]


def test_a_downgrade_reaches_the_versions_of_the_name_that_was_sold_before() -> None:
    ltsc = "microsoft/office/ltsc-professional-plus@2021"
    older, same = (f"microsoft/office/professional-plus@{each}" for each in ("2016", "2021"))
    installed = {"pc-1": {older}, "pc-2": {same}}

    found = lines(installed, an_entitlement("LTSC", ltsc, 2, downgrade=True))
    without = lines(installed, an_entitlement("LTSC", ltsc, 2))

    assert [each.right for each in found[older].covered] == ["downgrade"]
    assert (found[older].missing, found[same].missing) == (0, 1)
    assert (without[older].missing, without[same].missing) == (1, 1)


def test_expired_licences_are_not_owned_any_more() -> None:
    expired = an_entitlement(valid_until=date(2026, 11, 22))

    assert lines({"pc-1": {OFFICE_2019}}, expired)[OFFICE_2019].entitled == 0


def test_cores_are_counted_by_the_minimums_and_packs_of_the_catalogue() -> None:
    units = an_entitlement("S", SQL, 8, metric=Metric.CORE)

    seven = lines({"srv-1": {SQL}}, units, processors=1, cores=7)[SQL]
    two = lines({"srv-1": {SQL}}, units, processors=1, cores=2)[SQL]
    ten = lines({"srv-1": {SQL}}, units, processors=1, cores=10)[SQL]

    assert (seven.entitled, seven.consumed, seven.missing) == (8, 8, 0)
    assert (two.consumed, two.missing) == (4, 0)
    assert (ten.consumed, ten.missing, ten.available) == (0, 1, 8)


def test_cores_that_are_not_told_or_have_no_terms_are_undetermined_not_guessed() -> None:
    untold = lines({"srv-1": {SQL}}, processors=1, cores=0)[SQL]
    unruled = lines({"srv-1": {ARCGIS}}, processors=1, cores=8)[ARCGIS]

    assert untold.reason is Undetermined.MACHINE
    assert unruled.state is LineState.UNDETERMINED
    assert unruled.reason is Undetermined.METRIC
    assert (unruled.installed, unruled.missing, unruled.available) == (1, None, None)


def test_the_rules_are_those_of_the_day() -> None:
    server = "microsoft/windows-server/standard@2012r2"
    units = an_entitlement("W", server, 16, metric=Metric.CORE)

    now = lines({"srv-1": {server}}, units, processors=2, cores=8)[server]
    then = lines({"srv-1": {server}}, units, day=date(2015, 6, 30), processors=2, cores=8)[server]

    assert (now.consumed, now.missing) == (16, 0)
    assert then.reason is Undetermined.METRIC


def test_a_part_of_a_suite_that_stands_alone_is_covered_by_the_suite() -> None:
    word = "microsoft/office/word@2019"

    line = lines({"pc-1": {word}}, an_entitlement())[word]

    assert [(each.entitlement, each.right) for each in line.covered] == [("E-1", Right.SUITE)]


def test_one_licence_under_another_metric_makes_all_versions_undetermined() -> None:
    found = lines(
        {"pc-1": {OFFICE_2016}, "pc-2": {"microsoft/windows/pro@11"}},
        an_entitlement(metric=Metric.CONCURRENT, downgrade=True),
    )

    assert found[OFFICE_2016].state is LineState.UNDETERMINED
    assert found["microsoft/windows/pro@11"].state is LineState.GAP


def test_an_expired_licence_under_another_metric_taints_nothing() -> None:
    expired = an_entitlement(metric=Metric.CONCURRENT, valid_until=date(2025, 12, 31))

    assert lines({"pc-1": {OFFICE_2019}}, expired)[OFFICE_2019].state is LineState.GAP


def test_a_seat_covers_the_devices_of_its_person() -> None:
    seat = an_entitlement("S", M365, metric=Metric.USER, devices_per_user=2)

    line = lines({"pc-1": {M365}, "pc-2": {M365}, "pc-3": {M365}}, seat, user="pseudonym")[M365]

    assert (line.installed, line.consumed, line.missing, line.lent) == (3, 1, 1, 0)


def test_a_device_that_does_not_tell_whose_it_is_leaves_seats_undetermined() -> None:
    seat = an_entitlement("S", M365, metric=Metric.USER)
    lent = an_entitlement(second_use=True)

    assert lines({"pc-1": {M365}}, seat)[M365].reason is Undetermined.PERSON
    assert lines({"pc-1": {OFFICE_2019}}, lent)[OFFICE_2019].reason is Undetermined.PERSON


def test_processors_are_counted_where_devices_tell_them() -> None:
    units = an_entitlement(quantity=4, metric=Metric.PROCESSOR)

    told = lines({"srv-1": {OFFICE_2019}}, units, processors=2)[OFFICE_2019]
    untold = lines({"srv-1": {OFFICE_2019}}, units, processors=0)[OFFICE_2019]

    assert (told.consumed, told.missing) == (2, 0)
    assert untold.reason is Undetermined.MACHINE


def test_maintenance_and_editions_go_by_the_dates_and_ranks_of_the_catalogue() -> None:
    maintained = an_entitlement(product=OFFICE_2016, maintenance_until=date(2024, 1, 1))
    too_early = an_entitlement(product=OFFICE_2016, maintenance_until=date(2018, 1, 1))
    editions = an_entitlement(edition_downgrade=True)
    standard = "microsoft/office/standard@2019"

    assert lines({"pc-1": {OFFICE_2019}}, maintained)[OFFICE_2019].missing == 0
    assert lines({"pc-1": {OFFICE_2019}}, too_early)[OFFICE_2019].missing == 1
    assert lines({"pc-1": {standard}}, editions)[standard].missing == 0


def test_rights_that_need_unknown_terms_leave_what_they_reach_undetermined() -> None:
    maintained = an_entitlement(
        product="adobe/acrobat/pro@10", metric=Metric.USER, maintenance_until=date(2024, 1, 1)
    )
    editions = an_entitlement(product="adobe/acrobat/pro@11", edition_downgrade=True)
    newer, standard = "adobe/acrobat/pro@11", "adobe/acrobat/standard@11"

    undated = lines({"pc-1": {newer}}, maintained, user="pseudonym")
    unranked = lines({"pc-1": {standard}}, editions, user="pseudonym")

    assert undated[newer].reason is Undetermined.TERMS
    assert unranked[standard].reason is Undetermined.TERMS


def test_an_upgrade_consumes_a_full_licence_and_shares_its_doubts() -> None:
    pro, enterprise = "microsoft/windows/pro@11", "microsoft/windows/enterprise@11"
    full = an_entitlement("FULL", pro)
    upgrade = an_entitlement("UPG", enterprise, requires_base="microsoft/windows/pro")
    installs = {"pc-1": {enterprise}}

    known = lines(installs, full, upgrade)
    doubtful = lines(installs, full, upgrade, an_entitlement("X", pro, metric=Metric.CORE))

    assert (known[enterprise].missing, known[pro].consumed) == (0, 1)
    assert doubtful[enterprise].reason is Undetermined.METRIC


def test_a_product_of_which_the_version_is_unknown_is_undetermined_alone() -> None:
    found = lines({"pc-1": {"rarlab/winrar"}, "pc-2": {"rarlab/winrar@6"}})

    assert found["rarlab/winrar"].reason is Undetermined.VERSION
    assert found["rarlab/winrar@6"].state is LineState.GAP


def test_lines_are_sorted_by_product_then_version() -> None:
    products = {"pc-1": {OFFICE_2019, OFFICE_2016, "microsoft/windows/pro@7", "rarlab/winrar@6"}}

    assert list(lines(products)) == [
        OFFICE_2016,
        OFFICE_2019,
        "microsoft/windows/pro@7",
        "rarlab/winrar@6",
    ]


def test_a_gap_says_the_licences_that_it_takes_where_they_are_not_as_many() -> None:
    messages = Messages("fr", ZoneInfo("Europe/Paris"))
    server = lines({"srv-1": {SQL}}, an_entitlement("S", SQL, 8, metric=Metric.CORE), cores=12)[SQL]
    desk = lines({"pc-1": {OFFICE_2019}})[OFFICE_2019]

    assert why(server, messages).startswith("1 sans licence (soit 4 licences)")
    assert why(desk, messages) == "1 sans licence"
