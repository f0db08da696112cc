"""Which gRPC status tells which of the collector's errors."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from quitus_collector.entrypoints.grpc.peers import address_of
from quitus_collector.errors import (
    AgentTooOld,
    CollectorError,
    DeviceRefused,
    EnrolmentRefused,
    InvalidRequest,
    Quarantined,
    StoreAway,
    StoreConflict,
    StoreError,
    TooManyReports,
    UnknownDevice,
)

STATUS: dict[type[CollectorError], grpc.StatusCode] = {
    AgentTooOld: grpc.StatusCode.FAILED_PRECONDITION,
    DeviceRefused: grpc.StatusCode.PERMISSION_DENIED,
    EnrolmentRefused: grpc.StatusCode.PERMISSION_DENIED,
    InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    Quarantined: grpc.StatusCode.FAILED_PRECONDITION,
    StoreAway: grpc.StatusCode.UNAVAILABLE,
    StoreConflict: grpc.StatusCode.UNAVAILABLE,
    StoreError: grpc.StatusCode.UNAVAILABLE,
    TooManyReports: grpc.StatusCode.RESOURCE_EXHAUSTED,
    UnknownDevice: grpc.StatusCode.PERMISSION_DENIED,
}
# What is told to the caller where the error's own text is for the log alone.
PUBLIC: dict[type[CollectorError], str] = {
    StoreAway: "the collector cannot reach its database for now",
    StoreConflict: "the collector could not keep this now: ask again",
    StoreError: "the collector cannot reach its database for now",
    UnknownDevice: "this device is not enrolled here",
}

log = logging.getLogger(__name__)
# What the audit log keeps of refusals: not that the collector itself cannot serve.
AUDITED = (
    grpc.StatusCode.PERMISSION_DENIED,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
)
# By what a context tells: the number, or the status itself where a handler set it.
NAMES = {code: each.name for each in grpc.StatusCode for code in (each, each.value[0])}
Handler = Callable[[bytes, Any], Awaitable[Any]]
Refused = Callable[[str, str], Awaitable[None]]
# Told a call's method, the name of its status, and how many seconds it took.
Answered = Callable[[str, str, float], None]


class ErrorInterceptor(grpc.aio.ServerInterceptor):
    """Answers the collector's errors with their status, and hides every other one."""

    def __init__(self, refused: Refused, heard: Callable[[str], None], answered: Answered) -> None:
        """One for each server: a method has one handler there, which is wrapped once.

        `heard` is told who calls, as gRPC writes it, and `refused` the caller's address and the
        reason.
        """
        self._refused = refused
        self._heard = heard
        self._answered = answered
        self._wrapped: dict[str, Any] = {}
        # Calls of which the message is still to come, the oldest first: method, and since when.
        self._awaited: dict[object, tuple[str, float]] = {}

    async def intercept_service(self, continuation: Any, handler_call_details: Any) -> Any:
        """Wraps unary calls, which are all there are."""
        method = handler_call_details.method
        if method not in self._wrapped:
            handler = await continuation(handler_call_details)
            if handler is None or handler.unary_unary is None:
                return handler
            guarded = _guarded(handler, method, self._refused, self._heard)
            timed = _timed(guarded, method, self._answered)
            self._wrapped[method] = timed, handler.response_serializer
        timed, serializer = self._wrapped[method]
        call = object()
        self._awaited[call] = method, time.monotonic()

        async def came(content: bytes, context: Any) -> Any:
            self._awaited.pop(call, None)
            return await timed(content, context)

        return grpc.unary_unary_rpc_method_handler(came, response_serializer=serializer)

    def lost(self, after_s: float) -> list[str]:
        """Methods of calls whose message did not come in so long; each call is told once.

        gRPC itself refuses what is too large, and tells nobody here.
        """
        late = time.monotonic() - after_s
        found = []
        for call, (method, since) in list(self._awaited.items()):
            if since > late:
                break
            del self._awaited[call]
            found.append(method.rpartition("/")[2])
        return found


def _timed(call: Handler, method: str, answered: Answered) -> Handler:
    name = method.rpartition("/")[2]

    async def timed(content: bytes, context: Any) -> Any:
        began, status = time.perf_counter(), ""
        try:
            return await call(content, context)
        except asyncio.CancelledError:
            status = grpc.StatusCode.CANCELLED.name
            raise
        finally:
            status = status or NAMES[context.code() or 0]
            answered(name, status, time.perf_counter() - began)

    return timed


def _guarded(handler: Any, method: str, refused: Refused, heard: Callable[[str], None]) -> Handler:
    """The handler for the bytes of a request: what gRPC cannot decode it would tell nobody here."""
    call, decoded = handler.unary_unary, handler.request_deserializer

    async def guarded(content: bytes, context: Any) -> Any:
        heard(context.peer())
        try:
            try:
                request = decoded(content)
            except DecodeError as error:
                raise InvalidRequest("the request is not a message of this call") from error
            return await call(request, context)
        except CollectorError as error:
            log.warning("call refused", extra={"method": method, "reason": str(error)})
            code = STATUS.get(type(error), grpc.StatusCode.INTERNAL)
            if code in AUDITED:
                await refused(address_of(context), f"{method.rpartition('/')[2]}: {error}")
            trailers: tuple[tuple[str, str], ...] = ()
            if isinstance(error, TooManyReports):
                trailers = (("retry-after-s", str(error.retry_after_s)),)
            return await context.abort(code, PUBLIC.get(type(error), str(error)), trailers)
        except Exception:
            log.exception("call failed", extra={"method": method})
            return await context.abort(
                grpc.StatusCode.INTERNAL, "the collector failed: see its log"
            )

    return guarded
