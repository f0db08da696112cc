"""Tokens: which programs may call the API."""

from datetime import timedelta
from typing import Annotated

from fastapi import Form, Request, Response

from quitus_collector.domain.account import APIToken, Permission
from quitus_collector.errors import UsageError
from quitus_collector.services import api_tokens, duties
from quitus_collector.services.wording import N_
from quitus_collector.web.pages.accounts import Roles, Text
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.wording import PERMISSIONS

router = Pages()
HERE = "/administration/tokens"


@router.page(HERE, Permission.ADMINISTER)
def list_tokens(request: Request, visit: Visit) -> Response:
    """All tokens, those that are over too, and a form for another one."""
    return _page(request, visit)


@router.form(HERE, Permission.ADMINISTER)
def make(
    request: Request,
    visit: Visit,
    label: Text,
    days: Annotated[int, Form(ge=1, le=730)] = 90,
    scopes: Roles = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Makes a token, and shows its secret this once."""
    if not set(scopes) <= set(Permission):
        raise UsageError(N_("a token has scopes that there are"))
    collector = visit.collector
    token, secret = api_tokens.make(
        collector.store,
        collector.clock,
        label,
        [Permission(each) for each in scopes],
        timedelta(days=days),
        actor=collector.actor,
        apart=collector.config.approval.apart,
    )
    return _page(request, visit, token, secret)


@router.form(HERE + "/{token_id}/revoke", Permission.ADMINISTER)
def revoke(request: Request, visit: Visit, token_id: str, reason: Text = "") -> Response:
    """Ends a token at once."""
    collector = visit.collector
    api_tokens.revoke(
        collector.store, collector.clock, token_id, actor=collector.actor, reason=reason
    )
    return go(request, HERE)


def _page(
    request: Request, visit: Visitor, made: APIToken | None = None, secret: str = ""
) -> Response:
    apart = visit.collector.config.approval.apart
    with visit.collector.store.reading() as work:
        listed = work.api_tokens.list()
        now = {each.id: duties.scopes_of(work, each, apart=apart) for each in listed}
    context = {
        "tokens": listed,
        "scopes_now": now,
        "permissions": {each: said for each, said in PERMISSIONS.items() if visit.may(each)},
        "made": made,
        "secret": secret,
        "now": visit.collector.clock.now(),
    }
    return page(request, "api_tokens.html", context)
