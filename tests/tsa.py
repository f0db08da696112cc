"""A timestamp authority of the tests' own: a real HTTP server that signs what it is asked to.

`/stamp` answers as RFC 3161 has it; `/refuse`, `/html`, `/junk`, `/redirect`, `/old` and `/nonce`
answer as it should not; `/revoked.crl` is the revocation list.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from asn1crypto import core, keys, tsp, x509
from cryptography.hazmat.primitives import serialization
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper
from pyhanko_certvalidator.registry import SimpleCertificateStore

from tests.makers.signing import DER, Authority, Certified

REPLY = "application/timestamp-reply"


class Refusal(core.SequenceOf):  # type: ignore[misc]
    """A TimeStampResp without a token, which asn1crypto cannot write."""

    _child_spec = tsp.PKIStatusInfo


class TimestampServer:
    """What it was asked is in `queries`; `stamper` can be changed between two questions."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.now = now
        self.queries: list[tsp.TimeStampReq] = []
        self.revocations = b""
        self.authority: Authority
        self.stamper: Certified
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                server.answer(self, body)

            def do_GET(self) -> None:
                found = server.revocations if self.path == "/revoked.crl" else b""
                reply(self, 200 if found else 404, "application/pkix-crl", found)

            def log_message(self, *_: object) -> None:
                """Silent."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def running(self) -> Iterator["TimestampServer"]:
        thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield self
        finally:
            self._http.shutdown()
            self._http.server_close()
            thread.join()

    def answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        request = tsp.TimeStampReq.load(body)
        self.queries.append(request)
        match handler.path:
            case "/html":
                reply(handler, 200, "text/html", b"<p>Bonjour</p>")
            case "/junk":
                reply(handler, 200, REPLY, b"\x30\x82junk")
            case "/redirect":
                handler.send_response(307)
                handler.send_header("Location", f"{self.url}/stamp")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
            case "/refuse":
                status = tsp.PKIStatusInfo({"status": "rejection", "status_string": ["non"]})
                reply(handler, 200, REPLY, Refusal([status]).dump())
            case "/error":
                reply(handler, 500, "text/plain", b"")
            case "/nonce":
                request["nonce"] = core.Integer(1)
                reply(handler, 200, REPLY, self._stamp(request))
            case _:
                reply(handler, 200, REPLY, self._stamp(request))

    def _stamp(self, request: tsp.TimeStampReq) -> bytes:
        key = self.stamper.key.private_bytes(
            DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = SimpleCertificateStore()
        chain.register(x509.Certificate.load(self.authority.der))
        stamper = DummyTimeStamper(
            x509.Certificate.load(self.stamper.der),
            keys.PrivateKeyInfo.load(key),
            certs_to_embed=chain,
            fixed_dt=self.now(),
        )
        return bytes(stamper.request_tsa_response(request).dump())


def reply(handler: BaseHTTPRequestHandler, status: int, kind: str, content: bytes) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(content)))
    handler.end_headers()
    handler.wfile.write(content)


@contextmanager
def timestamp_server() -> Iterator[TimestampServer]:
    """A server whose authority also certifies companies; all of them are good now."""
    server = TimestampServer()
    now = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    server.authority = Authority(now, services=server.url)
    server.stamper = server.authority.timestamper()
    server.revocations = server.authority.revocations()
    with server.running():
        yield server
