"""The reader process: what one source does to it, the others do not feel."""

import ctypes
import faulthandler
import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest

from quitus_agent import limits, reading
from quitus_agent.errors import AgentError, SourceError
from quitus_agent.inventory import Install, failures
from quitus_agent.limits import Ceiling
from quitus_agent.reading import Answer, Forked, Started, Task

MIB = 1024 * 1024
CEILING = Ceiling(seconds=2, memory_bytes=96 * MIB)
STATUS = "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n"

forks = pytest.mark.skipif(sys.platform != "linux", reason="readers are forked on Linux alone")


def answers_to(*runs: Callable[[], Any], ceiling: Ceiling = CEILING) -> list[Answer]:
    """What comes of these, each a task called by its number, in forked readers."""
    tasks = [Task(str(number), run) for number, run in enumerate(runs)]
    return reading.in_turn(partial(Forked, lambda: tasks, ceiling=ceiling), ceiling)


def seven() -> int:
    return 7


def refused() -> None:
    raise SourceError("the database is damaged")


def unreadable() -> None:
    raise PermissionError(13, "Permission denied", "/var/lib/rpm/Packages")


def mistaken() -> None:
    raise KeyError("zoe@example.org")


def endless_in_python() -> None:
    while True:
        pass


def endless_in_c() -> None:
    """Keeps the interpreter's lock, so that no other thread of this process runs."""
    ctypes.PyDLL(None).pause()


def crashed() -> None:
    faulthandler.disable()
    ctypes.string_at(0)


def greedy() -> None:
    bytearray(512 * MIB)


def deep() -> int:
    return 1 + deep()


def ended() -> None:
    os._exit(3)


def talkative() -> str:
    return "x" * (reading.MAX_ANSWER_BYTES + 1)


def unspeakable() -> object:
    return object()


@forks
@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (refused, "the database is damaged"),
        (unreadable, "/var/lib/rpm/Packages: Permission denied"),
        (endless_in_python, "took longer than 2 seconds"),
        (endless_in_c, "took longer than 2 seconds"),
        (crashed, "ended the process that read it: signal 11"),
        (greedy, "needed more than 96 MiB of memory"),
        (deep, "is nested too deep"),
        (ended, "ended the process that read it: exit status 3"),
        (talkative, "tells more than 32 MiB"),
        (unspeakable, "is not understood: ValueError in reading.py"),
    ],
)
def test_a_source_that_fails_in_any_way_says_why_and_the_others_go_on(
    run: Callable[[], Any], reason: str
) -> None:
    before, failed, after, last = answers_to(seven, run, seven, seven)

    assert [before, after, last] == [Answer("0", 7), Answer("2", 7), Answer("3", 7)]
    assert failed.found is None
    assert failed.reason.startswith(reason)


@forks
def test_a_mistake_of_ours_is_told_by_its_place_and_not_by_what_it_read() -> None:
    (answer,) = answers_to(mistaken)

    assert answer.reason.startswith("is not understood: KeyError in test_reading.py:")
    assert "zoe" not in answer.reason


@forks
def test_every_source_may_fail() -> None:
    found = answers_to(crashed, ended, crashed)

    assert [answer.name for answer in found] == ["0", "1", "2"]
    assert all(answer.reason for answer in found)


@forks
def test_memory_that_the_system_does_not_bound_is_watched_from_outside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on macOS and Windows."""
    monkeypatch.setattr(limits, "system_bounds_memory", lambda: False)

    def swelling() -> None:
        held = []
        while True:
            held.append(bytes(os.urandom(1)) * MIB)
            time.sleep(0.001)

    # What is watched is all that a reader holds, and a fork begins with what these tests hold.
    ceiling = Ceiling(60, psutil.Process().memory_info().rss + 96 * MIB)
    failed, after = answers_to(swelling, seven, ceiling=ceiling)

    assert failed.reason == f"needed more than {ceiling.memory_bytes >> 20} MiB of memory"
    assert after.found == 7


@forks
def test_no_reader_is_left_when_all_is_read() -> None:
    before = psutil.Process().children(), threading.active_count()

    answers_to(seven, endless_in_c, crashed, ceiling=Ceiling(0.2, 96 * MIB))

    # Others' processes may be there: a database server, a Windows.
    assert (psutil.Process().children(), threading.active_count()) == before


@forks
def test_readers_that_cannot_even_begin_are_not_tried_for_ever() -> None:
    def broken() -> list[Task]:
        raise ImportError("no such module")

    with pytest.raises(AgentError, match="nothing can be read: ended the process that read it"):
        reading.in_turn(partial(Forked, broken))


@forks
def test_a_reader_whose_agent_is_gone_ends_itself(tmp_path: Path) -> None:
    """Even in C code that keeps Python from running."""
    code = f"""
