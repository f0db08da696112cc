"""Times whole commands in turns, so that a slow moment of the machine falls on all of them."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil

RESULTS = Path("build/bench")


class Command(NamedTuple):
    """A command to measure; `folder` is emptied before each run, where the command writes."""

    words: Sequence[str]
    folder: Path | None = None


class Cost(NamedTuple):
    """What one command took: medians over the rounds, and the extremes of its wall time."""

    wall_ms: float
    least_ms: float
    most_ms: float
    cpu_ms: float
    memory_mb: float


def in_turns(commands: Mapping[str, Command], rounds: int) -> dict[str, Cost]:
    """Runs every command once a round; a first round warms caches and is not counted.

    Memory is the peak of the largest process that the command started, itself included.
    """
    samples: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            for old in command.folder.glob("*") if command.folder else ():
                old.unlink()
            sample = _run(command.words)
            if number:
                samples[name].append(sample)
    return {name: _cost(each) for name, each in samples.items()}


def _run(words: Sequence[str]) -> tuple[float, float, float]:
    # A process that was forked from this one would start with its memory as its peak; `time` is
    # small, and reports what it waited for.
    start = time.perf_counter()
    process = subprocess.Popen(
        ["/usr/bin/time", "-f", "%M", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, words))} failed: {said.strip()}")
    return wall * 1e3, (usage.ru_utime + usage.ru_stime) * 1e3, int(said.split()[-1]) / 1024


def peak_of_all(words: Sequence[str]) -> float:
    """The most memory that a command and all that it starts have at once, MB.

    What processes share counts once. It is looked at every tenth of a second.
    """
    peak = 0
    with subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        first = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.Error):
                each = [first, *first.children(recursive=True)]
                peak = max(peak, sum(one.memory_full_info().pss for one in each))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(map(str, words))} failed")
    return peak / 2**20


def _cost(samples: Sequence[tuple[float, float, float]]) -> Cost:
    walls, cpus, memories = zip(*samples, strict=True)
    median = statistics.median
    return Cost(median(walls), min(walls), max(walls), median(cpus), median(memories))


def table(costs: Mapping[str, Cost]) -> str:
    """The costs as a Markdown table."""
    lines = [
        "| what | wall ms (least to most) | CPU ms | peak memory MB |",
        "| --- | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {cost.wall_ms:.0f} ({cost.least_ms:.0f} to {cost.most_ms:.0f}) "
        f"| {cost.cpu_ms:.0f} | {cost.memory_mb:.1f} |"
        for name, cost in costs.items()
    ]
    return "\n".join(lines)


class Ratio(NamedTuple):
    """One promise, both sides as measured: `ours` may be `limit` times `theirs` at the most."""

    what: str
    ours: float
    theirs: float
    limit: float

    def __str__(self) -> str:
        """The promise, what came of it, and whether it is kept."""
        found = self.ours / self.theirs
        kept = "kept" if found <= self.limit else "NOT KEPT"
        return f"{self.what}: {found:.2f} of at most {self.limit:g} ({kept})"


class Floor(NamedTuple):
    """One promise the other way round: `ours` is at least `limit` times `theirs`."""

    what: str
    ours: float
    theirs: float
    limit: float

    @property
    def is_kept(self) -> bool:
        return self.ours >= self.limit * self.theirs

    def __str__(self) -> str:
        """The promise, both sides of what came of it, and whether it is kept."""
        found, kept = self.ours / self.theirs, "kept" if self.is_kept else "NOT KEPT"
        sides = f"{self.ours:.1f} : {self.theirs:.1f}"
        return f"{self.what}: {sides} = {found:.2f}, at least {self.limit:g} ({kept})"


def cpu_s(*roots: int) -> float:
    """Processor time of these processes and of all below them, also of those that have ended."""
    total = 0.0
    for root in map(psutil.Process, roots):
        for each in (root, *root.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                total += sum(each.cpu_times()[:4])
    return total


def write(name: str, document: Mapping[str, object]) -> Path:
    """Keeps a run's figures as JSON, with what they were measured on."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{name}.json"
    about = {"python": sys.version.split()[0], "processors": os.cpu_count()}
    path.write_text(json.dumps({"machine": about, **document}, indent=1), encoding="utf-8")
    return path
