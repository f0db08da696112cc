"""Who is calling: the only place that knows where identity comes from."""

from collections.abc import Callable, Sequence
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import unquote

from quitus_collector.domain.certificate import ClientCertificate, check_certificate
from quitus_collector.errors import UnknownDevice

TLS = b"TLSv1.3"


def certified(
    context: Any, read: Callable[[bytes], ClientCertificate], now: datetime
) -> ClientCertificate:
    """The certificate of a call; its connection may be older than what the certificate allows.

    Raises UnknownDevice or DeviceRefused.
    """
    connection = context.auth_context()
    certificates = connection.get("x509_pem_cert")
    if not certificates:
        raise UnknownDevice("a call without a client certificate")
    if connection.get("ssl_tls_version", [TLS])[0] != TLS:
        raise UnknownDevice("a call over TLS older than 1.3")
    certificate = read(certificates[0])
    check_certificate(certificate, now)
    return certificate


def balancers(networks: Sequence[str]) -> Callable[[str], bool]:
    """Whether an address is in one of these networks."""
    known = [ip_network(each) for each in networks]

    def is_balancer(address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        # A listener on [::] sees callers of IPv4 as ::ffff:192.0.2.7.
        plain = getattr(found, "ipv4_mapped", None) or found
        return any(plain in each for each in known)

    return is_balancer


def address_of(context: Any) -> str:
    """The caller's address without its port: `192.0.2.7`, `2001:db8::7`."""
    # gRPC writes ipv4:192.0.2.7:50000, ipv6:%5B2001:db8::7%5D:50000, unix:…
    kind, _, rest = unquote(context.peer()).partition(":")
    return rest.rpartition(":")[0].strip("[]") if kind in ("ipv4", "ipv6") else kind
