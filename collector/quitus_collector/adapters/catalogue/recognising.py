"""Recognition of many lines on all cores of the machine; answers keep the order of the lines."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context

from quitus_collector.adapters.catalogue import json_lines
from quitus_collector.domain.catalogue import Catalogue

# Fewer lines are answered sooner than another process has read the catalogue.
BATCH_LINES = 20_000
_Batch = tuple[int, list[str]]
_catalogue: Catalogue


def answers(lines: Iterable[str], load: Callable[[], Catalogue]) -> Iterator[str]:
    """The answers as JSON lines, batch by batch; raises UsageError naming a line.

    `load` reads the catalogue, once in each process; it must be known by its name there.
    """
    batches = _batches(iter(lines))
    first, second = next(batches, (1, [])), next(batches, None)
    if second is None:
        yield _answer(first, load())
        return
    cores = os.cpu_count() or 1
    # No fork: what else runs in this process is not to be copied in the middle of its work.
    spawned = ProcessPoolExecutor(cores, get_context("spawn"), _begin, (load,))
    waiting: deque[Future[str]] = deque()
    with spawned as pool:
        for batch in chain((first, second), batches):
            waiting.append(pool.submit(_answer_here, batch))
            if len(waiting) > 2 * cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _batches(lines: Iterator[str]) -> Iterator[_Batch]:
    """Each with the number of its first line."""
    number = 1
    while batch := list(islice(lines, BATCH_LINES)):
        yield number, batch
        number += len(batch)


def _begin(load: Callable[[], Catalogue]) -> None:
    global _catalogue
    _catalogue = load()


def _answer_here(batch: _Batch) -> str:
    return _answer(batch, _catalogue)


def _answer(batch: _Batch, catalogue: Catalogue) -> str:
    number, lines = batch
    return "".join(
        json_lines.write(catalogue.recognise(install).document())
        for install in json_lines.read(lines, number)
    )
