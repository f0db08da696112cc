"""The exact position of a large estate: `make bench-licensing` (Debian's `time`).

The whole command is measured, reading the scenario and naming every cover included; the promise is
10 s and 1 GB for 100,000 devices and 2,000,000 installs on two cores.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from quitus_collector.adapters import scenarios
from quitus_collector.adapters.solver import highs
from quitus_collector.domain.licensing.reconciliation import reconcile
from quitus_collector.domain.licensing.situation import Reconciliation, Situation
from tests.bench import estate
from tests.bench.measure import Command, Ratio, in_turns, peak_of_all, table, write
from tests.programs import COMMANDS

WALL_MS, MEMORY_MB = 10_000, 1024


class TimedSolver(highs.HighsSolver):
    """Adds up what HiGHS itself takes."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0
        self.runs = 0

    def open(self, programme: highs.Programme) -> highs._Session:
        session = super().open(programme)
        run = session._run

        def timed() -> highs.HighsModelStatus:
            start = time.perf_counter()
            status = run()
            self.seconds += time.perf_counter() - start
            self.runs += 1
            return status

        session._run = timed  # type: ignore[method-assign]
        return session


def main() -> int:
    """Measures and prints the table; the exit status tells whether the promise was kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "estate.json"
        size = estate.write(file, arguments.devices)
        print(", ".join(f"{number:,} {name}" for name, number in size.items()), flush=True)
        situation, read_s = _read(file)
        answer, solver, solved_s = _solve(situation)
        parts = {"reading": read_s, "engine": solved_s, "of which HiGHS": solver.seconds}
        for name, seconds in parts.items():
            print(f"{name}: {seconds:.1f} s")
        print(f"HiGHS ran {solver.runs} times; proven: {answer.optimal}", flush=True)
        command = Command([str(COMMANDS / "quitus-collector"), "reconcile", str(file)])
        costs = in_turns({"quitus-collector reconcile": command}, arguments.rounds)
        memory_mb = peak_of_all(command.words)
    cost = costs["quitus-collector reconcile"]
    ratios = [
        Ratio("wall time, against 10 s", cost.wall_ms, WALL_MS, 1),
        Ratio("peak memory of all its processes, against 1 GB", memory_mb, MEMORY_MB, 1),
    ]
    print("", table(costs), "", *ratios, sep="\n")
    kept = write(
        "licensing",
        {
            "size": size,
            "seconds": parts,
            "solver_runs": solver.runs,
            "shortfall_cost": str(answer.shortfall_cost),
            "costs": {name: each._asdict() for name, each in costs.items()},
            "ratios": [each._asdict() for each in ratios],
        },
    )
    print(f"\nfigures in {kept}")
    return 0 if all(each.ours <= each.limit * each.theirs for each in ratios) else 1


def _read(file: Path) -> tuple[Situation, float]:
    start = time.perf_counter()
    situation = scenarios.read(file)
    return situation, time.perf_counter() - start


def _solve(situation: Situation) -> tuple[Reconciliation, TimedSolver, float]:
    start, solver = time.perf_counter(), TimedSolver()
    answer = reconcile(situation, solver)
    return answer, solver, time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
