"""What every answer says to the browser, and how much may come in."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MIB = 1024 * 1024
# Of a form or a file; what is longer is not even read to its end.
MAX_BODY_BYTES = 32 * MIB
# Of who has not signed in: a name, a password, and what was typed before a session ended.
MAX_STRANGERS_BYTES = MIB
OPEN_TO_STRANGERS = ("/sign-in", "/language")

# Nothing is loaded from elsewhere, nothing runs that is not a file of ours, nobody frames us.
POLICY = "; ".join(
    f"{name} {value}"
    for name, value in {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "font-src": "'self'",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
    }.items()
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Strict-Transport-Security": "max-age=31536000",
}


class TooLarge(Exception):
    """More came in than is taken."""


def protect(headers: MutableHeaders) -> None:
    """Adds what every answer says."""
    for name, value in HEADERS.items():
        headers.setdefault(name, value)
    # What is shown to a person is nobody's to keep.
    headers.setdefault("Cache-Control", "no-store")


class Shield:
    """Adds the headers to every answer, and refuses bodies that are too large."""

    def __init__(self, app: ASGIApp, too_large: Callable[[Request], Awaitable[Response]]) -> None:
        """Stands around the whole application; `too_large` says so to who sent it."""
        self._app = app
        self._too_large = too_large

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Implements ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        came, began, most = 0, False, most_bytes(scope["path"])

        async def limited() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > most:
                raise TooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                protect(MutableHeaders(scope=message))
            await send(message)

        if _has_two_lengths(scope):
            answer: Response = PlainTextResponse(
                "a body has one length", 400, {"Connection": "close"}
            )
            await answer(scope, receive, guarded)
            return
        try:
            if _declared(scope) > most:
                raise TooLarge
            await self._app(scope, limited, guarded)
        except ClientDisconnect:
            # Gone in the middle of an upload: nobody is there to be answered, and nothing is wrong.
            return
        except TooLarge:
            if not began:
                # The rest is still taken for a moment: else browsers show that, and no page.
                answer = await self._too_large(Request(scope, receive))
                await answer(scope, receive, guarded)


def most_bytes(path: str) -> int:
    """How large the body of a request may be."""
    is_open = path.startswith(OPEN_TO_STRANGERS)
    return MAX_STRANGERS_BYTES if is_open else MAX_BODY_BYTES


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0


def _has_two_lengths(scope: Scope) -> bool:
    """Whether a proxy before us may see another request after this one (RFC 9112, 6.1)."""
    names = {name for name, _ in scope["headers"]}
    return {b"content-length", b"transfer-encoding"} <= names
