"""Every page as a person sees it: in both languages, on a desk and on a phone."""

from http import HTTPStatus

import pytest
from playwright.sync_api import Page, expect

from quitus_collector.domain.account import Role
from tests.browsing import DESK, PHONE, Look, ServedConsole, cut_off, obstacles, overflow
from tests.console import MOST_ROLES
from tests.e2e.console.places import PLACES

pytestmark = [pytest.mark.e2e, pytest.mark.needs("chromium"), pytest.mark.xdist_group("console")]


def opened(page: Page, path: str) -> int:
    """The status of a page, once what it shows was counted."""
    for _ in range(60):
        answer = page.goto(path)
        assert answer is not None
        if answer.status != HTTPStatus.ACCEPTED:
            return answer.status
        page.wait_for_timeout(500)
    return HTTPStatus.ACCEPTED


@pytest.mark.parametrize(
    ("language", "width"), [("fr", DESK), ("en", DESK), ("fr", PHONE)], ids=["fr", "en", "phone"]
)
def test_every_page_can_be_read_and_used_by_everyone(
    console: ServedConsole, keep: Look, language: str, width: int
) -> None:
    """No obstacle that axe-core calls serious, nothing too wide or cut off, no blocked file."""
    wrong = {}
    with console.page(*MOST_ROLES, language=language, width=width) as page:
        for place in PLACES:
            assert opened(page, place.path) == 200, place.path
            expect(page.locator("h1")).to_have_count(1)
            assert page.locator("html").get_attribute("lang") == language
            where = "phone" if width == PHONE else language
            keep(page, f"{place.name} {where}")
            found = obstacles(page)
            found += [f"the table {each!r} is cut off" for each in cut_off(page)]
            if too_wide := overflow(page):
                found.append(f"{too_wide} px too wide")
            if found:
                wrong[place.path] = found
    assert wrong == {}


def test_what_is_first_read_is_small(console: ServedConsole) -> None:
    """The first page with all that it loads, as it goes over the wire."""
    sizes = {}
    with console.page(Role.DSI) as page:
        page.on("response", lambda answer: sizes.update({answer.url: len(answer.body())}))
        page.goto("/", wait_until="networkidle")
    assert len(sizes) >= 4
    assert sum(sizes.values()) < 200_000, sizes


def test_nothing_is_loaded_from_elsewhere(console: ServedConsole) -> None:
    asked: set[str] = set()
    with console.page(*MOST_ROLES) as page:
        page.on("request", lambda request: asked.add(request.url))
        for place in PLACES:
            page.goto(place.path, wait_until="networkidle")
    assert {each for each in asked if not each.startswith((console.address, "data:"))} == set()


def test_dark_pages_can_be_read_too(console: ServedConsole, keep: Look) -> None:
    with console.page(*MOST_ROLES) as page:
        page.emulate_media(color_scheme="dark")
        wrong = {}
        for place in PLACES[:4]:
            page.goto(place.path)
            keep(page, f"{place.name} dark")
            if found := obstacles(page):
                wrong[place.path] = found
    assert wrong == {}


def test_the_menu_is_reached_by_the_keyboard_and_folds_on_a_phone(console: ServedConsole) -> None:
    with console.page(Role.DSI, width=PHONE) as page:
        page.goto("/")
        expect(page.get_by_role("link", name="Position", exact=True)).to_be_hidden()
        page.locator("summary").first.press("Enter")
        page.get_by_role("link", name="Position", exact=True).press("Enter")
        expect(page.locator("h1")).to_have_text("Position de licences")


def test_every_page_of_the_menu_is_looked_at(console: ServedConsole) -> None:
    with console.page(*MOST_ROLES) as page:
        page.goto("/")
        paths = [each.get_attribute("href") for each in page.locator(".menu li a").all()]
    assert {each for each in paths if each} <= {place.path for place in PLACES}
