"""Who is let in to the console, and who is not."""

import asyncio
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.testclient import TestClient

from quitus_collector.cli import main
from quitus_collector.domain.account import (
    FORGET,
    IDLE,
    MANY_FAILURES,
    MAX_FAILURES,
    Permission,
    Role,
)
from quitus_collector.domain.audit import Kind
from quitus_collector.errors import SignInRefused, StoreAway
from quitus_collector.services import signing_in
from quitus_collector.services.account_ports import PasswordHasher
from quitus_collector.services.attempts import FREE, WINDOW
from quitus_collector.services.signing_in import Door
from quitus_collector.web.pages import overview
from quitus_collector.web.pages import signing_in as signing_in_pages
from quitus_collector.web.pages.signing_in import DEVICE
from quitus_collector.web.visits import COOKIE
from quitus_collector.wiring import accounts
from tests.api_programs import Program
from tests.console import ADDRESS, PASSWORD, Browser, ConsoleHouse, code_of

WRONG = "Le nom, le mot de passe ou le code est faux"
FRENCH = {"accept-language": "fr-FR,fr;q=0.9"}


def sign_in(browser: Browser, name: str, password: str) -> str:
    """Where it leads, or what is said."""
    answer = browser.post("/sign-in", data={"name": name, "password": password}, headers=FRENCH)
    return answer.headers.get("location", "") or answer.text


def test_an_address_that_takes_forms_says_so_to_who_types_it(empty_house: ConsoleHouse) -> None:
    answer = empty_house.anonymous().get("/sign-out", headers=FRENCH)

    assert answer.status_code == 405
    assert "Cette adresse ne reçoit que des formulaires" in answer.text


def test_the_first_administrator_chooses_a_password_before_anything_else(
    empty_house: ConsoleHouse,
) -> None:
    browser = empty_house.anonymous()

    assert sign_in(browser, "administrator", empty_house.first_password) == "/account/password"
    assert browser.get("/").headers["location"] == "/account/password"
    chosen = {"old": empty_house.first_password, "new": "quatre mots sans rapport"}
    assert browser.form("/account/password", again=chosen["new"], **chosen).status_code == 303
    assert browser.get("/").status_code == 200
    assert empty_house.first_password not in {"", "administrator"}


def test_who_is_not_signed_in_comes_back_to_the_page_that_was_asked_for(
    house: ConsoleHouse,
) -> None:
    browser = house.anonymous()

    answer = browser.get("/position?publisher=microsoft")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fposition%3Fpublisher%3Dmicrosoft"


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test", "/\\evil.test"])
def test_nobody_is_sent_to_another_site_after_signing_in(
    empty_house: ConsoleHouse, elsewhere: str
) -> None:
    empty_house.browser_by_password(Role.AUDITOR)
    browser = empty_house.anonymous()
    data = {"name": "auditor-1", "password": "cheval-pile-agrafe-1", "next": elsewhere}

    assert browser.post("/sign-in", data=data).headers["location"] == "/"


def test_wrong_passwords_lock_the_account_for_a_while_and_are_written_down(
    empty_house: ConsoleHouse,
) -> None:
    empty_house.browser_by_password(Role.DSI)
    browser = empty_house.anonymous()

    wrong = [sign_in(browser, "dsi-1", "wrong") for _ in range(MAX_FAILURES)]
    right = sign_in(browser, "dsi-1", "cheval-pile-agrafe-1")

    assert all(WRONG in each for each in wrong)
    assert WRONG in right
    with empty_house.collector.store.reading() as work:
        reasons = [each.event.detail.get("reason", "") for each in work.audit.list()]
    assert any("locked for a while" in each for each in reasons)


