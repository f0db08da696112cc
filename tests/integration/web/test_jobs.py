"""Work that takes longer than a page may, as the person sees it who asked for it."""

import pytest

from quitus_collector.domain.account import Permission, Role
from quitus_collector.errors import StoreAway, UsageError
from quitus_collector.services import jobs
from quitus_collector.web import tasks
from quitus_collector.web.tasks import Kind
from quitus_collector.web.visits import COOKIE
from quitus_collector.web.work import Work
from quitus_collector.wiring import accounts
from tests.console import Browser, ConsoleHouse

MANAGER = "account licence-manager-1"


def counting(work: Work) -> dict[str, str]:
    work.progress(3, 4)
    return {"said": f"{work.content.decode()} by {work.collector.actor}", "link": "/position"}


def failing(work: Work) -> dict[str, str]:
    raise UsageError("no job has the id {id}", id="zorro")


@pytest.fixture
def house(empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch) -> ConsoleHouse:
    kinds = {
        "count": Kind("Counting", counting, Permission.EDIT),
        "fail": Kind("Failing", failing, None),
    }
    monkeypatch.setattr(tasks, "KINDS", kinds)
    return empty_house


def ask(house: ConsoleHouse, kind: str) -> str:
    collector = house.collector
    job = jobs.ask(
        collector.store, collector.clock, kind, {"language": "fr"}, actor=MANAGER, content=b"nine"
    )
    return f"/jobs/{job.id}"


@pytest.fixture
def manager(house: ConsoleHouse) -> Browser:
    return house.browser(Role.LICENCE_MANAGER)


def test_its_page_asks_again_until_it_is_over_and_then_leads_on(
    house: ConsoleHouse, manager: Browser
) -> None:
    path = ask(house, "count")

    before = manager.get(path).text
    house.work()
    told = manager.get(f"{path}/progress", headers={"hx-request": "true"})

    assert f'hx-get="{path}/progress"' in before
    assert "en attente" in before
    assert told.headers["hx-redirect"] == "/position"
    after = manager.get(path).text
    assert "hx-get" not in after
    assert f"nine by {MANAGER}" in after
    assert "Voir le résultat" in after
    assert path in manager.get("/jobs").text


def test_the_reason_of_a_failure_is_told_in_the_language_of_who_asked(
    house: ConsoleHouse, manager: Browser
) -> None:
    path = ask(house, "fail")

    house.work()

    assert "Vous n’avez aucun traitement zorro" in manager.get(path).text
    assert "échoué" in manager.get("/jobs").text


def test_what_was_asked_for_is_not_done_once_the_account_may_not_any_more(
    house: ConsoleHouse, manager: Browser
) -> None:
    path = ask(house, "count")
    accounts.change(house.collector, "licence-manager-1", roles=[Role.AUDITOR])

    house.work()

    with house.collector.store.reading() as work:
        job = work.jobs.get(path.rpartition("/")[2])
    assert job.failure == "Votre compte ne le permet plus : rien n’a été fait"
    assert job.result == {}


def test_what_the_database_said_stays_in_the_log(
    house: ConsoleHouse, manager: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreAway("the database sqlite:////secret/place cannot serve: disk I/O error")

    monkeypatch.setattr(tasks, "KINDS", {"away": Kind("Away", away, None)})
    path = ask(house, "away")
    house.work()
    told = manager.get(path).text
    monkeypatch.setattr(house.collector.store, "reading", away)
    stranger = house.anonymous()
    stranger.cookies.set(COOKIE, "x")
    page = stranger.get("/position", headers={"accept-language": "fr"}).text

    for each in (told, page):
        assert "/secret/place" not in each
        assert "La base de données ne répond pas" in each


def test_nobody_sees_what_another_person_asked_for(house: ConsoleHouse, manager: Browser) -> None:
    path = ask(house, "count")
    other = house.browser(Role.ADMINISTRATOR)

    assert other.get(path).status_code == 422
    assert path not in other.get("/jobs").text
    assert "Vous n’avez rien demandé" in other.get("/jobs").text
