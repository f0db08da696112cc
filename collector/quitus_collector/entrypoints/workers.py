"""Several processes on the same ports: started, watched, started again, stopped together."""

import asyncio
import logging
import signal
import socket
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

from quitus_collector.errors import UsageError

# How long a worker may take to stop: its calls have ten seconds, and then come its last writes.
STOP_S = 20.0
# A worker that ended is started again at once; one that keeps ending, ever later.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 30.0
# Who served for so long did not end because it could not start.
CALM_S = 60.0
# The variable that names the folder in which workers keep their figures: that of prometheus_client.
METRICS = "PROMETHEUS_MULTIPROC_DIR"

log = logging.getLogger(__name__)


class Supervisor:
    """Keeps so many workers running."""

    def __init__(
        self,
        count: int,
        command: Callable[[int], Sequence[str]],
        ready: Callable[[], None],
        environment: Mapping[str, str],
    ) -> None:
        """`command` starts a worker by its number from 1; `ready` is called once all of them serve.

        A worker prints a line when it serves, and stops at SIGTERM or when its standard input ends.
        """
        self.restarts = 0
        self._running: dict[int, Process] = {}
        self._serving: set[int] = set()
        self._count = count
        self._command = command
        self._ready = ready
        self._environment = environment
        self._all_served = False
        self._stopping = asyncio.Event()
        self._status = 0

    def pids(self) -> Mapping[int, int]:
        """Of the workers that serve and have not been told to stop, by their numbers."""
        if self._stopping.is_set():
            return {}
        return {n: each.pid for n, each in list(self._running.items()) if n in self._serving}

    async def run(self) -> int:
        """Until SIGTERM or SIGINT; returns 0, or 1 where a worker ended before all had served."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        kept = [asyncio.create_task(self._keep(number + 1)) for number in range(self._count)]
        await self._stopping.wait()
        await asyncio.gather(*map(_stop, self._running.values()))
        await asyncio.gather(*kept)
        return self._status

    async def _keep(self, number: int) -> None:
        """One worker, started again whenever it ends."""
        wait_s = FIRST_WAIT_S
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._run(number)
            if self._stopping.is_set():
                return
            if not self._all_served:
                # It said why; the others would fail alike.
                self._status = 1
                self._stopping.set()
                return
            self.restarts += 1
            wait_s = FIRST_WAIT_S if time.monotonic() - began > CALM_S else wait_s
            log.error(
                "worker ended", extra={"worker": number, "status": status, "again_in_s": wait_s}
            )
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)
            wait_s = min(wait_s * 2, LONGEST_WAIT_S)

    async def _run(self, number: int) -> int:
        """One life of a worker; returns how it ended, negative for a signal."""
        process = await asyncio.create_subprocess_exec(
            *self._command(number), stdin=PIPE, stdout=PIPE, env=self._environment
        )
        self._running[number] = process
        if self._stopping.is_set():
            await _stop(process)
        assert process.stdout is not None  # noqa: S101  # it is a pipe
        if await process.stdout.readline():
            self._serving.add(number)
            if len(self._serving) == self._count and not self._all_served:
                self._all_served = True
                self._ready()
        status = await process.wait()
        self._serving.discard(number)
        del self._running[number]
        return status


async def _stop(process: Process) -> None:
    """Lets a worker finish what it accepted, within bounds."""
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        log.error("worker did not stop in time", extra={"pid": process.pid})
        process.kill()


@contextmanager
def reserved(*addresses: str) -> Iterator[Sequence[str]]:
    """The addresses with the ports that they stand for, kept for processes of this account.

    Raises UsageError where one cannot be had, or somebody listens there already.
    """
    with ExitStack() as kept:
        given = []
        for address in addresses:
            held = kept.enter_context(_reserve(address))
            given.append(f"{address.rpartition(':')[0]}:{held.getsockname()[1]}")
        yield given


def _reserve(address: str) -> socket.socket:
    """A socket that is bound there and never listens."""
    host, _, port = address.rpartition(":")
    try:
        family, _, _, _, place = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # Processes that share a port do not notice a stranger who shares it too: ask alone first.
        with socket.socket(family) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(place)
            place = alone.getsockname()
        shared = socket.socket(family)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        shared.bind(place)
    except OSError as error:
        raise UsageError(f"cannot listen on {address}: is the port taken?") from error
    return shared
