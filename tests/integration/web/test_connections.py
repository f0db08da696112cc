"""Slow and silent connections to the console, on real sockets: none keeps others out."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from quitus_collector.adapters.authority import folder as authority_folder
from quitus_collector.adapters.authority.folder import LiveAuthority
from quitus_collector.adapters.authority.x509 import Validity
from quitus_collector.web import connections
from quitus_collector.web.connections import Doorman, House, Limits
from quitus_collector.web.serving import Certificate, server_of
from quitus_collector.web.shield import Shield
from tests.builders import NOON
from tests.fakes.clock import FakeClock

GET = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"
LONG = b"GET /long HTTP/1.1\r\nhost: localhost\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: %d\r\n\r\n"
# Far longer than a test takes, but for what a test is about.
PATIENT = Limits(
    connections=4, handshake_s=99, head_s=99, body_s=99, answer_s=99, idle_s=99, linger_s=99
)
SHORT = 0.3
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads what comes, and answers with how much that was, or with more than anybody buffers."""
    if scope["type"] != "http":
        return
    came, more = 0, True
    while more:
        message = await receive()
        if scope["path"] == "/hasty":
            break
        if message["type"] == "http.disconnect":
            return
        came += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for _ in range(1000 if scope["path"] == "/long" else 0):
        await send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
    await send({"type": "http.response.body", "body": b"%d bytes" % came})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("house") / "authority"
    authority_folder.create(folder, "Mercure", NOON)
    shown = LiveAuthority(folder, ["localhost"], FakeClock(), Validity()).server()

    def files(place: Path) -> tuple[Path, Path]:
        (place / "c.pem").write_bytes(shown.chain)
        (place / "k.pem").write_bytes(shown.private_key)
        return place / "c.pem", place / "k.pem"

    return Certificate(files)


