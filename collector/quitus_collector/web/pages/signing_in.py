"""Signing in, choosing a password, a second factor, signing out."""

from datetime import timedelta
from typing import Annotated
from urllib.parse import urlsplit

import segno
from fastapi import APIRouter, Form, Request, Response
from markupsafe import Markup

from quitus_collector.adapters.messages import LANGUAGES
from quitus_collector.domain.account import Stage
from quitus_collector.errors import SignInRefused, TooManyAttempts, UsageError
from quitus_collector.services import signing_in
from quitus_collector.services.known_devices import Origin
from quitus_collector.services.signing_in import SignedIn
from quitus_collector.services.wording import N_
from quitus_collector.web.addresses import address_of
from quitus_collector.web.rendering import LANGUAGE_COOKIE, go, messages_of, page
from quitus_collector.web.visits import COOKIE, Pages, Visit, must_be_same_site
from quitus_collector.wiring.console import Console

router = Pages()
# What nobody has to sign in for.
public = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=1024)]


@public.get("/sign-in")
def sign_in_page(request: Request, next: str = "", out: str = "") -> Response:
    """The form; `out` is set for who has just signed out, by the company's sign-in."""
    context = {"next": ours(next), "said": "", "name": "", "out": out == "company"}
    return page(request, "sign_in.html", context)


@public.post("/sign-in")
def sign_in(request: Request, name: Text, password: Text, next: Text = "") -> Response:
    """Opens a session, or says that it does not."""
    must_be_same_site(request)
    console: Console = request.app.state.console
    must_not_wait(request, name)
    try:
        signed = signing_in.sign_in(console.door, name, password, origin_of(request))
    except SignInRefused as error:
        count_failure(request, str(error))
        said = messages_of(request).error(error)
        context = {"next": ours(next), "said": said, "name": name, "out": False}
        return page(request, "sign_in.html", context, status=401)
    path = {Stage.CODE: "/sign-in/code", Stage.NEW_PASSWORD: "/account/password"}
    there = path.get(signed.session.stage, ours(next) or "/")
    return keep(request, go(request, there), signed, next)


@router.page("/sign-in/code", None, stage=Stage.CODE)
def code_page(request: Request, visit: Visit) -> Response:
    """Asks for the second factor."""
    return page(request, "sign_in_code.html", {"said": ""})


@router.form("/sign-in/code", None, stage=Stage.CODE)
def enter_code(request: Request, visit: Visit, code: Text) -> Response:
    """Opens the pages with the second factor."""
    must_not_wait(request, visit.account.name)
    try:
        signed = signing_in.enter_code(visit.console.door, visit.session, code, origin_of(request))
    except SignInRefused as error:
        count_failure(request, str(error))
        said = messages_of(request).error(error)
        return page(request, "sign_in_code.html", {"said": said}, status=401)
    wanted = ours(request.cookies.get(NEXT, ""))
    path = "/account/password" if signed.session.stage is Stage.NEW_PASSWORD else wanted or "/"
    return keep(request, go(request, path), signed)


@router.page("/account/password", None, stage=Stage.NEW_PASSWORD)
def first_password_page(request: Request, visit: Visit) -> Response:
    """Asks for a password of one's own."""
    return page(request, "password.html", {"said": "", "is_first": True})


@router.form("/account/password", None, stage=Stage.NEW_PASSWORD)
def first_password(request: Request, visit: Visit, old: Text, new: Text, again: Text) -> Response:
    """Takes a password of one's own."""
    return _choose(request, visit, old, new, again, is_first=True)


@router.page("/account", None)
def account_page(request: Request, visit: Visit) -> Response:
    """What a person may change of the own account."""
    return page(request, "account.html", {"said": "", **_new_factor(visit)})


@router.form("/account/new-password", None)
def new_password(request: Request, visit: Visit, old: Text, new: Text, again: Text) -> Response:
    """Takes another password."""
    return _choose(request, visit, old, new, again, is_first=False)


@router.form("/account/factor", None)
def set_factor(request: Request, visit: Visit, sealed: Text, code: Text) -> Response:
    """Takes a second factor, proven by a code."""
    try:
        signing_in.set_factor(visit.console.door, visit.session, sealed, code)
    except SignInRefused as error:
        context = {"said": messages_of(request).error(error), **_new_factor(visit, sealed)}
        return page(request, "account.html", context, status=422)
    return go(request, "/account")


@router.form("/account/alerts", None)
def seen(visit: Visit, request: Request, number: Annotated[int, Form(ge=0, lt=2**63)]) -> Response:
    """Takes what was told off the overview."""
    signing_in.seen(visit.console.door, visit.account, number)
    return go(request, "/")


