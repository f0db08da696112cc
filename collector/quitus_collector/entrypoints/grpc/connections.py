"""Connections that never say anything: gRPC drops them in the end, and tells nobody.

The kernel has their addresses (sock_diag(7), Linux); which of them made a call is known here.
"""

import ipaddress
import socket
import struct
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import suppress
from urllib.parse import unquote

# linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h.
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, ERROR, DONE = 4, 20, 0x301, 2, 3
ESTABLISHED = 1 << 1
HEADER, RECORD = struct.Struct("=IHHII"), struct.Struct("=BBBB")
# In a record: behind the header, the other end's port and address.
PORT_AT, ADDRESS_AT = HEADER.size + RECORD.size + 2, HEADER.size + RECORD.size + 4 + 16
ADDRESS_BYTES = {socket.AF_INET: 4, socket.AF_INET6: 16}
TIMEOUT_S = 2.0
# An address without its port, and the port: the other end of a connection.
Peer = tuple[str, int]


class Connections:
    """Follows the connections of some ports of this process."""

    def __init__(self) -> None:
        """Follows none yet."""
        self._ports: frozenset[int] = frozenset()
        # Appended to by the calls and taken from by whoever looks: a deque allows it.
        self._calls: deque[str] = deque()
        self._heard: set[Peer] = set()
        self._since: dict[Peer, float] = {}
        self._told: set[Peer] = set()

    def follow(self, ports: Collection[int]) -> None:
        """Follows the connections to these ports."""
        self._ports = frozenset(ports)

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
        """The connections that the kernel has; a system that does not tell has none."""
        found: set[Peer] = set()
        with suppress(OSError):
            for port in self._ports:
                for family in ADDRESS_BYTES:
                    found.update(_established(family, port))
        return found


def _established(family: int, port: int) -> Iterator[Peer]:
    wanted = RECORD.pack(family, socket.IPPROTO_TCP, 0, 0) + struct.pack("=I", ESTABLISHED)
    # Our end's port; the rest of the two ends, and of the interface, may be any.
    wanted += struct.pack(">HH", port, 0) + bytes(44)
    head = HEADER.pack(HEADER.size + len(wanted), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.settimeout(TIMEOUT_S)
        kernel.send(head + wanted)
        while True:
            answer, at = kernel.recv(1 << 16), 0
            while at < len(answer):
                length, kind, *_ = HEADER.unpack_from(answer, at)
                if kind in (ERROR, DONE):
                    return
                yield _peer(answer[at : at + length])
                at += (length + 3) & ~3


def _peer(record: bytes) -> Peer:
    size = ADDRESS_BYTES[socket.AddressFamily(record[HEADER.size])]
    (port,) = struct.unpack_from(">H", record, PORT_AT)
    return _plain(ipaddress.ip_address(record[ADDRESS_AT : ADDRESS_AT + size])), port


def of_grpc(peer: str) -> Peer:
    """ipv4:192.0.2.7:50000, ipv6:%5B2001:db8::7%5D:50000."""
    address, _, port = unquote(peer).partition(":")[2].rpartition(":")
    return _plain(address.strip("[]")), int(port) if port.isdecimal() else 0


def _plain(address: str | ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """IPv4 where it is one, whichever way it is written."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return str(address)
    return str(getattr(known, "ipv4_mapped", None) or known)
