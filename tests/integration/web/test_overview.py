"""The first page and the products, as a DSI sees them."""

from datetime import timedelta

from quitus_collector.domain.account import Role
from quitus_collector.domain.campaign import Campaign, Nature
from quitus_collector.domain.measurement import Measurement
from quitus_collector.domain.position import LineState
from tests.console import ConsoleHouse

DAY = timedelta(days=1)


def test_the_first_page_tells_coverage_gaps_and_what_needs_a_decision(house: ConsoleHouse) -> None:
    position = house.console.figures.position().value
    largest = max(position.lines, key=lambda line: line.missing or 0)
    undetermined = sum(line.state is LineState.UNDETERMINED for line in position.lines)

    shown = house.browser(Role.DSI, language="en").get("/").text

    assert largest.label in shown
    assert f"{len(position.unknown):,} names that no rule knows" in shown
    assert (f"{undetermined} undetermined line" in shown) == bool(undetermined)
    assert "Position by publisher" in shown
    assert "No price list is kept here" in shown
    assert "/position/line?product=" in shown


def test_letters_are_shown_with_the_days_that_are_left(house: ConsoleHouse) -> None:
    today = house.collector.clock.today()
    with house.collector.store.writing() as work:
        for id_, publisher, due in (("c-1", "Acme", today + 3 * DAY), ("c-2", "Zed", today - DAY)):
            work.campaigns.add(
                Campaign(
                    id=id_,
                    publisher="microsoft",
                    publisher_label=f"{publisher} <b>SA</b>",
                    reference="R-1",
                    dated=today - 40 * DAY,
                    received_on=today - 39 * DAY,
                    nature=Nature.VOLUNTARY,
                    deadline=due,
                    entities=("732829320",),
                )
            )

    shown = house.browser(Role.DSI).get("/").text

    assert "3 jours restants" in shown
    assert "1 jour de retard" in shown
    assert "1 courrier en retard" in shown
    assert "<b>SA" not in shown


def test_what_was_counted_on_past_days_is_drawn_and_told(house: ConsoleHouse) -> None:
    today = house.collector.clock.today()
    measured = [Measurement(today - n * DAY, 90 + n, 77, 1234 - n, 3, 1, 9) for n in range(1, 9)]
    with house.collector.store.writing() as work:
        work.measurements.add(measured)

    shown = house.browser(Role.DSI, language="en").get("/").text

    assert shown.count("<polyline") == 3
    assert "1,226" in shown
    assert f"/position?as_of={today - 8 * DAY}" in shown


def test_todays_figures_are_kept_when_they_are_counted(house: ConsoleHouse) -> None:
    house.console.figures.expire()
    position = house.console.figures.position().value

    with house.collector.store.reading() as work:
        (today,) = work.measurements.list(since=house.collector.clock.today())

    assert today.missing == sum(line.missing or 0 for line in position.lines)
    assert today.enrolled == position.perimeter.enrolled


def test_an_empty_collector_says_what_there_is_not(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser(Role.DSI)

    shown = browser.get("/").text

    assert "rien n’attend" in shown
    assert "Aucun courrier" in shown
    assert "Aucun produit soumis à licence" in browser.get("/products").text


def test_the_service_desk_begins_with_the_devices(house: ConsoleHouse) -> None:
    desk = house.browser(Role.SERVICE_DESK)

    assert desk.get("/").headers["location"] == "/devices"
    assert desk.get("/products").status_code == 403


def test_products_tell_devices_support_and_findings(house: ConsoleHouse) -> None:
    house.console.figures.background.patience_s = 60
    browser = house.browser(Role.DSI, language="en")
    counts = house.console.figures.products().value
    product, devices = max(counts.items(), key=lambda pair: pair[1])

    shown = browser.get("/products").text
    ended = browser.get("/products?support=ended").text

    assert house.collector.catalogue.label(product) in shown
    assert f'<td class="n">{devices}</td>' in shown
    assert "support ended on" in ended
    assert "No product matches" in browser.get("/products?text=nothing-like-it").text


def test_products_that_cannot_be_shown_are_one_clear_sentence(house: ConsoleHouse) -> None:
    browser = house.browser(Role.DSI)

    for query in ("support=maybe", "sort=colour", "publisher=nobody", "page=0"):
        assert browser.get(f"/products?{query}").status_code == 422
