from collections.abc import Mapping
from datetime import date

from quitus_collector.adapters import catalogue_files
from quitus_collector.adapters.highs import HighsSolver
from quitus_collector.domain.entitlement import Entitlement, Metric
from quitus_collector.domain.licensing.situation import CountedDevice
from quitus_collector.domain.position import LineState, PositionLine, Undetermined, position_lines
from tests.builders import OFFICE_2016, OFFICE_2019, an_entitlement

CATALOGUE = catalogue_files.load()
SQL = "microsoft/sql-server/standard@2019"
M365 = "microsoft/365-apps/enterprise"


def lines(
    products: Mapping[str, set[str]], *entitlements: Entitlement, **facts: object
) -> dict[str, PositionLine]:
    """`facts` are those of every device."""
    devices = [CountedDevice(device, **facts) for device in products]  # type: ignore[arg-type]
    found = {device: frozenset(each) for device, each in products.items()}
    day = date(2026, 11, 23)
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


def test_expired_licences_are_not_owned_any_more() -> None:
    expired = an_entitlement(valid_until=date(2026, 11, 22))

    assert lines({"pc-1": {OFFICE_2019}}, expired)[OFFICE_2019].entitled == 0


def test_a_product_counted_by_core_is_undetermined_not_guessed() -> None:
    line = lines({"srv-1": {SQL}}, an_entitlement("S", SQL, 8, metric=Metric.CORE))[SQL]

    assert line.state is LineState.UNDETERMINED
    assert line.reason is Undetermined.METRIC
    assert (line.installed, line.entitled, line.missing, line.available) == (1, 8, None, None)


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


def test_rights_that_need_unknown_terms_leave_what_they_reach_undetermined() -> None:
    maintained = an_entitlement(product=OFFICE_2016, maintenance_until=date(2024, 1, 1))
    editions = an_entitlement(edition_downgrade=True)
    standard = "microsoft/office/standard@2019"

    assert lines({"pc-1": {OFFICE_2019}}, maintained)[OFFICE_2019].reason is Undetermined.TERMS
    assert lines({"pc-1": {standard}}, editions)[standard].reason is Undetermined.TERMS


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
