"""Who comes, and what they may: every page and every call names the permission that it needs."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import APIRouter, BackgroundTasks, Depends, Request
from fastapi.responses import HTMLResponse
from starlette.concurrency import run_in_threadpool

from quitus_collector.domain.account import Account, Permission, Session, Stage
from quitus_collector.services import signing_in
from quitus_collector.wiring.collector import Collector
from quitus_collector.wiring.console import Console
from quitus_collector.wiring.figures import Figures

# __Host-: only over HTTPS, only from this host, for all of it.
COOKIE = "__Host-quitus"
SAFE = {"GET", "HEAD"}


class SignInNeeded(Exception):
    """Nobody is signed in, or not far enough: `stage` says how far, None not at all."""

    def __init__(self, stage: Stage | None) -> None:
        """Answered with the page that comes next."""
        super().__init__()
        self.stage = stage


class NotAllowed(Exception):
    """The account may not; `permission` is what it lacks, None where the form is not ours."""

    def __init__(self, permission: Permission | None) -> None:
        """Answered with a page that says so."""
        super().__init__()
        self.permission = permission


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person at a page, and the collector in that person's hands."""

    account: Account
    session: Session
    collector: Collector
    console: Console
    csrf: str

    def may(self, permission: Permission) -> bool:
        """Whether the account has it."""
        return permission in self.account.allowed

    @property
    def figures(self) -> Figures:
        """Positions that are counted once for all."""
        return self.console.figures


def csrf_token(secret: str) -> str:
    """What a form of this session carries; it does not tell the secret."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def page_token(secret: str, account_id: str) -> str:
    """The same, and of whose page it is: another person's work is not to be sent by mistake."""
    return f"{csrf_token(secret)}.{account_id}"


def owner_of(token: str) -> str:
    """Of whose page a form was; empty where it does not say."""
    return token.partition(".")[2]


class Guard:
    """Lets in who is signed in and has a permission; a route without one cannot be made."""

    def __init__(self, permission: Permission | None, stage: Stage = Stage.OPEN) -> None:
        """Without a permission, everyone who signed in as far as `stage`."""
        self.permission = permission
        self.stage = stage

    async def __call__(self, request: Request, behind: BackgroundTasks) -> None:
        """Raises SignInNeeded or NotAllowed; keeps the visitor with the request otherwise.

        That somebody was here is written down once the answer is on its way.
        """
        console: Console = request.app.state.console
        # The database is asked in a thread: others are served while it takes its time.
        visitor = await run_in_threadpool(
            visitor_of, console, request.cookies.get(COOKIE, ""), self.stage
        )
        # Before the body is read: it may be large.
        if self.permission is not None and not visitor.may(self.permission):
            raise NotAllowed(self.permission)
        if request.method not in SAFE:
            await must_be_ours(request, visitor.csrf.partition(".")[0])
        request.state.visitor = visitor
        if console.sightings.is_due(visitor.session):
            behind.add_task(console.sightings.note, visitor.session)


def visitor_of(console: Console, secret: str, stage: Stage) -> Visitor:
    """Who has this secret of a session; raises SignInNeeded where it is not at this stage."""
    found = signing_in.visit(console.door, secret) if secret else None
    if found is None:
        raise SignInNeeded(None)
    session, account = found
    if session.stage is not stage:
        raise SignInNeeded(session.stage)
    token = page_token(secret, account.id)
    return Visitor(account, session, console.acting_as(account), console, token)


def must_be_same_site(request: Request) -> None:
    """Raises NotAllowed for what another site made a browser send."""
    origin = request.headers.get("origin", "")
    is_other = bool(origin) and urlsplit(origin).netloc != request.headers.get("host")
    if is_other or request.headers.get("sec-fetch-site", "same-origin") == "cross-site":
        raise NotAllowed(None)


async def must_be_ours(request: Request, expected: str) -> None:
    """Raises NotAllowed for a form that is not of this session."""
    must_be_same_site(request)
    given = request.headers.get("x-csrf-token") or (await request.form()).get("csrf", "")
    token = given.partition(".")[0] if isinstance(given, str) else ""
    if not hmac.compare_digest(token.encode(), expected.encode()):
        raise NotAllowed(None)


def _visitor(request: Request) -> Visitor:
    found: Visitor = request.state.visitor
    return found


# What a page's function takes: who looks at it.
Visit = Annotated[Visitor, Depends(_visitor)]
Page = Callable[..., Any]


class Pages(APIRouter):
    """Pages of one part of the console; each names what it asks of who comes."""

    def page(
        self,
        path: str,
        permission: Permission | None,
        *,
        methods: Sequence[str] = ("GET",),
        stage: Stage = Stage.OPEN,
    ) -> Callable[[Page], Page]:
        """Adds a page or the answer to a form."""

        def add(function: Page) -> Page:
            self.add_api_route(
                path,
                function,
                methods=list(methods),
                dependencies=[Depends(Guard(permission, stage))],
                response_class=HTMLResponse,
                include_in_schema=False,
            )
            return function

        return add

    def form(
        self, path: str, permission: Permission | None, *, stage: Stage = Stage.OPEN
    ) -> Callable[[Page], Page]:
        """Adds what a form does."""
        return self.page(path, permission, methods=("POST",), stage=stage)
