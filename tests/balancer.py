"""A TCP balancer: each connection goes to the next collector that answers, and stays there."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import Event, Thread

Address = tuple[str, int]
CHUNK_BYTES = 65_536


class Balancer(Thread):
    """Listens on one host and on each of the ports, and carries bytes to the same port of others.

    It knows nothing of what is said, as it should be: TLS ends at the collectors.
    """

    def __init__(self, host: str, ports: Sequence[int], behind: Sequence[str]) -> None:
        super().__init__(daemon=True)
        self.carried: Counter[str] = Counter()
        self._host, self._ports, self._behind = host, ports, behind
        self._next = 0
        self._listening = Event()
        self._end: Callable[[], object] = lambda: None

    def __enter__(self) -> "Balancer":
        self.start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self.join()

    def run(self) -> None:
        asyncio.run(self._balance())

    async def _balance(self) -> None:
        stopping = asyncio.Event()
        self._end = partial(asyncio.get_running_loop().call_soon_threadsafe, stopping.set)
        servers = [await self._listen(port) for port in self._ports]
        self._listening.set()
        await stopping.wait()
        for server in servers:
            server.close()

    async def _listen(self, port: int) -> asyncio.Server:
        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in self._behind:
                self._next += 1
                host = self._behind[self._next % len(self._behind)]
                try:
                    there = await asyncio.open_connection(host, port)
                except OSError:
                    continue
                self.carried[host] += 1
                await asyncio.gather(_pour(reader, there[1]), _pour(there[0], writer))
                return
            writer.close()

        return await asyncio.start_server(carry, self._host, port)


async def _pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends, or breaks off."""
    try:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                writer.write(chunk)
                await writer.drain()
    finally:
        writer.close()
