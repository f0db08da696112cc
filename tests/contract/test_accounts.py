"""What every store promises of accounts, sessions, tokens of the API and jobs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from quitus_collector.domain.account import Account, APIToken, Permission, Role, Session, Stage
from quitus_collector.domain.job import Job
from quitus_collector.errors import UsageError
from quitus_collector.services.ports import Store
from tests.builders import NOON

HOUR = timedelta(hours=1)
ZOE = Account(
    id="a1",
    name="Zoé",
    full_name="Zoé Martin",
    roles=frozenset({Role.DSI, Role.AUDITOR}),
    made_at=NOON,
    function="DSI",
    email="zoe@exemple.fr",
    password_hash="$argon2id$…",
    password_ends_at=NOON + HOUR,
    sealed_secret="c2VjcmV0",
    code_step=7,
    failed_until=NOON,
    alerts=(3, 8),
)
TOKEN = APIToken("t1", "sauvegarde", "ab" * 32, frozenset({Permission.READ}), "a1", NOON, NOON)
JOB = Job("j1", "import", "account zoé", NOON, {"file": "é.xlsx"})


def test_an_account_is_found_by_its_name_in_any_letters(store: Store) -> None:
    with store.writing() as work:
        work.accounts.add(ZOE)
        work.accounts.add(replace(ZOE, id="a2", name="ali", subject="https://sso.test 42"))

    with store.reading() as work:
        assert work.accounts.find(name="zoÉ") == ZOE == work.accounts.get("a1")
        found = work.accounts.find(subject="https://sso.test 42")
        assert found is not None
        assert found.id == "a2"
        assert work.accounts.find(subject="") is None
        assert work.accounts.find(name="zoe") is None
        assert [each.name for each in work.accounts.list()] == ["ali", "Zoé"]


def test_no_two_accounts_have_one_name(store: Store) -> None:
    with store.writing() as work:
        work.accounts.add(ZOE)

    with pytest.raises(UsageError, match="account 'Zoé' already"), store.writing() as work:
        work.accounts.add(replace(ZOE, id="a2", name="ZOÉ"))
    with pytest.raises(UsageError, match="no account has the id 'a2'"), store.reading() as work:
        work.accounts.get("a2")


def test_sessions_end_one_by_one_by_account_and_by_age(store: Store) -> None:
    sessions = [
        Session(f"{n}" * 64, f"a{n % 2}", Stage.OPEN, NOON, NOON + n * HOUR) for n in range(5)
    ]
    with store.writing() as work:
        for each in sessions:
            work.sessions.add(each)
        work.sessions.add(replace(sessions[3], stage=Stage.CODE))
        work.sessions.remove("4" * 64)
        work.sessions.remove("nothing")
        work.sessions.remove_of("a0", but="2" * 64)
        work.sessions.remove_before(NOON + 2 * HOUR)

    with store.reading() as work:
        left = [work.sessions.find(each.id) for each in sessions]
    assert left == [None, None, sessions[2], replace(sessions[3], stage=Stage.CODE), None]


def test_a_token_is_found_by_its_secret(store: Store) -> None:
    with store.writing() as work:
        work.api_tokens.add(TOKEN)
        later = replace(TOKEN, id="t2", secret_sha256="cd" * 32, made_at=NOON + HOUR)
        work.api_tokens.add(later)
        work.api_tokens.add(replace(later, revoked_at=NOON))

    with store.reading() as work:
        assert work.api_tokens.find("ab" * 32) == TOKEN
        assert work.api_tokens.find("ef" * 32) is None
        assert [each.id for each in work.api_tokens.list()] == ["t2", "t1"]


def test_a_job_keeps_what_was_uploaded_until_it_is_over(store: Store) -> None:
    with store.writing() as work:
        work.jobs.add(JOB, b"\x00content")
        work.jobs.add(JOB.taken(NOON).beating(NOON, 3, 10))

    with store.writing() as work:
        assert work.jobs.content("j1") == b"\x00content"
        assert work.jobs.get("j1").done == 3
        work.jobs.add(work.jobs.get("j1").finished(NOON, {"lines": "3"}))

    with store.reading() as work:
        assert work.jobs.content("j1") == b""
        assert work.jobs.get("j1").result == {"lines": "3"}
        assert work.jobs.open() == []
    with pytest.raises(UsageError, match="no job has the id"), store.reading() as work:
        work.jobs.get("j9")


def test_jobs_are_open_oldest_first_and_forgotten_once_over(store: Store) -> None:
    with store.writing() as work:
        for n in (2, 1, 3):
            work.jobs.add(replace(JOB, id=f"j{n}", made_at=NOON + n * HOUR))
        work.jobs.add(work.jobs.get("j1").failed(NOON + HOUR, "no"))

    with store.writing() as work:
        assert [each.id for each in work.jobs.open()] == ["j2", "j3"]
        assert [each.id for each in work.jobs.list(last=2)] == ["j3", "j2"]
        assert [each.id for each in work.jobs.list(actor=JOB.actor)] == ["j3", "j2", "j1"]
        assert work.jobs.list(actor="somebody else") == []
        work.jobs.remove_before(NOON + 2 * HOUR)
        assert [each.id for each in work.jobs.list()] == ["j3", "j2"]


def test_what_was_told_is_known_by_its_way_until_it_holds_no_more(store: Store) -> None:
    with store.writing() as work:
        work.notices.replace("mail", {"a", "b"}, NOON)
        work.notices.replace("hook", {"a"}, NOON)

    with store.writing() as work:
        work.notices.replace("mail", {"b", "c"}, NOON + HOUR)

    with store.reading() as work:
        assert work.notices.told("mail") == {"b", "c"}
        assert work.notices.told("hook") == {"a"}
        assert work.notices.told("nothing") == frozenset()
