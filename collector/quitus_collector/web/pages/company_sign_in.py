"""Signing in by the company's own service, and out of it: the browser goes there and comes back."""

import hmac
from datetime import timedelta

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from quitus_collector.adapters.signing_in.oidc import CompanySignIn
from quitus_collector.errors import SignInRefused, TooManyAttempts
from quitus_collector.services import signing_in as service
from quitus_collector.services.wording import N_
from quitus_collector.web.addresses import address_of
from quitus_collector.web.pages import signing_in
from quitus_collector.web.rendering import go, messages_of, page
from quitus_collector.wiring.console import Console

# What nobody has to be signed in for.
public = APIRouter(include_in_schema=False)
# What was asked, in the browser that asked: whoever comes back with another one began elsewhere.
ASKED = "__Host-quitus-asked"
LASTS_S = 600


@public.get("/sign-in/company")
def begin(request: Request, next: str = "") -> Response:
    """Sends the browser to the company's sign-in."""
    try:
        begun = _company(request).begin()
    except SignInRefused as error:
        return _refused(request, error)
    answer = RedirectResponse(begun.address, status_code=303)
    answer.set_cookie(
        ASKED,
        ".".join((begun.state, begun.nonce, begun.verifier)),
        secure=True,
        httponly=True,
        samesite="lax",
        max_age=LASTS_S,
        path="/",
    )
    wanted = signing_in.ours(next)
    if wanted:
        answer.set_cookie(
            signing_in.NEXT, wanted, secure=True, httponly=True, samesite="lax", max_age=LASTS_S
        )
    return answer


@public.get("/sign-in/company/return")
def finish(
    request: Request, code: str = "", state: str = "", iss: str = "", error: str = ""
) -> Response:
    """Opens a session for whom the company's sign-in vouches for."""
    console: Console = request.app.state.console
    now, address = console.collector.clock.now(), address_of(request)
    wait, is_begun_here = console.returns.wait(address, now), False
    try:
        company = _company(request)
        if wait:
            raise TooManyAttempts(signing_in.TOO_MANY, minutes=-(-wait // timedelta(minutes=1)))
        if error:
            raise SignInRefused(N_("the company’s sign-in did not let you in"))
        asked = request.cookies.get(ASKED, "").split(".")
        if len(asked) != 3 or not hmac.compare_digest(asked[0].encode(), state.encode()):
            raise SignInRefused(
                N_("this sign-in was begun elsewhere, or too long ago: begin again")
            )
        is_begun_here = True
        person = company.finish(code, iss, asked[1], asked[2])
        signed = service.sign_in_by_company(
            console.door,
            person.subject,
            person.name,
            person.full_name,
            person.email,
            person.roles,
            signing_in.origin_of(request),
        )
    except SignInRefused as refused:
        if is_begun_here:
            # What another site makes a browser open counts for nothing: the provider is not asked.
            console.returns.failed(address, now)
        return _refused(request, refused)
    wanted = signing_in.ours(request.cookies.get(signing_in.NEXT, ""))
    answer = signing_in.keep(request, go(request, wanted or "/"), signed)
    answer.delete_cookie(ASKED, secure=True, httponly=True)
    return answer


@public.get("/sign-in/company/end")
def end(request: Request) -> Response:
    """Sends the browser to where one signs out of the company's sign-in."""
    try:
        place = _company(request).end()
    except SignInRefused as error:
        return _refused(request, error)
    return RedirectResponse(place, status_code=303) if place else go(request, "/sign-in")


def _company(request: Request) -> CompanySignIn:
    console: Console = request.app.state.console
    if console.company_sign_in is None:
        raise SignInRefused(N_("there is no company’s sign-in here: use a password"))
    return console.company_sign_in


def _refused(request: Request, error: SignInRefused) -> Response:
    signing_in.note_refusal(request, str(error))
    context = {"next": "", "said": messages_of(request).error(error), "name": "", "out": False}
    answer = page(request, "sign_in.html", context, status=401)
    answer.delete_cookie(ASKED, secure=True, httponly=True)
    return answer
