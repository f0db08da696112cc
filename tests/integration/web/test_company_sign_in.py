"""Signing in by the company's own service, against a real provider in a process of its own."""

import html
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from quitus_collector.adapters.signing_in.oidc import FRESH_S
from quitus_collector.domain.account import Role
from quitus_collector.services.attempts import FREE, Attempts
from quitus_collector.web.visits import COOKIE
from tests.console import ADDRESS, Browser, ConsoleHouse
from tests.identity_provider import SECRET, Running, running

# One house for all of them, on whichever core.
pytestmark = pytest.mark.xdist_group("company_sign_in")
FRENCH = {"accept-language": "fr"}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("provider")) as started:
        yield started


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory, provider: Running) -> Iterator[ConsoleHouse]:
    home = tmp_path_factory.mktemp("office") / "collector"
    home.mkdir()
    (home / "collector.toml").write_text(f'[listen]\nnames = ["localhost"]\n{provider.settings()}')
    (home / "oidc.secret").touch(0o600)
    (home / "oidc.secret").write_text(f"{SECRET}\n")
    (home / "ca.pem").write_bytes((provider.folder / "ca.pem").read_bytes())
    made = ConsoleHouse(home)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _as_it_should_be(provider: Running, office: ConsoleHouse) -> None:
    """One test's refusals are not another's: all of them come from one address."""
    provider.be()
    office.console.returns = Attempts()


def begin(browser: Browser, provider: Running, path: str = "/sign-in/company") -> str:
    """Goes to the provider and back: the path that it comes back to."""
    address = browser.get(path, headers=FRENCH).headers["location"]
    assert address.startswith(f"{provider.issuer}/authorize?")
    return provider.visit(address).removeprefix("https://console.test")


def sign_in(browser: Browser, provider: Running) -> Response:
    return browser.get(begin(browser, provider), headers=FRENCH)


def test_the_company_says_who_it_is_and_what_the_person_may(
    office: ConsoleHouse, provider: Running
) -> None:
    browser = office.anonymous()

    answer = sign_in(browser, provider)

    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    page = browser.get("/account").text
    assert "Ada Lovelace" in page
    assert "Mot de passe" not in page
    with office.collector.store.reading() as work:
        account = work.accounts.find(name="ada.lovelace")
    assert account
    assert account.roles == {Role.DSI}


def test_roles_follow_the_company_at_each_sign_in(office: ConsoleHouse, provider: Running) -> None:
    sign_in(office.anonymous(), provider)
    provider.be(person={"groups": ["licences-audit"]})

    browser = office.anonymous()
    sign_in(browser, provider)

    assert browser.get("/audit").status_code == 200
    with office.collector.store.reading() as work:
        account = work.accounts.find(name="ada.lovelace")
    assert account
    assert account.roles == {Role.AUDITOR}


def test_one_comes_back_to_the_page_that_was_asked_for(
    office: ConsoleHouse, provider: Running
) -> None:
    browser = office.anonymous()

    path = begin(browser, provider, "/sign-in/company?next=/position")
    assert browser.get(path).headers["location"] == "/position"
    elsewhere = begin(office.anonymous(), provider, "/sign-in/company?next=//evil.test")
    assert "evil" not in elsewhere


@pytest.mark.parametrize(
    "person",
    [{"groups": ["everyone"]}, {"groups": "everyone"}, {"groups": None}, {"groups": {"a": 1}}],
)
def test_who_has_no_part_in_quitus_is_not_let_in(
    office: ConsoleHouse, provider: Running, person: dict[str, Any]
) -> None:
    provider.be(person=person)

    answer = sign_in(office.anonymous(), provider)

    assert answer.status_code == 401
    assert "__Host-quitus=" not in answer.headers.get("set-cookie", "")


