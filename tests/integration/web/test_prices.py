"""The price list: on its pages and over the API, from the file to what gaps cost."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx import Response

from quitus_collector.domain.account import Permission, Role
from quitus_collector.domain.audit import Kind
from quitus_collector.services import prices
from quitus_collector.web.visits import COOKIE, csrf_token
from quitus_collector.wiring import prices as wired
from tests.api_programs import Program
from tests.console import POOLS, Browser, ConsoleHouse, filled

# Where its house is made already.
pytestmark = pytest.mark.xdist_group("api")
DEMO = POOLS.with_name("prices.csv")
OFFICE = "microsoft/office/standard@2019"
OFFER = "/prices/offer?id=DEMO-ACROBAT"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """With a fleet and the demo's price list; its tests change lines of their own."""
    made = ConsoleHouse(tmp_path_factory.mktemp("prices") / "collector", devices=60)
    wired.import_prices(made.collector, DEMO)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(office: ConsoleHouse) -> Browser:
    return office.browser(Role.AUDITOR)


@pytest.fixture(scope="module")
def manager(office: ConsoleHouse) -> Browser:
    return office.browser(Role.LICENCE_MANAGER)


@pytest.fixture(scope="module")
def program(office: ConsoleHouse) -> Program:
    return Program(office, Permission.READ, Permission.EDIT)


def send(browser: Browser, path: str, content: str, name: str = "tarif.csv") -> Response:
    data = {"csrf": csrf_token(browser.cookies[COOKIE])}
    return browser.post(path, data=data, files={"file": (name, content.encode())})


def take(house: ConsoleHouse, browser: Browser, content: str, **fields: str) -> str:
    """Has a file taken in; the page of what came of it."""
    where = send(browser, "/prices/import", content).headers["location"]
    sent = {"name": "tarif.csv", "do": "take", **fields}
    job = browser.form(where.partition("?")[0], **sent)
    house.work()
    return browser.get(job.headers["location"]).text


def listed(house: ConsoleHouse) -> dict[str, str]:
    return {each.licence.id: str(each.amount) for each in prices.listed(house.collector.store)}


def test_the_list_is_searched_narrowed_and_read_in_both_languages(
    office: ConsoleHouse, reader: Browser
) -> None:
    everything = reader.get("/prices").text
    found = reader.get("/prices?q=devis+2025&state=ended&publisher=vmware").text
    english = office.browser(Role.AUDITOR, language="en").get("/prices?q=acrobat").text

    assert "DEMO-ACROBAT" in everything
    assert "DEMO-WORKSTATION" in found
    assert "DEMO-ACROBAT" not in found
    assert "Aucune ligne ne correspond" in reader.get("/prices?q=nowhere").text
    assert "€214.80" in english
    assert reader.get("/prices?publisher=nobody").status_code == 422


def test_an_empty_list_says_what_to_do_next(empty_house: ConsoleHouse) -> None:
    page = empty_house.browser(Role.LICENCE_MANAGER).get("/prices").text

    assert "Aucun prix n’est enregistré" in page
    assert 'href="/prices/import"' in page
    assert 'href="/prices/import"' not in empty_house.browser(Role.AUDITOR).get("/prices").text


def test_a_list_is_looked_at_then_taken_in_and_gaps_have_their_cost(
    tmp_path: Path,
) -> None:
    house = ConsoleHouse(tmp_path / "collector", devices=60)
    browser = house.browser(Role.LICENCE_MANAGER)
    assert "Aucun tarif" in browser.get("/").text

    where = send(browser, "/prices/import", DEMO.read_text()).headers["location"]
    page, before = browser.get(where).text, browser.get("/prices").text
    said = take(house, browser, DEMO.read_text(), reason="Devis de novembre")

    assert "DEMO-ACROBAT" in page
    assert "DEMO-ACROBAT" not in before
    assert "16 lignes ajoutées" in said
    assert "Coût des écarts en EUR" in browser.get("/").text
    assert "Devis de novembre" in browser.get(OFFER).text
    assert "déjà enregistré" in browser.get(where).text
    with house.collector.store.reading() as work:
        (event,) = [e.event for e in work.audit.list() if e.event.kind is Kind.PRICES_CHANGED]
    assert event.actor.startswith("account licence-manager")
    assert (event.subject, event.detail["added"]) == ("tarif.csv", "16")
    house.close()


