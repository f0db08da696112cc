"""Who calls, and what they may: every call names the scope that its token needs."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from quitus_collector.domain.account import APIToken, Permission
from quitus_collector.entrypoints.grpc.rates import Rate
from quitus_collector.errors import TooManyReports, UnknownDevice, UsageError
from quitus_collector.services import api_tokens
from quitus_collector.services.wording import N_
from quitus_collector.web.addresses import address_of
from quitus_collector.web.api.problems import answers
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.console import Console
from quitus_collector.wiring.figures import Figures

SCHEME = "token"
# Of a token that opens nothing, though its own time is not over.
ORPHANED = N_("who made the token is disabled, or may do nothing of it any more")
CHANGED = "it changed meanwhile: read it again, then change it"


class Body(BaseModel):
    """What a program sends; a field that is none, as a mistyped one, is refused."""

    model_config = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True)
class Caller:
    """A program, and the collector in its hands."""

    token: APIToken
    collector: Collector
    console: Console

    @property
    def figures(self) -> Figures:
        """Positions that are counted once for all."""
        return self.console.figures


class Throttle:
    """So many calls a minute of each token."""

    def __init__(self, calls: int) -> None:
        """Serves several threads."""
        self._rate = Rate(calls, 60)
        self._lock = threading.Lock()

    def spend(self, caller: str) -> None:
        """Counts a call; raises TooManyReports where it is one too many."""
        with self._lock:
            self._rate.spend(caller, time.monotonic())


class TokenGuard:
    """Lets in whose token has a scope; a call without one cannot be made."""

    def __init__(self, permission: Permission) -> None:
        """The scope that it takes."""
        self.permission = permission

    def __call__(self, request: Request) -> None:
        """Raises what is answered with 401, 403 or 429; keeps the caller with the request."""
        if getattr(request.state, "caller", None) is not None:
            return
        console: Console = request.app.state.console
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        # No cookie is looked at: what a browser sends by itself opens nothing here.
        found, address = None, address_of(request)
        if scheme.lower() == "bearer" and secret.strip():
            collector = console.collector
            found = api_tokens.find(
                collector.store,
                collector.clock,
                secret.strip(),
                apart=collector.config.approval.apart,
            )
        if found is None:
            # A good token is taken, whoever else tried wrong ones from there.
            wait = console.token_attempts.wait(address, console.collector.clock.now())
            if wait:
                raise TooManyReports("too many wrong tokens", int(wait.total_seconds()) + 1)
            if secret:
                console.token_attempts.failed(address, console.collector.clock.now())
                console.refusals.note(address, "no token of the API, or one that is over")
            headers = {"WWW-Authenticate": 'Bearer realm="Quitus"'}
            raise HTTPException(HTTPStatus.UNAUTHORIZED, "a good token is wanted", headers)
        token = found.token
        throttle: Throttle = request.app.state.throttle
        throttle.spend(token.id)
        if not token.scopes:
            # Nobody guessed: it does not count as a wrong one.
            console.refusals.note(token.actor, ORPHANED)
            headers = {"WWW-Authenticate": 'Bearer realm="Quitus"'}
            raise HTTPException(HTTPStatus.UNAUTHORIZED, ORPHANED, headers)
        if self.permission in found.lost:
            said = f"who made the token may not {self.permission.value} any more"
            raise HTTPException(HTTPStatus.FORBIDDEN, said)
        if self.permission not in token.scopes:
            said = f"the token has not the scope {self.permission.value}"
            raise HTTPException(HTTPStatus.FORBIDDEN, said)
        request.state.caller = Caller(token, console.acting_as(token), console)


def _caller(request: Request) -> Caller:
    found: Caller = request.state.caller
    return found


async def _body(request: Request) -> bytes:
    return await request.body()


def _plain(text: str) -> str:
    """Raises ValueError for what no database keeps."""
    if "\0" in text:
        raise ValueError("has a null character")
    return text


Call = Annotated[Caller, Depends(_caller)]
# What was sent, to the byte; of a document that is uploaded.
Content = Annotated[bytes, Depends(_body)]
Word = Annotated[str, StringConstraints(max_length=255), AfterValidator(_plain)]
Prose = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_plain)]
# A text that says something.
Said = Annotated[
    str,
    StringConstraints(min_length=1, max_length=4000, strip_whitespace=True),
    AfterValidator(_plain),
]
Wanted = Annotated[Word, Query()]


class Guarded(APIRoute):
    """A call whose token is looked at before anything else of it is read.

    Answers to GET carry an entity tag, and 304 to who has it already (RFC 9110, 13.1.2).
    """

    @property
    def guard(self) -> TokenGuard | None:
        """Who is let in."""
        found = (each.dependency for each in self.dependencies)
        return next((each for each in found if isinstance(each, TokenGuard)), None)

    def get_route_handler(self) -> Callable[[Request], Any]:
        """Wraps what FastAPI makes of the function."""
        handle, guard = super().get_route_handler(), self.guard

        async def tagged(request: Request) -> Response:
            if guard is not None:
                await run_in_threadpool(guard, request)
            response: Response = await handle(request)
            if request.method != "GET" or response.status_code != HTTPStatus.OK:
                return response
            if isinstance(response, StreamingResponse):
                # Written as it is read: nobody knows yet what it will have been.
                return response
            # In a thread: a document of a large fleet is long.
            tag = await run_in_threadpool(entity_tag, bytes(response.body))
            response.headers["ETag"] = tag
            response.headers["Cache-Control"] = "private, no-cache"
            if tag in _tags(request.headers.get("if-none-match", "")):
                headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
                return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
            return response

        return tagged


def entity_tag(content: bytes | memoryview) -> str:
    """Another one for every other content."""
    return f'"{sha256(content).hexdigest()[:32]}"'


def tag_of(document: Any) -> str:
    """The tag that the document has where it is the whole answer."""
    return entity_tag(
        json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    )


def _tags(header: str) -> Sequence[str]:
    return [each.strip().removeprefix("W/") for each in header.split(",")]


def must_match(request: Request, document: Any) -> bool:
    """Whether If-Match names this state of the document, False without one.

    Raises what is answered with 412 where it names another.
    """
    given = request.headers.get("if-match", "").strip()
    if given and given != "*" and tag_of(document) not in _tags(given):
        raise HTTPException(HTTPStatus.PRECONDITION_FAILED, CHANGED)
    return given not in ("", "*")


@contextmanager
def found() -> Iterator[None]:
    """Whatever cannot be found inside is answered with 404."""
    try:
        yield
    except (UsageError, UnknownDevice) as error:
        raise HTTPException(HTTPStatus.NOT_FOUND, str(error)) from error


class Calls(APIRouter):
    """Calls of one kind of thing; each names the scope it takes, and all that it may answer."""

    def __init__(self, tag: str) -> None:
        """`tag` groups them in the description."""
        super().__init__(tags=[tag], route_class=Guarded)

    def call(
        self,
        method: str,
        path: str,
        permission: Permission,
        *,
        status: int = 200,
        also: Sequence[int] = (),
        answer: dict[int | str, dict[str, Any]] | None = None,
        **more: Any,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Adds a call; `also` are refusals of its own, `answer` describes what is not JSON."""
        refusals = {401, 403, 422, 429, 503, *also}
        if "{" in path:
            refusals.add(404)
        if method == "GET":
            more.setdefault("openapi_extra", {})
        else:
            # Another call was in the way, or what was sent is too large.
            refusals |= {409, 413}
        described = {**answers(*sorted(refusals)), **(answer or {})}
        if method == "GET":
            described[304] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
        extra = {"security": [{SCHEME: [permission.value]}], **more.pop("openapi_extra", {})}

        def add(function: Callable[..., Any]) -> Callable[..., Any]:
            self.add_api_route(
                path,
                function,
                methods=[method],
                status_code=status,
                responses=described,
                dependencies=[Depends(TokenGuard(permission))],
                openapi_extra=extra,
                operation_id=function.__name__,
                **more,
            )
            return function

        return add


def upload(*, required: bool = True) -> dict[str, Any]:
    """The description of a call whose body is a file."""
    schema = {"schema": {"type": "string", "format": "binary"}}
    content = {"application/octet-stream": schema}
    return {"requestBody": {"required": required, "content": content}}


def file_answer(*media_types: str) -> dict[int | str, dict[str, Any]]:
    """The description of an answer that is a file; of JSON nothing more is said than that."""
    binary: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
    content = {each: {} if each == "application/json" else binary for each in media_types}
    return {200: {"description": "The file", "content": content}}
