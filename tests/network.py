"""Hosts of our own: network namespaces, and between two of them a link that loses and delays.

The link is two TUN devices and a thread that carries packets from one to the other, so that loss
and latency need no module of the kernel. Needs root and Debian's iproute2.
"""

import fcntl
import heapq
import os
import random
import secrets
import selectors
import struct
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import Thread

TUN, TUNSETIFF = "/dev/net/tun", 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
PACKET_BYTES = 65_536
HERE, THERE = "10.77.0.1", "10.77.0.2"


def can_make_hosts() -> bool:
    """Whether this account may make network namespaces and TUN devices."""
    name = f"quitus-{secrets.token_hex(3)}"
    try:
        _ip("netns", "add", name)
        _ip("netns", "del", name)
        os.close(os.open(TUN, os.O_RDWR))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


class Link:
    """What lies between two hosts; its qualities may be changed at any time.

    `loss` is the share of packets that get lost, `delay_s` how long the others take; a link that
    is not `up` carries nothing.
    """

    def __init__(self, ends: tuple[int, int], seed: int = 1) -> None:
        self.loss, self.delay_s, self.up = 0.0, 0.0, True
        self.carried, self.lost = 0, 0
        self._ends = ends
        self._chance = random.Random(seed)
        self._closing = False
        self._thread = Thread(target=self._carry)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self._thread.join()

    def _carry(self) -> None:
        on_the_way: list[tuple[float, int, int, bytes]] = []
        other = dict(zip(self._ends, reversed(self._ends), strict=True))
        with selectors.DefaultSelector() as ready:
            for end in self._ends:
                ready.register(end, selectors.EVENT_READ)
            while not self._closing:
                due = on_the_way[0][0] - time.monotonic() if on_the_way else 0.05
                for key, _ in ready.select(max(0.0, min(due, 0.05))):
                    packet = os.read(key.fd, PACKET_BYTES)
                    if not self.up or self._chance.random() < self.loss:
                        self.lost += 1
                        continue
                    self.carried += 1
                    arrives = time.monotonic() + self.delay_s
                    heapq.heappush(on_the_way, (arrives, self.carried, other[key.fd], packet))
                while on_the_way and on_the_way[0][0] <= time.monotonic():
                    _, _, end, packet = heapq.heappop(on_the_way)
                    os.write(end, packet)


class Hosts:
    """Two hosts by the prefixes that run a command on them, and the link between them."""

    def __init__(self, here: Sequence[str], there: Sequence[str], link: Link) -> None:
        self.here, self.there, self.link = tuple(here), tuple(there), link


@contextmanager
def two_hosts() -> Iterator[Hosts]:
    """Hosts with the addresses HERE and THERE, which reach each other and nothing else."""
    names = [f"quitus-{secrets.token_hex(3)}" for _ in range(2)]
    ends: list[int] = []
    made: list[str] = []
    try:
        for name, address, peer in zip(names, (HERE, THERE), (THERE, HERE), strict=True):
            _ip("netns", "add", name)
            made.append(name)
            ends.append(_tun(name))
            _ip("link", "set", name, "netns", name)
            inside = ("-n", name)
            _ip(*inside, "link", "set", "lo", "up")
            _ip(*inside, "address", "add", address, "peer", peer, "dev", name)
            _ip(*inside, "link", "set", name, "up")
        link = Link((ends[0], ends[1]))
        try:
            here, there = (("ip", "netns", "exec", name) for name in names)
            yield Hosts(here, there, link)
        finally:
            link.close()
    finally:
        for end in ends:
            os.close(end)
        for name in made:
            _ip("netns", "del", name)


def _tun(name: str) -> int:
    end = os.open(TUN, os.O_RDWR)
    fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TUN | IFF_NO_PI))
    return end


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