def test_an_unknown_product_is_decided_on_or_left_out(
    office: ConsoleHouse, manager: Browser
) -> None:
    content = f"id;produit;prix\nC-1;{OFFICE};300\nC-2;Logiciel maison;5"
    where = send(manager, "/prices/import", content).headers["location"]
    page = manager.get(where).text
    left = take(office, manager, content, without_unmatched="1")
    named = {"unmatched-1": "Logiciel maison", "product-1": OFFICE}
    decided = take(office, manager, content, **named)

    assert "Qu’est-ce qui est proposé ici" in page
    assert "1 lignes ajoutées" in left
    assert "1 lignes ajoutées" in decided
    assert {"C-1", "C-2"} <= set(listed(office))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("%PDF-1.7", "tarif.csv"),
        ("couleur;taille\nrouge;grand", "tarif.csv"),
        (f"id;produit;prix\nA;{OFFICE};cher", "n’est pas un montant"),
    ],
    ids=["pdf", "headings", "amount"],
)
def test_what_is_no_price_list_is_one_clear_page_and_changes_nothing(
    office: ConsoleHouse, manager: Browser, content: str, said: str
) -> None:
    before = listed(office)
    answer = send(manager, "/prices/import", content)
    if answer.status_code == 303:
        answer = manager.get(answer.headers["location"])

    assert said in answer.text.lower()
    assert "quitus-upload" not in answer.text
    assert listed(office) == before


def test_an_offer_is_taken_off_for_a_reason_and_its_history_stays(
    office: ConsoleHouse, manager: Browser
) -> None:
    take(office, manager, f"id;produit;prix;du\nR-1;{OFFICE};300;\nR-1;{OFFICE};320;01/01/2030")
    page = manager.get("/prices/offer?id=R-1").text
    form = filled(page, "/prices/offer/remove")

    unsaid = manager.form("/prices/offer/remove", **form)
    one = manager.form("/prices/offer/remove", **{**form, "which": "undated", "reason": "remplacé"})
    after_one = [str(each.amount) for each in _offer(office, "R-1")]
    late = manager.form("/prices/offer/remove", **{**form, "reason": "vu avant"})
    form = filled(manager.get("/prices/offer?id=R-1").text, "/prices/offer/remove")
    everything = manager.form("/prices/offer/remove", **{**form, "reason": "plus proposé"})

    assert (unsaid.status_code, one.status_code, late.status_code) == (422, 303, 409)
    assert after_one == ["320"]
    assert "modifiée entre-temps" in late.text
    assert 'value="vu avant"' in late.text
    assert everything.status_code == 303
    page = manager.get("/prices/offer?id=R-1").text
    assert "retirée du tarif" in page
    assert "plus proposé" in page
    assert "/prices/offer/remove" not in page


def _offer(house: ConsoleHouse, price_id: str) -> list[prices.Price]:
    return [e for e in prices.listed(house.collector.store) if e.licence.id == price_id]


def test_who_reads_changes_nothing_and_who_sees_devices_alone_no_price(
    office: ConsoleHouse, reader: Browser
) -> None:
    page = reader.get(OFFER).text

    assert "214,80" in page
    assert "/prices/offer/remove" not in page
    gone = reader.form("/prices/offer/remove", id="DEMO-ACROBAT", reason="pour voir")
    assert gone.status_code == 403
    assert reader.get("/prices/import").status_code == 403
    assert office.browser(Role.SERVICE_DESK).get("/prices").status_code == 403
    assert reader.get("/prices/offer?id=none").status_code == 422


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_what_is_exported_is_taken_in_again_without_a_change(
    office: ConsoleHouse, reader: Browser, tmp_path: Path, form: str
) -> None:
    exact = "id;produit;prix;devise;du;version antérieure\n" + "\n".join(
        f"X-{n};{OFFICE};{amount};USD;01/02/2026;oui"
        for n, amount in enumerate(["0,125", "1234567.891", "12.50", "7", "99999999999.123456"])
    )
    (tmp_path / "exact.csv").write_text(exact)
    wired.import_prices(office.collector, tmp_path / "exact.csv")
    before = prices.listed(office.collector.store)

    exported = reader.get(f"/prices/export?form={form}")
    (tmp_path / f"again.{form}").write_bytes(exported.content)
    again = wired.preview_prices(office.collector, tmp_path / f"again.{form}")

    assert not again.complaints
    assert [each.where for each in again.changes if each.differences] == []
    assert (again.added, again.unchanged) == (0, len(before))
    narrowed = reader.get("/prices/export?form=json&publisher=adobe").json()
    assert {each["product"].split("/")[0] for each in narrowed} == {"adobe"}


