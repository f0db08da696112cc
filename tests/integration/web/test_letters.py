"""Letters of publishers in the console: registered, reminded of, answered."""

import pytest
from httpx import Response

from quitus_collector.domain.account import Role
from quitus_collector.web.visits import COOKIE, csrf_token
from tests.console import Browser, ConsoleHouse

LETTER = {
    "id": "MS-2026",
    "publisher": "microsoft",
    "reference": "REF/17",
    "dated": "2026-01-05",
    "received": "2026-01-09",
    "deadline": "2026-02-28",
    "nature": "voluntary",
    "entities": "999000110\n999000227",
}


@pytest.fixture(scope="module")
def manager(house: ConsoleHouse) -> Browser:
    found = house.browser(Role.LICENCE_MANAGER)
    assert register(found).status_code == 303
    return found


def register(browser: Browser, **fields: str) -> Response:
    data = {**LETTER, **fields, "csrf": csrf_token(browser.cookies[COOKIE])}
    return browser.post("/campaigns/new", data=data, files={"scan": ("lettre.pdf", b"%PDF scan")})


def test_a_letter_is_kept_with_its_scan_and_its_deadline(manager: Browser) -> None:
    page = manager.get("/campaigns/MS-2026").text

    assert "28 février 2026" in page
    assert "jours de retard" in page
    assert "999 000 227" in page
    assert manager.get("/campaigns/MS-2026/scan").content == b"%PDF scan"
    assert "MS-2026" in manager.get("/campaigns").text


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("id", "pas un nom", "pas un nom n’est pas un nom court"),
        ("id", "MS-2026", "MS-2026"),
        ("entities", "123", "123 n’est pas un SIREN"),
        ("dated", "hier", "hier n’est pas une date"),
        ("nature", "judicial", "rest"),
    ],
)
def test_what_is_wrong_with_a_letter_is_told_and_the_form_keeps_the_rest(
    manager: Browser, field: str, value: str, said: str
) -> None:
    answer = register(manager, **{"id": "AUTRE", field: value})

    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    if said != "rest":
        assert said.lower() in answer.text.lower()
    assert "REF/17" in answer.text


def test_a_reminder_moves_the_deadline(manager: Browser) -> None:
    answer = manager.form("/campaigns/MS-2026/reminders", on="2026-03-01", deadline="2099-12-31")

    assert answer.status_code == 303
    assert "31 décembre 2099" in manager.get("/campaigns").text


def test_an_entity_answers_and_declining_needs_reasons(manager: Browser) -> None:
    path = "/campaigns/MS-2026/answers"

    silent = manager.form(path, answer="decline", entity="999000110")
    given = manager.form(path, answer="decline", entity="999000110", reasons="Sans fondement")

    assert silent.status_code == 422
    assert "Décliner demande des motifs" in silent.text
    assert given.status_code == 303
    assert "Sans fondement" in manager.get("/campaigns/MS-2026").text


@pytest.mark.parametrize(
    ("name", "begins"), [("letter.pdf", b"%PDF"), ("letter.txt", b""), ("notes.pdf", b"%PDF")]
)
def test_an_answer_is_drafted_as_a_file(manager: Browser, name: str, begins: bytes) -> None:
    answer = manager.form(
        "/campaigns/MS-2026/answers", answer="clarify", entity="999000227", draft=name
    )

    assert answer.status_code == 200
    assert answer.content.startswith(begins)
    assert name in answer.headers["content-disposition"]
    assert "n’a pas répondu" in manager.get("/campaigns/MS-2026").text


def test_who_only_reads_registers_nothing(house: ConsoleHouse, manager: Browser) -> None:
    reader = house.browser(Role.AUDITOR)

    assert reader.get("/campaigns/MS-2026").status_code == 200
    assert register(reader, id="X").status_code == 403
    assert reader.form("/campaigns/MS-2026/answers", answer="decline").status_code == 403


def test_without_a_letter_the_page_says_so(empty_house: ConsoleHouse) -> None:
    assert "Aucun courrier" in empty_house.browser(Role.DSI).get("/campaigns").text
