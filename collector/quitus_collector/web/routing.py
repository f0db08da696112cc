"""The routing table: every route of an application, those of included routers too."""

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter
from starlette.routing import BaseRoute, Mount


def routes_of(app: FastAPI | APIRouter) -> Iterator[APIRoute]:
    """What is answered by functions of ours; what is mounted stands apart.

    Raises TypeError for a kind of route that nobody has thought of: it would escape every check.
    """
    for route in app.routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(included := getattr(route, "original_router", None), APIRouter):
            # FastAPI keeps an included router whole, and the routes in it.
            yield from routes_of(included)
        elif not isinstance(route, Mount):
            raise TypeError(f"{_name(route)} is a route of an unknown kind")


def _name(route: BaseRoute) -> str:
    return str(getattr(route, "path", route))
