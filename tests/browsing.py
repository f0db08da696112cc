"""A real browser, Debian's Chromium, at a console that really serves."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from quitus_collector.domain.account import Role
from tests.console import ConsoleHouse
from tests.programs import COMMANDS

CHROMIUM = Path("/usr/bin/chromium")
# A container has neither the namespaces nor the shared memory that Chromium would like.
FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu")
DESK, PHONE = 1280, 390
HEIGHT = 900
# Pictures for the handbook are kept where this names a folder.
GALLERY = os.environ.get("QUITUS_GALLERY", "")
# What a person with a disability could not use; what is only unusual is not counted.
SERIOUS = {"serious", "critical"}


class ServedConsole:
    """A console that serves from a folder, with the browser that looks at it."""

    def __init__(self, house: ConsoleHouse, address: str, browser: Browser) -> None:
        self.house = house
        self.address = address
        self.browser = browser

    @contextmanager
    def page(self, *roles: Role, language: str = "fr", width: int = DESK) -> Iterator[Page]:
        """A page of its own, signed in as a new account with these roles; alone without any.

        Whatever the browser complains of, a policy that was broken among it, fails the test.
        """
        complaints: list[str] = []
        context = self.browser.new_context(
            base_url=self.address,
            ignore_https_errors=True,
            locale="fr-FR" if language == "fr" else "en-GB",
            viewport={"width": width, "height": HEIGHT},
            accept_downloads=True,
        )
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else 0)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if roles:
            self._sign_in(page, roles, language)
        yield page
        context.close()
        # An answer with an error status is what some tests are after.
        assert [each for each in complaints if "Failed to load resource" not in each] == []

    def _sign_in(self, page: Page, roles: tuple[Role, ...], language: str) -> None:
        """By the cookie of a client that signed in: the door has tests of its own."""
        browser = self.house.browser(*roles, language=language, full_name="Camille Martin")
        cookies = [
            {"name": name, "value": value, "url": self.address, "secure": True, "httpOnly": True}
            for name, value in browser.cookies.items()
        ]
        page.context.add_cookies(cookies)  # type: ignore[arg-type]


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def served(house: ConsoleHouse, browser: Browser) -> Iterator[ServedConsole]:
    """The house's console, served by a process of its own."""
    home = house.collector.config.home
    command = [COMMANDS / "quitus-collector", "--home", home, "console", "--listen", "127.0.0.1:0"]
    with (
        (home / "console.log").open("w") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True) as serving,
    ):
        try:
            assert serving.stdout is not None
            said = serving.stdout.readline()
            assert said, (home / "console.log").read_text()
            yield ServedConsole(house, said.split()[-1].rstrip("/"), browser)
        finally:
            serving.terminate()
            assert serving.wait(20) == 0, (home / "console.log").read_text()


def look(page: Page, folder: Path, name: str) -> Path:
    """Takes a picture of the whole page; returns its file."""
    file = Path(GALLERY or folder) / f"{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=file, full_page=True)
    return file


def obstacles(page: Page) -> list[str]:
    """What would keep somebody from using the page, each with the first place of it."""
    found = Axe().run(page).response["violations"]
    serious = [(each, each["nodes"][0]) for each in found if each["impact"] in SERIOUS]
    return [f"{each['help']}: {node['target']} {node['html'][:120]}" for each, node in serious]


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than the window: it must not be."""
    measure = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    width: int = page.evaluate(measure)
    return width


def cut_off(page: Page) -> list[str]:
    """The first words of tables that are wider than what holds them, where it does not scroll."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("table")].filter(table => {
             const holder = table.parentElement;
             const scrolls = ["auto", "scroll"].includes(getComputedStyle(holder).overflowX);
             return !scrolls && table.offsetWidth > holder.clientWidth + 1;
           }).map(table => table.innerText.slice(0, 40))"""
    )
    return found


Look = Callable[[Page, str], Path]
