"""A session that ended in the middle of something: the work is not lost, and nobody else's."""

import html
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from httpx import Response

from quitus_collector.domain.account import Role
from quitus_collector.errors import StoreAway
from quitus_collector.services import signing_in
from quitus_collector.web import kept
from quitus_collector.web.kept import Kept
from quitus_collector.web.visits import COOKIE
from quitus_collector.wiring import pools
from tests.console import ADDRESS, POOLS, Browser, ConsoleHouse

HERE = {"origin": ADDRESS}
LINE = "/pools/line?id=MS-VL-2019-01"
ME = {"name": "licence-manager-1", "password": "cheval-pile-agrafe-1"}
OTHER = {"name": "licence-manager-2", "password": "cheval-pile-agrafe-2"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """With licence pools and two people who change them."""
    made = ConsoleHouse(tmp_path_factory.mktemp("house") / "collector")
    pools.import_pools(made.collector, POOLS)
    for _ in range(2):
        made.browser_by_password(Role.LICENCE_MANAGER)
    yield made
    made.close()


@pytest.fixture
def browser(house: ConsoleHouse) -> Browser:
    """Signed in as the first of them."""
    found = house.anonymous()
    found.post("/sign-in", data=ME)
    return found


def fields(page: str, action: str) -> dict[str, str]:
    """Those of the form with this action, as a browser sends them."""
    form = page[page.index(f'action="{action}') :].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name:
            found[name[1]] = html.unescape(value[1]) if value else ""
    return found


def end(browser: Browser, house: ConsoleHouse) -> None:
    secret = browser.cookies[COOKIE]
    found = signing_in.visit(house.console.door, secret)
    assert found
    signing_in.sign_out(house.console.door, found[0])


def begun(browser: Browser) -> dict[str, str]:
    """The form of a line with a proof typed in."""
    form = fields(browser.get(LINE).text, "/pools/line#edit")
    return {**form, "quantity": "40", "proof": "Avenant <7>", "metric": "device", "reason": "Relu"}


def signed_in_again(browser: Browser, page: Response, who: dict[str, str]) -> Response:
    asked = fields(page.text, "/sign-in/again")
    return browser.post("/sign-in/again", data={**asked, **who}, headers=HERE)


def test_what_was_typed_is_shown_after_signing_in_and_sent_with_one_click(
    house: ConsoleHouse, browser: Browser
) -> None:
    form = begun(browser)
    end(browser, house)

    asked = browser.post("/pools/line", data=form, headers=HERE)
    shown = signed_in_again(browser, asked, ME)
    sent = browser.post("/pools/line", data=fields(shown.text, "/pools/line"), headers=HERE)

    assert asked.status_code == 401
    assert "Votre saisie est conservée" in asked.text
    assert "Avenant &lt;7&gt;" in shown.text
    assert "Envoyer maintenant" in shown.text
    assert sent.status_code == 303
    assert "Avenant &lt;7&gt;" in browser.get(LINE).text


def test_what_was_typed_is_shown_where_it_was_not_taken(
    house: ConsoleHouse, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    form = begun(browser)

    def away() -> None:
        raise StoreAway("locked")

    with monkeypatch.context() as patched:
        patched.setattr(house.collector.store, "writing", away)
        failed = browser.post("/pools/line", data=form, headers=HERE)
    refused = browser.post("/pools/line/remove", data={**form, "id": "no-such-line"}, headers=HERE)

    assert (failed.status_code, refused.status_code) == (503, 422)
    for page in (failed.text, refused.text):
        assert "Avenant &lt;7&gt;" in page
    again = fields(failed.text, "/pools/line")
    assert (again["proof"], again["quantity"]) == ("Avenant <7>", "40")
    assert 'action="/pools/line/remove"' not in refused.text


def test_a_wrong_password_loses_nothing(house: ConsoleHouse, browser: Browser) -> None:
    form = begun(browser)
    end(browser, house)
    asked = browser.post("/pools/line", data=form, headers=HERE)

    wrong = signed_in_again(browser, asked, {**ME, "password": "wrong"})
    shown = signed_in_again(browser, wrong, ME)

    assert wrong.status_code == 401
    assert "Avenant &lt;7&gt;" in shown.text


def test_another_person_is_shown_nothing_of_it(house: ConsoleHouse, browser: Browser) -> None:
    form = begun(browser)
    end(browser, house)
    asked = browser.post("/pools/line", data=form, headers=HERE)

    answer = signed_in_again(browser, asked, OTHER)

    assert answer.status_code == 303
    assert answer.headers["location"] == "/"


def test_a_form_from_before_one_signed_in_anew_is_shown_too(
    house: ConsoleHouse, browser: Browser
) -> None:
    form = begun(browser)
    browser.post("/sign-in", data=ME)

    shown = browser.post("/pools/line", data=form, headers=HERE)
    sent = browser.post("/pools/line", data=fields(shown.text, "/pools/line"), headers=HERE)

    assert shown.status_code == 409
    assert sent.status_code == 303


@pytest.mark.parametrize("origin", [{}, {"origin": "https://evil.test"}])
def test_what_another_site_sends_is_kept_for_nobody(
    house: ConsoleHouse, browser: Browser, origin: dict[str, str]
) -> None:
    form = begun(browser)
    end(browser, house)

    answer = browser.post("/pools/line", data=form, headers=origin)

    assert "Avenant" not in answer.text


def test_strangers_forms_are_read_a_few_at_a_time(house: ConsoleHouse, browser: Browser) -> None:
    form = begun(browser)
    end(browser, house)
    with ExitStack() as others:
        while kept.STRANGERS.acquire(blocking=False):
            others.callback(kept.STRANGERS.release)

        answer = browser.post("/pools/line", data=form, headers=HERE)

    assert answer.headers["location"] == "/sign-in"
    assert "Avenant" in browser.post("/pools/line", data=form, headers=HERE).text


@pytest.mark.parametrize(
    "path",
    ["//evil.test", "/\\evil.test", "/\t/evil.test", "https://evil.test", "javascript:alert(1)"],
    ids=["host", "backslash", "tab", "address", "script"],
)
def test_a_form_that_is_kept_goes_nowhere_else(path: str) -> None:
    assert kept.read(Kept(path, (("a", "b"),), "somebody").written()) is None


def test_passwords_and_files_are_not_carried_along(house: ConsoleHouse, browser: Browser) -> None:
    token = fields(browser.get(LINE).text, "/pools/proofs")["csrf"]
    end(browser, house)

    data = {"csrf": token, "id": "MS-VL-2019-01", "password": "hunter2-hunter2"}
    files = {"file": ("facture.pdf", b"%PDF secret content")}
    asked = browser.post("/pools/proofs", data=data, files=files, headers=HERE)
    shown = signed_in_again(browser, asked, ME)

    assert "hunter2" not in asked.text
    assert "secret content" not in asked.text
    assert "à nouveau" in shown.text


def test_more_than_anybody_types_is_not_kept(house: ConsoleHouse, browser: Browser) -> None:
    form = begun(browser)
    end(browser, house)

    answer = browser.post("/pools/line", data={**form, "proof": "x" * 300_000}, headers=HERE)

    assert answer.headers["location"] == "/sign-in"
