"""What the agent may use of a machine that people work on: little, and not for long."""

import os
import sys
from contextlib import suppress
from typing import NamedTuple


class Ceiling(NamedTuple):
    """What reading may take: seconds for each source, memory beyond what a process starts with."""

    seconds: float = 120.0
    memory_bytes: int = 512 * 1024 * 1024


CEILING = Ceiling()
# Where the system does not keep the ceiling itself, the reader's memory is looked at this often.
MEMORY_CHECK_SECONDS = 0.1


def lower_priority() -> None:
    """Gives way to everything else on the machine, for processor and disk alike.

    On Linux the disk's priority follows the processor's (ioprio_set(2), "I/O scheduling class").
    """
    if sys.platform != "win32":
        with suppress(OSError):
            os.nice(19)
        return
    import psutil

    process = psutil.Process()
    with suppress(psutil.Error, OSError):
        process.nice(psutil.IDLE_PRIORITY_CLASS)
        process.ionice(psutil.IOPRIO_VERYLOW)


def system_bounds_memory() -> bool:
    """Whether bound_memory holds by itself; macOS ignores it, Windows has nothing like it."""
    return sys.platform == "linux"


def bound_memory(memory_bytes: int) -> None:
    """Lets this process ask for so much memory beyond what it has; then MemoryError is raised."""
    if not system_bounds_memory():
        return
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _data_bytes() + memory_bytes
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, most))


def is_above(memory_bytes: int, process_id: int) -> bool:
    """Whether a process holds more than this now, in memory or promised; False if it is gone."""
    import psutil

    try:
        used = psutil.Process(process_id).memory_info()
    except psutil.Error:
        return False
    return max(used.rss, getattr(used, "private", 0)) > memory_bytes


def _data_bytes() -> int:
    """What counts against RLIMIT_DATA already."""
    with open("/proc/self/statm", "rb") as statm:
        return int(statm.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
