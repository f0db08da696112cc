"""Licence pools in the console: looked at, taken in, changed by two people at once."""

import io
import re
from pathlib import Path

import pytest
from openpyxl import Workbook

from quitus_collector.domain.account import Role
from quitus_collector.web.visits import COOKIE, csrf_token
from tests.console import POOLS, Browser, ConsoleHouse, filled

LINE = "/pools/line?id=MS-VL-2019-01"


def send(browser: Browser, path: str, content: bytes, name: str, **fields: str):  # type: ignore[no-untyped-def]
    data = {**fields, "csrf": csrf_token(browser.cookies[COOKIE])}
    return browser.post(path, data=data, files={"file": (name, content)})


def hidden(page: str, name: str) -> str:
    (found,) = set(re.findall(rf'name="{name}" value="([^"]*)"', page))
    return found


def typed(page: str) -> dict[str, str]:
    """The fields of the form that changes a line."""
    return filled(page, "/pools/line#edit")


@pytest.fixture(scope="module")
def reader(house: ConsoleHouse) -> Browser:
    return house.browser(Role.AUDITOR)


@pytest.fixture
def full_house(empty_house: ConsoleHouse) -> ConsoleHouse:
    """With the demo's licence pools, and a test's own."""
    from quitus_collector.wiring import pools

    pools.import_pools(empty_house.collector, POOLS)
    return empty_house


def test_the_list_is_searched_and_narrowed(reader: Browser) -> None:
    everything = reader.get("/pools").text
    found = reader.get("/pools?q=standard+2013&state=in-force&publisher=microsoft").text
    none = reader.get("/pools?q=nowhere").text

    assert "MS-VL-2016-01" in everything
    assert "MS-VL-2013-01" in found
    assert "MS-VL-2016-01" not in found
    assert "Aucune ligne ne correspond" in none


def test_an_empty_collector_says_what_to_do_next(empty_house: ConsoleHouse) -> None:
    page = empty_house.browser(Role.LICENCE_MANAGER).get("/pools").text

    assert "Aucune licence n’est enregistrée" in page
    assert 'href="/pools/import"' in page


def test_who_reads_changes_nothing(house: ConsoleHouse, reader: Browser) -> None:
    page = reader.get(LINE).text

    assert "Contrat MPSA 4100012" in page
    assert "<h2>Modifier" not in page
    assert reader.form("/pools/line", id="MS-VL-2019-01", quantity="1").status_code == 403
    assert reader.get("/pools/import").status_code == 403
    assert house.browser(Role.SERVICE_DESK).get("/pools").status_code == 403


def test_a_line_is_changed_with_a_reason_that_its_history_keeps(full_house: ConsoleHouse) -> None:
    browser = full_house.browser(Role.LICENCE_MANAGER)
    fields = typed(browser.get(LINE).text)

    answer = browser.form(
        "/pools/line",
        **{**fields, "quantity": "45", "valid_until": "2031-01-31", "reason": "Avenant 3"},
    )

    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    assert "quantité : 40 → 45" in page
    assert "31 janvier 2031" in page
    assert "Avenant 3" in page


def test_of_two_people_who_change_one_line_the_second_is_told_and_loses_nothing(
    full_house: ConsoleHouse,
) -> None:
    first, second = (full_house.browser(Role.LICENCE_MANAGER) for _ in range(2))
    of_first, of_second = typed(first.get(LINE).text), typed(second.get(LINE).text)
    first.form("/pools/line", **{**of_first, "quantity": "45"})

    told = second.form("/pools/line", **{**of_second, "quantity": "50", "proof": "Avenant 4"})
    again = typed(told.text)
    saved = second.form("/pools/line", **again)

    assert told.status_code == 409
    assert "a modifié cette ligne en même temps que vous" in told.text
    assert "quantité : 40 → 45" in told.text
    assert "Valeur enregistrée : 45" in told.text
    assert (again["quantity"], again["proof"]) == ("50", "Avenant 4")
    assert saved.status_code == 303
    page = second.get(LINE).text
    assert "quantité : 45 → 50" in page
    assert "Avenant 4" in page


def test_what_the_second_did_not_touch_stays_as_the_first_left_it(
    full_house: ConsoleHouse,
) -> None:
    first, second = (full_house.browser(Role.LICENCE_MANAGER) for _ in range(2))
    of_first, of_second = typed(first.get(LINE).text), typed(second.get(LINE).text)
    first.form("/pools/line", **{**of_first, "quantity": "45"})

    told = second.form("/pools/line", **{**of_second, "proof": "Avenant 4"})

    assert typed(told.text)["quantity"] == "45"


def test_what_is_wrong_with_a_field_is_told_and_the_form_keeps_it(full_house: ConsoleHouse) -> None:
    browser = full_house.browser(Role.LICENCE_MANAGER)
    fields = typed(browser.get(LINE).text)

    answer = browser.form("/pools/line", **{**fields, "quantity": "beaucoup", "proof": "neuf"})

    assert answer.status_code == 422
    assert "beaucoup" in answer.text
    assert typed(answer.text)["proof"] == "neuf"


