"""Three collectors on one PostgreSQL behind a TCP balancer: one may go, and nothing is lost."""

import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from quitus_agent.wiring import read_token
from tests.balancer import Balancer
from tests.fleet.simulator import Days, enrolled, lost, workstations
from tests.postgresql import Server
from tests.programs import CollectorFolder
from tests.waiting import until

pytestmark = pytest.mark.e2e
HOSTS = ("127.0.0.2", "127.0.0.3", "127.0.0.4")
DEVICES = 9
# The long form kills for minutes: `make soak`.
KILLS = int(os.environ.get("QUITUS_KILLS", "1"))
CALM_S = 1.0


def free_ports() -> Sequence[int]:
    """Two ports that nobody has on any of the hosts, to the best of what can be known."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("", 0))
        return one.getsockname()[1], other.getsockname()[1]


@contextmanager
def collectors(tmp_path: Path, ports: Sequence[int]) -> Iterator[list[CollectorFolder]]:
    """Folders of one collector on several hosts: the same settings, authority and keys."""
    first = CollectorFolder(tmp_path / HOSTS[0])
    first.ok("init")
    first.set("reports_per_hour", "100_000")
    folders = [first]
    for host in HOSTS[1:]:
        shutil.copytree(first.home, tmp_path / host)
        folders.append(CollectorFolder(tmp_path / host))
    with ExitStack() as serving:
        for folder in folders:
            # What `serve` would make by itself, and must be the same everywhere.
            (folder.home / "pseudonym.key").write_bytes(bytes(32))
            serving.enter_context(folder.serving_on(*ports, host=folder.home.name))
        yield folders


def test_one_collector_of_three_is_killed_under_load(postgresql: Server, tmp_path: Path) -> None:
    ports = free_ports()
    draw = random.Random(1)
    with (
        ExitStack() as again,
        collectors(tmp_path, ports) as folders,
        Balancer("127.0.0.1", ports, HOSTS) as balancer,
    ):
        token = read_token(folders[0].token_file("--uses", str(DEVICES)))
        samples = workstations(DEVICES)
        with Days(enrolled(samples, "localhost", ports[0], token)) as days:
            for _ in range(KILLS):
                time.sleep(CALM_S)
                killed = draw.choice(folders)
                os.kill(killed.pid, signal.SIGKILL)
                before = days.acknowledged
                assert until(lambda seen=before: days.acknowledged > seen + DEVICES)
                again.enter_context(killed.serving_on(*ports, host=killed.home.name))
        carried = set(balancer.carried)

    assert carried == set(HOSTS)
    assert days.refusals == []
    assert lost(postgresql.url, days.devices) == []


def test_the_database_below_three_collectors_is_killed(postgresql: Server, tmp_path: Path) -> None:
    ports = free_ports()
    with collectors(tmp_path, ports) as folders, Balancer("127.0.0.1", ports, HOSTS):
        token = read_token(folders[0].token_file("--uses", str(DEVICES)))
        with Days(enrolled(workstations(DEVICES), "localhost", ports[0], token)) as days:
            for _ in range(KILLS):
                time.sleep(CALM_S)
                postgresql.kill()
                postgresql.start()
                before = days.acknowledged
                assert until(lambda seen=before: days.acknowledged > seen + DEVICES)

    assert days.refusals == []
    assert lost(postgresql.url, days.devices) == []
