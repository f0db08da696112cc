"""Connections that never say anything: gRPC drops them in the end, and tells nobody.

The kernel's table of connections has their addresses (proc_pid_net(5), Linux); which of them made
a call is known here.
"""

import ipaddress
import re
import struct
from collections import deque
from collections.abc import Collection
from pathlib import Path
from urllib.parse import unquote

TABLES = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
# "  1: 0100007F:1D13 0100007F:C350 01 …": number, own end, other end, state; 01 is established.
_ESTABLISHED = rb" [0-9A-F]+:(%s) ([0-9A-F]+):([0-9A-F]{4}) 01 "
# An address without its port, and the port: the other end of a connection.
Peer = tuple[str, int]


class Connections:
    """Follows the connections of some ports of this process."""

    def __init__(self) -> None:
        """Follows none yet."""
        self._pattern: re.Pattern[bytes] | None = None
        # Appended to by the calls and taken from by whoever looks: a deque allows it.
        self._calls: deque[str] = deque()
        self._heard: set[Peer] = set()
        self._since: dict[Peer, float] = {}
        self._told: set[Peer] = set()

    def follow(self, ports: Collection[int]) -> None:
        """Follows the connections to these ports."""
        wanted = b"|".join(b"%04X" % port for port in ports)
        self._pattern = re.compile(_ESTABLISHED % wanted)

    def heard(self, peer: str) -> None:
        """A call came from this peer, as gRPC writes it."""
        self._calls.append(peer)

    def silent(self, now: float, for_s: float) -> list[str]:
        """Addresses of connections that said nothing for so long; each connection is told once.

        `now` is in seconds. To be asked a few times within `for_s`.
        """
        there = self._there()
        while self._calls:
            self._heard.add(of_grpc(self._calls.popleft()))
        self._heard &= there
        quiet = there - self._heard
        self._since = {each: self._since.get(each, now) for each in quiet}
        self._told &= quiet
        late = sorted(
            each
            for each, since in self._since.items()
            if now - since >= for_s and each not in self._told
        )
        self._told.update(late)
        return [address for address, _ in late]

    def _there(self) -> set[Peer]:
        if self._pattern is None:
            return set()
        found: set[Peer] = set()
        for table in TABLES:
            try:
                content = table.read_bytes()
            except OSError:
                continue
            for _, address, port in self._pattern.findall(content):
                found.add((of_kernel(address), int(port, 16)))
        return found


def of_grpc(peer: str) -> Peer:
    """ipv4:192.0.2.7:50000, ipv6:%5B2001:db8::7%5D:50000."""
    address, _, port = unquote(peer).partition(":")[2].rpartition(":")
    return _plain(address.strip("[]")), int(port) if port.isdecimal() else 0


def of_kernel(address: bytes) -> str:
    """An address as the kernel's table has it: words of 32 bits, in the machine's own order."""
    words = bytes.fromhex(address.decode())
    count = len(words) // 4
    return _plain(
        ipaddress.ip_address(struct.pack(f"={count}I", *struct.unpack(f">{count}I", words)))
    )


def _plain(address: str | ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """IPv4 where it is one, whichever way it is written."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return str(address)
    return str(getattr(known, "ipv4_mapped", None) or known)
