"""HTTPS to a portal: one session, one place, a budget of time, and never a message sent twice."""

import ssl
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from quitus_collector.adapters.portals.description import Reached
from quitus_collector.errors import NotSent, PortalMismatch, UsageError

MAX_REDIRECTS = 5
MAX_BYTES = 4 << 20
SEE_OTHER = (301, 302, 303)
# A form's files: the field's name, then the file's name, content and type.
Files = list[tuple[str, tuple[str, bytes, str]]]
# How requests travel, with these roots and through this proxy, empty for none.
Transport = Callable[[ssl.SSLContext, str], httpx.BaseTransport]


def travel(context: ssl.SSLContext, proxy: str) -> httpx.BaseTransport:
    """Straight to the portal or through the proxy; whether something was sent is ours to know."""
    return httpx.HTTPTransport(verify=context, proxy=proxy or None, retries=0, trust_env=False)


class Session:
    """A browser's part: cookies, and pages of one place only."""

    def __init__(self, described: Reached, transport: Transport) -> None:
        """Opens nothing yet; raises UsageError for root certificates that cannot be read."""
        authority, address = described.authority, described.address
        try:
            context = ssl.create_default_context(cafile=authority or None)
        except OSError as error:
            raise UsageError(
                "{authority}: {strerror}", authority=authority, strerror=error.strerror or error
            ) from error
        self.address = address
        self._ends = time.monotonic() + described.timeout_s
        self._client = httpx.Client(
            transport=transport(context, described.proxy), trust_env=False, follow_redirects=False
        )

    def __enter__(self) -> "Session":
        """Closed when the block ends."""
        return self

    def __exit__(self, *_: object) -> None:
        """Gives the connections back."""
        self._client.close()

    def url(self, path: str, base: str = "") -> str:
        """The address of a path; raises PortalMismatch for one that is elsewhere."""
        found = urljoin(base or self.address + "/", path)
        if _origin(found) != _origin(self.address):
            raise PortalMismatch(
                "{address} leads elsewhere: {found}", address=self.address, found=found
            )
        return found

    def request(
        self,
        method: str,
        url: str,
        fields: list[tuple[str, str]] | None = None,
        files: Files | None = None,
    ) -> httpx.Response:
        """One request and the page that it leads to; raises what `once` and `follow` do."""
        return self.follow(self.once(method, url, fields=fields, files=files))

    def follow(self, response: httpx.Response) -> httpx.Response:
        """The page that an answer leads to; what was sent is never sent again.

        Raises httpx.HTTPError, or PortalMismatch where it leads elsewhere.
        """
        for _ in range(MAX_REDIRECTS):
            if response.status_code not in SEE_OTHER or "location" not in response.headers:
                return response
            response = self.once("GET", self.url(response.headers["location"], str(response.url)))
        raise httpx.TooManyRedirects("it leads round in circles")

    def once(
        self,
        method: str,
        url: str,
        *,
        fields: list[tuple[str, str]] | None = None,
        files: Files | None = None,
        json: object = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """One request; raises httpx.HTTPError, or NotSent where the time was over before it."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise NotSent("{address} took too long", address=self.address)
        made = self._client.build_request(
            method, url, **_body(fields, files), json=json, headers=headers, timeout=left
        )
        response = self._client.send(made, stream=True)
        try:
            content = bytearray()
            for part in response.iter_bytes():
                content += part
                # Of a page that comes drop by drop each wait is short: all of them count.
                if len(content) > MAX_BYTES or time.monotonic() > self._ends:
                    raise httpx.ReadTimeout("the answer has no end")
            response._content = bytes(content)
        finally:
            response.close()
        return response


def _body(fields: list[tuple[str, str]] | None, files: Files | None) -> dict[str, Any]:
    """Fields in their order; httpx takes several of one name as a list."""
    if fields is None:
        return {}
    grouped: dict[str, list[str]] = {}
    for name, value in fields:
        grouped.setdefault(name, []).append(value)
    return {"data": grouped} | ({"files": files} if files is not None else {})


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    host = httpx.URL(url).raw_host.decode().lower()
    return parts.scheme, host, parts.port or 443
