"""Work that is shared out among processes, one for each processor."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import active_children, get_context
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, TypeVar

from quitus_collector.errors import CollectorError

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")

# What the processes are to do, which they inherit: they are copies of this one.
_work: Callable[[Any], Any] = repr
_items: list[Any] = []


def each_apart(work: Callable[[_Item], _Found], items: Iterable[_Item]) -> Iterator[_Found]:
    """As `map`, in processes of their own that see what this one has; results are pickled.

    For a command that has one thread; where the system has no locks (/dev/shm) or processes to
    share, it does all by itself. Raises what `work` raises, and CollectorError where a process was
    ended from outside.
    """
    items = list(items)
    # The pool starts all its processes at once, however few the items are.
    processes = min(os.cpu_count() or 1, len(items))
    if processes < 2:
        return map(work, items)
    try:
        executor = ProcessPoolExecutor(
            processes, get_context("fork"), initializer=_end_with, initargs=(os.getpid(),)
        )
    except (OSError, NotImplementedError):
        return map(work, items)
    return _shared_out(executor, work, items)


def _shared_out(
    executor: ProcessPoolExecutor, work: Callable[[_Item], _Found], items: list[_Item]
) -> Iterator[_Found]:
    global _work
    _work, _items[:] = work, items
    others = {*active_children()}
    try:
        with executor:
            try:
                try:
                    found = executor.map(_done, range(len(items)))
                except OSError:
                    # Those that were started would wait for work for ever, and this one for them.
                    _end({*active_children()} - others)
                    found = map(work, items)
                yield from found
            except KeyboardInterrupt:
                _end({*active_children()} - others)
                raise
    except BrokenProcessPool as error:
        raise CollectorError("a process that counted was ended, for want of memory?") from error
    finally:
        _items.clear()


def _end(children: Iterable[BaseProcess]) -> None:
    for child in children:
        child.terminate()


def _end_with(parent: int) -> None:
    """Ends this process soon after the one it counts for, which nobody else would tell it of."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _done(number: int) -> Any:
    return _work(_items[number])
