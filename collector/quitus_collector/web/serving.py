"""Listens over HTTPS, and shows a certificate that is renewed while it serves."""

import asyncio
import logging
import signal
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import ceil
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from quitus_collector.errors import CollectorError, UsageError
from quitus_collector.web.connections import Connection, Doorman, House, Limits

log = logging.getLogger(__name__)
LOOK_EVERY_S = 60.0

# The certificate's file with its issuers, and its key's.
Pair = tuple[Path, Path]


class Certificate:
    """What the console shows that it is; `files` gives the pair of now."""

    def __init__(self, files: Callable[[Path], Pair]) -> None:
        """`files` is given a folder of this process alone where it may write."""
        self._files = files
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.load()

    def load(self) -> None:
        """Shows the certificate of now from the next connection on; raises UsageError."""
        with tempfile.TemporaryDirectory(prefix="quitus-console-") as folder:
            certificate, key = self._files(Path(folder))
            try:
                self.context.load_cert_chain(certificate, key)
            except (OSError, ssl.SSLError) as error:
                raise UsageError(
                    f"the console's certificate {certificate} and key {key} cannot be used: "
                    f"{error.strerror or error}"
                ) from error


def serve(
    app: ASGIApp,
    address: str,
    certificate: Certificate,
    ready: Callable[[int], None],
    limits: Limits | None = None,
) -> None:
    """Answers until told to stop; `ready` gets the port. Raises UsageError."""
    server = server_of(app, address, certificate, limits or Limits())
    asyncio.run(_serve(server, certificate, ready))


def server_of(app: ASGIApp, address: str, certificate: Certificate, limits: Limits) -> "Server":
    """What answers at an address, HOST:PORT."""
    host, _, port = address.rpartition(":")
    settings = uvicorn.Config(
        app,
        host=host.strip("[]"),
        port=int(port),
        log_level="warning",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        ws="none",
        timeout_keep_alive=ceil(limits.idle_s),
        h11_max_incomplete_event_size=64 * 1024,
    )
    return Server(settings, certificate, limits)


class Server(uvicorn.Server):
    """uvicorn's, with a door of our own, which ends well when it is told to."""

    def __init__(self, settings: uvicorn.Config, certificate: Certificate, limits: Limits) -> None:
        """Listens nowhere yet."""
        super().__init__(settings)
        self._certificate = certificate
        self._limits = limits
        self._watch: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens; raises UsageError where that cannot be."""
        await self.lifespan.startup()
        loop, config = asyncio.get_running_loop(), self.config

        def make() -> Connection:
            return Connection(config, self.server_state, self.lifespan.state, loop)

        house = House(self._limits, make, lambda: self._certificate.context)
        try:
            server = await loop.create_server(
                lambda: Doorman(house), config.host, config.port, backlog=config.backlog
            )
        except OSError as error:
            raise UsageError(
                f"cannot listen on {config.host}:{config.port}: {error.strerror}"
            ) from error
        self.servers = [server]
        self._watch = loop.create_task(house.watch())
        self.started = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes what is asked already."""
        await super().shutdown(sockets)
        if self._watch:
            self._watch.cancel()
            await self._watch

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """At SIGTERM or Ctrl-C; uvicorn's own would let the signal end the process."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self.handle_exit, each, None)
        yield


async def _serve(
    server: uvicorn.Server,
    certificate: Certificate,
    ready: Callable[[int], None],
) -> None:
    async def follow() -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                certificate.load()
            except CollectorError as error:
                log.warning("the last certificate is kept", extra={"reason": str(error)})

    async def tell() -> None:
        while not server.started:
            await asyncio.sleep(0.02)
        ready(server.servers[0].sockets[0].getsockname()[1])

    others = [asyncio.create_task(follow()), asyncio.create_task(tell())]
    try:
        await server.serve()
    finally:
        for each in others:
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each
