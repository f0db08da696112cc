"""What every implementation of ports.Store lets one say of remedies."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from quitus_collector.adapters.solver.highs import HighsSolver
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.lines import Cell, RawLine, Reading, line_number
from quitus_collector.services.ports import Store
from quitus_collector.services.remedying import Advice, advise
from tests.builders import an_entitlement
from tests.contract.rules import OFFICE, VISIO
from tests.contract.test_history import DRAW, WORD, Office
from tests.fakes.clock import FakeClock


@pytest.fixture
def office(store: Store, clock: FakeClock) -> Office:
    """Two devices with Office, one with Visio; nothing is owned."""
    made = Office(store, clock)
    for device in ("d-1", "d-2"):
        made.enrol(device)
    made.report("d-1", WORD)
    made.report("d-2", WORD, DRAW)
    return made


def a_price(id_: str, product: str, price: str, **cells: Cell) -> RawLine:
    return RawLine(line_number(2), {"id": id_, "product": product, "price": price, **cells})


def advice(office: Office, prices: list[RawLine] | None = None) -> Advice:
    reading = Reading("csv", prices) if prices else None
    return advise(office.store, office.catalogue, HighsSolver(), office.clock, reading)


def test_prices_make_a_plan_with_its_cost(office: Office) -> None:
    found = advice(office, [a_price("O", OFFICE, "99.90"), a_price("V", VISIO, "10")])

    assert found.cost == Decimal("209.80")
    document = found.document()
    assert (document["cost"], document["currency"]) == ("209.80", "EUR")
    assert all(gap.plan and not gap.plan.missing for gap in found.found.gaps)


def test_without_prices_quantities_and_devices_stand_alone(office: Office) -> None:
    found = advice(office)

    assert [gap.to_buy for gap in found.found.gaps] == [{OFFICE: 2}, {VISIO: 1}]
    assert found.found.gaps[1].devices == {VISIO: ("d-2",)}
    assert found.document()["cost"] is None


def test_a_price_that_is_over_is_not_offered(office: Office) -> None:
    today = office.clock.today()
    over = a_price("O", OFFICE, "1", valid_until=today - timedelta(days=1))
    coming = a_price("P", OFFICE, "1", valid_from=date(2899, 1, 1))

    found = advice(office, [over, coming])

    assert found.expired == ("O", "P")
    assert found.found.gaps[0].plan is None


def test_devices_that_are_silent_are_told(office: Office) -> None:
    office.after(days=40)
    office.report("d-1", WORD)

    assert advice(office).silent == {"d-2"}


def test_an_offer_that_makes_no_sense_is_refused_with_its_line(office: Office) -> None:
    with pytest.raises(UsageError, match=r"line 2: the catalogue has no product 'acme/other'"):
        advice(office, [a_price("O", "acme/other", "1")])
    with pytest.raises(UsageError, match="line 2: USD cannot be compared with EUR"):
        advice(office, [a_price("O", OFFICE, "1"), a_price("P", OFFICE, "1", currency="USD")])
    with office.store.writing() as work:
        work.entitlements.add(an_entitlement("E-1", OFFICE))
    with pytest.raises(UsageError, match="line 2: 'E-1' is owned already"):
        advice(office, [a_price("E-1", OFFICE, "1")])
