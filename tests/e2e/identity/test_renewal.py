"""Certificates over time: renewed, ended, revoked, and the agent's one sentence about each."""

import json
import re
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from quitus_agent import identity, keys, renewal
from quitus_collector.adapters.authority import x509
from tests.programs import AgentFolder, Answer, CollectorFolder

pytestmark = pytest.mark.e2e
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def events(collector: CollectorFolder) -> list[str]:
    return [each["event"] for each in audit(collector)]


def audit(collector: CollectorFolder) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = json.loads(
        collector.ok("audit", "list", "--format", "json", "--last", "1000")
    )
    return entries


def make_due(
    agent: AgentFolder, pending: bytes | None = None, *, expired: bool = False
) -> identity.Identity:
    """The same identity, as a clock that is later would find it, and the key it has in mind."""
    known = identity.load(agent.state)
    known = known._replace(renews_at=NOW - DAY)
    if expired:
        known = known._replace(expires_at=NOW - DAY)
    identity.save(agent.state, known)
    if pending:
        (agent.state / identity.RENEWAL_KEY_FILE).write_bytes(pending)
    return known


def enrolled(collector: CollectorFolder, agent: AgentFolder, port: int) -> identity.Identity:
    assert agent.enrol(port, collector.token_file()).status == 0
    return identity.load(agent.state)


def one_sentence(answer: Answer) -> str:
    assert answer.status == 1
    assert answer.err.count("\n") == 1, answer.err
    return answer.err.strip()


