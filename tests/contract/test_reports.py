"""An agent and a collector that both crash at any moment: nothing is lost, nothing is doubled.

The agent's own spool on a real disk talks to the collector's use case on a real database, through
the bytes of the wire. A crash is an exception that no code catches, at a point drawn at random.
"""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quitus.v1 import inventory_pb2
from quitus_agent import files, reporting, statement, wire
from quitus_agent import inventory as agent
from quitus_agent.device import DeviceFacts
from quitus_agent.errors import AgentError, CollectorUnreachable
from quitus_agent.spool import Accepted, Spool
from quitus_agent.statement import Statement
from quitus_collector.domain import report as collector_report
from quitus_collector.entrypoints.grpc import translate
from quitus_collector.errors import FullReportWanted
from quitus_collector.services.ports import Store
from quitus_collector.services.reporting import accept_report
from tests.builders import NOON, a_certificate, a_device
from tests.fakes.clock import FakeClock

CRASH_POINTS = int(os.environ.get("QUITUS_CRASH_POINTS", "1200"))
SOURCES = ("dpkg", "snap", "flatpak")


class Crash(BaseException):
    """The power went: nothing that runs may catch it."""


def a_statement(*rows: tuple[str, str], failed: frozenset[str] = frozenset()) -> Statement:
    """Rows are (source, name); a failed source has none."""
    outcomes = [
        agent.SourceOutcome(name, agent.FAILED if name in failed else agent.READ)
        for name in SOURCES
    ]
    installs = [
        agent.Install(name, "1", source=source, identifiers={"purl": f"pkg:x/{name}"})
        for source, name in rows
        if source not in failed
    ]
    return statement.make(DeviceFacts("PC-É"), agent.Inventory(outcomes, installs), NOON)


def collector_of(store: Store) -> Callable[[inventory_pb2.ReportRequest], object]:
    """The collector's side of one device's calls."""

    def answer(request: inventory_pb2.ReportRequest) -> inventory_pb2.ReportResponse:
        peer = a_certificate(a_device())
        arrived = inventory_pb2.ReportRequest.FromString(request.SerializeToString())
        try:
            accepted = accept_report(store, FakeClock(), peer, translate.report(arrived))
        except FullReportWanted:
            return inventory_pb2.ReportResponse(full_wanted=True)
        return inventory_pb2.ReportResponse(installs=accepted.installs, receipt=accepted.receipt)

    return answer


def held(store: Store) -> list[tuple[str, str]]:
    with store.reading() as work:
        return [(each.source, each.name) for each in work.inventories.list("d-1")]


@pytest.fixture
def enrolled(store: Store) -> Store:
    with store.writing() as work:
        work.devices.add(a_device())
    return store


# --- Digests ---

TEXTS = st.text(max_size=12)
INSTALLS = st.builds(
    agent.Install,
    name=st.text(min_size=1, max_size=12),
    version=TEXTS,
    publisher=TEXTS,
    architecture=TEXTS,
    source=st.sampled_from(SOURCES),
    scope=st.sampled_from((agent.MACHINE, agent.USER)),
    identifiers=st.dictionaries(st.text(min_size=1, max_size=6), TEXTS, max_size=4),
    hidden=st.booleans(),
    installed_on=st.sampled_from(("", "2026-01-31")),
)
COUNTS = st.integers(0, 1 << 20)
FACTS = st.builds(
    DeviceFacts,
    hostname=TEXTS,
    system=TEXTS,
    processors=COUNTS,
    cores=COUNTS,
    logical_cores=COUNTS,
    memory_bytes=st.integers(0, 1 << 50),
    kind=st.sampled_from(("", "physical", "virtual")),
    portable=st.booleans(),
    system_id=TEXTS,
    guests=st.lists(TEXTS, max_size=3).map(tuple),
)


@settings(deadline=None, max_examples=60)
@given(FACTS, st.lists(INSTALLS, max_size=8), TEXTS)
def test_both_sides_give_an_inventory_the_same_digest(
    facts: DeviceFacts, installs: list[agent.Install], reason: str
) -> None:
    outcomes = [agent.SourceOutcome(name, agent.READ) for name in SOURCES]
    outcomes.append(agent.SourceOutcome("rpm", agent.FAILED, reason))
    said = statement.make(facts, agent.Inventory(outcomes, installs), NOON)
    sent = wire.report_request(said, Accepted()).SerializeToString()

    arrived = translate.report(inventory_pb2.ReportRequest.FromString(sent))

    assert not isinstance(arrived.content, collector_report.Unchanged)
    made = collector_report.update(arrived.content, [], ())
    assert made.digest == arrived.digest
    # And what waits on disk meanwhile is the same thing.
    assert statement.from_json(statement.to_json(said)) == said


