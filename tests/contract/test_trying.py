"""What every implementation of ports.Store lets one try on paper."""

import pytest

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.domain.entitlement import Metric
from quitus_collector.domain.product import Product
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.lines import Cell, RawLine, Reading, line_number
from quitus_collector.services.pools import Refused
from quitus_collector.services.ports import Store
from quitus_collector.services.trying import Move, Purchase, Uninstall, WhatIf, what_if
from tests.builders import an_entitlement
from tests.contract.rules import OFFICE, VISIO
from tests.contract.test_history import DRAW, WORD, Office
from tests.fakes.clock import FakeClock


@pytest.fixture
def office(store: Store, clock: FakeClock) -> Office:
    """Three devices of two people; one licence for Office, none for Visio."""
    made = Office(store, clock)
    for device, user in (("d-1", "anne"), ("d-2", "anne"), ("d-3", "paul")):
        made.enrol(device)
        made.report(device, WORD, *([DRAW] if device == "d-3" else []), primary_user=user)
    with store.writing() as work:
        work.entitlements.add(an_entitlement("E-1", OFFICE))
    return made


def tried(office: Office, **changes: object) -> WhatIf:
    return what_if(
        office.store,
        office.catalogue,
        HighsSolver(),
        office.clock,
        **changes,  # type: ignore[arg-type]
    )


def missing(found: WhatIf) -> dict[str, int | None]:
    return {line.product: line.missing for line in found.after}


def test_nothing_is_kept_and_the_line_before_is_the_position(office: Office) -> None:
    found = tried(office, purchases=[Purchase(OFFICE, 2)])

    assert found.before == office.position().lines
    assert missing(found) == {OFFICE: 0, VISIO: 1}
    assert [each.product for each in found.differences] == [OFFICE]
    assert found.missing == (3, 1)


def test_a_product_can_be_gone_from_one_device_or_from_all(office: Office) -> None:
    one = tried(office, uninstalls=[Uninstall(OFFICE, "pc-d-2")])
    everywhere = tried(office, uninstalls=[Uninstall(OFFICE, None)])

    assert missing(one) == {OFFICE: 1, VISIO: 1}
    assert missing(everywhere)[OFFICE] == 0
    assert next(line for line in everywhere.after if line.product == OFFICE).available == 1


def test_people_who_move_take_a_licence_each_to_all_their_devices(office: Office) -> None:
    office.catalogue.products[VISIO] = Product(VISIO, VISIO, metric=Metric.USER)

    found = tried(office, moves=[Move(OFFICE, VISIO, ("pc-d-1",))])

    (effect,) = found.effects
    assert (effect.installs, effect.licences) == (2, 1)
    after = {line.product: line for line in found.after}
    assert (after[OFFICE].installed, after[OFFICE].missing) == (1, 0)
    assert (after[VISIO].installed, after[VISIO].missing) == (3, 1)


def test_purchases_may_come_from_a_file_with_their_rights(office: Office) -> None:
    def pools(id_: str, **cells: Cell) -> Reading:
        told: dict[str, Cell] = {"id": id_, "product": OFFICE, "quantity": "2", **cells}
        return Reading("csv", (RawLine(line_number(2), told),))

    assert missing(tried(office, pools=pools("N-1", second_use="oui")))[OFFICE] == 0
    assert missing(tried(office, pools=pools("N-1", bound_to="pc-d-3")))[OFFICE] == 1
    with pytest.raises(UsageError, match=r"line 2: 'E-1' is owned already"):
        tried(office, pools=pools("E-1"))
    with pytest.raises(Refused) as refused:
        tried(office, pools=pools("N-1", quantity="two", metric="seats of a kind"))
    assert len(refused.value.preview.complaints) == 2


def test_a_change_that_changes_nothing_is_refused(office: Office) -> None:
    with pytest.raises(UsageError, match="acme/visio is not installed there"):
        tried(office, uninstalls=[Uninstall(VISIO, "pc-d-1")])
    with pytest.raises(UsageError, match="no device that counts has the name or id 'pc-9'"):
        tried(office, uninstalls=[Uninstall(VISIO, "pc-9")])
    with pytest.raises(UsageError, match="the catalogue has no product 'acme/other'"):
        tried(office, purchases=[Purchase("acme/other", 1)])
