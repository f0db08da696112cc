"""Signing in again in the middle of something: what was typed is shown, and sent on request."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from quitus_collector.domain.account import Stage
from quitus_collector.errors import SignInRefused
from quitus_collector.services import signing_in
from quitus_collector.services.signing_in import SignedIn
from quitus_collector.web import kept
from quitus_collector.web.kept import MAX_CHARACTERS, Kept
from quitus_collector.web.pages.signing_in import count_failure, keep, must_not_wait, origin_of
from quitus_collector.web.rendering import go, messages_of, page
from quitus_collector.web.visits import COOKIE, Pages, Visit, must_be_same_site, page_token
from quitus_collector.wiring.console import Console

router = Pages()
public = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=1024)]
Written = Annotated[str, Form(max_length=MAX_CHARACTERS)]


@public.post("/sign-in/again")
def sign_in(request: Request, name: Text, password: Text, written: Written) -> Response:
    """Opens a session, and shows what was posted by the one before."""
    must_be_same_site(request)
    must_not_wait(request, name)
    console: Console = request.app.state.console
    found = kept.read(written)
    try:
        signed = signing_in.sign_in(console.door, name, password, origin_of(request))
    except SignInRefused as error:
        return asked_again(request, found, said=_refused(request, error), name=name)
    return _next(request, signed, found)


@public.post("/sign-in/again/company")
def come_back(request: Request, written: Written) -> Response:
    """Shows what was posted to who signed in by the company's service meanwhile, in another tab.

    That service is reached by a link alone, which carries nothing: the form stays where it is.
    """
    must_be_same_site(request)
    console: Console = request.app.state.console
    found, secret = kept.read(written), request.cookies.get(COOKIE, "")
    visiting = signing_in.visit(console.door, secret) if secret else None
    if visiting is None or visiting[0].stage is not Stage.OPEN:
        said = messages_of(request).text("You have not signed in yet: do so in the other tab.")
        return asked_again(request, found, said=said)
    session, account = visiting
    if found is None or found.whose != account.id:
        # Of another person's work nothing is told.
        return go(request, "/")
    return shown(request, found, page_token(secret, session.account))


@router.page("/sign-in/again/back", None)
def back(request: Request, visit: Visit) -> Response:
    """Where the other tab ends up."""
    return page(request, "sign_in_back.html", {})


@router.form("/sign-in/again/code", None, stage=Stage.CODE)
def enter_code(request: Request, visit: Visit, code: Text, written: Written) -> Response:
    """The same, with the second factor."""
    must_not_wait(request, visit.account.name)
    found = kept.read(written)
    try:
        signed = signing_in.enter_code(visit.console.door, visit.session, code, origin_of(request))
    except SignInRefused as error:
        context = {"said": _refused(request, error), "written": written}
        return page(request, "sign_in_again_code.html", context, status=401)
    return _next(request, signed, found)


def asked_again(
    request: Request, found: Kept | None, *, said: str = "", name: str = ""
) -> Response:
    """The page that asks to sign in, and carries what was posted."""
    if found is None:
        return go(request, "/sign-in")
    context = {"written": found.written(), "said": said, "name": name}
    return page(request, "sign_in_again.html", context, status=401)


def shown(request: Request, found: Kept, csrf: str) -> Response:
    """What was typed, to be sent now by who typed it."""
    told = [(name, value) for name, value in found.fields if value.strip()]
    context = {"kept": found, "told": told, "csrf": csrf}
    return page(request, "resume.html", context, status=409)


def _next(request: Request, signed: SignedIn, found: Kept | None) -> Response:
    stage = signed.session.stage
    csrf = page_token(signed.secret, signed.session.account)
    if stage is Stage.CODE and found is not None:
        context = {"said": "", "written": found.written(), "csrf": csrf}
        answer: Response = page(request, "sign_in_again_code.html", context)
    elif stage is Stage.OPEN and found is not None and found.whose == signed.session.account:
        answer = shown(request, found, csrf)
    else:
        # Of another person's work nothing is told.
        answer = go(request, "/account/password" if stage is Stage.NEW_PASSWORD else "/")
    return keep(request, answer, signed)


def _refused(request: Request, error: SignInRefused) -> str:
    count_failure(request, str(error))
    return messages_of(request).error(error)
