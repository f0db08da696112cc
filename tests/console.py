"""A console with a fleet, for tests: a real collector's folder, real accounts, no browser."""

import re
from pathlib import Path

import pyotp
from fastapi import FastAPI
from httpx import Response
from starlette.testclient import TestClient

from quitus_collector import config
from quitus_collector.domain.account import Role
from quitus_collector.services.jobs import Worker
from quitus_collector.services.recognition import refresh
from quitus_collector.web import app, tasks
from quitus_collector.web.visits import COOKIE, csrf_token
from quitus_collector.wiring import accounts, operation
from quitus_collector.wiring import pools as pools_wiring
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.console import Console
from tests.bench.loading import load
from tests.portal.client import CREDENTIALS, PortalSite

ADDRESS = "https://console.test"
POOLS = Path(__file__).parents[1] / "deploy" / "demo" / "pools.csv"
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
        home.mkdir(parents=True, exist_ok=True)
        environment = {} if database == "sqlite" else {"QUITUS_COLLECTOR_DATABASE": database}
        made, self.first_password = operation.init(
            home, ["localhost"], lambda: config.load(home, environment, {}), None
        )
        self.collector = Collector(made)
        self.console = Console(self.collector)
        self.app: FastAPI = app.create(self.console)
        if devices:
            self.fill(devices)
            pools_wiring.import_pools(self.collector, POOLS)

    def fill(self, devices: int) -> None:
        """Has so many devices in the empty collector, all recognised."""
        load(self.collector.store, devices)
        refresh(self.collector.store, self.collector.catalogue)

    def anonymous(self) -> Browser:
        """Nobody yet."""
        return Browser(self.app, base_url=ADDRESS, follow_redirects=False)

    def browser(self, *roles: Role, language: str = "fr") -> Browser:
        """Signed in as a new account with these roles."""
        with self.collector.store.reading() as work:
            count = len(work.accounts.list())
        name = f"{'-'.join(roles) or 'nobody'}-{count}"
        _, first = accounts.add(self.collector, name, f"Camille {name}", roles)
        browser = self.anonymous()
        browser.post("/sign-in", data={"name": name, "password": first})
        own = PASSWORD.format(count)
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
