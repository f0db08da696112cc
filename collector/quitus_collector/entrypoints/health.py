"""For whoever watches the collector, over plain HTTP: is it alive, is it ready, what did it do."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from quitus_collector.errors import CollectorError, UsageError

# A watcher that says nothing is not waited for.
TIMEOUT_S = 5.0


@contextmanager
def serving(address: str, ready: Callable[[], None], metrics: Callable[[], bytes]) -> Iterator[int]:
    """Answers `/livez`, `/readyz` and `/metrics` on threads of its own; yields the port.

    `ready` raises CollectorError while devices cannot be served; its text is the answer. Raises
    UsageError if the address cannot be bound.
    """

    class Handler(BaseHTTPRequestHandler):
        timeout = TIMEOUT_S
        server_version = sys_version = ""

        def do_GET(self) -> None:
            match self.path:
                case "/livez":
                    self._answer(HTTPStatus.OK, b"alive\n")
                case "/readyz":
                    try:
                        ready()
                    except CollectorError as error:
                        self._answer(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}\n".encode())
                    else:
                        self._answer(HTTPStatus.OK, b"ready\n")
                case "/metrics":
                    self._answer(HTTPStatus.OK, metrics(), "text/plain; version=0.0.4")
                case _:
                    self._answer(HTTPStatus.NOT_FOUND, b"/livez, /readyz or /metrics\n")

        def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Watchers come every few seconds, and say nothing that is worth a line."""

    host, _, port = address.rpartition(":")
    try:
        server = ThreadingHTTPServer((host, int(port)), Handler)
    except OSError as error:
        raise UsageError(f"cannot listen on {address}: {error.strerror}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
