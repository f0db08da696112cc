"""A console with a fleet, for tests: a real collector's folder, real accounts, no browser."""

import atexit
import re
import shutil
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pyotp
from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient

from quitus_collector import config
from quitus_collector.domain.account import Role
from quitus_collector.services import signing_in
from quitus_collector.services.jobs import Worker
from quitus_collector.services.recognition import refresh
from quitus_collector.web import app, tasks
from quitus_collector.web.visits import COOKIE, csrf_token
from quitus_collector.wiring import accounts, operation
from quitus_collector.wiring import pools as pools_wiring
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.console import Console
from tests.bench.loading import load
from tests.builders import shipped_catalogue
from tests.portal.client import CREDENTIALS, PortalSite

ADDRESS = "https://console.test"
POOLS = Path(__file__).parents[1] / "deploy" / "demo" / "pools.csv"
# All that one account may be at once: who approves edits nothing.
MOST_ROLES = tuple(role for role in Role if role is not Role.DSI)
PASSWORD = "cheval-pile-agrafe-{}"


class Browser(TestClient):
    """A client that signed in, and that sends forms as the pages do."""

    def form(self, path: str, **fields: str) -> Response:
        """Sends a form of this session."""
        secret = self.cookies.get(COOKIE, "")
        return self.post(path, data={**fields, "csrf": csrf_token(secret)})


class ConsoleHouse:
    """One collector's folder with its console."""

    def __init__(self, home: Path, devices: int = 0, database: str = "sqlite") -> None:
        """Makes the folder; with devices, loads so many and the demo's licence pools."""
        if database == "sqlite":
            made, self.first_password = _model(devices)
            # Settings that are there already stay, as they do with `init`.
            kept = shutil.ignore_patterns(*(each.name for each in home.glob("*")))
            shutil.copytree(made, home, dirs_exist_ok=True, ignore=kept)
        else:
            self.first_password = _make(home, devices, {"QUITUS_COLLECTOR_DATABASE": database})
        environment = {} if database == "sqlite" else {"QUITUS_COLLECTOR_DATABASE": database}
        self.collector = _collector(home, environment)
        self.console = Console(self.collector)
        self.app: FastAPI = app.create(self.console)

    def fill(self, devices: int) -> None:
        """Has so many devices in the empty collector, all recognised."""
        _fill(self.collector, devices)

    def anonymous(self) -> Browser:
        """Nobody yet."""
        return Browser(self.app, base_url=ADDRESS, follow_redirects=False)

    def browser(self, *roles: Role, language: str = "fr", full_name: str = "") -> Browser:
        """Signed in as a new account with these roles, by the company's own sign-in."""
        name = self._name(roles)
        door, full_name = self.console.door, full_name or f"Camille {name}"
        signed = signing_in.sign_in_by_company(door, name, name, full_name, "", roles)
        signing_in.speak(door, signed.account, language)
        browser = self.anonymous()
        browser.cookies.set(COOKIE, signed.secret)
        return browser

    def _name(self, roles: Sequence[Role]) -> str:
        with self.collector.store.reading() as work:
            count = len(work.accounts.list())
        return f"{'-'.join(roles) or 'nobody'}-{count}"

    def browser_by_password(self, *roles: Role, language: str = "fr") -> Browser:
        """Signed in as a new account with a password of its own, which takes a second."""
        name = self._name(roles)
        _, first = accounts.add(
            self.collector, name, f"Camille {name}", roles, reason="prend ses fonctions"
        )
        browser = self.anonymous()
        browser.post("/sign-in", data={"name": name, "password": first})
        own = PASSWORD.format(name.rpartition("-")[2])
        answer = browser.form("/account/password", old=first, new=own, again=own)
        assert answer.headers["location"] == "/", answer
        browser.form("/account/language", language=language)
        return browser

    def work(self) -> None:
        """Does all jobs that are waiting."""
        worker = Worker(self.collector.store, self.collector.clock, tasks.of(self.console))
        while worker.work_once():
            pass

    def close(self) -> None:
        """Gives the database back."""
        self.collector.store.close()


def _collector(home: Path, environment: dict[str, str]) -> Collector:
    """On a folder, with the catalogue that all of them share as long as it has no own rules."""
    made = Collector(config.load(home, environment, {}))
    made.__dict__["catalogue"] = shipped_catalogue()
    made.follow_rules()
    return made


def _fill(collector: Collector, devices: int) -> None:
    load(collector.store, devices)
    refresh(collector.store, collector.catalogue)


def _make(home: Path, devices: int, environment: dict[str, str]) -> str:
    """A collector in a folder; returns the first password of its administrator."""
    home.mkdir(parents=True, exist_ok=True)
    _, password = operation.init(
        home, ["localhost"], lambda: config.load(home, environment, {}), None
    )
    collector = _collector(home, environment)
    if devices:
        _fill(collector, devices)
        pools_wiring.import_pools(collector, POOLS)
    collector.store.close()
    return password


@cache
def _model(devices: int) -> tuple[Path, str]:
    """A collector on SQLite that is made once and copied; its folder and first password."""
    home = Path(tempfile.mkdtemp(prefix="quitus-house-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home, _make(home, devices, {})


def code_of(secret: str) -> str:
    """What an application on a phone shows now."""
    return pyotp.TOTP(secret).now()


def at_portal(house: ConsoleHouse, site: PortalSite) -> None:
    """Names the company, describes the site and lays its credentials where they belong."""
    home = house.collector.config.home
    settings = home / "collector.toml"
    text = settings.read_text()
    for name, value in {"name": "Œuvres & Fils", "siren": "999000110"}.items():
        text = re.sub(rf"(?m)^(# )?{name} = .*$", f'{name} = "{value}"', text, count=1)
    settings.write_text(text)
    house.collector.config = config.load(home, {}, {})
    folder = site.describe()
    for below, names in (("portals", ("site.toml", "ca.pem")), ("credentials", ())):
        (home / below).mkdir(exist_ok=True)
        for name in names:
            (home / below / name).write_bytes((folder / name).read_bytes())
    secrets = home / "credentials" / "site.toml"
    secrets.touch(0o600)
    secrets.write_text("".join(f'{name} = "{value}"\n' for name, value in CREDENTIALS.items()))


def filled(page: str, action: str) -> dict[str, str]:
    """The fields of a form, as a browser would send them."""
    form = page[page.index(f'action="{action}"') :].partition("</form>")[0]
    found = dict(re.findall(r'<input [^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    for name, options in re.findall(r'<select [^>]*name="([^"]+)">(.*?)</select>', form, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        found[name] = chosen[0] if chosen else ""
    found.pop("csrf")
    return found