class Served:
    """The console's server, and who connects to it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._tls = ssl.create_default_context()
        self._tls.check_hostname = False
        self._tls.verify_mode = ssl.CERT_NONE
        self._open: list[asyncio.StreamWriter] = []

    async def connect(self, *, secured: bool = True) -> Streams:
        """A connection that stays open until the other side ends it."""
        tls = self._tls if secured else None
        made = await asyncio.open_connection("127.0.0.1", self._port, ssl=tls)
        self._open.append(made[1])
        return made

    async def ask(self, streams: Streams, *parts: bytes) -> bytes:
        """The head of the answer; empty where the connection was ended."""
        with suppress(OSError):
            for each in parts:
                streams[1].write(each)
                await streams[1].drain()
            return (await streams[0].readuntil(b"\r\n\r\n"))[:15]
        return b""

    async def close(self) -> None:
        for each in self._open:
            each.transport.abort()


async def too_large(_: Request) -> Response:
    return Response("too large", 413)


@asynccontextmanager
async def served(certificate: Certificate, limits: Limits) -> AsyncIterator[Served]:
    server = server_of(Shield(application, too_large), "127.0.0.1:0", certificate, limits)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    house = Served(server.servers[0].sockets[0].getsockname()[1])
    try:
        yield house
    finally:
        await house.close()
        server.should_exit = True
        await running


def run(
    certificate: Certificate, limits: Limits, story: Callable[[Served], Awaitable[None]]
) -> None:
    async def told() -> None:
        async with served(certificate, limits) as house, asyncio.timeout(30):
            await story(house)

    asyncio.run(told())


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOK_EVERY_S", 0.05)


async def ended(streams: Streams, *drip: bytes) -> bool:
    """Whether the other side ends it, however much is still sent, a byte at a time."""

    async def send() -> None:
        with suppress(OSError):
            while drip:
                streams[1].write(drip[0])
                await streams[1].drain()
                await asyncio.sleep(0.05)

    sending = asyncio.create_task(send())
    with suppress(OSError):
        await streams[0].read()
    sending.cancel()
    return True


@pytest.mark.parametrize(
    ("limits", "first", "drip"),
    [
        pytest.param({"idle_s": SHORT}, b"", b"", id="silent"),
        pytest.param({"head_s": SHORT}, b"GET / HTTP/1.1\r\n", b"x", id="slow head"),
        pytest.param({"body_s": SHORT}, POST % 1000, b"x", id="slow body"),
    ],
)
def test_who_does_not_come_on_is_turned_out(
    certificate: Certificate, limits: dict[str, float], first: bytes, drip: bytes
) -> None:
    async def story(house: Served) -> None:
        streams = await house.connect()
        streams[1].write(first)
        assert await ended(streams, *([drip] if drip else []))

    run(certificate, replace(PATIENT, **limits), story)


def test_who_never_shakes_hands_is_turned_out(certificate: Certificate) -> None:
    async def story(house: Served) -> None:
        assert await ended(await house.connect(secured=False))

    run(certificate, replace(PATIENT, handshake_s=SHORT), story)


def test_who_does_not_take_the_answer_is_turned_out(certificate: Certificate) -> None:
    async def story(house: Served) -> None:
        streams = await house.connect()
        streams[0]._transport.pause_reading()  # type: ignore[attr-defined]
        streams[1].write(LONG)
        await asyncio.sleep(1)
        streams[0]._transport.resume_reading()  # type: ignore[attr-defined]
        assert await ended(streams)

    run(certificate, replace(PATIENT, answer_s=SHORT), story)


def test_one_connection_serves_several_requests_each_with_a_time_of_its_own(
    certificate: Certificate,
) -> None:
    async def story(house: Served) -> None:
        streams = await house.connect()
        for _ in range(6):
            await asyncio.sleep(0.4)
            assert b"200" in await house.ask(streams, GET[:9], GET[9:])
            await streams[0].readuntil(b"0\r\n\r\n")

    run(certificate, replace(PATIENT, idle_s=2), story)


@pytest.mark.parametrize("is_secured", [False, True], ids=["without a handshake", "without a head"])
def test_silent_connections_without_number_keep_nobody_out(
    certificate: Certificate, *, is_secured: bool
) -> None:
    async def story(house: Served) -> None:
        silent = [await house.connect(secured=is_secured) for _ in range(12)]
        mine = await house.connect()
        assert b"200" in await house.ask(mine, GET)
        # Of those in the way the oldest had to go, and no more than needed.
        assert await ended(silent[0])
        assert not silent[-1][0].at_eof()

    run(certificate, PATIENT, story)


def test_a_large_body_that_comes_on_has_all_the_time_it_needs(certificate: Certificate) -> None:
    async def story(house: Served) -> None:
        streams = await house.connect()
        parts = [bytes(20_000)] * 20
        streams[1].write(POST % 400_000)
        for each in parts:
            streams[1].write(each)
            await asyncio.sleep(0.05)
        assert b"200" in await house.ask(streams)
        assert b"400000 bytes" in await streams[0].readuntil(b"bytes")

    run(certificate, replace(PATIENT, body_s=SHORT, body_bytes_s=20_000), story)


def test_what_is_larger_than_may_be_is_refused_before_it_came(certificate: Certificate) -> None:
    async def story(house: Served) -> None:
        assert b"413" in await house.ask(await house.connect(), POST % (2 * 1024**3), bytes(65536))

    run(certificate, PATIENT, story)


def test_who_breaks_the_protocol_in_a_request_has_one_answer(
    certificate: Certificate, caplog: pytest.LogCaptureFixture
) -> None:
    head = b"POST /hasty HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"

    async def story(house: Served) -> None:
        broken = head + b"5\r\nhello\r\nzz\r\n"
        assert b"400" in await house.ask(await house.connect(), broken)

    run(certificate, PATIENT, story)

    assert "Exception" not in caplog.text


def test_who_leaves_in_the_middle_of_an_upload_is_no_fault() -> None:
    async def reading(scope: Scope, receive: Receive, send: Send) -> None:
        raise ClientDisconnect

    async def nothing(*_: object) -> Message:
        raise AssertionError

    scope = {"type": "http", "path": "/", "headers": []}
    asyncio.run(Shield(reading, too_large)(scope, nothing, nothing))


def test_a_network_of_ipv6_is_one_that_crowds() -> None:
    turned_out = []

    class Guest(Doorman):
        def turn_out(self) -> None:
            turned_out.append(self.address)

    house = House(Limits(connections=3), lambda: None, lambda: None)  # type: ignore[arg-type,return-value]
    for moment, address in enumerate(("192.0.2.1", "2001:db8::1", "2001:db8::2", "192.0.2.2")):
        guest = Guest(house)
        guest.address, guest.came_at = address, float(moment)
        assert house.enter(guest)

    assert turned_out == ["2001:db8::1"]
