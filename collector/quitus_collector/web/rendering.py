"""Pages from templates, in the reader's language; what is put into them is escaped."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from quitus_collector.adapters.kept_sentences import again
from quitus_collector.adapters.messages import LANGUAGES, Messages
from quitus_collector.domain.account import Permission
from quitus_collector.services import wording as services_wording
from quitus_collector.web import charts, wording
from quitus_collector.web.shield import MAX_BODY_BYTES
from quitus_collector.web.visits import Visitor
from quitus_collector.wiring.console import Console

HERE = Path(__file__).parent
STATIC = HERE / "static"
LANGUAGE_COOKIE = "quitus-language"

_environment = Environment(
    loader=FileSystemLoader(HERE / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def asset(name: str) -> str:
    """The address of a file of ours; another one after it changed, so that it may be kept."""
    return f"/static/{name}?{_digest(name)}"


@cache
def _digest(name: str) -> str:
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]


_environment.globals.update(
    asset=asset, charts=charts, wording=services_wording, Permission=Permission
)


def messages_of(request: Request) -> Messages:
    """In the language of the account, or of who has none: chosen, asked for, the company's."""
    console: Console = request.app.state.console
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    if visitor is not None:
        return visitor.collector.messages
    chosen = request.cookies.get(LANGUAGE_COOKIE, "")
    if chosen not in LANGUAGES:
        asked = [each.strip()[:2] for each in request.headers.get("accept-language", "").split(",")]
        chosen = next(
            (each for each in asked if each in LANGUAGES), console.collector.config.language
        )
    return Messages(chosen, console.collector.config.time_zone)


def page(
    request: Request,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> HTMLResponse:
    """The page, whole. For a part alone that htmx asked for, name that part's own template."""
    messages = messages_of(request)
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    values = {
        "request": request,
        "visitor": visitor,
        "csrf": visitor.csrf if visitor else "",
        "messages": messages,
        "language": messages.language,
        "text": messages.text,
        "again": lambda english: again(messages.language, english),
        "count": messages.count,
        "number": messages.number,
        "money": messages.money,
        "moment": messages.moment,
        "day": lambda day: messages.day(day.isoformat() if isinstance(day, date) else day),
        "ago": lambda at: wording.ago(messages, at, datetime.now(at.tzinfo)),
        "say": lambda value: wording.say(messages, value),
        "by_company": request.app.state.console.company_sign_in is not None,
        "most_bytes": MAX_BODY_BYTES,
        "company": request.app.state.console.collector.config.company.name,
        "sections": wording.sections(visitor),
        "here": wording.section_of(request.url.path),
    }
    found = _environment.get_template(template).render({**values, **(context or {})})
    return HTMLResponse(found, status_code=status)


def go(request: Request, path: str) -> Response:
    """To another page after a form; `path` is one of ours."""
    if request.headers.get("hx-request"):
        return Response(status_code=204, headers={"HX-Redirect": path})
    return RedirectResponse(path, status_code=303)


def waiting(request: Request) -> HTMLResponse:
    """Says that what was asked for is being counted; the browser asks again by itself."""
    answer = page(request, "waiting.html", status=202)
    answer.headers["Refresh"] = "2"
    return answer