@router.form("/account/language", None)
def choose_language(request: Request, visit: Visit, language: Text) -> Response:
    """The language of the account's pages."""
    if language in LANGUAGES:
        signing_in.speak(visit.console.door, visit.account, language)
    return go(request, "/account")


@public.post("/language")
def language(request: Request, language: Text) -> Response:
    """The language of who is not signed in."""
    must_be_same_site(request)
    answer = go(request, "/sign-in")
    if language in LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, secure=True, httponly=True, samesite="lax")
    return answer


@router.form("/sign-out", None)
def sign_out(request: Request, visit: Visit) -> Response:
    """Ends the session."""
    signing_in.sign_out(visit.console.door, visit.session)
    # A form leads nowhere else by itself: that one signs out there too is a link on that page.
    answer = go(request, "/sign-in?out=company" if visit.account.subject else "/sign-in")
    answer.delete_cookie(COOKIE, secure=True, httponly=True)
    return answer


NEXT = "__Host-quitus-next"
TOO_MANY = N_("too many attempts from your address: try again in {minutes} minutes")


# That the account signed in from this browser before; for half a year.
DEVICE, DEVICE_LASTS_S = "__Host-quitus-device", 180 * 86_400


def keep(request: Request, answer: Response, signed: SignedIn, wanted: str = "") -> Response:
    """The answer, with what the browser holds of the session."""
    answer.set_cookie(COOKIE, signed.secret, secure=True, httponly=True, samesite="lax", path="/")
    if signed.session.stage is Stage.CODE and ours(wanted):
        answer.set_cookie(NEXT, wanted, secure=True, httponly=True, samesite="lax", max_age=600)
    if signed.session.stage is Stage.OPEN and signed.account.password_hash:
        console: Console = request.app.state.console
        device = signing_in.device_of(console.door, signed.account)
        lasts = DEVICE_LASTS_S
        answer.set_cookie(
            DEVICE, device, secure=True, httponly=True, samesite="lax", max_age=lasts, path="/"
        )
    return answer


def origin_of(request: Request) -> Origin:
    """Where the browser is, and whether it is known."""
    return Origin(address_of(request), request.cookies.get(DEVICE, ""))


def _choose(
    request: Request, visit: Visit, old: str, new: str, again: str, *, is_first: bool
) -> Response:
    try:
        if new != again:
            raise UsageError("the new password is not the same both times")
        signed = signing_in.choose_password(
            visit.console.door, visit.session, old, new, origin_of(request)
        )
    except (UsageError, SignInRefused) as error:
        context = {"said": messages_of(request).error(error), "is_first": is_first}
        return page(request, "password.html", context, status=422)
    return keep(request, go(request, "/"), signed)


def _new_factor(visit: Visit, sealed: str = "") -> dict[str, object]:
    """A second factor to be set; none where there is one."""
    if visit.account.sealed_secret or not visit.account.password_hash:
        return {"factor": None}
    factor = visit.console.door.factor
    sealed = sealed or factor.make()[1]
    address = factor.address(sealed, visit.account.name)
    secret = dict(part.split("=") for part in urlsplit(address).query.split("&"))["secret"]
    drawn = segno.make(address, error="m").svg_data_uri(scale=4, border=2)
    return {"factor": {"sealed": sealed, "secret": secret, "drawn": Markup(drawn)}}  # noqa: S704


def note_refusal(request: Request, reason: str) -> None:
    """Writes down that somebody was not let in."""
    console: Console = request.app.state.console
    console.refusals.note(address_of(request), reason)


def count_failure(request: Request, reason: str) -> None:
    """Of who tries often from one address nothing is looked at for a while."""
    console: Console = request.app.state.console
    console.attempts.failed(address_of(request), console.collector.clock.now())
    note_refusal(request, reason)


def must_not_wait(request: Request, name: str) -> None:
    """Raises TooManyAttempts while the address has to wait, unless the browser is known."""
    console: Console = request.app.state.console
    if signing_in.is_known_device(console.door, name, request.cookies.get(DEVICE, "")):
        return
    wait = console.attempts.wait(address_of(request), console.collector.clock.now())
    if wait:
        raise TooManyAttempts(
            TOO_MANY,
            minutes=-(-wait // timedelta(minutes=1)),
        )


def ours(path: str) -> str:
    """The path, if it is one of ours; who is sent elsewhere after signing in would be deceived."""
    parts = urlsplit(path)
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\")) and not parts.netloc
    # Browsers leave tabs and line ends out before they look what an address is.
    return path if is_ours and path.isprintable() and len(path) < 1000 else ""
