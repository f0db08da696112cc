import errno
import multiprocessing
import os
import select
import signal

import pytest

from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.wiring import processes
from quitus_collector.wiring.processes import each_apart


@pytest.fixture(autouse=True)
def two_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 2)


def test_what_each_finds_comes_in_the_order_of_the_items() -> None:
    seen = {name: name.upper() for name in ("hosts", "people", "rest")}

    found = list(each_apart(lambda name: (seen[name], os.getpid()), seen))

    assert [name for name, _ in found] == ["HOSTS", "PEOPLE", "REST"]
    assert os.getpid() not in {process for _, process in found}


def test_an_error_is_raised_here() -> None:
    def refuse(name: str) -> str:
        raise UsageError(f"{name}: is wrong")

    with pytest.raises(UsageError, match="hosts: is wrong"):
        list(each_apart(refuse, ["hosts"]))


def test_a_process_that_is_ended_is_told() -> None:
    with pytest.raises(CollectorError, match="for want of memory"):
        list(each_apart(lambda _: os.kill(os.getpid(), signal.SIGKILL), [1, 2]))


def test_where_nothing_can_be_shared_one_process_does_it_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(processes, "ProcessPoolExecutor", refused)

    assert list(each_apart(lambda _: os.getpid(), [1, 2])) == [os.getpid()] * 2


def test_where_no_more_processes_can_be_started_one_does_it_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forks = iter([os.fork])

    def fork() -> int:
        for first in forks:
            return first()
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr(os, "fork", fork)

    assert list(each_apart(lambda _: os.getpid(), [1, 2])) == [os.getpid()] * 2
    for child in multiprocessing.active_children():
        child.join(10)
    assert multiprocessing.active_children() == []


def test_no_more_processes_are_started_than_there_is_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forks = []
    fork = os.fork
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "fork", lambda: forks.append(1) or fork())

    assert list(each_apart(lambda _: os.getpid(), [1])) == [os.getpid()]
    assert len(list(each_apart(str, [1, 2]))) == len(forks) == 2


def test_an_interruption_waits_for_no_process() -> None:
    def first_waits(number: int) -> None:
        if number:
            os.kill(os.getppid(), signal.SIGINT)
        signal.pause()

    with pytest.raises(KeyboardInterrupt):
        list(each_apart(first_waits, [0, 1]))


def test_no_process_outlives_the_one_it_counts_for() -> None:
    ended, open_end = os.pipe()
    started, start = os.pipe()

    def count() -> None:
        def wait(_: int) -> None:
            os.write(start, b"!")
            signal.pause()

        list(each_apart(wait, [1, 2]))

    parent = multiprocessing.get_context("fork").Process(target=count)
    parent.start()
    os.close(open_end)
    assert os.read(started, 1)
    parent.kill()
    parent.join()

    # Readable once nobody has the other end any more.
    assert select.select([ended], [], [], 60)[0]


def test_nothing_to_do_is_done() -> None:
    assert list(each_apart(str, [])) == []
