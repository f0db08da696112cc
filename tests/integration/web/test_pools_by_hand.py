"""Licence lines in the console, by hand: one is added, duplicated, and removed by two people."""

import re

import pytest

from quitus_collector.domain.account import Role
from tests.console import Browser, ConsoleHouse, filled

ADD = "/pools/new"
STANDARD = "microsoft/office/standard@2019"


def added(browser: Browser, **typed: str) -> str:
    """The address of a line that was added."""
    form = filled(browser.get(f"/pools/new?product={STANDARD}").text, ADD)
    answer = browser.form("/pools/new", **{**form, **typed})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.fixture
def manager(empty_house: ConsoleHouse) -> Browser:
    return empty_house.browser(Role.LICENCE_MANAGER)


@pytest.fixture(scope="module")
def looking(house: ConsoleHouse) -> Browser:
    return house.browser(Role.LICENCE_MANAGER)


def test_products_are_found_by_words_of_their_names(looking: Browser) -> None:
    start = looking.get("/pools/new").text
    found = looking.get("/pools/new?q=Microsoft+standard,+OFFICE+2019").text
    french = looking.get("/pools/new?q=project+professionnel").text
    many = looking.get("/pools/new?q=a").text
    none = looking.get("/pools/new?q=logiciel+maison+%3Cb%3E").text
    signs = looking.get("/pools/new?q=%21%21").text

    assert "<table" not in start
    assert f"product={STANDARD.replace('/', '%2F').replace('@', '%40')}" in found
    assert "microsoft/project/professional" in french
    assert many.count("/pools/new?product=") == 50
    assert "Les 50 premiers de" in many
    for page in (none, signs):
        assert "Aucun produit soumis à licence n’a tous ces mots" in page
        assert "/pools/new?product=" not in page
    assert "<b>" not in none


def test_a_line_is_added_with_a_reason_that_its_history_keeps(
    empty_house: ConsoleHouse, manager: Browser
) -> None:
    assert 'href="/pools/new"' in manager.get("/pools").text

    where = added(
        manager,
        quantity="1 200",
        channel="volume",
        valid_from="2026-01-01",
        valid_until="2028-12-31",
        entity="552100554",
        proof="Contrat É-12",
        downgrade="yes",
        reason="Commande de janvier",
    )

    page = manager.get(where).text
    assert "Contrat É-12/microsoft/office/standard@2019" in page
    assert "Office Standard 2019" in page
    assert "1 200" in page.replace("\u202f", " ").replace("\xa0", " ")
    assert "31 décembre 2028" in page
    assert "Commande de janvier" in page
    assert "Office Standard 2019" in manager.get("/pools?q=552100554").text
    log = empty_house.browser(Role.AUDITOR).get("/audit").text
    assert "Contrat É-12/microsoft/office/standard@2019" in log


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"quantity": ""}, "La nouvelle ligne, Quantité : est vide"),
        ({"quantity": "beaucoup"}, "'beaucoup' n’est pas un nombre entier à partir de 0"),
        ({"valid_until": "demain"}, "'demain' n’est pas une date"),
        (
            {"valid_from": "2027-01-01", "valid_until": "2026-01-01"},
            "Au : est avant le premier jour",
        ),
        ({"identifier": "", "proof": ""}, "La nouvelle ligne, Identifiant : est vide"),
        ({"product": "Logiciel maison"}, "'Logiciel maison' n’est pas un produit"),
        ({"product": "microsoft/office/standard"}, "microsoft/office/standard@VERSION"),
        ({"entity": "la filiale"}, "'la filiale'"),
        ({"metric": "user", "second_use": "yes"}, "Second usage"),
        ({"reason": "x" * 1001}, "Le motif dépasse 1000 caractères"),
    ],
    ids=[
        "no quantity",
        "no number",
        "no date",
        "backwards",
        "nothing to name it by",
        "no product",
        "no version",
        "no company",
        "right of another metric",
        "long reason",
    ],
)
def test_what_is_wrong_is_told_and_the_form_keeps_what_was_typed(
    looking: Browser, typed: dict[str, str], told: str
) -> None:
    form = filled(looking.get(f"/pools/new?product={STANDARD}").text, ADD)
    sent = {**form, "quantity": "5", "proof": "F-<1>", "identifier": "A", **typed}
    before = looking.get("/pools").text.count("/pools/line?")

    answer = looking.form("/pools/new", **sent)

    assert answer.status_code == 422
    (sentence,) = re.findall(r'role="alert"><p class="wrap">(.*?)</p>', answer.text)
    assert told in sentence.replace("&#39;", "'")
    again = filled(answer.text, ADD)
    again["proof"] = again["proof"].replace("&lt;", "<").replace("&gt;", ">")
    assert {name: again[name] for name in sent} == sent
    assert looking.get("/pools").text.count("/pools/line?") == before


