"""What doctor makes of the facts, and that every sentence of it has all of its words."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from quitus_collector.adapters.messages import Messages
from quitus_collector.services import diagnosing
from quitus_collector.services.diagnosing import GIB, Check, Verdict
from tests.builders import NOON, a_device
from tests.fakes.store import MemoryStore

DAY = timedelta(days=1)
OK, WARNING, FAILED = Verdict.OK, Verdict.WARNING, Verdict.FAILED


def certificate(days_left: float) -> Check:
    ends = NOON + days_left * DAY
    return diagnosing.certificate("issuing", ends, ends - 100 * DAY, NOON, "renew it")


@pytest.mark.parametrize(
    ("check", "verdict"),
    [
        (diagnosing.schema("db", "3", ["3", "2", "1"]), OK),
        (diagnosing.schema("db", "1", ["3", "2", "1"]), FAILED),
        (diagnosing.schema("db", "4", ["3", "2", "1"]), FAILED),
        (diagnosing.schema("db", None, ["3", "2", "1"]), FAILED),
        (diagnosing.integrity(""), OK),
        (diagnosing.integrity("row 3 is missing from the index"), FAILED),
        (diagnosing.audit(None, 12), OK),
        (diagnosing.audit(7, 12), FAILED),
        (certificate(101), OK),
        (certificate(100), WARNING),
        (certificate(0), FAILED),
        (diagnosing.disk("/d", 50 * GIB, 100 * GIB), OK),
        (diagnosing.disk("/d", 4 * GIB, 100 * GIB), WARNING),
        (diagnosing.disk("/d", GIB, 10 * GIB), WARNING),
        (diagnosing.disk("/d", 0, 10 * GIB), FAILED),
        (diagnosing.clock(NOON, NOON - timedelta(seconds=4)), OK),
        (diagnosing.clock(NOON, NOON + timedelta(seconds=30)), WARNING),
        (diagnosing.clock(NOON, NOON - timedelta(minutes=2)), FAILED),
        (diagnosing.permissions({"key": 0o100600, "folder": 0o40700}), OK),
        (diagnosing.permissions({"key": 0o100640}), FAILED),
        (diagnosing.missing_keys(["issuing.pem"]), FAILED),
        (diagnosing.not_serving("h:1", "refused"), WARNING),
        (diagnosing.unreachable("db", "away"), FAILED),
        (diagnosing.programs(15, {"pg_dump": 15, "pg_restore": 17}), OK),
        (diagnosing.programs(15, {"pg_dump": 15, "pg_restore": None}), WARNING),
        (diagnosing.programs(16, {"pg_dump": 15, "pg_restore": 16}), WARNING),
    ],
)
@pytest.mark.parametrize("language", ["fr", "en"])
def test_each_verdict_is_told_whole_and_with_what_to_do(
    check: Check, verdict: Verdict, language: str
) -> None:
    text, advice = check.told(Messages(language, ZoneInfo("Europe/Paris")))

    assert check.verdict is verdict
    assert "{" not in text + advice
    assert bool(advice) == (verdict is not OK and check.name != "database")


def test_pending_migrations_are_counted() -> None:
    check = diagnosing.schema("db", "1", ["3", "2", "1"])

    text, advice = check.told(Messages("fr", ZoneInfo("Europe/Paris")))

    assert (text, advice) == ("migrations en attente : 2", "lancez quitus-collector upgrade")


def test_a_count_that_is_not_that_of_the_rows_is_found() -> None:
    store = MemoryStore()
    with store.writing() as work:
        work.devices.add(a_device("d-1"))
    assert diagnosing.counts(store).verdict is OK
    with store.writing() as work:
        work.devices.by_id["d-1"] = a_device("d-1", installs=3)  # type: ignore[attr-defined]

    check = diagnosing.counts(store)

    assert check.verdict is FAILED
    assert check.values["n"] == 1
