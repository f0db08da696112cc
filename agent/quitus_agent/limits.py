"""What the agent may use of a machine that people work on: little, and not for long."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from quitus_agent.errors import SourceError

MAX_SOURCE_SECONDS = 120.0
MAX_MEMORY_BYTES = 512 * 1024 * 1024


class _TimeIsUp(BaseException):
    """Raised inside a source that ran too long; no source catches it by mistake."""


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


@contextmanager
def ceiling(
    seconds: float = MAX_SOURCE_SECONDS, memory_bytes: int = MAX_MEMORY_BYTES
) -> Iterator[None]:
    """Ends the block with a SourceError once it takes more time or memory than this.

    Memory is what the process asks for beyond what it has, on systems that can be told so.
    """
    with _memory(memory_bytes), _time(seconds):
        try:
            yield
        except _TimeIsUp:
            raise SourceError(f"took longer than {seconds:g} seconds") from None
        except MemoryError:
            raise SourceError(f"needed more than {memory_bytes >> 20} MiB of memory") from None
        except RecursionError:
            raise SourceError("is nested too deep") from None


@contextmanager
def _time(seconds: float) -> Iterator[None]:
    """Interrupts this thread from another one: signals would not do on Windows."""
    thread = threading.get_ident()
    over = threading.Event()
    lock = threading.Lock()

    def interrupt() -> None:
        import ctypes

        with lock:
            if not over.is_set():
                ctypes.pythonapi.PyThreadState_SetAsyncExc(
                    ctypes.c_ulong(thread), ctypes.py_object(_TimeIsUp)
                )

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            over.set()
        timer.cancel()


@contextmanager
def _memory(limit: int) -> Iterator[None]:
    if sys.platform == "win32" or not hasattr(os, "sysconf"):
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    used = _data_bytes()
    wanted = used + limit
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """What counts against RLIMIT_DATA already; 0 where the system does not tell."""
    with suppress(OSError, ValueError), open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    return 0
