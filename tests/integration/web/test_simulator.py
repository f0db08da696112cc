"""What-if and remedies in the console."""

import re

import pytest

from quitus_collector.domain.account import Role
from quitus_collector.web.visits import COOKIE, csrf_token
from tests.console import Browser, ConsoleHouse


@pytest.fixture(scope="module")
def browser(house: ConsoleHouse) -> Browser:
    return house.browser(Role.AUDITOR)


def result(house: ConsoleHouse, browser: Browser, path: str, **fields: str) -> str:
    answer = browser.form(path, **fields)
    assert answer.status_code == 303, answer.text
    house.work()
    where = browser.get(f"{answer.headers['location']}/progress").headers.get("location")
    return browser.get(where or answer.headers["location"]).text


def first_gap(house: ConsoleHouse) -> tuple[str, int]:
    lines = house.console.figures.position().value.lines
    return next((each.product, each.missing) for each in lines if each.missing)


def test_a_purchase_on_paper_closes_a_gap_and_is_not_kept(
    house: ConsoleHouse, browser: Browser
) -> None:
    product, missing = first_gap(house)

    page = result(house, browser, "/simulator", **{"buy-1": product, "quantity-1": str(missing)})

    assert "licences achetées" in page or "licence achetée" in page
    assert "Installations sans licence, après" in page
    assert first_gap(house) == (product, missing)


def test_an_uninstall_is_tried_and_can_be_changed(house: ConsoleHouse, browser: Browser) -> None:
    product, _ = first_gap(house)

    page = result(house, browser, "/simulator", **{"without-1": product})
    again = page.partition("/simulator?again=")[2].partition('"')[0]

    assert "retirée" in page
    assert f'<option value="{product}" selected' in browser.get(f"/simulator?again={again}").text


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"buy-1": "microsoft/office/standard@2019", "quantity-1": "beaucoup"},
        {"buy-1": "N'importe quoi", "quantity-1": "1"},
    ],
)
def test_what_cannot_be_tried_is_told_at_once(browser: Browser, fields: dict[str, str]) -> None:
    answer = browser.form("/simulator", **fields)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


def test_a_trial_that_fails_is_changed_and_not_typed_anew(
    house: ConsoleHouse, browser: Browser
) -> None:
    product, _ = first_gap(house)
    answer = browser.form("/simulator", **{"without-1": product, "device-1": "no-such-device"})
    house.work()

    page = browser.get(answer.headers["location"]).text
    again = re.search(r'href="(/simulator\?again=[^"]+)"', page)

    assert 'role="alert"' in page
    assert again
    assert 'value="no-such-device"' in browser.get(again[1]).text


def test_remedies_are_told_without_prices(house: ConsoleHouse, browser: Browser) -> None:
    page = result(house, browser, "/simulator/remedies")

    assert "les quantités" in page
    assert "sans licence" in page


def test_remedies_are_counted_at_the_prices_of_a_list(
    house: ConsoleHouse, browser: Browser
) -> None:
    product, _ = first_gap(house)
    prices = f"id;product;price;quantity\nO-1;{product};410;1\n".encode()
    data = {"csrf": csrf_token(browser.cookies[COOKIE])}
    files = {"file": ("prix.csv", prices)}

    answer = browser.post("/simulator/remedies", data=data, files=files)
    house.work()

    page = browser.get(answer.headers["location"] + "/progress").headers["location"]
    assert "410,00" in browser.get(page).text


def test_a_wrong_price_list_is_told_line_by_line(house: ConsoleHouse, browser: Browser) -> None:
    data = {"csrf": csrf_token(browser.cookies[COOKIE])}
    files = {"file": ("prix.csv", b"id;product;price\nO-1;rien du tout;cher\n")}

    answer = browser.post("/simulator/remedies", data=data, files=files)
    house.work()

    page = browser.get(answer.headers["location"]).text
    assert 'role="alert"' in page
    assert "prix.csv" in page


def test_nobody_sees_the_trial_of_another_person(house: ConsoleHouse, browser: Browser) -> None:
    answer = browser.form("/simulator/remedies")
    house.work()
    job = answer.headers["location"].rpartition("/")[2]

    assert house.browser(Role.DSI).get(f"/simulator/results/{job}").status_code == 422


def test_an_empty_collector_has_a_simulator_too(empty_house: ConsoleHouse) -> None:
    assert empty_house.browser(Role.DSI).get("/simulator").status_code == 200
