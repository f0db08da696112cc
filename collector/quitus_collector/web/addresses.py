"""Where a request comes from: the connection, or what a proxy that the settings name says."""

import ipaddress

from fastapi import Request

from quitus_collector.wiring.console import Console


def address_of(request: Request) -> str:
    """The client's address: behind trusted proxies, the last in X-Forwarded-For that is none.

    What anybody else writes there is not looked at.
    """
    console: Console = request.app.state.console
    trusted = console.collector.config.console.proxies
    found = request.client.host if request.client else "unknown"
    before = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
    while before and _is_in(found, trusted):
        said = before.pop().strip()
        if not _is_address(said):
            break
        found = said
    return found


def _is_in(
    address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return any((mapped or found) in each for each in networks)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
