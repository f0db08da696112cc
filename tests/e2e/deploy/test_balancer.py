"""Two collectors put together as the chart does, behind the balancer of the compose file."""

import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.postgresql import server
from tests.programs import AgentFolder, CollectorFolder
from tests.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.needs("haproxy")]
HAPROXY = Path(__file__).parents[3] / "deploy" / "container" / "haproxy.cfg"


def test_devices_reach_two_collectors_through_the_balancer_as_it_is_configured(
    tmp_path: Path, agent: AgentFolder
) -> None:
    with collectors(tmp_path) as (first, second), balancer(tmp_path, first, second) as port:
        enrolled = agent.enrol(port, first.token_file())
        reports = [agent.run("report", "--patience", "30") for _ in range(2)]
        os.kill(first.pid, 9)
        after = agent.run("report", "--patience", "60")

        assert enrolled.status == 0, enrolled
        assert [each.status for each in reports] == [0, 0]
        assert after.status == 0, after
        assert "1 device" in second.ok("devices", "list")


@contextmanager
def collectors(place: Path) -> Iterator[tuple[CollectorFolder, CollectorFolder]]:
    """Two, without the root's key; `upgrade` makes the schema."""
    made = CollectorFolder(place / "made")
    made.ok("init")
    with server() as database, pytest.MonkeyPatch.context() as patched:
        # As operators of clusters write it.
        url = database.url.replace("postgresql+psycopg://", "postgresql://")
        patched.setenv("QUITUS_COLLECTOR_DATABASE", url)
        pair = tuple(_assembled(made, place / f"collector-{number}") for number in (1, 2))
        assert "brought from nothing to 0" in pair[0].ok("upgrade")
        assert "brought" not in pair[1].ok("upgrade")
        yield pair[0], pair[1]


def _assembled(made: CollectorFolder, home: Path) -> CollectorFolder:
    (home / "authority").mkdir(parents=True, mode=0o700)
    shutil.copy(made.home / "collector.toml", home)
    for name in ("root.pem", "issuing.pem"):
        shutil.copy(made.home / "authority" / name, home / "authority")
    (home / "pseudonym.key").write_bytes(b"k" * 32)
    return CollectorFolder(home)


@contextmanager
def balancer(place: Path, first: CollectorFolder, second: CollectorFolder) -> Iterator[int]:
    """HAProxy by the file that is shipped, with this machine's names and ports."""
    hosts = {"collector-1": "127.0.0.2", "collector-2": "127.0.0.3"}
    text = HAPROXY.read_text()
    with ExitStack() as stack:
        ports = _serve(stack, first, second, hosts)
        enrolment, inventory, health = ports
        for name, host in hosts.items():
            text = text.replace(f"{name}:7443", f"{host}:{enrolment}")
            text = text.replace(f"{name}:7444", f"{host}:{inventory}")
        text = text.replace("port 7480", f"port {health}")
        text = text.replace("bind :7443", f"bind 127.0.0.1:{enrolment}")
        text = text.replace("bind :7444", f"bind 127.0.0.1:{inventory}")
        file = place / "haproxy.cfg"
        file.write_text(text)
        process = stack.enter_context(subprocess.Popen(["haproxy", "-f", file, "-db", "-q"]))
        try:
            assert until(lambda: _answers(enrolment))
            yield enrolment
        finally:
            process.terminate()


def _serve(
    stack: ExitStack, first: CollectorFolder, second: CollectorFolder, hosts: dict[str, str]
) -> tuple[int, int, int]:
    """Both on one pair of ports, as two machines are."""
    one, other = hosts.values()
    with socket.socket() as free:
        free.bind((one, 0))
        health = free.getsockname()[1]
    enrolment, inventory = stack.enter_context(
        first.serving_on(0, 0, "--health", f"{one}:{health}", host=one)
    )
    stack.enter_context(
        second.serving_on(enrolment, inventory, "--health", f"{other}:{health}", host=other)
    )
    return enrolment, inventory, health


def _answers(port: int) -> bool:
    """Whether a collector is reached there: the balancer drops who comes while none is ready."""
    try:
        ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    except OSError:
        return False
    return True
