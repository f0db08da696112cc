"""Work that is shared out among processes, one for each processor."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

from quitus_collector.errors import CollectorError

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")

# What the processes are to do, which they inherit: they are copies of this one.
_work: Callable[[Any], Any] = repr
_items: list[Any] = []


def each_apart(work: Callable[[_Item], _Found], items: Iterable[_Item]) -> Iterator[_Found]:
    """As `map`, in processes of their own that see what this one has; results are pickled.

    For a command that has one thread; where the system has no locks to share (/dev/shm), it does
    all by itself. Raises what `work` raises, and CollectorError where a process was ended from
    outside.
    """
    try:
        executor = ProcessPoolExecutor(os.cpu_count(), get_context("fork"))
    except (OSError, NotImplementedError):
        return map(work, items)
    return _shared_out(executor, work, items)


def _shared_out(
    executor: ProcessPoolExecutor, work: Callable[[_Item], _Found], items: Iterable[_Item]
) -> Iterator[_Found]:
    global _work
    _work, _items[:] = work, items
    try:
        with executor:
            yield from executor.map(_done, range(len(_items)))
    except BrokenProcessPool as error:
        raise CollectorError("a process that counted was ended, for want of memory?") from error
    finally:
        _items.clear()


def _done(number: int) -> Any:
    return _work(_items[number])