def test_who_tries_names_one_after_the_other_has_to_wait_and_others_have_not(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_house.browser_by_password(Role.DSI)
    browser, clock = empty_house.anonymous(), empty_house.collector.clock
    now = clock.now()
    monkeypatch.setattr(type(clock), "now", lambda _self: now)
    for number in range(FREE):
        empty_house.console.attempts.failed("testclient", now)
        assert number < FREE - 1 or WRONG not in sign_in(browser, "dsi-1", "wrong")
    right = {"name": "dsi-1", "password": "cheval-pile-agrafe-1"}

    waits = browser.post("/sign-in", data=right, headers=FRENCH)
    elsewhere = Browser(
        empty_house.app, base_url=ADDRESS, follow_redirects=False, client=("192.0.2.9", 1)
    ).post("/sign-in", data=right)
    now += WINDOW
    later = browser.post("/sign-in", data=right)

    assert waits.status_code == 429
    assert "Trop d’essais depuis votre adresse" in waits.text
    assert (elsewhere.status_code, later.status_code) == (303, 303)


def test_a_name_that_nobody_has_is_told_the_same(empty_house: ConsoleHouse) -> None:
    assert WRONG in sign_in(empty_house.anonymous(), "zorro", "wrong-password")


def test_a_second_factor_is_asked_for_and_no_code_is_taken_twice(
    empty_house: ConsoleHouse,
) -> None:
    browser = empty_house.browser_by_password(Role.DSI)
    page = browser.get("/account").text
    (secret,) = re.findall(r"<code>([A-Z2-7]+)</code>", page)
    (sealed,) = re.findall(r'name="sealed" value="([^"]+)"', page)
    assert browser.form("/account/factor", sealed=sealed, code="000000").status_code == 422
    # The next code may come meanwhile.
    code = code_of(secret)
    assert browser.form("/account/factor", sealed=sealed, code=code).status_code == 303

    other = empty_house.anonymous()
    assert sign_in(other, "dsi-1", "cheval-pile-agrafe-1") == "/sign-in/code"
    assert other.get("/position").headers["location"] == "/sign-in/code"
    replayed = other.form("/sign-in/code", code=code)

    assert replayed.status_code == 401


def test_a_session_ends_when_nobody_clicks(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = empty_house.browser_by_password(Role.DSI)
    assert browser.get("/position").status_code == 200
    now = empty_house.collector.clock.now() + IDLE + timedelta(seconds=1)

    monkeypatch.setattr(type(empty_house.collector.clock), "now", lambda _self: now)

    assert browser.get("/position").headers["location"].startswith("/sign-in")


def test_signing_out_and_a_reset_end_what_the_cookie_opens(empty_house: ConsoleHouse) -> None:
    browser, other = (
        empty_house.browser_by_password(Role.DSI),
        empty_house.browser_by_password(Role.AUDITOR),
    )
    cookie = browser.cookies[COOKIE]
    browser.form("/sign-out")
    accounts.reset(empty_house.collector, "auditor-2")

    assert signing_in.visit(empty_house.console.door, cookie) is None
    assert other.get("/position").headers["location"].startswith("/sign-in")


def test_a_form_of_another_site_or_session_does_nothing(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser_by_password(Role.DSI)

    without = browser.post("/account/language", data={"language": "en"})
    wrong = browser.post("/account/language", data={"language": "en", "csrf": "0" * 64})
    origin = {"origin": "https://evil.test"}
    other = browser.post("/sign-in", data={"name": "a", "password": "b"}, headers=origin)

    assert {without.status_code, wrong.status_code, other.status_code} == {403}


def test_every_answer_tells_the_browser_to_load_nothing_from_elsewhere(
    house: ConsoleHouse,
) -> None:
    for path in ("/sign-in", "/nowhere", "/static/style.css"):
        headers = house.anonymous().get(path).headers
        assert headers["content-security-policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["strict-transport-security"]


def test_the_cookie_is_for_this_host_over_https_and_for_no_script(
    empty_house: ConsoleHouse,
) -> None:
    answer = empty_house.anonymous().post(
        "/sign-in", data={"name": "administrator", "password": empty_house.first_password}
    )

    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-quitus=")
    assert {"HttpOnly", "Secure", "SameSite=lax"} <= {each.strip() for each in cookie.split(";")}


def test_more_than_a_form_may_hold_is_not_read(house: ConsoleHouse) -> None:
    headers = {"content-length": str(3 * 1024**3), "content-type": "multipart/form-data"}

    assert house.anonymous().post("/sign-in", content=b"", headers=headers).status_code == 413


@pytest.mark.parametrize("language", ["fr", "en"])
def test_what_is_too_large_is_told_on_a_page_in_the_language_of_who_sent_it(
    house: ConsoleHouse, language: str
) -> None:
    browser = house.browser(Role.LICENCE_MANAGER, language=language)
    headers = {"content-length": str(3 * 1024**3), "content-type": "multipart/form-data"}

    answer = browser.post("/pools/import", content=b"", headers=headers)

    assert answer.status_code == 413
    said = {"fr": "L’envoi dépasse 32\u00a0Mio", "en": "larger than 32 MiB"}[language]
    assert said.replace("\u00a0", " ") in answer.text.replace("\u00a0", " ")
    assert "/sign-out" in answer.text


def test_a_stranger_sends_no_more_than_a_sign_in_takes(house: ConsoleHouse) -> None:
    headers = {"content-type": "multipart/form-data; boundary=b"}
    part = b'--b\r\nContent-Disposition: form-data; name="name"; filename="f"\r\n\r\n'

    for path in ("/sign-in", "/sign-in/again", "/sign-in/again/company", "/language"):
        answer = house.anonymous().post(path, content=part + bytes(2**21), headers=headers)

        assert answer.status_code == 413, path


def test_a_body_with_two_lengths_is_not_read(house: ConsoleHouse) -> None:
    headers = {"content-length": "4", "transfer-encoding": "chunked"}

    answer = house.anonymous().get("/sign-in", headers=headers)

    assert answer.status_code == 400
    assert answer.headers["connection"] == "close"


def test_a_page_that_tells_of_a_fault_is_shielded_too(
    house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    browser = house.browser(Role.AUDITOR)
    monkeypatch.setattr(overview, "page", fault)
    visiting = TestClient(house.app, base_url=ADDRESS, raise_server_exceptions=False)

    visiting.cookies = browser.cookies
    answer = visiting.get("/")

    assert answer.status_code == 500
    assert "a fault of ours" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_second_factor_is_not_replaced_from_an_open_session(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser_by_password(Role.DSI)
    page = browser.get("/account").text
    (secret,) = re.findall(r"<code>([A-Z2-7]+)</code>", page)
    (sealed,) = re.findall(r'name="sealed" value="([^"]+)"', page)
    assert browser.form("/account/factor", sealed=sealed, code=code_of(secret)).status_code == 303
    other_secret, other = empty_house.console.door.factor.make()

    answer = browser.form("/account/factor", sealed=other, code=code_of(other_secret))

    assert answer.status_code == 422
    with empty_house.collector.store.reading() as work:
        account = work.accounts.find(name="dsi-1")
    assert account is not None
    assert account.sealed_secret == sealed


class SlowHasher:
    """Checks a password; before it says what it found, something else is done."""

    def __init__(self, hasher: PasswordHasher, meanwhile: Callable[[], object]) -> None:
        self._hasher, self._meanwhile = hasher, meanwhile

    def hash(self, password: str) -> str:
        return self._hasher.hash(password)

    def matches(self, password_hash: str, password: str) -> bool:
        found = self._hasher.matches(password_hash, password)
        self._meanwhile()
        return found


MEANWHILE: dict[str, Callable[[Door], object]] = {
    "reset": lambda door: signing_in.reset(door, "dsi-1", actor="account admin", reason="perdu"),
    "disabled": lambda door: signing_in.change(
        door, "dsi-1", is_disabled=True, reason="parti", actor="account admin"
    ),
}


@pytest.mark.parametrize("meanwhile", MEANWHILE.values(), ids=MEANWHILE)
def test_what_was_ended_while_a_password_was_looked_at_stays_ended(
    empty_house: ConsoleHouse, meanwhile: Callable[[Door], object]
) -> None:
    browser = empty_house.browser_by_password(Role.DSI)
    door, own = empty_house.console.door, PASSWORD.format(1)
    found = signing_in.visit(door, browser.cookies[COOKIE])
    assert found is not None
    slow = replace(door, hasher=SlowHasher(door.hasher, lambda: meanwhile(door)))

    with pytest.raises(SignInRefused):
        signing_in.choose_password(slow, found[0], own, "un-autre-mot-de-passe")

    with empty_house.collector.store.reading() as work:
        account = work.accounts.get(found[1].id)
    assert not door.hasher.matches(account.password_hash, "un-autre-mot-de-passe")


def test_a_password_that_was_replaced_while_it_was_looked_at_opens_nothing(
    empty_house: ConsoleHouse,
) -> None:
    empty_house.browser_by_password(Role.DSI)
    door = empty_house.console.door
    slow = replace(door, hasher=SlowHasher(door.hasher, lambda: MEANWHILE["reset"](door)))

    with pytest.raises(SignInRefused):
        signing_in.sign_in(slow, "dsi-1", PASSWORD.format(1))


def test_a_session_that_was_ended_sets_no_second_factor(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser_by_password(Role.DSI)
    door = empty_house.console.door
    found = signing_in.visit(door, browser.cookies[COOKIE])
    assert found is not None
    signing_in.sign_out(door, found[0])
    secret, sealed = door.factor.make()

    with pytest.raises(SignInRefused):
        signing_in.set_factor(door, found[0], sealed, code_of(secret))


def test_a_session_that_was_ended_is_not_revived_by_a_click(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = empty_house.browser(Role.DSI)
    console, secret = empty_house.console, browser.cookies[COOKIE]
    found = signing_in.visit(console.door, secret)
    assert found is not None
    now = empty_house.collector.clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(type(empty_house.collector.clock), "now", lambda _self: now)

    signing_in.sign_out(console.door, found[0])
    console.sightings.note(found[0])

    assert signing_in.visit(console.door, secret) is None


def test_a_click_keeps_the_session_open(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, clock = empty_house.browser(Role.DSI), empty_house.collector.clock
    began = clock.now()
    for minutes in (20, 40, 60):
        now = began + timedelta(minutes=minutes)
        monkeypatch.setattr(type(clock), "now", lambda _self, now=now: now)
        assert browser.get("/account").status_code == 200


def test_a_page_is_served_while_nothing_can_be_written(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, clock = empty_house.browser(Role.DSI), empty_house.collector.clock
    now = clock.now() + timedelta(minutes=5)
    monkeypatch.setattr(type(clock), "now", lambda _self: now)
    tries = []

    def locked() -> None:
        tries.append(1)
        raise StoreAway("another program keeps it locked")

    monkeypatch.setattr(empty_house.collector.store, "writing", locked)

    pages = [browser.get("/account").status_code for _ in range(3)]

    assert pages == [200, 200, 200]
    # One that waits for the database is enough.
    assert len(tries) == 1


def test_others_are_served_while_the_database_takes_its_time(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = empty_house.browser(Role.DSI).cookies[COOKIE]
    asked, answered = threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        asked.set()
        assert answered.wait(20)

    monkeypatch.setattr(signing_in, "visit", slow)

    async def both() -> tuple[int, int]:
        transport = ASGITransport(empty_house.app)
        async with AsyncClient(transport=transport, base_url=ADDRESS) as client:
            waiting = asyncio.create_task(
                client.get("/account", headers={"cookie": f"{COOKIE}={secret}"})
            )
            while not asked.is_set():
                await asyncio.sleep(0.01)
            other = await client.get("/static/style.css")
            answered.set()
            return other.status_code, (await waiting).status_code

    assert asyncio.run(both()) == (200, 303)


def test_the_present_password_is_guessed_no_more_often_than_at_the_door(
    empty_house: ConsoleHouse,
) -> None:
    browser = empty_house.browser_by_password(Role.DSI)
    new = {"new": "un autre mot de passe", "again": "un autre mot de passe"}
    for _ in range(MAX_FAILURES):
        browser.form("/account/new-password", old="wrong", **new)

    answer = browser.form("/account/new-password", old="cheval-pile-agrafe-1", **new)

    assert answer.status_code == 422


def from_address(house: ConsoleHouse, address: str) -> Browser:
    return Browser(house.app, base_url=ADDRESS, follow_redirects=False, client=(address, 1))


def test_a_stranger_locks_the_account_out_of_nowhere_else(empty_house: ConsoleHouse) -> None:
    owner = empty_house.browser_by_password(Role.DSI)
    stranger = from_address(empty_house, "203.0.113.7")
    for _ in range(MAX_FAILURES + 1):
        sign_in(stranger, "dsi-1", "wrong")

    assert WRONG in sign_in(stranger, "dsi-1", "cheval-pile-agrafe-1")
    assert sign_in(from_address(empty_house, "192.0.2.9"), "dsi-1", "cheval-pile-agrafe-1") == "/"
    # Behind the same address, the browser that the owner signed in from before is let in.
    known = from_address(empty_house, "203.0.113.7")
    known.cookies.set(DEVICE, owner.cookies[DEVICE])
    assert sign_in(known, "dsi-1", "cheval-pile-agrafe-1") == "/"


def test_failures_from_everywhere_slow_the_account_down_but_not_its_known_browsers(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, clock = empty_house.browser_by_password(Role.DSI), empty_house.collector.clock
    now = clock.now()
    monkeypatch.setattr(type(clock), "now", lambda _self: now)
    with empty_house.collector.store.writing() as work:
        account = work.accounts.find(name="dsi-1")
        assert account
        for _ in range(MANY_FAILURES):
            account = account.failed(now)
        work.accounts.add(account)

    elsewhere = from_address(empty_house, "192.0.2.9")
    assert WRONG in sign_in(elsewhere, "dsi-1", "cheval-pile-agrafe-1")
    assert sign_in(owner, "dsi-1", "cheval-pile-agrafe-1") == "/"
    now += FORGET
    assert sign_in(elsewhere, "dsi-1", "cheval-pile-agrafe-1") == "/"


def test_an_administrator_unlocks_and_that_is_written_down(empty_house: ConsoleHouse) -> None:
    empty_house.browser_by_password(Role.DSI)
    administrator, browser = empty_house.browser(Role.ADMINISTRATOR), empty_house.anonymous()
    for _ in range(MAX_FAILURES):
        sign_in(browser, "dsi-1", "wrong")
    assert WRONG in sign_in(browser, "dsi-1", "cheval-pile-agrafe-1")
    with empty_house.collector.store.reading() as work:
        account = work.accounts.find(name="dsi-1")
        assert account

    administrator.form(f"/administration/accounts/{account.id}/unlock")

    assert sign_in(browser, "dsi-1", "cheval-pile-agrafe-1") == "/"
    assert "compte déverrouillé" in administrator.get("/audit?event=account+unlocked").text
    assert (
        main(["--home", str(empty_house.collector.config.home), *("account", "unlock", "x")]) == 2
    )


def test_a_browser_that_is_known_for_one_account_or_password_is_not_for_another(
    empty_house: ConsoleHouse,
) -> None:
    door = empty_house.console.door
    owner = empty_house.browser_by_password(Role.DSI)
    device = owner.cookies[DEVICE]
    assert signing_in.is_known_device(door, "dsi-1", device)
    assert not signing_in.is_known_device(door, "administrator", device)

    accounts.reset(empty_house.collector, "dsi-1", reason="téléphone perdu")

    assert not signing_in.is_known_device(door, "dsi-1", device)


def test_a_good_token_is_taken_whoever_tries_wrong_ones_from_there(house: ConsoleHouse) -> None:
    program, wrong = Program(house, Permission.READ), {"authorization": "Bearer quitus_wrong"}
    anonymous = house.anonymous()

    told = [anonymous.get("/api/v1/products", headers=wrong).status_code for _ in range(FREE + 1)]

    assert (told[0], told[-1]) == (401, 429)
    assert program.get("products").status_code == 200
    assert WRONG in sign_in(anonymous, "zorro", "wrong")


def test_a_client_s_address_is_taken_from_a_trusted_proxy_alone(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = empty_house.collector
    settings = replace(collector.config.console, proxies=(ip_network("10.0.0.0/8"),))
    monkeypatch.setattr(collector, "config", replace(collector.config, console=settings))
    data = {"name": "administrator", "password": empty_house.first_password}

    for client, forwarded in (
        ("10.0.0.5", "198.51.100.1, 203.0.113.7, 10.0.0.9"),
        ("192.0.2.9", "203.0.113.7"),
        ("10.0.0.5", "<script>"),
    ):
        headers = {"x-forwarded-for": forwarded}
        from_address(empty_house, client).post("/sign-in", data=data, headers=headers)

    with collector.store.reading() as work:
        entries = [each.event for each in work.audit.list() if each.event.kind is Kind.SIGNED_IN]
    seen = [each.detail["address"] for each in entries]
    assert seen == ["203.0.113.7", "192.0.2.9", "10.0.0.5"]


def test_signing_out_and_sessions_that_end_are_written_down(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, other = empty_house.browser(Role.DSI), empty_house.browser(Role.AUDITOR)
    browser.form("/sign-out")
    now = empty_house.collector.clock.now() + IDLE
    monkeypatch.setattr(type(empty_house.collector.clock), "now", lambda _self: now)
    other.get("/position")
    other.get("/position")

    with empty_house.collector.store.reading() as work:
        kinds = [each.event.kind for each in work.audit.list()]
    assert (kinds.count(Kind.SIGNED_OUT), kinds.count(Kind.SESSION_ENDED)) == (1, 1)


def test_no_address_that_browsers_read_as_another_site_s_is_ours() -> None:
    ours = signing_in_pages.ours

    assert (ours("/pools?q=é"), ours("/\t\\evil.example"), ours("/\n/evil.example")) == (
        "/pools?q=é",
        "",
        "",
    )
