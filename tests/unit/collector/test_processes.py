import errno
import os
import signal

import pytest

from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.wiring import processes
from quitus_collector.wiring.processes import each_apart


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
    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(processes, "ProcessPoolExecutor", refused)

    assert list(each_apart(lambda _: os.getpid(), [1, 2])) == [os.getpid()] * 2


def test_nothing_to_do_is_done() -> None:
    assert list(each_apart(str, [])) == []