def test_a_document_is_kept_for_a_line_and_comes_back_as_it_was(full_house: ConsoleHouse) -> None:
    browser = full_house.browser(Role.LICENCE_MANAGER)

    send(
        browser,
        "/pools/proofs",
        b"%PDF-1.7 facture",
        "Facture <1>.pdf",
        id="MS-VL-2019-01",
        kind="invoice",
    )
    page = browser.get(LINE).text
    (address,) = re.findall(r"/pools/proofs/[0-9a-f]{64}", page)
    kept = browser.get(address)

    assert "Facture &lt;1&gt;.pdf" in page
    assert kept.content == b"%PDF-1.7 facture"
    assert kept.headers["content-disposition"].startswith("attachment")
    browser.form("/pools/proofs/verify")
    full_house.work()
    assert "1 document relu : il est intact" in browser.get("/jobs").text


def test_a_file_is_looked_at_before_it_is_taken_in(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser(Role.LICENCE_MANAGER)

    where = send(browser, "/pools/import", POOLS.read_bytes(), "pools.csv").headers["location"]
    page = browser.get(where).text
    before = browser.get("/pools").text
    job = browser.form(
        where.partition("?")[0], name="pools.csv", do="take", reason="Premier inventaire"
    )
    empty_house.work()

    assert "pools.csv" in page
    assert "MS-VL-2016-01" in page
    assert "MS-VL-2016-01" not in before
    assert "23 lignes ajoutées" in browser.get(job.headers["location"]).text
    assert "Premier inventaire" in browser.get(LINE).text
    assert "déjà enregistré" in browser.get(where).text


def test_an_unknown_product_is_decided_on_or_left_out(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser(Role.LICENCE_MANAGER)
    lines = ("id;produit;quantité", "A;Microsoft Office Standard 2019;3", "B;Logiciel maison;5")
    content = "\n".join(lines).encode()
    where = send(browser, "/pools/import", content, "achats.csv").headers["location"]
    path, page = where.partition("?")[0], browser.get(where).text
    name = hidden(page, "unmatched-1")

    decided = browser.form(
        path,
        name="achats.csv",
        do="look",
        **{"unmatched-1": name, "product-1": "microsoft/office/standard@2016"},
    ).text
    job = browser.form(path, name="achats.csv", do="take", without_unmatched="1")
    empty_house.work()

    assert name == "Logiciel maison"
    assert "Que détenez-vous ici" not in decided
    assert "1 lignes ajoutées" in browser.get(job.headers["location"]).text


def merged() -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["Achats de licences", None, None])
    sheet.append(["Quoi", "Combien", None])
    sheet.merge_cells("A1:C1")
    sheet.merge_cells("B2:C2")
    sheet.append(["Office", 3, None])
    return saved(book)


def saved(book: Workbook) -> bytes:
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("contrat.pdf", b"%PDF-1.7 contrat"),
        ("ancien.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("photo.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 64),
        ("fusion.xlsx", merged()),
        ("vide.xlsx", saved(Workbook())),
        ("vide.csv", b""),
        ("faux.xlsx", b"PK\x03\x04 not a workbook"),
    ],
    # By name: a workbook has the time at which it was made in it.
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_no_list_is_one_clear_page_and_changes_nothing(
    house: ConsoleHouse, name: str, content: bytes
) -> None:
    browser = house.browser(Role.LICENCE_MANAGER)
    lines = browser.get("/pools").text.count("/pools/line?")

    answer = send(browser, "/pools/import", content, name)
    if answer.status_code == 303:
        answer = browser.get(answer.headers["location"])

    assert name in answer.text.lower()
    assert not re.search(r"\bis (a|no|not|empty)\b", answer.text), "French first"
    assert "quitus-upload" not in answer.text
    assert 'role="alert"' in answer.text or "À corriger d’abord" in answer.text
    assert browser.get("/pools").text.count("/pools/line?") == lines


def test_no_file_at_all_is_told(house: ConsoleHouse) -> None:
    browser = house.browser(Role.LICENCE_MANAGER)

    assert "Aucun fichier n’a été choisi" in browser.form("/pools/import").text


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_exported_is_taken_in_again_without_a_change(
    house: ConsoleHouse, form: str, tmp_path: Path
) -> None:
    from quitus_collector.wiring import pools

    exported = house.browser(Role.AUDITOR).get(f"/pools/export?form={form}")
    (tmp_path / f"again.{form}").write_bytes(exported.content)
    found = pools.preview_pools(house.collector, tmp_path / f"again.{form}")

    assert not found.complaints
    assert (found.added, found.changed) == (0, 0)
    assert found.unchanged == 23
