"""Errors as people see them: one table from what was raised to a page."""

import logging
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from quitus_collector.domain.account import Stage
from quitus_collector.errors import (
    CatalogueError,
    ChangedMeanwhile,
    CollectorError,
    FilingRefused,
    NotSent,
    OutcomeUnknown,
    PortalMismatch,
    PortalRefused,
    SealError,
    StoreError,
    TooManyAttempts,
    UnknownDevice,
    UsageError,
)
from quitus_collector.services.wording import N_
from quitus_collector.web import kept
from quitus_collector.web.pages import resuming
from quitus_collector.web.rendering import go, messages_of, page
from quitus_collector.web.shield import MIB, most_bytes, protect
from quitus_collector.web.visits import COOKIE, SAFE, NotAllowed, SignInNeeded, visitor_of
from quitus_collector.wiring.console import Console

log = logging.getLogger(__name__)

STATUS: dict[type[CollectorError], HTTPStatus] = {
    UnknownDevice: HTTPStatus.NOT_FOUND,
    FilingRefused: HTTPStatus.CONFLICT,
    ChangedMeanwhile: HTTPStatus.CONFLICT,
    UsageError: HTTPStatus.UNPROCESSABLE_ENTITY,
    CatalogueError: HTTPStatus.UNPROCESSABLE_ENTITY,
    SealError: HTTPStatus.CONFLICT,
    PortalRefused: HTTPStatus.CONFLICT,
    PortalMismatch: HTTPStatus.CONFLICT,
    OutcomeUnknown: HTTPStatus.CONFLICT,
    TooManyAttempts: HTTPStatus.TOO_MANY_REQUESTS,
    NotSent: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
}
HTTP_REFUSALS = {
    HTTPStatus.NOT_FOUND: N_("There is no such page."),
    HTTPStatus.BAD_REQUEST: N_("What was sent cannot be read: go back, and try again."),
    HTTPStatus.METHOD_NOT_ALLOWED: N_(
        "This address takes forms alone: go back to the page before, and send it from there."
    ),
}
NEXT_STAGE = {Stage.CODE: "/sign-in/code", Stage.NEW_PASSWORD: "/account/password"}


def status_of(error: CollectorError) -> HTTPStatus:
    """What an error means in HTTP."""
    found = (status for kind, status in STATUS.items() if isinstance(error, kind))
    return next(found, HTTPStatus.INTERNAL_SERVER_ERROR)


def add_to(app: FastAPI) -> None:
    """Answers of the pages to what is raised."""
    _answer_strangers(app)
    _answer_refusals(app)
    _answer_faults(app)


def _answer_strangers(app: FastAPI) -> None:
    @app.exception_handler(SignInNeeded)
    async def _sign_in(request: Request, error: SignInNeeded) -> Response:
        if error.stage in NEXT_STAGE:
            return go(request, NEXT_STAGE[error.stage])
        if request.headers.get("hx-request"):
            # What it would have changed in the page is asked for again on that page.
            there = urlsplit(request.headers.get("hx-current-url", ""))
            return go(request, f"/sign-in?next={quote(there.path, safe='')}")
        if found := await kept.posted_by_stranger(request):
            return resuming.asked_again(request, found)
        wanted = request.url.path if request.method in SAFE else ""
        if wanted and request.url.query:
            wanted += f"?{request.url.query}"
        return go(request, f"/sign-in?next={quote(wanted, safe='')}" if wanted else "/sign-in")

    @app.exception_handler(NotAllowed)
    async def _not_allowed(request: Request, error: NotAllowed) -> Response:
        text = messages_of(request).text
        if error.permission is None and (answer := await _sent_again(request)):
            return answer
        if error.permission is None:
            said = text(
                "This form was not sent from this page, or the page is too old: load it again."
            )
        else:
            said = text("Your account does not allow this. Ask the administrator if it should.")
        return _told(request, HTTPStatus.FORBIDDEN, said)


def _answer_refusals(app: FastAPI) -> None:
    @app.exception_handler(CollectorError)
    async def _refused(request: Request, error: CollectorError) -> Response:
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("a page failed", extra={"path": request.url.path, "reason": str(error)})
        said = messages_of(request).error(error)
        is_signed_in = getattr(request.state, "visitor", None) is not None
        typed = await kept.posted(request) if is_signed_in else None
        is_passing = status == HTTPStatus.SERVICE_UNAVAILABLE
        return await run_in_threadpool(_told, request, status, said, typed, is_passing)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        fields = sorted({str(each["loc"][-1]) for each in error.errors()})
        said = messages_of(request).text(
            "This is not as expected: {fields}.", fields=", ".join(fields)
        )
        return _told(request, HTTPStatus.UNPROCESSABLE_ENTITY, said)


def _answer_faults(app: FastAPI) -> None:
    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        status = HTTPStatus(error.status_code)
        text = messages_of(request).text
        said = text(HTTP_REFUSALS.get(status, status.phrase))
        return _told(request, status, said)

    @app.exception_handler(Exception)
    def _fault(request: Request, error: Exception) -> Response:
        # The log has the trace; a page never shows one.
        text = messages_of(request).text
        said = text("An error of Quitus itself: it is in the collector's log.")
        answer = _told(request, HTTPStatus.INTERNAL_SERVER_ERROR, said)
        # It is answered outside of the shield.
        protect(answer.headers)
        return answer


async def too_large(request: Request) -> Response:
    """What is answered to who sends more than is taken."""
    console: Console = request.app.state.console
    with suppress(CollectorError, SignInNeeded):
        secret = request.cookies.get(COOKIE, "")
        request.state.visitor = await run_in_threadpool(visitor_of, console, secret, Stage.OPEN)
    limit = most_bytes(request.url.path) // MIB
    said = messages_of(request).text(
        "What was sent is larger than {limit} MiB: go back, and choose a smaller file.", limit=limit
    )
    return await run_in_threadpool(_told, request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)


async def _sent_again(request: Request) -> Response | None:
    """A form of one's own from before one signed in anew: shown, to be sent from there."""
    secret, found = request.cookies.get(COOKIE, ""), await kept.posted(request)
    console: Console = request.app.state.console
    if found is None:
        return None
    try:
        visitor = await run_in_threadpool(visitor_of, console, secret, Stage.OPEN)
    except SignInNeeded:
        return None
    if visitor.account.id != found.whose:
        return None
    return resuming.shown(request, found, visitor.csrf)


def _told(
    request: Request,
    status: HTTPStatus,
    said: str,
    typed: kept.Kept | None = None,
    is_passing: bool = False,
) -> Response:
    """The sentence, with what was typed; where the trouble is passing it may be sent again."""
    # What htmx asked for is put where it belongs: the sentence alone.
    template = "error_part.html" if request.headers.get("hx-request") else "error.html"
    told = typed.typed if typed else ()
    context = {"said": said, "kept": typed, "told": told, "is_passing": is_passing}
    return page(request, template, context, status=status)