def test_names_from_a_reseller_are_shown_harmlessly(office: ConsoleHouse, manager: Browser) -> None:
    hostile = "=HYPERLINK(1)<script>alert(1)</script>"
    take(office, manager, f"id;produit;prix;devis\n{hostile};{OFFICE};1;@SUM(1)")

    page = manager.get("/prices").text
    rows = manager.get("/prices/export?form=csv&q=script").text

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
    assert not re.search(r"(^|,)[=@]", rows)


def test_a_program_previews_takes_in_lists_and_removes(
    empty_house: ConsoleHouse,
) -> None:
    program = Program(empty_house, Permission.READ, Permission.EDIT)
    sent = {"content": DEMO.read_bytes(), "params": {"name": "prices.csv", "reason": "D-14"}}

    preview = program.post("prices/imports/preview", **sent).json()
    job = program.done(program.post("prices/imports", **sent))
    first = program.get("prices", params={"limit": 10}).json()
    second = program.get("prices", params={"limit": 10, "cursor": first["next"]}).json()
    tag = program.get("prices/DEMO-ACROBAT").headers["etag"]
    content = b"id;product;price\nDEMO-ACROBAT;adobe/acrobat;220\n"
    program.done(program.post("prices/imports", content=content))
    late = program.delete("prices/DEMO-ACROBAT", headers={"If-Match": tag})
    fresh = {"If-Match": program.get("prices/DEMO-ACROBAT").headers["etag"]}
    gone = program.delete("prices/DEMO-ACROBAT", params={"reason": "old"}, headers=fresh)

    assert (preview["added"], job["result"]["added"]) == (16, "16")
    assert (len(first["items"]), len(second["items"]), second["next"]) == (10, 6, None)
    assert first["items"][0]["price"] == "214.80"
    assert {each["state"] for each in second["items"]} == {"in-force", "ended"}
    assert late.status_code == 412
    assert gone.json()["items"][0]["price"] == "220"
    assert program.get("prices/DEMO-ACROBAT").status_code == 404
    assert program.delete("prices/DEMO-ACROBAT").status_code == 404
    history = program.get("prices/DEMO-ACROBAT/history").json()["items"]
    assert [each["what"] for each in history] == ["added", "changed", "removed"]
    assert history[1]["changes"]["price"] == {"before": "214.80", "after": "220"}
    assert {each["by"] for each in history} == {program.issued.actor}
    assert program.get("exports/prices?form=json").json()[0]["id"] == "DEMO-ANTIDOTE-5"


def test_a_program_says_which_product_a_name_is(office: ConsoleHouse, program: Program) -> None:
    content = b"id;produit;prix\nM/1;Notre bureautique;90"

    wrong = program.post("prices/imports", content=content)
    match = {"match": f"Notre bureautique={OFFICE}"}
    program.done(program.post("prices/imports", content=content, params=match))
    unsaid = program.post("prices/imports", content=content, params={"match": "rien"})

    assert wrong.status_code == 422
    assert wrong.json()["errors"]
    assert program.get("prices/M%2F1").json()["items"][0]["product"] == OFFICE
    assert unsaid.status_code == 422
    one = program.delete("prices/M%2F1", params={"valid_from": "undated"})
    assert len(one.json()["items"]) == 1
