"""Accounts of people and tokens of programs."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from quitus_collector.domain.account import Account, APIToken, Permission, Role
from quitus_collector.services import api_tokens, duties
from quitus_collector.services.ports import UnitOfWork
from quitus_collector.web.api.calls import Body, Call, Calls, Prose, Word, found
from quitus_collector.web.api.paging import Cursor, Limit, Page, paged
from quitus_collector.wiring import accounts

router = Calls("accounts")


class AccountShown(BaseModel):
    """A person who may sign in; nothing of the password."""

    name: str
    full_name: str
    roles: list[Role]
    function: str
    email: str
    by_company: bool
    second_factor: bool
    signed_in_at: datetime | None
    disabled_at: datetime | None


class AccountWanted(Body):
    """A new account."""

    name: Word
    full_name: Word = ""
    roles: Annotated[list[Role], Field(min_length=1)]
    function: Word = ""
    email: Word = ""
    reason: Prose = ""


class ResetWanted(Body):
    """Why, which who approves is told."""

    reason: Prose = ""


class AccountMade(BaseModel):
    """An account and its first password, which is good for choosing one's own within a week."""

    account: AccountShown
    first_password: str


class FirstPassword(BaseModel):
    """Shown this once."""

    first_password: str


class AccountChange(Body):
    """What is not named stays as it is."""

    roles: Annotated[list[Role], Field(min_length=1)] | None = None
    disabled: bool | None = None
    reason: Prose = ""


class TokenShown(BaseModel):
    """What a program calls with; its secret is not shown again.

    `scopes_now` are those that it opens now: never more than who made it may do.
    """

    id: str
    label: str
    scopes: list[Permission]
    scopes_now: list[Permission]
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None


class TokenWanted(Body):
    """A new token; its scopes are what one role may, or less."""

    label: Word
    scopes: Annotated[list[Permission], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=730)] = 90


class TokenMade(BaseModel):
    """A token and its secret, which is shown this once."""

    token: TokenShown
    secret: str


@router.call("GET", "/accounts", Permission.ADMINISTER)
def list_accounts(call: Call, cursor: Cursor = "", limit: Limit = 100) -> Page[AccountShown]:
    """Sorted by name."""
    with call.collector.store.reading() as work:
        listed = work.accounts.list()
    shown, following = paged(
        listed, lambda each: f"{each.name.casefold()}\0{each.id}", cursor, limit
    )
    return Page(items=[_account(each) for each in shown], next=following)


@router.call("POST", "/accounts", Permission.ADMINISTER, status=201)
def make_account(call: Call, wanted: AccountWanted) -> AccountMade:
    """Makes an account."""
    account, password = accounts.add(
        call.collector,
        wanted.name,
        wanted.full_name,
        wanted.roles,
        function=wanted.function,
        email=wanted.email,
        reason=wanted.reason,
    )
    return AccountMade(account=_account(account), first_password=password)


@router.call("PATCH", "/accounts/{name}", Permission.ADMINISTER)
def change_account(call: Call, name: Word, change: AccountChange) -> AccountShown:
    """Gives other roles, shuts out or lets in again; sessions of the account end."""
    _known(call, name)
    changed = accounts.change(
        call.collector,
        name,
        roles=change.roles,
        is_disabled=change.disabled,
        reason=change.reason,
        on_behalf_of=call.token.made_by,
    )
    return _account(changed)


@router.call("POST", "/accounts/{name}/reset", Permission.ADMINISTER)
def reset_account(call: Call, name: Word, wanted: ResetWanted | None = None) -> FirstPassword:
    """Makes another first password, and takes the second factor off."""
    _known(call, name)
    reason = wanted.reason if wanted else ""
    return FirstPassword(first_password=accounts.reset(call.collector, name, reason=reason))


@router.call("POST", "/accounts/{name}/unlock", Permission.ADMINISTER)
def unlock_account(call: Call, name: Word) -> AccountShown:
    """Forgets wrong passwords and codes."""
    _known(call, name)
    return _account(accounts.unlock(call.collector, name))


@router.call("GET", "/tokens", Permission.ADMINISTER)
def list_tokens(call: Call, cursor: Cursor = "", limit: Limit = 100) -> Page[TokenShown]:
    """Sorted by id; those that are over too."""
    with call.collector.store.reading() as work:
        listed = sorted(work.api_tokens.list(), key=lambda each: each.id)
        shown, following = paged(listed, lambda each: each.id, cursor, limit)
        items = [_token(each, _scopes_now(call, work, each)) for each in shown]
    return Page(items=items, next=following)


@router.call("POST", "/tokens", Permission.ADMINISTER, status=201)
def make_token(call: Call, wanted: TokenWanted) -> TokenMade:
    """Makes a token."""
    collector = call.collector
    token, secret = api_tokens.make(
        collector.store,
        collector.clock,
        wanted.label,
        wanted.scopes,
        timedelta(days=wanted.days),
        actor=collector.actor,
        apart=collector.config.approval.apart,
    )
    return TokenMade(token=_token(token, token.scopes), secret=secret)


@router.call("POST", "/tokens/{token}/revoke", Permission.ADMINISTER)
def revoke_token(call: Call, token: Word, reason: Annotated[Word, Query()] = "") -> TokenShown:
    """Ends a token at once."""
    collector = call.collector
    with found():
        revoked = api_tokens.revoke(
            collector.store, collector.clock, token, actor=collector.actor, reason=reason
        )
    return _token(revoked, ())


def _scopes_now(call: Call, work: UnitOfWork, token: APIToken) -> Collection[Permission]:
    collector = call.collector
    if not token.is_good(collector.clock.now()):
        return ()
    return duties.scopes_of(work, token, apart=collector.config.approval.apart)


def _known(call: Call, name: str) -> None:
    with call.collector.store.reading() as work, found():
        if work.accounts.find(name=name) is None:
            work.accounts.get(name)


def _account(account: Account) -> AccountShown:
    return AccountShown(
        name=account.name,
        full_name=account.full_name,
        roles=sorted(account.roles),
        function=account.function,
        email=account.email,
        by_company=bool(account.subject),
        second_factor=bool(account.sealed_secret),
        signed_in_at=account.signed_in_at,
        disabled_at=account.disabled_at,
    )


def _token(token: APIToken, scopes_now: Collection[Permission]) -> TokenShown:
    return TokenShown(
        id=token.id,
        label=token.label,
        scopes=sorted(token.scopes),
        scopes_now=sorted(scopes_now),
        made_by=token.made_by,
        made_at=token.made_at,
        expires_at=token.expires_at,
        used_at=token.used_at,
        revoked_at=token.revoked_at,
    )
