"""Errors as programs get them: one table from what was raised to problem+json (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from quitus_collector.adapters.messages import AWAY
from quitus_collector.domain.optimisation import SolverError
from quitus_collector.errors import (
    CollectorError,
    StoreError,
    TooManyReports,
)
from quitus_collector.services.pools import Refused, as_problem
from quitus_collector.web.refusals import status_of

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class Complaint(BaseModel):
    """One thing that is wrong with what was sent, and where."""

    where: str
    what: str


class Problem(BaseModel):
    """What went wrong (RFC 9457); `detail` is a sentence for a person."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Complaint] = []


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """These statuses as the description of a call has them."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def problem(
    status: int,
    detail: str,
    errors: list[Complaint] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """An answer that says what went wrong."""
    told = Problem(
        type="about:blank",
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=errors or [],
    )
    return JSONResponse(told.model_dump(), status, headers, media_type=MEDIA_TYPE)


def add_to(api: FastAPI) -> None:
    """Answers of the API to what is raised."""

    @api.exception_handler(CollectorError)
    def _refused(request: Request, error: CollectorError) -> Response:
        if isinstance(error, TooManyReports):
            headers = {"Retry-After": str(error.retry_after_s)}
            return problem(HTTPStatus.TOO_MANY_REQUESTS, str(error), headers=headers)
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            log.warning("a call failed", extra={"path": request.url.path, "reason": str(error)})
        if isinstance(error, StoreError):
            # What the database said is for who runs it.
            return problem(status, AWAY)
        return problem(status, str(error), _complaints(error))

    @api.exception_handler(SolverError)
    def _unsolved(request: Request, error: SolverError) -> Response:
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, str(error))

    @api.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        found = [
            Complaint(where=".".join(map(str, each["loc"])), what=each["msg"])
            for each in error.errors()
        ]
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, "this is not as it is described", found)

    @api.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        return problem(error.status_code, str(error.detail), headers=headers)

    @api.exception_handler(Exception)
    def _fault(request: Request, error: Exception) -> Response:
        # The log has the trace; an answer never does.
        said = "an error of Quitus itself: it is in the collector's log"
        return problem(HTTPStatus.INTERNAL_SERVER_ERROR, said)


def _complaints(error: CollectorError) -> list[Complaint]:
    """Line by line, where a document was not taken in."""
    if not isinstance(error, Refused):
        return []
    found = map(as_problem, error.preview.complaints)
    return [Complaint(where=str(each.where), what=str(each.what)) for each in found]
