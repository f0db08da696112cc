"""Accounts and letters that several people change at once, on the databases that serve them."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from threading import Barrier, Thread

import pyotp
import pytest

from quitus_collector.adapters.signing_in.one_time_codes import TimeCodes
from quitus_collector.adapters.sql.store import SQLStore
from quitus_collector.domain.account import Permission, Role
from quitus_collector.domain.campaign import Campaign, Nature
from quitus_collector.errors import CollectorError
from quitus_collector.services import api_tokens, campaigns, signing_in
from quitus_collector.services.signing_in import Door
from tests.builders import NOON
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.xdist_group("at-once")
PEOPLE = 4
LETTER = Campaign(
    id="2026-01",
    publisher="microsoft",
    publisher_label="Microsoft",
    dated=NOON.date(),
    nature=Nature.VOLUNTARY,
    reference="X",
    received_on=NOON.date(),
    deadline=NOON.date(),
)


class PlainHasher:
    """Keeps passwords as they are: what is looked at here is who comes first."""

    def hash(self, password: str) -> str:
        return f"plain {password}"

    def matches(self, password_hash: str, password: str) -> bool:
        return password_hash == f"plain {password}"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """One of each kind for all: who is in it has another name in every test."""
    url = f"sqlite:///{tmp_path_factory.mktemp('at-once') / 'quitus.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql")()
    store = SQLStore(url, create=True)
    store.upgrade()
    yield Door(store, FakeClock(), PlainHasher(), TimeCodes(bytes(32)))
    store.close()


def at_once(*deeds: Callable[[], object]) -> list[str]:
    """Does them all at the same time; what became of each, sorted."""
    together = Barrier(len(deeds))

    def do(deed: Callable[[], object]) -> str:
        together.wait()
        try:
            deed()
        except CollectorError as error:
            return str(error)
        return "done"

    with ThreadPoolExecutor(len(deeds)) as pool:
        return sorted(pool.map(do, deeds))


def test_administrators_who_shut_each_other_out_leave_one(door: Door) -> None:
    names = [f"admin-{number}" for number in range(PEOPLE)]
    for each in names:
        signing_in.make_account(door, each, each, {Role.ADMINISTRATOR}, actor="operator")

    def shut_out(person: int) -> Callable[[], object]:
        other = names[(person + 1) % PEOPLE]
        return lambda: signing_in.change(
            door, other, is_disabled=True, actor=f"account {names[person]}"
        )

    became = at_once(*map(shut_out, range(PEOPLE)))

    assert became.count("done") == PEOPLE - 1
    with door.store.reading() as work:
        listed = [each for each in work.accounts.list() if each.name in names]
    assert len([each for each in listed if not each.disabled_at]) == 1


def test_an_account_that_several_people_make_at_once_is_made_once(door: Door) -> None:
    def make() -> object:
        return signing_in.make_account(door, "léa", "Léa", {Role.AUDITOR}, actor="operator")

    assert at_once(*[make] * PEOPLE) == [
        "done",
        *["there is an account 'léa' already"] * (PEOPLE - 1),
    ]


def test_who_comes_first_in_several_tabs_at_once_has_one_account(door: Door) -> None:
    def come() -> object:
        person = ("https://sso.test 1", "noé", "Noé", "noe@mercure.example")
        return signing_in.sign_in_by_company(door, *person, {Role.AUDITOR})

    assert at_once(*[come] * PEOPLE) == ["done"] * PEOPLE
    with door.store.reading() as work:
        assert [each.name for each in work.accounts.list()].count("noé") == 1


def test_a_code_that_is_sent_several_times_at_once_opens_one_session(door: Door) -> None:
    _, password = signing_in.make_account(
        door, "camille", "Camille", {Role.AUDITOR}, actor="operator"
    )
    begun = signing_in.sign_in(door, "camille", password)
    secret, sealed = door.factor.make()
    code = pyotp.TOTP(secret).at(door.clock.now())
    with door.store.writing() as work:
        work.accounts.add(replace(work.accounts.get(begun.account.id), sealed_secret=sealed))
    waiting = signing_in.sign_in(door, "camille", password).session

    became = at_once(*[lambda: signing_in.enter_code(door, waiting, code)] * PEOPLE)

    assert became.count("done") == 1


def test_a_letter_that_several_people_register_at_once_is_registered_once(door: Door) -> None:
    def register(person: int) -> Callable[[], object]:
        return lambda: campaigns.register(door.store, door.clock, LETTER, actor=f"account {person}")

    became = at_once(*map(register, range(PEOPLE)))

    assert became == [*[f"a letter '{LETTER.id}' is registered already"] * (PEOPLE - 1), "done"]


def test_a_token_that_several_people_make_at_once_is_made_once(door: Door) -> None:
    def make(person: int) -> Callable[[], object]:
        words = door.store, door.clock, "inventaire", {Permission.READ}, timedelta(days=9)
        return lambda: api_tokens.make(*words, actor=f"op {person}")

    became = at_once(*map(make, range(PEOPLE)))

    refused = "there is or was a token inventaire: give another name"
    assert became == ["done", *[refused] * (PEOPLE - 1)]


def test_a_token_that_is_revoked_while_it_is_used_stays_revoked(door: Door) -> None:
    store, clock = door.store, door.clock
    scopes = {Permission.READ}
    made, secret = api_tokens.make(store, clock, "glpi", scopes, timedelta(days=9), actor="op")
    revoking = Thread(target=lambda: api_tokens.revoke(store, clock, made.id, actor="op"))

    with store.writing() as work:
        used = work.api_tokens.find(sha256(secret.encode()).hexdigest())
        assert used is not None
        revoking.start()
        # Either it waits for us, or it is done before we write down what we read.
        revoking.join(timeout=0.3)
        work.api_tokens.add(replace(used, used_at=clock.now()))
    revoking.join()

    assert api_tokens.find(store, clock, secret) is None


def test_a_session_that_is_ended_while_a_click_is_written_down_stays_ended(door: Door) -> None:
    _, password = signing_in.make_account(door, "zoé", "Zoé", {Role.AUDITOR}, actor="op")
    opened = signing_in.sign_in(door, "zoé", password)
    ending = Thread(target=lambda: signing_in.sign_out(door, opened.session))

    with door.store.writing() as work:
        seen = work.sessions.find(opened.session.id)
        assert seen is not None
        ending.start()
        ending.join(timeout=0.3)
        work.sessions.add(seen)
    ending.join()

    assert signing_in.visit(door, opened.secret) is None
