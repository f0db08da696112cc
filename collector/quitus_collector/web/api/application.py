"""The API as an application of its own, mounted beside the pages: no cookie opens any of it."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from quitus_collector.domain.account import Permission
from quitus_collector.web.api import (
    accounts,
    audit,
    campaigns,
    declarations,
    devices,
    entitlements,
    exports,
    filing,
    position,
    prices,
    problems,
    products,
    retention,
    unknown,
    work,
)
from quitus_collector.web.api.calls import SCHEME, Guarded, Throttle
from quitus_collector.web.api.problems import Problem
from quitus_collector.web.routing import routes_of
from quitus_collector.wiring.console import Console

PREFIX, DESCRIPTION = "/api/v1", "/openapi.json"
ROUTERS = (
    position.router,
    products.router,
    entitlements.router,
    prices.router,
    devices.router,
    unknown.router,
    campaigns.router,
    declarations.router,
    filing.router,
    audit.router,
    retention.router,
    exports.router,
    accounts.router,
    work.router,
)
ABOUT = """\
Everything that the console does, for programs. Every call carries a token: `Authorization: Bearer
quitus_…`; an administrator makes one on the page *Administration*, or with `quitus-collector
api-token make`. A token has scopes, which are the console's permissions, and may do no more than
one role allows.

Lists come in pages: `next` of one is the `cursor` of the next. Answers to GET carry an `ETag`; with
`If-None-Match` what is known already comes back as 304. Refusals are `application/problem+json`
(RFC 9457). More calls in a minute than a token may make are answered with 429 and `Retry-After`.
"""
SCOPES = {
    Permission.DEVICES: "see devices",
    Permission.READ: "see positions, pools, letters and declarations",
    Permission.EDIT: "change what is counted, draft and review declarations",
    Permission.APPROVE: "seal and submit declarations that people approved",
    Permission.AUDIT: "see the audit log",
    Permission.ADMINISTER: "accounts and tokens",
}


def create(console: Console) -> FastAPI:
    """The API as an ASGI application; raises TypeError for a call that lets anyone in."""
    api = FastAPI(
        title="Quitus",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    api.state.console = console
    api.state.throttle = Throttle(console.collector.config.console.calls_per_minute)
    problems.add_to(api)
    for router in ROUTERS:
        api.include_router(router)
    for route in routes_of(api):
        if scope_of(route) is None:
            raise TypeError(f"{route.path} asks for no scope")
    described = description(api)

    def openapi() -> JSONResponse:
        return JSONResponse(described)

    # Answered without a token: it says nothing of the company.
    api.add_api_route(DESCRIPTION, openapi, include_in_schema=False)
    return api


def scope_of(route: APIRoute) -> Permission | None:
    """The scope that a call takes."""
    guard = route.guard if isinstance(route, Guarded) else None
    return guard.permission if guard else None


def description(api: FastAPI) -> dict[str, Any]:
    """What programs read of the API: OpenAPI 3.1."""
    made = get_openapi(
        title="Quitus",
        version="1",
        openapi_version="3.1.0",
        summary="Software licences: what is installed, owned, missing and declared",
        description=ABOUT,
        routes=api.routes,
        servers=[{"url": PREFIX}],
    )
    parts = made.setdefault("components", {})
    parts.setdefault("schemas", {}).update(_problem())
    listed = "\n".join(f"- `{name.value}`: {what}" for name, what in SCOPES.items())
    parts["securitySchemes"] = {
        SCHEME: {"type": "http", "scheme": "bearer", "description": f"Scopes:\n{listed}"}
    }
    return made


def _problem() -> dict[str, Any]:
    """The schema of refusals, which no call names as its answer."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}