def test_a_digest_does_not_change_with_order_and_does_with_anything_else() -> None:
    rows = [("dpkg", "a"), ("dpkg", "b"), ("snap", "c")]
    said = a_statement(*rows)
    digest = said.digest

    others = [
        a_statement(*rows[:2]),
        a_statement(*rows, failed=frozenset({"flatpak"})),
        said._replace(facts={**said.facts, "hostname": "PC-2"}),
        said._replace(installs=(*said.installs[:2], said.installs[2]._replace(version="2"))),
        said._replace(installs=(*said.installs[:2], said.installs[2]._replace(hidden=True))),
    ]

    turned = a_statement(*reversed(rows))
    assert turned.digest == digest
    assert digest not in {each.digest for each in others}


def test_an_unchanged_report_takes_less_than_300_bytes() -> None:
    said = a_statement(*(("dpkg", f"package-{number}") for number in range(900)))
    rows = said.rows
    accepted = Accepted(said.digest, b"r" * 16, dict.fromkeys(rows, "dpkg"))

    request = wire.report_request(said, accepted)

    assert request.WhichOneof("content") == "unchanged"
    assert len(request.SerializeToString()) < 300


def test_a_change_sends_the_rows_that_changed(enrolled: Store, tmp_path: Path) -> None:
    rows = [("dpkg", f"package-{number}") for number in range(300)]
    sent: list[inventory_pb2.ReportRequest] = []
    collector = collector_of(enrolled)

    def send(request: inventory_pb2.ReportRequest) -> object:
        sent.append(request)
        return collector(request)

    spool = Spool(tmp_path, "d-1")
    for said in (a_statement(*rows), a_statement(*rows[1:], ("snap", "new"))):
        reporting.deliver(spool, reporting.queue(spool, said), send)  # type: ignore[arg-type]

    assert [request.WhichOneof("content") for request in sent] == ["full", "changes"]
    assert [each.name for each in sent[1].changes.added] == ["new"]
    assert len(sent[1].changes.removed) == 1
    assert held(enrolled) == sorted([*rows[1:], ("snap", "new")])


def test_a_collector_that_lost_its_base_gets_the_whole_inventory(
    enrolled: Store, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, "d-1")
    send = collector_of(enrolled)
    reporting.deliver(spool, reporting.queue(spool, a_statement(("dpkg", "a"))), send)  # type: ignore[arg-type]
    with enrolled.writing() as work:
        gone = tuple(row.number for row in work.inventories.held(["d-1"])["d-1"])
        work.inventories.change({"d-1": collector_report.Update((), gone, b"")})

    later = a_statement(("dpkg", "a"), ("dpkg", "b"))
    accepted = reporting.deliver(spool, reporting.queue(spool, later), send)  # type: ignore[arg-type]

    assert accepted.installs == 2
    assert held(enrolled) == [("dpkg", "a"), ("dpkg", "b")]


# --- Days without a collector ---


def test_reports_wait_while_the_collector_is_away_and_catch_up_in_order(
    enrolled: Store, tmp_path: Path
) -> None:
    spool = Spool(tmp_path, "d-1")
    days = [a_statement(("dpkg", "a"), ("dpkg", f"day-{day}")) for day in range(3)]

    def away(request: object) -> object:
        raise CollectorUnreachable("no collector answers")

    for said in days:
        with pytest.raises(CollectorUnreachable):
            reporting.deliver(spool, reporting.queue(spool, said), away)  # type: ignore[arg-type]
    assert len(spool.waiting()) == 3

    # The same inventory as the day before waits once.
    waiting = reporting.queue(spool, days[-1])
    assert len(waiting) == len(spool.waiting()) == 3
    reporting.deliver(spool, waiting, collector_of(enrolled))  # type: ignore[arg-type]

    assert spool.waiting() == []
    assert held(enrolled) == [("dpkg", "a"), ("dpkg", "day-2")]


def test_of_too_many_reports_the_oldest_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "d-1")
    for day in range(40):
        reporting.queue(spool, a_statement(("dpkg", f"day-{day}")))

    kept = [spool.load(path).installs[0].name for path in spool.waiting()]

    assert kept == [f"day-{day}" for day in range(24, 40)]


