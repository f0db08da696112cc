"""What every answer says to the browser, and how much may come in."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from quitus_collector.web.api.problems import problem

MIB = 1024 * 1024
# Of a form or a file; what is longer is not even read to its end.
MAX_BODY_BYTES = 32 * MIB

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


class Shield:
    """Adds the headers to every answer, and refuses bodies that are too large."""

    def __init__(self, app: ASGIApp) -> None:
        """Stands around the whole application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Implements ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        came, began = 0, False

        async def limited() -> Message:
            nonlocal came
            message = await receive()
            came += len(message.get("body", b""))
            if came > MAX_BODY_BYTES:
                raise TooLarge
            return message

        async def guarded(message: Message) -> None:
            nonlocal began
            if message["type"] == "http.response.start":
                began = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                # What is shown to a person is nobody's to keep.
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        try:
            if _declared(scope) > MAX_BODY_BYTES:
                raise TooLarge
            await self._app(scope, limited, guarded)
        except TooLarge:
            if not began:
                text = f"the file is larger than {MAX_BODY_BYTES // MIB} MiB"
                headers = {"Connection": "close"}
                is_call = scope["path"].startswith("/api/")
                answer = (
                    problem(413, text, headers=headers)
                    if is_call
                    else PlainTextResponse(text, 413, headers)
                )
                await answer(scope, receive, guarded)


def _declared(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return 0
