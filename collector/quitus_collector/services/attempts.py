"""Whoever fails to sign in again and again from one address has to wait, whatever the name."""

import ipaddress
import threading
from collections import OrderedDict
from datetime import datetime, timedelta

# So many failures of an address are free; they are forgotten one by one over the window.
FREE, WINDOW = 20, timedelta(minutes=10)
# Addresses remembered at once; who is forgotten starts anew, which costs an attacker one each.
MOST_REMEMBERED = 10_000


class Attempts:
    """Failures by address, or by another text, each process for itself.

    One time is kept for each: when its failures so far will be forgotten. An address of IPv6 is
    its network of 64 bits, which one machine has to itself.
    """

    def __init__(self, free: int = FREE, window: timedelta = WINDOW) -> None:
        """Serves several threads; so many are `free`, forgotten one by one over the `window`."""
        self._free, self._window = free, window
        self._lock = threading.Lock()
        self._until: OrderedDict[str, datetime] = OrderedDict()

    def wait(self, address: str, now: datetime) -> timedelta:
        """How long nothing from there is looked at; zero for most."""
        with self._lock:
            until = self._until.get(network(address), now)
        return max(until - now - self._window + self._window / self._free, timedelta())

    def failed(self, address: str, now: datetime) -> None:
        """One more, at most as many as are free."""
        key = network(address)
        with self._lock:
            until = max(self._until.get(key, now), now) + self._window / self._free
            self._until[key] = min(until, now + self._window)
            self._until.move_to_end(key)
            while len(self._until) > MOST_REMEMBERED:
                self._until.popitem(last=False)


def network(address: str) -> str:
    """The address; of IPv6 the network of 64 bits that it is in."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
