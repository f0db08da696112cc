"""Several processes on one port: they share the work, and one that ends costs no report."""

import os
import signal
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from quitus_agent import transport
from quitus_agent.wiring import read_token
from quitus_collector.entrypoints.workers import LONGEST_WAIT_S
from tests.fleet.simulator import Days, Device, enrolled, lost, workstations
from tests.programs import CollectorFolder
from tests.waiting import until

pytestmark = pytest.mark.e2e
DEVICES = 12
CALM_S = 1.5
# The long form kills for minutes: `make soak`.
KILLS = int(os.environ.get("QUITUS_KILLS", "1"))


def workers_of(collector: CollectorFolder) -> list[psutil.Process]:
    """Of the process that supervises, which has no other children."""
    found = []
    for each in psutil.Process(collector.pid).children():
        # One that was killed may be gone by the time that it is asked.
        with suppress(psutil.NoSuchProcess):
            if each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
    return found


@contextmanager
def reporting(collector: CollectorFolder, port: int) -> Iterator[Days]:
    with Days(devices_of(collector, port)) as days:
        time.sleep(CALM_S)
        yield days
        time.sleep(CALM_S)


def devices_of(collector: CollectorFolder, port: int) -> Sequence[Device]:
    token = read_token(collector.token_file("--uses", str(DEVICES)))
    return enrolled(workstations(DEVICES), "localhost", port, token)


def database_of(collector: CollectorFolder) -> str:
    return f"sqlite:///{collector.home / 'quitus.db'}"


@pytest.fixture
def busy(collector: CollectorFolder) -> CollectorFolder:
    """A collector that lets its devices report as often as they like."""
    collector.set("reports_per_hour", "100_000")
    return collector


def test_a_worker_that_is_killed_is_started_again_and_costs_no_report(
    busy: CollectorFolder,
) -> None:
    with busy.serving("--workers", "2") as (port, _), reporting(busy, port) as days:
        for _ in range(KILLS):
            before = days.acknowledged
            killed = workers_of(busy)[0]
            killed.send_signal(signal.SIGKILL)
            assert until(lambda gone=killed: gone not in workers_of(busy))
            # One that keeps ending is started again ever later.
            assert until(lambda: len(workers_of(busy)) == 2, within_s=LONGEST_WAIT_S + 30)
            assert until(lambda seen=before: days.acknowledged > seen)

    assert days.refusals == []
    assert lost(database_of(busy), days.devices) == []
    assert busy.log().count("worker ended") == KILLS
    assert "Traceback" not in busy.log()


def test_told_to_stop_workers_finish_what_they_accepted(
    busy: CollectorFolder, tmp_path: Path
) -> None:
    successor = CollectorFolder(busy.home)
    with ExitStack() as successors:
        with busy.serving("--workers", "2") as (port, inventory):
            days = Days(devices_of(busy, port))
            days.start()
            time.sleep(CALM_S)
        before = days.acknowledged
        successors.enter_context(successor.serving_on(port, inventory))
        successors.push(days)
        assert until(lambda: days.acknowledged > before)

    assert before > 0
    assert days.refusals == []
    assert lost(database_of(busy), days.devices) == []


def test_workers_end_with_the_process_that_started_them(collector: CollectorFolder) -> None:
    with collector.serving("--workers", "2"):
        workers = workers_of(collector)
        os.kill(collector.pid, signal.SIGKILL)

        assert len(workers) == 2
        assert until(lambda: not any(each.is_running() for each in workers))


def test_new_certificates_are_shown_by_every_worker(collector: CollectorFolder) -> None:
    with collector.serving("--workers", "2") as (port, _):
        issuers = {transport.presented_chain("localhost", port)[1] for _ in range(8)}
        collector.ok("authority", "renew")
        time.sleep(1.5)
        renewed = {transport.presented_chain("localhost", port)[1] for _ in range(16)}
        certificates = {
            ssl.get_server_certificate(("localhost", port), timeout=10) for _ in range(16)
        }

    assert len(issuers) == 1
    assert len(renewed) == 1
    assert issuers.isdisjoint(renewed)
    # Each worker makes a key and a certificate of its own.
    assert len(certificates) == 2


def test_a_port_that_somebody_has_is_told(collector: CollectorFolder, tmp_path: Path) -> None:
    other = CollectorFolder(tmp_path / "other")
    other.ok("init")
    with collector.serving("--workers", "2") as (port, _):
        taken = f"127.0.0.1:{port}"
        answers = [
            other.run("serve", "--enrolment", taken, "--inventory", "127.0.0.1:0", *words)
            for words in (("--workers", "2"), ())
        ]

    for answer in answers:
        assert answer.status == 2
        assert f"cannot listen on {taken}: is the port taken?" in answer.err


def test_what_no_worker_could_do_is_told_once(collector: CollectorFolder) -> None:
    (collector.home / "quitus.db").unlink()

    answer = collector.run("serve", "--workers", "2")

    assert answer.status == 1
    assert answer.err.count("unable to open database file") == 1
