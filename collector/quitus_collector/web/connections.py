"""Who is connected to the console, for how long, and how many at once.

uvicorn waits for whoever connects as long as that takes. Here every connection has to come on: with
its TLS handshake, the head of a request, its body, and with taking what is answered. Where there
are as many as there may be, who keeps us waiting gives way to who comes.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from quitus_collector.services.attempts import network

LOOK_EVERY_S = 0.5
ANSWERING = (h11.SEND_RESPONSE, h11.SEND_BODY)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a connection may take; times in seconds.

    `head_s` is for all of a request's head. Its body has `body_s`, and a second more for each
    `body_bytes_s` that came; after an answer that did not wait for it, `linger_s` in all. Whoever
    takes nothing of an answer for `answer_s` is gone.
    """

    connections: int = 200
    handshake_s: float = 10
    head_s: float = 15
    body_s: float = 20
    body_bytes_s: int = 4096
    answer_s: float = 60
    idle_s: float = 30
    linger_s: float = 20


class Connection(H11Protocol):
    """HTTP on one connection, which notes since when it waits for the other side, and for what."""

    # Of the doorman, before anything comes.
    limits: Limits
    leaves: Callable[[], None]
    _waits_since: float
    _has_begun = False
    _came = 0
    _stuck_since: float | None = None
    _early = b""
    _is_lost = False

    def admitted(self, transport: asyncio.Transport) -> None:
        """After the handshake, with what came meanwhile."""
        if self._is_lost:
            return
        self._waits_since = self.loop.time()
        self.connection_made(transport)
        if self._early:
            self.data_received(self._early)

    def data_received(self, data: bytes) -> None:
        """A part of a request."""
        if self.transport is None:
            self._early += data
            return
        if self.conn.their_state is h11.IDLE and not self._has_begun:
            self._waits_since, self._has_begun, self._came = self.loop.time(), True, 0
        self._came += len(data)
        self._follow(super().data_received, data)

    def on_response_complete(self) -> None:
        """The next request may come on the same connection."""
        self._waits_since, self._has_begun = self.loop.time(), False
        self._follow(super().on_response_complete)

    def _follow(self, step: Callable[..., None], *arguments: object) -> None:
        before = self.cycle
        step(*arguments)
        if self.cycle is not before:
            # A head is whole: the body has a time of its own.
            self._waits_since, self._has_begun = self.loop.time(), False

    def send_400_response(self, msg: str) -> None:
        """Who breaks HTTP in the middle of a request has this answer, and no other one."""
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            cycle.disconnected = True
            cycle.message_event.set()
        super().send_400_response(msg)

    def pause_writing(self) -> None:
        """What is answered is not taken."""
        self._stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Some of it was."""
        self._stuck_since = None
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone, or we ended it."""
        self._is_lost = True
        self.leaves()
        if self.transport is not None:
            super().connection_lost(exc)

    @property
    def is_late(self) -> bool:
        """Whether the other side took longer than it may."""
        if self.transport is None:
            return False
        now, limits, theirs = self.loop.time(), self.limits, self.conn.their_state
        if self._stuck_since is not None:
            return now - self._stuck_since > limits.answer_s
        waited = now - self._waits_since
        if theirs is h11.IDLE:
            return waited > (limits.head_s if self._has_begun else limits.idle_s)
        if theirs is not h11.SEND_BODY:
            return False
        if self.conn.our_state in ANSWERING:
            return waited > limits.body_s + self._came / limits.body_bytes_s
        return waited > limits.linger_s

    @property
    def is_served(self) -> bool:
        """Whether it waits for us, and not we for it."""
        is_whole = self.conn.their_state not in (h11.IDLE, h11.SEND_BODY)
        return is_whole and self.conn.our_state in ANSWERING and self._stuck_since is None


class Doorman(asyncio.Protocol):
    """Takes one connection as it comes, before anything is read of it."""

    def __init__(self, house: "House") -> None:
        """One of the house's."""
        self._house = house
        self._transport: asyncio.Transport | None = None
        self._connection: Connection | None = None
        self._handshake: asyncio.Task[None] | None = None
        self.address = ""
        self.came_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Has it go through the handshake, if there is room."""
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        loop = asyncio.get_running_loop()
        self.came_at = loop.time()
        if not self._house.enter(self):
            self._transport.abort()
            return
        self._handshake = loop.create_task(self._shake_hands(self._transport))

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone before the handshake began."""
        self._house.leave(self)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        house = self._house
        connection = self._connection = house.make()
        connection.limits, connection.leaves = house.limits, lambda: house.leave(self)
        try:
            secured = await asyncio.get_running_loop().start_tls(
                transport,
                connection,
                house.context(),
                server_side=True,
                ssl_handshake_timeout=house.limits.handshake_s,
                ssl_shutdown_timeout=house.limits.linger_s,
            )
        except OSError:
            secured = None
        if secured is None or transport.is_closing():
            transport.abort()
            house.leave(self)
            return
        self._transport = secured
        connection.admitted(secured)

    @property
    def is_late(self) -> bool:
        """Whether it took longer than it may."""
        return self._connection is not None and self._connection.is_late

    @property
    def is_served(self) -> bool:
        """Whether it waits for us."""
        return self._connection is not None and self._connection.is_served

    def turn_out(self) -> None:
        """Ends it at once."""
        self._house.leave(self)
        if self._handshake and not self._handshake.done():
            self._handshake.cancel()
        if self._transport:
            self._transport.abort()


class House:
    """All that are connected."""

    def __init__(
        self, limits: Limits, make: Callable[[], Connection], context: Callable[[], ssl.SSLContext]
    ) -> None:
        """`make` gives HTTP for one connection, `context` the TLS of now."""
        self.limits = limits
        self.make = make
        self.context = context
        self._inside: set[Doorman] = set()

    def enter(self, new: Doorman) -> bool:
        """Whether there is room, for which who keeps us waiting longest is turned out.

        Of those, one of the address that has most of them.
        """
        if len(self._inside) >= self.limits.connections:
            waiting = [each for each in self._inside if not each.is_served]
            if not waiting:
                return False
            # One machine has a whole network of IPv6 to itself.
            crowd = Counter(network(each.address) for each in waiting)
            min(waiting, key=lambda each: (-crowd[network(each.address)], each.came_at)).turn_out()
        self._inside.add(new)
        return True

    def leave(self, gone: Doorman) -> None:
        """One less."""
        self._inside.discard(gone)

    async def watch(self) -> None:
        """Turns out who is late, until it is cancelled."""
        with suppress(asyncio.CancelledError):
            while True:
                await asyncio.sleep(LOOK_EVERY_S)
                for each in [each for each in self._inside if each.is_late]:
                    each.turn_out()
