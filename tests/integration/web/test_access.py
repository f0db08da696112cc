"""Every route for every role, every call for every scope: made from the routing table itself."""

from collections.abc import Iterator
from itertools import count

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from httpx import Response
from starlette.testclient import TestClient

from quitus_collector.domain.account import ALLOWED, Permission, Role, Stage
from quitus_collector.services import signing_in
from quitus_collector.web.api import application as api
from quitus_collector.web.app import PUBLIC, guards
from quitus_collector.web.routing import routes_of
from quitus_collector.web.visits import COOKIE, csrf_token
from tests.api_programs import Program
from tests.console import ADDRESS, ConsoleHouse

# One house for all of them, on whichever core.
pytestmark = pytest.mark.xdist_group("access")
# Who may what, written once more: what the code says has to be changed here too, by a person.
TABLE = {
    Role.ADMINISTRATOR: {"devices", "read", "audit", "administer"},
    Role.DSI: {"devices", "read", "approve", "audit"},
    Role.LICENCE_MANAGER: {"devices", "read", "edit"},
    Role.AUDITOR: {"devices", "read", "audit"},
    Role.SERVICE_DESK: {"devices"},
}
# All that is answered to who has not signed in.
OPEN_TO_ALL = {
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("POST", "/sign-in/again"),
    ("POST", "/sign-in/again/company"),
    ("POST", "/language"),
    ("GET", "/sign-in/company"),
    ("GET", "/sign-in/company/return"),
    ("GET", "/sign-in/company/end"),
}
NUMBERS = count()


def calls_of(app: FastAPI) -> Iterator[tuple[str, APIRoute]]:
    for route in routes_of(app):
        for method in sorted(route.methods):
            yield method, route


def address(route: APIRoute) -> str:
    """The path, its parts filled in with what is nowhere."""
    return route.path_format.format(**dict.fromkeys(route.param_convertors, "0"))


def as_role(house: ConsoleHouse, role: Role, method: str, path: str) -> Response:
    """What a person with a session of its own gets: the one before may have signed out."""
    name = f"person-{next(NUMBERS)}"
    signed = signing_in.sign_in_by_company(house.console.door, name, name, name, "", [role])
    browser = house.anonymous()
    browser.cookies.set(COOKIE, signed.secret)
    data = {"csrf": csrf_token(signed.secret)} if method != "GET" else None
    return browser.request(method, path, data=data)


def test_roles_may_what_the_table_says() -> None:
    assert {role: set(allowed) for role, allowed in ALLOWED.items()} == TABLE


@pytest.mark.parametrize("role", Role)
def test_every_page_lets_in_who_may_and_nobody_else(house: ConsoleHouse, role: Role) -> None:
    seen = 0
    for method, route in calls_of(house.app):
        if (method, route.path) in OPEN_TO_ALL:
            continue
        (guard,) = guards(route)
        answer, seen = as_role(house, role, method, address(route)), seen + 1
        told = f"{role} {method} {route.path}: {answer.status_code}"
        to_sign_in = answer.headers.get("location", "").startswith("/sign-in?")
        is_signed_out = route.path == "/sign-out"
        if guard.stage is not Stage.OPEN:
            assert answer.status_code == 303, told
        elif guard.permission is None or guard.permission.value in TABLE[role]:
            assert answer.status_code not in (401, 403), told
            assert answer.status_code < 500, told
            assert not to_sign_in or is_signed_out, told
        else:
            assert answer.status_code == 403, told
    assert seen >= 10


def test_who_is_not_signed_in_sees_no_page(house: ConsoleHouse) -> None:
    anonymous = house.anonymous()
    for method, route in calls_of(house.app):
        if (method, route.path) in OPEN_TO_ALL:
            continue
        answer = anonymous.request(method, address(route))
        assert answer.status_code == 303, (method, route.path)
        assert answer.headers["location"].startswith("/sign-in"), (method, route.path)


def test_nothing_else_is_open_to_all() -> None:
    assert (
        set(
            (method, route.path)
            for router in PUBLIC
            for route in routes_of(router)
            for method in route.methods
        )
        == OPEN_TO_ALL
    )


def api_of(house: ConsoleHouse) -> FastAPI:
    (mounted,) = (each for each in house.app.routes if getattr(each, "name", "") == "api")
    found: FastAPI = mounted.app  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("scope", Permission)
def test_every_call_takes_its_scope_and_no_other(house: ConsoleHouse, scope: Permission) -> None:
    program = Program(house, scope)
    for method, route in calls_of(api_of(house)):
        if route.path == api.DESCRIPTION:
            continue
        # What is not JSON is refused before anything is done, but after the token was looked at.
        answer = program.request(
            method, f"{ADDRESS}/api/v1{address(route)}", content=b"{", headers=JSON
        )
        told = f"{scope} {method} {route.path}: {answer.status_code}"
        if api.scope_of(route) is scope:
            assert answer.status_code not in (401, 403), told
            assert answer.status_code < 500, told
        else:
            assert answer.status_code == 403, told


JSON = {"content-type": "application/json"}


def test_no_call_is_answered_without_a_token(house: ConsoleHouse) -> None:
    anonymous = TestClient(house.app, base_url=ADDRESS)
    for method, route in calls_of(api_of(house)):
        answer = anonymous.request(method, f"/api/v1{address(route)}", content=b"{", headers=JSON)
        expected = 200 if route.path == api.DESCRIPTION else 401
        assert answer.status_code == expected, (method, route.path)


def test_an_application_with_a_page_for_anyone_does_not_start(house: ConsoleHouse) -> None:
    forgotten = FastAPI()
    forgotten.add_route("/raw", lambda _request: None)  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="unknown kind"):
        list(routes_of(forgotten))