def test_a_damaged_report_that_waits_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool = Spool(tmp_path, "d-1")
    reporting.queue(spool, a_statement(("dpkg", "a")))
    (path,) = spool.waiting()
    path.write_bytes(path.read_bytes()[:50])

    waiting = reporting.queue(spool, a_statement(("dpkg", "b")))

    assert [each.statement.installs[0].name for each in waiting] == ["b"]
    assert f"{path} is not a report that waits: it is left out" in capsys.readouterr().err


def test_what_another_identity_was_answered_is_not_shown_again(tmp_path: Path) -> None:
    Spool(tmp_path, "d-1").accept(Accepted(b"d" * 32, b"r" * 16, {}, 3, NOON))

    assert Spool(tmp_path, "d-1").accepted().receipt == b"r" * 16
    assert Spool(tmp_path, "d-2").accepted() == Accepted()


def test_a_damaged_receipt_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "accepted.json").write_text('{"device_id": ')

    with pytest.raises(AgentError, match=r"accepted\.json is damaged: remove it"):
        Spool(tmp_path, "d-1").accepted()


# --- Crashes ---


@contextmanager
def crashing(chance: random.Random, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Within the block, the agent's every step on disk may be its last."""
    moments = {name: getattr(os, name) for name in ("open", "fsync", "replace", "unlink")}

    def fragile(name: str) -> Callable[..., object]:
        def step(*arguments: object, **options: object) -> object:
            if chance.random() < 0.02:
                raise Crash
            result = moments[name](*arguments, **options)
            if chance.random() < 0.02:
                raise Crash
            return result

        return step

    with monkeypatch.context() as patched:
        for name in moments:
            patched.setattr(files.os, name, fragile(name))
        yield


@pytest.mark.parametrize("store", ["memory", "sqlite"], indirect=True)
def test_nothing_is_lost_or_doubled_however_often_both_sides_crash(
    enrolled: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine's state is what its last report said, once it gets through at last."""
    chance = random.Random(20261124)
    collector = collector_of(enrolled)
    crashes, rounds = 0, 0
    present: set[tuple[str, str]] = {("dpkg", f"package-{number}") for number in range(8)}

    def unreliable(request: inventory_pb2.ReportRequest) -> object:
        nonlocal crashes
        luck = chance.random()
        if luck < 0.10:
            crashes += 1
            raise CollectorUnreachable("killed before the call arrived")
        answer = collector(request)
        if luck < 0.22:
            crashes += 1
            raise CollectorUnreachable("killed after its commit, before the answer")
        return answer

    enough = CRASH_POINTS if "quitus.db" in str(list(tmp_path.glob("*"))) else CRASH_POINTS // 4
    while crashes < enough:
        rounds += 1
        for _ in range(chance.randrange(3)):
            row = (chance.choice(SOURCES), f"package-{chance.randrange(20)}")
            present ^= {row}
        failed = frozenset(name for name in SOURCES if chance.random() < 0.1)
        said = a_statement(*sorted(present), failed=failed)
        try:
            with crashing(chance, monkeypatch):
                spool = Spool(tmp_path, "d-1")
                reporting.deliver(spool, reporting.queue(spool, said), unreliable)  # type: ignore[arg-type]
        except Crash:
            crashes += 1
            continue
        except CollectorUnreachable:
            continue

    said = a_statement(*sorted(present))
    spool = Spool(tmp_path, "d-1")
    reporting.deliver(spool, reporting.queue(spool, said), collector)  # type: ignore[arg-type]
    assert held(enrolled) == sorted(present)
    with enrolled.reading() as work:
        device = work.devices.get("d-1")
    assert device.standing == "active"
    assert device.digest == said.digest.hex()
    assert spool.waiting() == []
    assert rounds > 100


def test_after_receipts_are_forgotten_a_device_goes_on_where_it_is(enrolled: Store) -> None:
    """As after a restore: what the device was answered last is newer than what is held."""
    with enrolled.writing() as work:
        work.devices.add(replace(work.devices.get("d-1"), receipt="aa", shown="bb"))
    with enrolled.writing() as work:
        work.devices.forget_receipts()

    said = a_statement(("dpkg", "vim"), ("dpkg", "nano"))
    (vim, _) = said.rows
    known = Accepted(bytes(32), b"newer", {vim: "dpkg"})
    answer = collector_of(enrolled)(wire.report_request(said, known))
    taken = collector_of(enrolled)(wire.full_request(said, known))

    assert answer.full_wanted  # type: ignore[attr-defined]
    assert taken.installs == 2  # type: ignore[attr-defined]
    assert held(enrolled) == [("dpkg", "nano"), ("dpkg", "vim")]
