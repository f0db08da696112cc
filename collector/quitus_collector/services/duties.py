"""Duties stay separate: who approves edits nothing, and who manages accounts cannot become one."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from quitus_collector.domain.account import Account, APIToken, Permission, Role, approves, mixes
from quitus_collector.domain.audit import Event
from quitus_collector.errors import FilingRefused, UsageError
from quitus_collector.services.account_ports import Letters
from quitus_collector.services.ports import UnitOfWork
from quitus_collector.services.wording import N_

# Notices that one person has not seen yet; older ones are in the audit log all the same.
MOST_ALERTS = 50
GIVEN = N_("given a role that approves")
TAKEN = N_("roles that approve taken away")
RESET = N_("first password made, second factor taken off")
SHUT, LET_IN = N_("disabled"), N_("let in again")
ROLES = N_("other roles")


def must_be_apart(roles: Collection[Role], *, apart: bool) -> None:
    """Raises UsageError for roles that together edit and approve, while duties are apart."""
    if apart and mixes(roles):
        raise UsageError(
            N_("no account may both edit and approve: {roles}; see [approval] apart"),
            roles=", ".join(sorted(roles)),
        )


def must_say_why(name: str, reason: str) -> None:
    """Raises UsageError without a reason."""
    if not reason.strip():
        raise UsageError(
            N_("{name} approves declarations: say why this is changed, for the audit log"),
            name=name,
        )


def approving_from(work: UnitOfWork, account: Account, now: datetime, wait: timedelta) -> datetime:
    """When approvals of an account are taken that has just been given a role that approves.

    At once where nobody ever approved here: there is nobody whose place it could take.
    """
    others = (each for each in work.accounts.list() if each.id != account.id)
    is_first = not any(approves(each.roles) or each.approves_from for each in others)
    return now if is_first and not account.approves_from else now + wait


def remembered(account: Account) -> Account:
    """One that approves since before waits were kept, with a day since when it does.

    Who comes after it takes its place, and is not the first who ever approved.
    """
    if approves(account.roles) and not account.approves_from:
        return replace(account, approves_from=account.made_at)
    return account


def tell(work: UnitOfWork, letters: Letters, event: Event) -> None:
    """Writes the event down, and tells it to all who approve: a notice to each, and a letter."""
    (entry,) = work.audit.add(event)
    told = [each for each in work.accounts.list() if approves(each.roles) and not each.disabled_at]
    for each in sorted(told, key=lambda one: one.id):
        account = work.accounts.get(each.id)
        alerts = (*account.alerts, entry.number)[-MOST_ALERTS:]
        work.accounts.add(replace(account, alerts=alerts))
    for job, content in letters({each.email for each in told if each.email}, event):
        work.jobs.add(job, content)


def what_changed(before: Account, after: Account) -> str:
    """What became of an account that approves or did; empty where that is not touched."""
    did, does = approves(before.roles), approves(after.roles)
    if not (did or does):
        return ""
    if did != does:
        return GIVEN if does else TAKEN
    if bool(before.disabled_at) != bool(after.disabled_at):
        return SHUT if after.disabled_at else LET_IN
    return ROLES if before.roles != after.roles else ""


def must_not_wait(work: UnitOfWork, actor: str, now: datetime) -> None:
    """Raises FilingRefused for an account that an administrator made able to a moment ago.

    It approves, seals, submits and settles nothing; neither does a program whose token it made.
    """
    account = answerable(work, actor)
    if account and account.approves_from and now < account.approves_from:
        raise FilingRefused(
            N_(
                "an administrator gave {name} the role or another password: {name} approves, seals "
                "and submits from {when} UTC on"
            ),
            name=account.name,
            when=f"{account.approves_from:%Y-%m-%d %H:%M}",
        )


def answerable(work: UnitOfWork, actor: str) -> Account | None:
    """The account that acts under this name in the audit log, or that let the program in."""
    made_by = {each.actor: each.made_by for each in work.api_tokens.list()}
    # Each token was made before what it makes: the chain ends.
    while actor in made_by:
        actor = made_by.pop(actor)
    kind, _, name = actor.partition(" ")
    return work.accounts.find(name=name) if kind == "account" else None


def unasked() -> None:
    """Nobody's role can have been lost meanwhile: who asks waits for what is done."""


def allowed(work: UnitOfWork, actor: str, *, apart: bool) -> frozenset[Permission]:
    """All that who acts under this name in the audit log may do now.

    Nothing for an account that is disabled or a token that was revoked; everything for who has the
    machine, whom no account lets in.
    """
    kind, _, name = actor.partition(" ")
    if kind == "account":
        account = work.accounts.find(name=name)
        if account is None or account.disabled_at:
            return frozenset()
        return acting(account, apart=apart).allowed
    if kind == "token":
        token = next((each for each in work.api_tokens.list() if each.actor == actor), None)
        if token is None or token.revoked_at:
            return frozenset()
        return scopes_of(work, token, apart=apart)
    return frozenset(Permission)


def scopes_of(work: UnitOfWork, token: APIToken, *, apart: bool) -> frozenset[Permission]:
    """What a token opens now: never more than who made it may do."""
    return token.scopes & allowed(work, token.made_by, apart=apart)


def acting(account: Account, *, apart: bool) -> Account:
    """The account with the roles that it acts by: of one that mixes, those that approve rest."""
    if not (apart and mixes(account.roles)):
        return account
    return replace(account, roles=frozenset(r for r in account.roles if not approves({r})))
