"""Connections that say nothing, among real ones of this machine."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from quitus_collector.entrypoints.grpc.connections import Connections, of_grpc


class Port:
    """A port of ours and who is connected to it."""

    def __init__(self, stack: ExitStack, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._stack, self._host = stack, host
        self._listening = stack.enter_context(socket.create_server((host, 0), family=family))
        self.number = self._listening.getsockname()[1]

    def connect(self) -> tuple[socket.socket, str]:
        """A connection that was accepted, and how gRPC calls its other end."""
        made = self._stack.enter_context(socket.create_connection((self._host, self.number)))
        self._stack.enter_context(self._listening.accept()[0])
        port = made.getsockname()[1]
        shown = f"ipv6:%5B{self._host}%5D:{port}" if ":" in self._host else f"ipv4:127.0.0.1:{port}"
        return made, shown


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as made:
        yield made


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_who_is_silent_for_so_long_is_told_once_and_who_called_is_not(
    stack: ExitStack, host: str
) -> None:
    port, connections = Port(stack, host), Connections()
    connections.follow([port.number])
    port.connect()
    _, calling = port.connect()
    connections.heard(calling)

    looks = [connections.silent(now, 5) for now in (0.0, 2.5, 5.0, 7.5, 10.0)]

    assert looks == [[], [], [host], [], []]


def test_who_called_once_may_be_silent_for_as_long_as_the_connection_lasts(
    stack: ExitStack,
) -> None:
    port, connections = Port(stack), Connections()
    connections.follow([port.number, 1])
    _, peer = port.connect()

    assert connections.silent(0, 5) == []
    connections.heard(peer)

    assert [connections.silent(now, 5) for now in (3.0, 60.0, 600.0)] == [[], [], []]


def test_who_hung_up_in_time_is_not_told(stack: ExitStack) -> None:
    port, connections = Port(stack), Connections()
    connections.follow([port.number])
    made, _ = port.connect()

    assert connections.silent(0, 5) == []
    made.close()

    assert connections.silent(9, 5) == []


def test_only_the_ports_that_are_followed_are_looked_at(stack: ExitStack) -> None:
    port, other, connections = Port(stack), Port(stack), Connections()
    other.connect()
    assert connections.silent(0, 0) == []

    connections.follow([port.number])

    assert connections.silent(0, 0) == []


def test_one_address_is_one_however_it_is_written() -> None:
    assert of_grpc("ipv4:192.0.2.7:50000") == ("192.0.2.7", 50000)
    assert of_grpc("ipv6:%5B2001:db8::7%5D:50000") == ("2001:db8::7", 50000)
    assert of_grpc("ipv6:%5B::ffff:192.0.2.7%5D:50000") == ("192.0.2.7", 50000)
    assert of_grpc("unix:") == ("", 0)
