"""`python -m tests.portal FOLDER`: serves on a free loopback port until standard input ends.

FOLDER gets `ca.pem`. One line is printed: the port of the site and that of its controls, where JSON
sets faults, and tells what was filed.
"""

import email
import email.policy
import json
import socket
import ssl
import sys
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.portal.authority import make
from tests.portal.site import Dropped, Faults, Held, Site, file_digest


class Server(ThreadingHTTPServer):
    """Counts connections from the moment they are there, before anything is read of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, site: Site, context: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.site, self.context = site, context
        self.open = 0
        self.changed = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self.changed:
            self.open += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            request.settimeout(20)
            if self.context:
                request = self.context.wrap_socket(request, server_side=True)
            super().process_request_thread(request, client_address)
        except OSError:
            request.close()
        finally:
            with self.changed:
                self.open -= 1
                self.changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that goes away is what this is for

    def wait_until_idle(self) -> bool:
        """Whoever connected before this call is done with, or never will be."""
        # A connection of its own goes through the same queue: those before it are counted then.
        with socket.create_connection(self.server_address[:2]):
            pass
        with self.changed:
            return self.changed.wait_for(lambda: self.open == 0, timeout=30)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and page leave together
    server: Server

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            self.close_connection = True
            return
        try:
            answer = self.server.site.answer(
                self.command,
                parts.path,
                dict(parse_qsl(parts.query)),
                form(self.headers.get("Content-Type", ""), body),
                self.headers.get("Cookie", ""),
                self.headers.get("Authorization", ""),
            )
        except Dropped:
            self.close_connection = True
            return
        except Held:
            self.connection.settimeout(20)
            self.rfile.read(1)
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


def form(kind: str, body: bytes) -> dict[str, str]:
    """The fields; of a file its digest."""
    if kind.startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    if kind == "application/json":
        return {str(name): str(value) for name, value in json.loads(body).items()}
    if not kind.startswith("multipart/form-data"):
        return {}
    header = f"Content-Type: {kind}\r\n\r\n".encode()
    parsed = email.message_from_bytes(header + body, policy=email.policy.HTTP)
    found = {}
    for part in parsed.iter_parts():  # type: ignore[attr-defined]
        name = str(part.get_param("name", header="content-disposition"))
        content = part.get_payload(decode=True)
        found[name] = file_digest(content) if part.get_filename() else content.decode()
    return found


class Controls(BaseHTTPRequestHandler):
    """POST a JSON object: faults to set, and `idle` to wait for; the answer is what was filed."""

    site: Server

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        idle = self.site.wait_until_idle() if asked.pop("idle", False) else True
        site = self.site.site
        with site.lock:
            if asked.pop("reset", False):
                site.faults = Faults()
                site.receipts.clear()
                site.requests.clear()
            site.faults = replace(site.faults, **asked)
            told = {"idle": idle, "receipts": site.receipts, "requests": site.requests}
            body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


def main() -> None:
    folder = Path(sys.argv[1])
    server = Server(Site(), make(folder))
    controls = type("Own", (Controls,), {"site": server})
    control = ThreadingHTTPServer(("127.0.0.1", 0), controls)
    for each in (server, control):
        threading.Thread(target=each.serve_forever, args=(0.05,), daemon=True).start()
    print(server.server_address[1], control.server_address[1], flush=True)
    while sys.stdin.read(1):
        time.sleep(0)


if __name__ == "__main__":
    main()