@pytest.mark.parametrize(
    "wrong",
    [
        {"sign": "none"},
        {"sign": "HS256"},
        {"sign": "stranger"},
        {"claims": {"iss": "https://other.example"}},
        {"claims": {"aud": "another"}},
        {"claims": {"aud": ["quitus", "another"]}},
        {"claims": {"azp": "another"}},
        {"claims": {"exp": 1_700_000_000}},
        {"claims": {"exp": None}},
        {"claims": {"iat": 4_000_000_000}},
        {"claims": {"nonce": "of another sign-in"}},
        {"claims": {"nonce": None}},
        {"claims": {"at_hash": "x"}},
        {"claims": {"sub": None}},
        {"iss": "https://other.example"},
        {"state": "of another"},
        {"error": "access_denied"},
    ],
    ids=str,
)
def test_what_does_not_prove_who_it_is_opens_nothing(
    office: ConsoleHouse, provider: Running, wrong: dict[str, Any]
) -> None:
    provider.be(**wrong)
    browser = office.anonymous()

    answer = sign_in(browser, provider)

    assert answer.status_code == 401
    assert browser.get("/account").headers["location"].startswith("/sign-in")


def test_a_code_opens_one_session_in_the_browser_that_asked(
    office: ConsoleHouse, provider: Running
) -> None:
    browser, other = office.anonymous(), office.anonymous()
    path = begin(browser, provider)
    begin(other, provider)

    stolen = other.get(path)
    first = browser.get(path)
    again = browser.get(path)

    assert (stolen.status_code, first.status_code, again.status_code) == (401, 303, 401)


def test_keys_that_changed_are_asked_for_again(office: ConsoleHouse, provider: Running) -> None:
    assert sign_in(office.anonymous(), provider).status_code == 303
    provider.be(key=1)

    assert sign_in(office.anonymous(), provider).status_code == 303


@pytest.mark.parametrize("name", ["x y", "a" * 65, "<script>", ""])
def test_a_name_that_is_none_is_refused(office: ConsoleHouse, provider: Running, name: str) -> None:
    provider.be(person={"preferred_username": name, "email": "", "sub": f"u-{name}"})

    assert sign_in(office.anonymous(), provider).status_code == 401


def test_nobody_takes_the_name_of_a_local_account(office: ConsoleHouse, provider: Running) -> None:
    provider.be(person={"preferred_username": "administrator", "sub": "u-9"})

    assert sign_in(office.anonymous(), provider).status_code == 401


def test_an_account_that_was_disabled_stays_out(office: ConsoleHouse, provider: Running) -> None:
    provider.be(person={"preferred_username": "eve", "sub": "u-2"})
    sign_in(office.anonymous(), provider)
    from quitus_collector.wiring import accounts

    accounts.change(office.collector, "eve", is_disabled=True, reason="partie")

    assert sign_in(office.anonymous(), provider).status_code == 401


def test_signing_out_offers_to_sign_out_of_the_company_too(
    office: ConsoleHouse, provider: Running
) -> None:
    browser = office.anonymous()
    sign_in(browser, provider)

    page = browser.get(browser.form("/sign-out").headers["location"]).text

    assert 'href="/sign-in/company/end"' in page
    assert (
        browser.get("/sign-in/company/end")
        .headers["location"]
        .startswith(
            f"{provider.issuer}/end?client_id=quitus&post_logout_redirect_uri=https%3A%2F%2F"
        )
    )
    assert browser.get("/account").headers["location"].startswith("/sign-in")


@pytest.mark.parametrize("wrong", [{"status": 503}, {"issuer": "https://other.example"}], ids=str)
def test_while_the_provider_is_away_passwords_still_open(
    tmp_path: Path, provider: Running, wrong: dict[str, Any]
) -> None:
    home = tmp_path / "collector"
    home.mkdir()
    (home / "collector.toml").write_text(f'[listen]\nnames = ["localhost"]\n{provider.settings()}')
    (home / "oidc.secret").touch(0o600)
    (home / "oidc.secret").write_text(SECRET)
    (home / "ca.pem").write_bytes((provider.folder / "ca.pem").read_bytes())
    house = ConsoleHouse(home)
    provider.be(**wrong)
    browser = house.anonymous()

    answer = browser.get("/sign-in/company", headers=FRENCH)

    assert answer.status_code == 401
    assert "ne répond pas" in answer.text
    assert house.browser(Role.AUDITOR).get("/audit").status_code == 200
    house.close()


