"""Listens over HTTPS, and shows a certificate that is renewed while it serves."""

import asyncio
import logging
import signal
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from quitus_collector.errors import CollectorError, UsageError

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
    app: ASGIApp, address: str, certificate: Certificate, ready: Callable[[int], None]
) -> None:
    """Answers until told to stop; `ready` gets the port. Raises UsageError."""
    host, _, port = address.rpartition(":")
    settings = uvicorn.Config(
        app,
        host=host.strip("[]"),
        port=int(port),
        log_level="warning",
        ssl_context_factory=lambda *_: certificate.context,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=30,
        limit_concurrency=200,
        h11_max_incomplete_event_size=64 * 1024,
    )
    asyncio.run(_serve(_Server(settings), certificate, ready, address))


class _Server(uvicorn.Server):
    """Ends well when it is told to: uvicorn's own would let the signal end the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Finishes the calls under way at SIGTERM or Ctrl-C."""
        loop = asyncio.get_running_loop()
        for each in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(each, self.handle_exit, each, None)
        yield


async def _serve(
    server: uvicorn.Server,
    certificate: Certificate,
    ready: Callable[[int], None],
    address: str,
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
    except SystemExit as error:
        # It ends the process itself where it cannot listen, and has said why to the log.
        raise UsageError(f"cannot listen on {address}") from error
    finally:
        for each in others:
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each
