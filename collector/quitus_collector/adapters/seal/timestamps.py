"""Timestamps of an authority by HTTP (RFC 3161); only a hash leaves the company."""

import asyncio
import http.client
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from asn1crypto import cms, core, tsp
from pyhanko.sign.timestamps import TimeStamper

from quitus_collector.errors import SealError

MAX_ANSWER_BYTES = 256 * 1024


class _Answer(core.Sequence):  # type: ignore[misc]
    """RFC 3161's TimeStampResp: a refusal has no token, which asn1crypto's own class demands."""

    _fields = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


class _NoRedirects(HTTPRedirectHandler):
    """Whoever was configured is asked, and nobody else."""

    def redirect_request(self, *_: object) -> None:
        return None


class HTTPTimeStamper(TimeStamper):
    """Asks one authority; raises SealError naming it."""

    def __init__(self, url: str, timeout_s: float = 15) -> None:
        """Sends nothing yet."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.url, self._timeout_s = url, timeout_s

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        """What the authority answers, of whatever status."""
        response = await asyncio.to_thread(self._ask, req.dump())
        stamp = response["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
        if stamp["nonce"].native != req["nonce"].native:
            raise SealError("{url}: answers another question (its nonce is not ours)", url=self.url)
        return response

    def _ask(self, query: bytes) -> tsp.TimeStampResp:
        headers = {
            "Content-Type": "application/timestamp-query",
            "Accept": "application/timestamp-reply",
        }
        request = Request(self.url, query, headers)  # noqa: S310 - settings admit http and https
        try:
            with build_opener(_NoRedirects).open(request, timeout=self._timeout_s) as answer:
                content = answer.read(MAX_ANSWER_BYTES + 1)
                kind = answer.headers.get_content_type()
        except (URLError, OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if isinstance(error, HTTPError):
                error.close()  # it holds the connection
            raise SealError("{url}: no timestamp: {reason}", url=self.url, reason=reason) from error
        if kind != "application/timestamp-reply" or len(content) > MAX_ANSWER_BYTES:
            raise SealError(
                "{url}: does not answer as a timestamp authority does ({kind})",
                url=self.url,
                kind=kind,
            )
        try:
            status = _Answer.load(content, strict=True)["status"].native
            if status["status"] != "granted":
                said = "; ".join(status["status_string"] or [status["status"]])
                raise SealError(
                    "{url}: refuses to give a timestamp: {said}", url=self.url, said=said
                )
            response = tsp.TimeStampResp.load(content, strict=True)
            response.native  # noqa: B018 - parses all of it
        except ValueError as error:
            raise SealError("{url}: the timestamp is malformed", url=self.url) from error
        return response


def authority_name(url: str) -> str:
    """How people call the authority: its host."""
    return urlsplit(url).hostname or url