def test_without_a_provider_there_is_nothing_to_click(empty_house: ConsoleHouse) -> None:
    browser = empty_house.anonymous()

    assert "/sign-in/company" not in browser.get("/sign-in").text
    assert browser.get("/sign-in/company").status_code == 401
    assert browser.get("/sign-in/company/return?code=x&state=y").status_code == 401


def test_a_role_that_the_company_took_away_ends_what_is_open_elsewhere(
    office: ConsoleHouse, provider: Running
) -> None:
    person = {"preferred_username": "lost", "sub": "u-lost", "groups": ["licences-audit"]}
    provider.be(person=person)
    first, second = office.anonymous(), office.anonymous()
    sign_in(first, provider)
    assert first.get("/audit").status_code == 200
    provider.be(person=person | {"groups": []})

    assert sign_in(second, provider).status_code == 401

    assert first.get("/audit").headers["location"].startswith("/sign-in")
    with office.collector.store.reading() as work:
        account = work.accounts.find(name="lost")
    assert account
    assert account.roles == frozenset()


def test_a_session_by_the_company_lasts_as_long_as_the_settings_say(
    office: ConsoleHouse, provider: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, clock = office.anonymous(), office.collector.clock
    sign_in(browser, provider)
    now = clock.now()
    monkeypatch.setattr(type(clock), "now", lambda _self: now)
    for _ in range(23):
        now += timedelta(minutes=20)
        assert browser.get("/account").status_code == 200

    now += timedelta(minutes=20)

    assert browser.get("/account").headers["location"].startswith("/sign-in")


def test_who_fails_to_come_back_again_and_again_has_to_wait(
    office: ConsoleHouse, provider: Running
) -> None:
    browser, now = office.anonymous(), office.collector.clock.now()
    path = begin(browser, provider)
    for _ in range(FREE):
        # What this browser did not ask for costs the provider nothing, and counts for nothing.
        office.anonymous().get(path, headers=FRENCH)
    for _ in range(FREE):
        office.console.returns.failed("testclient", now)

    waits = browser.get(path, headers=FRENCH)
    office.console.returns = Attempts()
    let_in = browser.get(path, headers=FRENCH)

    assert (waits.status_code, let_in.status_code) == (429, 303)
    assert "Trop d’essais" in waits.text


def test_what_was_typed_is_kept_by_who_signs_in_by_the_company(
    office: ConsoleHouse, provider: Running
) -> None:
    browser = office.anonymous()
    sign_in(browser, provider)
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.get("/account").text)
    assert csrf
    browser.cookies.delete(COOKIE)
    typed = {"csrf": csrf[1], "reason": "Été & <hiver>"}
    asked = browser.post("/declarations/x/withdraw", data=typed, headers={"origin": ADDRESS})
    assert asked.status_code == 401
    written = re.search(r'name="written" value="([^"]+)"', asked.text)
    assert written
    carried = {"written": html.unescape(written[1])}
    assert 'target="_blank"' in asked.text

    early = browser.post("/sign-in/again/company", data=carried, headers=FRENCH)
    back = begin(browser, provider, "/sign-in/company?next=/sign-in/again/back")
    assert browser.get(back).headers["location"] == "/sign-in/again/back"
    assert browser.get("/sign-in/again/back").status_code == 200
    shown = browser.post("/sign-in/again/company", data=carried, headers=FRENCH)
    other = office.browser(Role.AUDITOR)

    assert "pas encore connecté" in early.text
    assert "Été &amp; &lt;hiver&gt;" in shown.text
    assert 'action="/declarations/x/withdraw"' in shown.text
    assert other.post("/sign-in/again/company", data=carried).headers["location"] == "/"
    elsewhere = {"origin": "https://evil.test"}
    forged = browser.post("/sign-in/again/company", data=carried, headers=elsewhere)
    assert forged.status_code == 403


def test_keys_are_asked_for_again_by_age(office: ConsoleHouse, provider: Running) -> None:
    sign_in(office.anonymous(), provider)
    company = office.console.company_sign_in
    assert company
    known = company._keys
    assert known
    company._keys = (known[0] - FRESH_S, known[1])

    assert sign_in(office.anonymous(), provider).status_code == 303

    assert company._keys
    assert company._keys[0] > known[0]
