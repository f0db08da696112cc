"""The application: which pages there are, and what stands around them."""

import re
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.routing import BaseRoute, Mount

from quitus_collector.web import refusals
from quitus_collector.web.api import application as api
from quitus_collector.web.api.problems import problem
from quitus_collector.web.pages import (
    accounts,
    administration,
    api_tokens,
    audit,
    campaigns,
    company_sign_in,
    declarations,
    devices,
    exports,
    filing,
    jobs,
    overview,
    pool_import,
    pool_new,
    pools,
    position,
    price_import,
    prices,
    products,
    resuming,
    retention,
    signing_in,
    simulator,
    unknown,
    verifying,
)
from quitus_collector.web.rendering import STATIC
from quitus_collector.web.routing import routes_of
from quitus_collector.web.shield import MIB, Shield, most_bytes
from quitus_collector.web.visits import Guard
from quitus_collector.wiring.console import Console

# What is answered to who has not signed in, and to nobody else's harm.
PUBLIC = (company_sign_in.public, resuming.public, signing_in.public)
PAGES = (
    accounts.router,
    administration.router,
    api_tokens.router,
    audit.router,
    campaigns.router,
    declarations.router,
    devices.router,
    exports.router,
    filing.router,
    jobs.router,
    overview.router,
    pool_import.router,
    pool_new.router,
    pools.router,
    position.router,
    price_import.router,
    prices.router,
    products.router,
    resuming.router,
    retention.router,
    signing_in.router,
    simulator.router,
    unknown.router,
    verifying.router,
)


def create(console: Console) -> FastAPI:
    """The console as an ASGI application; raises TypeError for a route that lets anyone in."""
    app = FastAPI(title="Quitus", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.console = console
    refusals.add_to(app)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for router in (*PUBLIC, *PAGES):
        app.include_router(router)
    open_to_all = {route.path for router in PUBLIC for route in routes_of(router)}
    for route in routes_of(app):
        if route.path not in open_to_all and not guards(route):
            raise TypeError(f"{route.path} asks for no permission")
    calls = Mount(api.PREFIX, api.create(console), name="api")
    # A path with a line break in it is one of the API too, and is answered as such.
    calls.path_regex = re.compile(calls.path_regex.pattern, re.DOTALL)
    app.router.routes.append(calls)
    app.add_middleware(Shield, too_large=_too_large)
    return app


async def _too_large(request: Request) -> Response:
    if not request.url.path.startswith(f"{api.PREFIX}/"):
        return await refusals.too_large(request)
    limit = most_bytes(request.url.path) // MIB
    return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the file is larger than {limit} MiB")


def guards(route: BaseRoute) -> list[Guard]:
    """Who is let in by a route."""
    if not isinstance(route, APIRoute):
        return []
    return [each.dependency for each in route.dependencies if isinstance(each.dependency, Guard)]
