"""The ceiling under which a source runs: time, memory, depth."""

import os
import subprocess
import sys
import time

import pytest

from quitus_agent import limits
from quitus_agent.errors import SourceError

MIB = 1024 * 1024


def test_a_source_that_runs_too_long_is_stopped_with_a_reason() -> None:
    def endless() -> None:
        with limits.ceiling(0.05):
            while True:
                pass

    with pytest.raises(SourceError, match=r"took longer than 0\.05 seconds"):
        endless()


def test_a_source_in_time_is_left_alone_afterwards() -> None:
    with limits.ceiling(0.02):
        pass
    time.sleep(0.05)


def test_an_error_of_the_source_itself_comes_through() -> None:
    with pytest.raises(SourceError, match="its own"), limits.ceiling():
        raise SourceError("its own")


def test_endless_recursion_is_a_failure_of_the_source() -> None:
    def deeper() -> int:
        return 1 + deeper()

    with pytest.raises(SourceError, match="nested too deep"), limits.ceiling():
        deeper()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's own memory")
def test_a_source_that_wants_too_much_memory_is_stopped_and_the_next_one_runs() -> None:
    code = f"""
from quitus_agent import limits
from quitus_agent.errors import SourceError
try:
    with limits.ceiling(memory_bytes={64 * MIB}):
        bytearray({256 * MIB})
except SourceError as error:
    print(error)
with limits.ceiling(memory_bytes={64 * MIB}):
    print(len(bytearray({8 * MIB})))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == f"needed more than 64 MiB of memory\n{8 * MIB}\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has priority classes instead")
def test_an_inventory_gives_way_to_everything_else() -> None:
    code = "import os; from quitus_agent import limits; limits.lower_priority(); print(os.nice(0))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert int(done.stdout) == min(19, os.nice(0) + 19)