import ctypes, sys
from quitus_agent import reading
from quitus_agent.limits import Ceiling
reading.END_SECONDS = 0.2
with open({str(tmp_path / "pipe")!r}, "wb") as pipe:
    reading.serve(
        lambda: [reading.Task("hung", ctypes.PyDLL(None).pause)], 0, pipe, Ceiling(0.1)
    )
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)

    assert done.returncode == 1


@pytest.fixture
def debian(tmp_path: Path) -> Path:
    (tmp_path / "var/lib/dpkg").mkdir(parents=True)
    (tmp_path / "var/lib/dpkg/status").write_text(STATUS)
    (tmp_path / "var/lib/rpm").mkdir(parents=True)
    (tmp_path / "var/lib/rpm/Packages").write_bytes(b"garbage")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("NAME=Debian\nID=debian\n")
    return tmp_path


def test_a_reader_that_is_forked_and_one_that_is_started_tell_the_same(debian: Path) -> None:
    job = ("system", str(debian), reading.PERSON)

    started = reading.in_turn(partial(Started, job))

    assert started == reading.in_turn(partial(Forked, partial(reading.tasks, *job)))
    names = [answer.name for answer in started]
    assert names[:2] == [reading.DEVICE, reading.PERSON]
    (dpkg,) = (answer for answer in started if answer.name == "dpkg")
    assert [Install._make(each).name for each in dpkg.found] == ["bash"]


def test_a_started_reader_goes_on_where_another_one_failed(debian: Path) -> None:
    names = [task.name for task in reading.tasks("system", str(debian), "")]

    reader = Started(("system", str(debian), ""), len(names) - 1)
    told = list(reading._told(reader, limits.CEILING))

    assert told == [names, ("turned off", "")]
    assert reader.end(at_once=False) == 0


def test_what_is_read_is_installs_and_outcomes(debian: Path) -> None:
    found = reading.system(debian)

    assert found.facts.system == "Debian"
    assert [install.name for install in found.inventory.installs] == ["bash"]
    outcomes = {each.name: each.status for each in found.inventory.sources}
    assert (outcomes["dpkg"], outcomes["rpm"], outcomes["snap"]) == ("read", "failed", "absent")
    (sentence,) = failures(found.inventory)
    assert sentence.startswith("rpm could not be read: ")


def test_a_source_that_fails_half_way_yields_nothing(debian: Path) -> None:
    with (debian / "var/lib/dpkg/status").open("a") as status:
        status.write("\ngarbage\n")

    assert reading.system(debian).inventory.installs == []


@pytest.mark.parametrize(
    ("installs", "reason"),
    [
        ((Install("bash"), Install("")), "lists an install without a name"),
        ((Install(str(n)) for n in itertools.count()), "lists more than 40000 installs"),
    ],
    ids=["nameless", "endless"],
)
def test_what_no_collector_takes_is_a_failure_of_its_source(
    installs: Iterable[Install], reason: str
) -> None:
    with pytest.raises(SourceError, match=reason):
        reading._rows(lambda _: installs, Path())


@forks
def test_facts_that_cannot_be_read_are_a_failure_too(
    debian: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("quitus_agent.device.facts", lambda root: crashed())

    found = reading.system(debian)

    assert found.facts.system == ""
    (device,) = (each for each in found.inventory.sources if each.name == reading.DEVICE)
    assert device.status == "failed"
    assert [install.name for install in found.inventory.installs] == ["bash"]
