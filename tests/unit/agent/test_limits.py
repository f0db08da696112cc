"""What the agent leaves to the people who work on the machine."""

import os
import subprocess
import sys

import pytest

from quitus_agent import limits

MIB = 1024 * 1024


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has priority classes instead")
def test_an_inventory_gives_way_to_everything_else() -> None:
    code = "import os; from quitus_agent import limits; limits.lower_priority(); print(os.nice(0))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert int(done.stdout) == min(19, os.nice(0) + 19)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's own memory")
def test_a_process_gets_so_much_memory_beyond_what_it_has_and_no_more() -> None:
    code = f"""
from quitus_agent import limits
limits.bound_memory({64 * MIB})
print(len(bytearray({32 * MIB})))
try:
    bytearray({128 * MIB})
except MemoryError:
    print("no more")
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert done.stdout == f"{32 * MIB}\nno more\n"


def test_a_process_s_memory_is_seen_from_outside() -> None:
    held = bytearray(os.urandom(1)) * (64 * MIB)

    assert limits.is_above(len(held), os.getpid())
    assert not limits.is_above(1 << 50, os.getpid())


def test_a_process_that_is_gone_holds_nothing() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    assert not limits.is_above(1, gone.pid)
