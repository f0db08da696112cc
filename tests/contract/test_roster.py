"""What every store promises to who looks through the devices."""

from datetime import timedelta

import pytest

from quitus_collector.domain.device import Standing
from quitus_collector.domain.install import SourceOutcome, SourceStatus
from quitus_collector.domain.measurement import Measurement
from quitus_collector.domain.perimeter import Placement, Scope
from quitus_collector.domain.roster import Condition, Moments, Place, Row, Sought
from quitus_collector.services.ports import Store
from tests.builders import NOON, a_device
from tests.contract.office import DRAW, WORD, Office

DAY = timedelta(days=1)
MOMENTS = Moments(stale=NOON - 30 * DAY, ending=NOON + 14 * DAY)
ANY = Sought()
FAILED = (SourceOutcome("rpm", SourceStatus.FAILED, "unreadable"),)


@pytest.fixture
def fleet(store: Store) -> Store:
    """Devices d-1 to d-8, each in a condition of its own; two have one name."""
    heard = {"last_report_at": NOON}
    with store.writing() as work:
        work.devices.add(
            a_device("d-1", hostname="pc-a", **heard),
            a_device("d-2", hostname="pc-b", **heard, sources=FAILED),
            a_device("d-3", hostname="pc-b", last_report_at=NOON - 31 * DAY),
            a_device("d-4", hostname="pc-d"),
            a_device("d-5", hostname="pc-e", **heard, standing=Standing.QUARANTINED),
            a_device("d-6", hostname="pc-f", **heard, revoked_at=NOON, entity="999000110"),
            a_device("d-7", hostname="pc-g", **heard, certificate_expires_at=NOON + DAY),
            a_device("d-8", hostname="100%", **heard),
        )
    with store.writing() as work:
        work.decisions.place(
            [
                Placement("d-7", site="Lyon"),
                Placement("d-8", scope=Scope.EXCLUDED, reason="a kiosk", entity="999000110"),
            ]
        )
    return store


def found(
    store: Store, sought: Sought = ANY, *, beyond: Place | None = None, forward: bool = True
) -> list[Row]:
    with store.reading() as work:
        return list(work.roster.find(sought, MOMENTS, beyond=beyond, forward=forward, most=3))


def ids(rows: list[Row]) -> list[str]:
    return [each.id for each in rows]


def test_pages_follow_each_other_in_both_directions(fleet: Store) -> None:
    first = found(fleet)
    second = found(fleet, beyond=first[-1].place)
    third = found(fleet, beyond=second[-1].place)

    assert [ids(page) for page in (first, second, third)] == [
        ["d-8", "d-1", "d-2"],
        ["d-3", "d-4", "d-5"],
        ["d-6", "d-7"],
    ]
    assert found(fleet, beyond=third[0].place, forward=False) == second
    assert found(fleet, beyond=second[0].place, forward=False) == first


def test_each_device_is_found_by_the_condition_that_its_row_tells(fleet: Store) -> None:
    with fleet.reading() as work:
        counts = work.roster.conditions(MOMENTS)

    for condition in Condition:
        rows = found(fleet, Sought(condition=condition))
        assert {each.condition(MOMENTS.stale) for each in rows} <= {condition}
        assert len(rows) == counts.get(condition, 0)
    assert counts == {
        Condition.REPORTING: 2,
        Condition.FAILED: 1,
        Condition.STALE: 1,
        Condition.SILENT: 1,
        Condition.QUARANTINED: 1,
        Condition.REVOKED: 1,
        Condition.EXCLUDED: 1,
    }


@pytest.mark.parametrize(
    ("sought", "expected"),
    [
        (Sought(text="PC-B"), ["d-2", "d-3"]),
        (Sought(text="0%"), ["d-8"]),
        (Sought(text="pc_b"), []),
        (Sought(site="Lyon"), ["d-7"]),
        (Sought(entity="999000110"), ["d-8", "d-6"]),
        (Sought(ending=True), ["d-7"]),
        (Sought(text="pc", condition=Condition.QUARANTINED), ["d-5"]),
    ],
)
def test_devices_are_found_by_what_is_known_of_them(
    fleet: Store, sought: Sought, expected: list[str]
) -> None:
    assert ids(found(fleet, sought)) == expected


def test_sites_and_ending_certificates_are_counted(fleet: Store) -> None:
    with fleet.reading() as work:
        assert work.roster.sites() == ["Lyon"]
        assert work.roster.ending(MOMENTS) == 1


def test_devices_are_found_by_a_product_that_is_counted_on_them(office: Office) -> None:
    for device_id, installs in (("d-1", [WORD]), ("d-2", [WORD, DRAW]), ("d-3", [])):
        office.enrol(device_id)
        office.report(device_id, *installs)
    with office.store.writing() as work:
        work.decisions.place([Placement("d-1", scope=Scope.RETIRED, reason="sold")])

    with office.store.reading() as work:
        counted = work.roster.products()
    word, draw = sorted(counted, key=lambda product: -counted[product])

    assert (counted[word], counted[draw]) == (2, 1)
    assert ids(found(office.store, Sought(product=word))) == ["d-2"]
    assert ids(found(office.store, Sought(product="acme/none"))) == []


def test_figures_of_days_come_back_sorted_and_replaced(store: Store) -> None:
    today = NOON.date()
    day = Measurement(today, 10, 8, 3, 1, 0, 5)
    before = Measurement(today - DAY, 9, 8, 2, 1, 0, 4)
    with store.writing() as work:
        work.measurements.add([day, before])
    later = Measurement(today, 11, 8, 3, 1, 0, 5)
    with store.writing() as work:
        work.measurements.add([later])

    with store.reading() as work:
        assert work.measurements.list() == [before, later]
        assert work.measurements.list(since=today) == [later]