def test_a_report_renews_a_certificate_that_is_due(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        first = enrolled(collector, agent, enrolment)
        make_due(agent)
        reported = agent.run("report")
        renewed = identity.load(agent.state)
        again = agent.run("report")

    assert (reported.status, again.status) == (0, 0), (reported, again)
    assert renewed.device_id == first.device_id
    assert renewed.private_key != first.private_key
    assert identity.load(agent.state) == renewed
    assert events(collector) == [
        *("authority made", "account made", "token made", "enrolled", "renewed")
    ]
    status = json.loads(agent.run("status", "--format", "json").out)
    assert status["certificate_renews_at"] == renewed.renews_at.isoformat()
    assert not list(agent.state.glob("*.pem"))


def test_a_key_that_was_replaced_opens_nothing_any_more(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    with collector.serving() as (enrolment, _):
        enrolled(collector, agent, enrolment)
        old = make_due(agent)
        assert agent.run("report").status == 0
        identity.save(agent.state, old._replace(renews_at=identity.NEVER))
        refused = agent.run("report")

    assert "this device's key was replaced by a newer one" in one_sentence(refused)


def test_a_renewal_whose_answer_is_lost_costs_nothing(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    """The collector has certified the new key; the agent died before it kept the answer."""
    with collector.serving() as (enrolment, _):
        known = enrolled(collector, agent, enrolment)
        pending = keys.pending_key(agent.state, identity.RENEWAL_KEY_FILE)
        renewal.renewed(known, pending)
        with_the_old_key = agent.run("report")
        make_due(agent, pending)
        with_the_new_key = agent.run("report")

    assert (with_the_old_key.status, with_the_new_key.status) == (0, 0)
    assert identity.load(agent.state).private_key == pending


def test_a_device_that_was_off_for_months_comes_back_by_itself(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        first = enrolled(collector, agent, enrolment)
        make_due(agent, expired=True)
        before = agent.run("status").out
        reported = agent.run("report")

    assert "(over: the next report asks for another)" in before
    assert reported.status == 0, reported
    assert identity.load(agent.state).device_id == first.device_id
    assert events(collector)[-1] == "re-entered"


def test_a_device_that_was_off_for_too_long_is_told_to_enrol_again(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    settings = collector.home / "collector.toml"
    with collector.serving() as (enrolment, _):
        enrolled(collector, agent, enrolment)
    settings.write_text(settings.read_text().replace("# reentry = 180", "reentry = 0"))
    shift_expiry(collector)

    with collector.serving() as (enrolment, _):
        known = make_due(agent, expired=True)
        identity.save(agent.state, known._replace(enrolment_port=enrolment))
        refused = agent.run("report")

    assert "enrol again with quitus-agent enrol --again and a new join token" in one_sentence(
        refused
    )
    assert identity.load(agent.state).private_key == known.private_key


def until(is_so: Callable[[], bool]) -> None:
    """Waits for what another process does; fails where it does not."""
    for _ in range(100):
        if is_so():
            return
        time.sleep(0.2)
    pytest.fail("nothing happened")


def shift_expiry(collector: CollectorFolder) -> None:
    """The certificates that the collector remembers ended yesterday."""
    import sqlite3

    with sqlite3.connect(collector.home / "quitus.db") as database:
        database.execute(
            "UPDATE device SET certificate_expires_at = ?",
            [(NOW - DAY).strftime("%Y-%m-%d %H:%M:%S.000000")],
        )
    database.close()


def test_a_revoked_device_is_told_so_and_keeps_what_it_has_to_say(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    with collector.serving() as (enrolment, _):
        known = enrolled(collector, agent, enrolment)
        collector.ok("devices", "revoke", known.device_id, "--reason", "stolen")
        refused = agent.run("report")
        status = json.loads(agent.run("status", "--format", "json").out)
        collector.ok("devices", "restore", known.device_id)
        restored = agent.run("report")

    assert "this device was revoked on" in one_sentence(refused)
    assert "ask the collector's administrators to restore it" in one_sentence(refused)
    assert status["waiting"] == 1
    assert restored.status == 0, restored
    assert events(collector)[-3:] == ["revoked", "refused", "restored"]


@pytest.mark.needs("faketime")
@pytest.mark.parametrize("clock", ["-9y", "+9y"])
def test_a_clock_that_is_off_by_years_is_named(
    collector: CollectorFolder, agent: AgentFolder, clock: str
) -> None:
    with collector.serving() as (enrolment, _):
        enrolled(collector, agent, enrolment)
        refused = agent.run("report", **at(clock))

    assert "this device's clock says 20" in one_sentence(refused)
    assert "set the clock that is wrong" in one_sentence(refused)


def at(clock: str) -> dict[str, str]:
    """The environment in which a program's calendar is off, and its stop watch is not."""
    shown = subprocess.run(["faketime", "-f", clock, "env"], capture_output=True, check=True)
    library = re.search(rb"^LD_PRELOAD=(.*)$", shown.stdout, re.M)
    assert library
    return {
        "LD_PRELOAD": library[1].decode(),
        "FAKETIME": clock,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


@pytest.mark.parametrize("part", ["private_key", "certificate_chain", "trust_roots"])
@pytest.mark.parametrize("due", [False, True])
def test_a_truncated_certificate_or_key_is_named(
    collector: CollectorFolder, agent: AgentFolder, part: str, due: bool
) -> None:
    with collector.serving() as (enrolment, _):
        known = enrolled(collector, agent, enrolment)
        cut = {part: getattr(known, part)[:100]}
        due_at = NOW - DAY if due else known.renews_at
        identity.save(agent.state, known._replace(**cut, renews_at=due_at))
        refused = agent.run("report")
        status = agent.run("status")

    assert "is damaged: enrol again with quitus-agent enrol --again" in one_sentence(refused)
    assert re.search(r"^identity +damaged: enrol again", status.out, re.M), status
    assert re.search(r"^last attempt .*is damaged: enrol again", status.out, re.M), status


def test_a_renewal_that_fails_does_not_keep_a_report_from_being_sent(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    """Another device holds the key that this one wants certified."""
    with collector.serving() as (enrolment, _):
        known = enrolled(collector, agent, enrolment)
        other = AgentFolder(agent.state.parent / "other")
        make_due(agent, enrolled(collector, other, enrolment).private_key)
        reported = agent.run("report")

    assert reported.status == 0, reported
    assert "is not renewed yet: the collector refused: a renewal needs a fresh key" in reported.err
    assert identity.load(agent.state).private_key == known.private_key


def test_the_authority_renews_itself_while_it_serves(
    collector: CollectorFolder, agent: AgentFolder
) -> None:
    """An issuing authority in the last third of its life is replaced without a restart."""
    from quitus_collector.adapters.authority import folder as authority_folder

    folder = collector.home / "authority"
    validity = x509.Validity(issuing=timedelta(minutes=5))
    with collector.serving() as (enrolment, _):
        enrolled(collector, agent, enrolment)
        # It began ten minutes ago, as ever: two thirds of its life are over.
        authority_folder.renew(folder, datetime.now(UTC), validity=validity)
        until(lambda: "authority renewed" in events(collector))
        assert agent.run("report").status == 0

    assert x509.Authority(folder).issuing_ends_at > NOW + 300 * DAY