def test_a_form_that_is_sent_twice_adds_one_line(manager: Browser) -> None:
    for name in ({"identifier": "A"}, {"proof": "F-1"}):
        added(manager, quantity="5", **name)
        form = filled(manager.get(f"/pools/new?product={STANDARD}").text, ADD)
        again = manager.form("/pools/new", **{**form, "quantity": "7", **name})

        assert again.status_code == 422
        assert "est déjà détenue" in again.text
        assert filled(again.text, ADD)["quantity"] == "7"
    assert "quantité : 5 → 7" not in manager.get("/pools/line?id=A").text


def test_a_version_that_the_catalogue_does_not_list_is_typed(manager: Browser) -> None:
    page = manager.get("/pools/new?product=microsoft/office/standard").text
    form = filled(page, ADD)

    answer = manager.form(
        "/pools/new", **{**form, "version": "2003", "quantity": "5", "identifier": "A"}
    )

    assert "sont vendues pour une version" in page
    assert answer.status_code == 303
    assert "Office Standard 2003" in manager.get(answer.headers["location"]).text


def test_what_is_counted_by_cores_is_stated_by_who_adds_it(manager: Browser) -> None:
    product = "microsoft/windows-server/standard@2022"
    form = filled(manager.get(f"/pools/new?product={product}").text, ADD)
    sent = {**form, "quantity": "16", "identifier": "A"}

    unsaid = manager.form("/pools/new", **sent)
    said = manager.form("/pools/new", **{**filled(unsaid.text, ADD), "metric": "core"})

    assert unsaid.status_code == 422
    assert "Métrique" in unsaid.text
    assert said.status_code == 303


def test_a_line_is_duplicated_under_another_id(manager: Browser) -> None:
    where = added(manager, identifier="A", quantity="5", proof="F-1", second_use="yes")

    address = re.findall(r'href="(/pools/new\?like=[^"]+)"', manager.get(where).text)[0]
    form = filled(manager.get(address).text, ADD)
    answer = manager.form("/pools/new", **{**form, "identifier": "B", "quantity": "8"})

    assert (form["identifier"], form["proof"], form["second_use"]) == ("", "F-1", "yes")
    assert answer.status_code == 303
    listed = manager.get("/pools").text
    assert listed.count("/pools/line?") == 2
    assert filled(manager.get("/pools/line?id=A").text, "/pools/line#edit")["quantity"] == "5"


def test_who_reads_adds_nothing(house: ConsoleHouse) -> None:
    reader = house.browser(Role.AUDITOR)

    assert reader.get("/pools/new").status_code == 403
    assert reader.form("/pools/new", product=STANDARD, quantity="5").status_code == 403
    assert "/pools/new" not in reader.get("/pools").text
    assert "/pools/new" not in reader.get("/pools/line?id=MS-VL-2019-01").text


@pytest.mark.parametrize("address", ["product=acme/none", "like=none"])
def test_what_is_not_there_is_told(looking: Browser, address: str) -> None:
    answer = looking.get(f"/pools/new?{address}")

    assert answer.status_code == 422
    assert "none" in answer.text


def test_of_a_line_that_was_changed_meanwhile_nothing_is_removed_unseen(
    empty_house: ConsoleHouse, manager: Browser
) -> None:
    second = empty_house.browser(Role.LICENCE_MANAGER)
    where = added(manager, identifier="A", quantity="5")
    seen = filled(second.get(where).text, "/pools/line/remove")
    edit = filled(manager.get(where).text, "/pools/line#edit")
    manager.form("/pools/line", **{**edit, "quantity": "9"})

    told = second.form("/pools/line/remove", **{**seen, "reason": "Revendue"})
    again = filled(told.text, "/pools/line/remove")
    removed = second.form("/pools/line/remove", **again)

    assert told.status_code == 409
    assert "Elle n’a pas été retirée" in told.text
    assert "quantité : 5 → 9" in told.text
    assert again["reason"] == "Revendue"
    assert removed.status_code == 303
    assert "Cette ligne a été retirée" in second.get(where).text
    late = manager.form("/pools/line/remove", **{**again, "reason": "Revendue aussi"})
    assert late.status_code == 422
    assert "Cette ligne a été retirée" in late.text


def test_a_line_is_not_removed_without_a_reason(manager: Browser) -> None:
    where = added(manager, identifier="A", quantity="5")
    seen = filled(manager.get(where).text, "/pools/line/remove")

    answer = manager.form("/pools/line/remove", **{**seen, "reason": " "})

    assert answer.status_code == 422
    assert "Indiquez pourquoi la ligne est retirée" in answer.text
    assert "/pools/line?id=A" in manager.get("/pools").text
