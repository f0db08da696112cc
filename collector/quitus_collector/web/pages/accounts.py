"""Accounts: who may sign in, with which roles."""

from typing import Annotated

from fastapi import Form, Request, Response

from quitus_collector.domain.account import ALLOWED, Account, Permission, Role, mixes
from quitus_collector.errors import UsageError
from quitus_collector.services.signing_in import fingerprint
from quitus_collector.services.wording import N_
from quitus_collector.web.rendering import go, page
from quitus_collector.web.visits import Pages, Visit, Visitor
from quitus_collector.web.wording import PERMISSIONS
from quitus_collector.wiring import accounts

router = Pages()
HERE = "/administration/accounts"
Text = Annotated[str, Form(max_length=255)]
Roles = Annotated[list[str], Form(max_length=20)]


@router.page(HERE, Permission.ADMINISTER)
def list_accounts(request: Request, visit: Visit) -> Response:
    """All accounts, what roles may, and a form for another account."""
    return _page(request, visit)


@router.form(HERE, Permission.ADMINISTER)
def add(
    request: Request,
    visit: Visit,
    name: Text,
    full_name: Text = "",
    function: Text = "",
    email: Text = "",
    reason: Text = "",
    roles: Roles = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Makes an account, and shows its first password this once."""
    account, password = accounts.add(
        visit.collector,
        name,
        full_name,
        _roles(roles),
        function=function,
        email=email,
        reason=reason,
    )
    return _page(request, visit, account, password)


@router.page(HERE + "/{account_id}", Permission.ADMINISTER)
def show(request: Request, visit: Visit, account_id: str) -> Response:
    """One account, and what may be done with it."""
    return _one(request, _account(visit, account_id))


@router.form(HERE + "/{account_id}/roles", Permission.ADMINISTER)
def give_roles(
    request: Request,
    visit: Visit,
    account_id: str,
    reason: Text = "",
    seen: Text = "",
    roles: Roles = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Gives other roles; the sessions of the account end."""
    account = _account(visit, account_id)
    if account.subject:
        raise UsageError(N_("the company’s sign-in gives {name} its roles"), name=account.name)
    accounts.change(visit.collector, account.name, roles=_roles(roles), reason=reason, seen=seen)
    return go(request, f"{HERE}/{account_id}")


@router.form(HERE + "/{account_id}/access", Permission.ADMINISTER)
def set_access(
    request: Request, visit: Visit, account_id: str, decision: Text, reason: Text = ""
) -> Response:
    """Shuts out or lets in again."""
    if decision not in ("disable", "enable"):
        raise UsageError(N_("an account is disabled or enabled"))
    account = _account(visit, account_id)
    is_disabled = decision == "disable"
    accounts.change(visit.collector, account.name, is_disabled=is_disabled, reason=reason)
    return go(request, f"{HERE}/{account_id}")


@router.form(HERE + "/{account_id}/unlock", Permission.ADMINISTER)
def unlock(request: Request, visit: Visit, account_id: str) -> Response:
    """Forgets wrong passwords and codes."""
    accounts.unlock(visit.collector, _account(visit, account_id).name)
    return go(request, f"{HERE}/{account_id}")


@router.form(HERE + "/{account_id}/reset", Permission.ADMINISTER)
def reset(request: Request, visit: Visit, account_id: str, reason: Text = "") -> Response:
    """Makes another first password, and shows it this once."""
    account = _account(visit, account_id)
    password = accounts.reset(visit.collector, account.name, reason=reason)
    return _one(request, _account(visit, account_id), password)


def _one(request: Request, account: Account, password: str = "") -> Response:
    context = {
        "account": account,
        "roles": list(Role),
        "password": password,
        "seen": fingerprint(account),
    }
    return page(request, "account_of.html", context)


def _page(
    request: Request, visit: Visitor, made: Account | None = None, password: str = ""
) -> Response:
    with visit.collector.store.reading() as work:
        listed = work.accounts.list()
    context = {
        "apart": visit.collector.config.approval.apart,
        "mixed": [each for each in listed if mixes(each.roles)],
        "accounts": listed,
        "roles": list(Role),
        "allowed": ALLOWED,
        "permissions": PERMISSIONS,
        "made": made,
        "password": password,
    }
    return page(request, "accounts.html", context)


def _account(visit: Visitor, account_id: str) -> Account:
    with visit.collector.store.reading() as work:
        return work.accounts.get(account_id)


def _roles(names: list[str]) -> list[Role]:
    if not names or not set(names) <= set(Role):
        raise UsageError(N_("an account has at least one of the roles that there are"))
    return [Role(each) for each in names]
