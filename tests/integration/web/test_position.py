"""The position in the console: what is shown, sorted, exported, and why each figure is so."""

import json
import re
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from quitus_collector.domain.account import Role
from quitus_collector.domain.holding import Act
from quitus_collector.domain.position import LineState, PositionLine
from quitus_collector.services.prices import remove_price
from quitus_collector.web import tasks
from quitus_collector.web.pages import position, products
from quitus_collector.wiring import prices
from quitus_collector.wiring.console import Console
from tests.console import Browser, ConsoleHouse


@pytest.fixture(scope="module")
def patient_house(house: ConsoleHouse) -> ConsoleHouse:
    """Its pages wait for what is counted behind them."""
    house.console.figures.background.patience_s = 120
    return house


@pytest.fixture(scope="module")
def auditor(patient_house: ConsoleHouse) -> Browser:
    return patient_house.browser(Role.AUDITOR, language="en")


def rows(page: str) -> list[list[str]]:
    body = page[page.index("<tbody>") : page.index("</tbody>")]
    return [
        [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    ]


def test_lines_are_sorted_and_filtered_as_asked(
    patient_house: ConsoleHouse, auditor: Browser
) -> None:
    position = patient_house.console.figures.position().value
    missing = sorted((line.missing or 0 for line in position.lines), reverse=True)
    gaps = [line.label for line in position.lines if line.state is LineState.GAP]

    by_missing = rows(auditor.get("/position?sort=-missing").text)
    only_gaps = rows(auditor.get("/position?state=gap").text)
    found = rows(auditor.get("/position", params={"text": gaps[0].upper()}).text)

    assert [int(row[5]) for row in by_missing if row[5] != "–"] == [
        each for each in missing[: sum(row[5] != "–" for row in by_missing)]
    ]
    assert {row[0] for row in only_gaps} == set(gaps)
    assert gaps[0] in [row[0] for row in found]
    assert "No line matches" in auditor.get("/position?text=nothing-like-this").text


@pytest.fixture
def priced_gap(patient_house: ConsoleHouse, tmp_path: Path) -> Iterator[PositionLine]:
    """The only gap that the price list has an offer for: 100.50 euros for one licence."""
    figures, collector = patient_house.console.figures, patient_house.collector
    gap = next(line for line in figures.position().value.lines if line.to_buy)
    file = tmp_path / "prices.csv"
    cells = f"A;{gap.product};100,50;{gap.metric.value}"
    file.write_text(f"id;produit;prix;métrique\n{cells}\n", encoding="utf-8")
    prices.import_prices(collector, file)
    figures.expire()
    yield gap
    remove_price(collector.store, collector.clock, "A", Act("test", "over"))
    figures.expire()


def test_a_gap_costs_its_cheapest_offer_and_what_has_no_price_says_so(
    priced_gap: PositionLine, patient_house: ConsoleHouse, auditor: Browser
) -> None:
    shown = auditor.get("/position?sort=-cost").text
    first, *others = rows(shown)
    of_publishers = shown[shown.index("by publisher") :]
    amount = patient_house.collector.messages.money(Decimal("100.50") * priced_gap.to_buy, "EUR")
    told = re.sub(r"\D", "", amount)

    assert first[0] == priced_gap.label
    assert re.sub(r"\D", "", first[7]) == told
    assert {row[7] for row in others if row[5] not in ("–", "0")} == {"price unknown"}
    assert {row[7] for row in others if row[5] in ("–", "0")} == {"–"}
    assert any(re.sub(r"\D", "", row[1]) == told for row in rows(of_publishers))


def test_no_cost_is_stated_for_a_past_day(
    priced_gap: PositionLine, patient_house: ConsoleHouse, auditor: Browser
) -> None:
    day = patient_house.collector.clock.today()

    past = auditor.get(f"/position?as_of={day}&sort=-cost")

    assert priced_gap.label in past.text
    assert "Cost of the gap" not in past.text


def test_what_gaps_cost_is_counted_once_for_all_who_look(
    priced_gap: PositionLine, patient_house: ConsoleHouse
) -> None:
    figures = patient_house.console.figures
    found = figures.position().value

    assert figures.costs(found) is figures.costs(found)


def test_at_worst_never_misses_less_than_at_best(auditor: Browser) -> None:
    def missing(reading: str) -> int:
        shown = rows(auditor.get(f"/position?reading={reading}").text)
        return sum(int(row[5]) for row in shown if row[5] != "–")

    assert missing("best") <= missing("declared") <= missing("worst")


@pytest.mark.parametrize(
    "query",
    [
        *("state=broken", "sort=colour", "reading=hopeful", "as_of=yesterday"),
        *("as_of=2999-12-31", "publisher=nobody"),
    ],
)
def test_what_cannot_be_shown_is_one_clear_sentence(auditor: Browser, query: str) -> None:
    answer = auditor.get(f"/position?{query}")

    assert answer.status_code == 422
    assert answer.text.count('role="alert"') == 1


@pytest.mark.parametrize(
    ("form", "begins"), [("csv", b"product,"), ("xlsx", b"PK"), ("json", b"{")]
)
def test_the_position_leaves_as_a_file(auditor: Browser, form: str, begins: bytes) -> None:
    answer = auditor.get(f"/position/export?form={form}&publisher=microsoft")

    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert answer.headers["content-disposition"].endswith(f'.{form}"')
    if form == "json":
        lines = json.loads(answer.content)["lines"]
        assert all(line["product"].startswith("microsoft/") for line in lines)


def test_a_figure_tells_its_rule_its_licences_its_records_and_its_devices(
    patient_house: ConsoleHouse, auditor: Browser
) -> None:
    position = patient_house.console.figures.position().value
    gap = max(
        (line for line in position.lines if line.missing and line.covered),
        key=lambda line: line.installed,
    )

    shown = auditor.get("/position/line", params={"product": gap.product}).text
    without = auditor.get("/position/line", params={"product": gap.product, "without": "true"}).text

    assert gap.covered[0].entitlement in shown
    for heading in ("The rule of counting", "What would change", "What was read on the devices"):
        assert heading in shown
    assert "licence more" in shown
    assert shown.count('<a href="/devices/') == min(gap.installed, 50)
    assert without.count('<a href="/devices/') == min(gap.missing or 0, 50)


def test_a_figure_that_is_still_worked_out_shows_what_is_known_already(
    house: ConsoleHouse, auditor: Browser
) -> None:
    line = house.console.figures.position().value.lines[0]
    house.console.figures.expire()
    house.console.figures.background.patience_s = 0
    try:
        shown = auditor.get("/position/line", params={"product": line.product})
        exported = auditor.get("/position/export?form=xlsx")
    finally:
        house.console.figures.background.patience_s = 120

    assert shown.status_code == 200
    assert "they will follow in a moment" in shown.text
    assert '<a href="/devices/' in shown.text
    assert exported.status_code == 202
    assert exported.headers["refresh"]


def test_a_line_that_is_not_there_is_one_clear_sentence(auditor: Browser) -> None:
    assert auditor.get("/position/line?product=acme/none").status_code == 422


def test_the_service_desk_sees_no_figures(house: ConsoleHouse) -> None:
    desk = house.browser(Role.SERVICE_DESK)

    for path in ("/position", "/position/line?product=a/b", "/position/export"):
        assert desk.get(path).status_code == 403


def test_an_empty_collector_has_an_empty_position(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser(Role.DSI)

    assert "aucune licence n’est enregistrée" in browser.get("/position").text


def test_what_takes_long_is_counted_before_anybody_asks(house: ConsoleHouse) -> None:
    console, counted = Console(house.collector), threading.Event()
    console.figures.background.patience_s = 60

    def foresee() -> None:
        tasks.foresee(console)
        counted.set()

    with console.working({}, foresee):
        assert counted.wait(60)

    console.figures.background.patience_s = 0
    assert products.findings(console) is not None
    assert position.readings(console, None) is not None
