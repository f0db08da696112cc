"""Every list of the console as a file: all forms, harmless cells, its filters, an empty house."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import date
from urllib.parse import unquote_plus

import openpyxl
import pytest

from quitus_collector.domain.account import Role
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.campaign import Campaign, Nature
from quitus_collector.wiring import campaigns, prices
from tests.console import POOLS, Browser, ConsoleHouse

pytestmark = pytest.mark.xdist_group("exports")
FORMS = ("csv", "xlsx", "json")
LISTS = {
    "/position": "/position/export",
    "/products": "/exports/products",
    "/pools": "/pools/export",
    "/prices": "/prices/export",
    "/devices": "/exports/devices",
    "/unknown": "/exports/unknown",
    "/campaigns": "/exports/campaigns",
    "/declarations": "/exports/declarations",
    "/audit": "/audit/export",
}
# A letter whose reference a spreadsheet would work out, and with it an entry of the audit log.
HOSTILE = "=HYPERLINK(\"http://evil.example\";'état')"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """With devices and a letter; its pages wait for what is counted behind them."""
    made = ConsoleHouse(tmp_path_factory.mktemp("exports") / "collector", devices=6)
    made.console.figures.background.patience_s = 120
    letter = Campaign(
        id="MS-2026",
        publisher="microsoft",
        publisher_label="",
        reference=HOSTILE,
        dated=date(2026, 1, 5),
        received_on=date(2026, 1, 9),
        nature=Nature.VOLUNTARY,
    )
    campaigns.register(made.collector, letter, None)
    prices.import_prices(made.collector, POOLS.with_name("prices.csv"))
    with made.collector.store.writing() as work:
        work.audit.add(Event(made.collector.clock.now(), Kind.REFUSED, HOSTILE, detail={}))
    yield made
    made.close()


@pytest.fixture(scope="module")
def auditor(office: ConsoleHouse) -> Browser:
    return office.browser(Role.AUDITOR)


def rows_of(browser: Browser, path: str, form: str, **asked: str) -> list[list[object]]:
    """The cells of a file below its heading; of JSON the values."""
    answer = browser.get(path, params={"form": form, **asked})
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    if form == "csv":
        return [list(each) for each in csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))]
    if form == "xlsx":
        page = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
        assert not [each for row in page for each in row if each.data_type == "f"]
        return [[each.value for each in row] for row in page]
    if path == "/audit/export":
        return [list(json.loads(line).values()) for line in answer.text.splitlines()]
    found = answer.json()
    lines = found["lines"] if path == "/position/export" else found
    return [list(each.values()) for each in lines]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("page", LISTS)
def test_every_list_is_a_file_in_every_form_and_its_page_leads_to_it(
    auditor: Browser, page: str, form: str
) -> None:
    rows = rows_of(auditor, LISTS[page], form)

    assert f"{LISTS[page]}?form={form}" in auditor.get(page).text
    assert rows or page == "/declarations"
    if form == "csv":
        cells = [cell for row in rows for cell in row]
        assert not [each for each in cells if str(each).startswith(("=", "+", "@"))]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("page", LISTS)
def test_an_empty_collector_gives_files_too(empty: Browser, page: str, form: str) -> None:
    rows_of(empty, LISTS[page], form)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    made = ConsoleHouse(tmp_path_factory.mktemp("nothing") / "collector")
    made.console.figures.background.patience_s = 120
    yield made.browser(Role.AUDITOR)
    made.close()


def test_people_read_french_and_programs_read_codes(auditor: Browser) -> None:
    table = rows_of(auditor, "/exports/campaigns", "csv")
    found = auditor.get("/exports/campaigns?form=json").json()

    assert table[0][:5] == ["Identifiant", "Éditeur", "Nom de l’éditeur", "Référence", "Nature"]
    assert table[1][3] == f"'{HOSTILE}"
    assert "volontaire" in str(table[1][4])
    assert (found[0]["reference"], found[0]["nature"]) == (HOSTILE, "voluntary")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/exports/devices", {"text": "no-such-thing"}),
        ("/exports/products", {"text": "no-such-thing"}),
        ("/exports/unknown", {"text": "no-such-thing"}),
        ("/pools/export", {"q": "no-such-thing"}),
        ("/position/export", {"text": "no-such-thing", "reading": "worst"}),
    ],
    ids=["devices", "products", "unknown", "pools", "position"],
)
def test_a_file_has_what_the_page_was_filtered_to_and_is_in_the_audit_log(
    auditor: Browser, office: ConsoleHouse, path: str, asked: dict[str, str]
) -> None:
    everything = rows_of(auditor, path, "json")

    assert everything
    assert rows_of(auditor, path, "json", **asked) == []
    with office.collector.store.reading() as work:
        *_, last = (each.event for each in work.audit.list())
    assert last.kind is Kind.EXPORTED
    assert asked.items() <= dict(last.detail).items()


@pytest.mark.parametrize("form", FORMS)
def test_licence_pools_in_every_form_are_those_of_the_page(auditor: Browser, form: str) -> None:
    asked = {"publisher": "adobe", "state": "in-force"}
    rows = rows_of(auditor, "/pools/export", form, **asked)
    lines = rows if form == "json" else rows[1:]

    shown = auditor.get("/pools", params=asked).text
    assert lines
    assert len(lines) == shown.count("/pools/line?")
    assert all(f">{line[0]}<" in shown for line in lines)
    assert f"/pools/export?form={form}&amp;publisher=adobe" in shown


def test_the_position_as_a_file_has_the_lines_and_the_order_of_its_page(auditor: Browser) -> None:
    asked = {"publisher": "microsoft", "state": "gap", "sort": "-missing", "reading": "worst"}
    found = auditor.get("/position/export", params={"form": "json", **asked})
    page = auditor.get("/position", params=asked).text
    book = auditor.get("/position/export", params={"form": "xlsx", **asked})
    sheets = openpyxl.load_workbook(io.BytesIO(book.content)).worksheets

    products = [each["product"] for each in found.json()["lines"]]
    shown = re.findall(r'/position/line\?product=([^"&]+)', page)
    assert products
    assert products == list(dict.fromkeys(unquote_plus(each) for each in shown))
    assert "position-worst-" in found.headers["content-disposition"]
    assert sheets[0].max_row == len(products) + 1
    told = [str(cell.value) for row in sheets[3] for cell in row]
    assert "Toutes les règles contestées sont lues comme un éditeur les lit." in told


@pytest.mark.parametrize("page", LISTS)
def test_a_form_that_is_not_there_is_told(auditor: Browser, page: str) -> None:
    assert auditor.get(LISTS[page], params={"form": "exe"}).status_code == 422
