"""Programs call the API with tokens: made by a person, shown once, ended by a date or a person."""

import logging
import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import NamedTuple

from quitus_collector.domain.account import ALLOWED, APIToken, Permission
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.errors import StoreError, UsageError
from quitus_collector.services import duties
from quitus_collector.services.ports import Clock, Store
from quitus_collector.services.wording import N_

log = logging.getLogger(__name__)
# What a secret begins with, so that a search through files finds one that strayed.
PREFIX = "quitus_"
MAX_LASTS = timedelta(days=730)
# A call is written down at most so often.
USED_EVERY = timedelta(minutes=1)


def make(
    store: Store,
    clock: Clock,
    label: str,
    scopes: Collection[Permission],
    lasts: timedelta,
    *,
    actor: str,
    apart: bool = True,
) -> tuple[APIToken, str]:
    """A token and its secret, which is shown this once; raises UsageError.

    Duties are separate for programs too: no token may do more than one role allows, nor more than
    who makes it, now or later.
    """
    now, label, wanted = clock.now(), label.strip(), frozenset(scopes)
    if not label or len(label) > 64 or not label.isprintable():
        raise UsageError(N_("a token is called something, in at most 64 characters"))
    if not wanted:
        raise UsageError(N_("a token without a scope opens nothing: give it one"))
    if not any(wanted <= allowed for allowed in ALLOWED.values()):
        raise UsageError(
            N_("no role may do all of {scopes}: make several tokens"),
            scopes=", ".join(sorted(wanted)),
        )
    if not timedelta() < lasts <= MAX_LASTS:
        raise UsageError(N_("a token is good for {days} days at most"), days=MAX_LASTS.days)
    secret = PREFIX + secrets.token_urlsafe(32)
    token = APIToken(
        id=secrets.token_hex(8),
        label=label,
        secret_sha256=_digest(secret),
        scopes=wanted,
        made_by=actor,
        made_at=now,
        expires_at=now + lasts,
    )
    with store.writing() as work:
        # Two that are called the same at once: the second waits, and sees the first.
        work.accounts.hold()
        beyond = wanted - duties.allowed(work, actor, apart=apart)
        if beyond:
            raise UsageError(
                N_("no token may do more than who makes it: {scopes}"),
                scopes=", ".join(sorted(beyond)),
            )
        if any(each.label == label for each in work.api_tokens.list()):
            # The audit log and jobs name programs by their labels: of one that ended, too.
            raise UsageError(N_("there is or was a token {label}: give another name"), label=label)
        work.api_tokens.add(token)
        detail = {"scopes": ", ".join(sorted(wanted)), "until": token.expires_at.isoformat()}
        work.audit.add(Event(now, Kind.API_TOKEN_MADE, actor, token.actor, detail))
    return token, secret


def revoke(store: Store, clock: Clock, token_id: str, *, actor: str, reason: str = "") -> APIToken:
    """Ends a token at once; raises UsageError for one that is not there."""
    now = clock.now()
    with store.writing() as work:
        found = next((each for each in work.api_tokens.list() if each.id == token_id), None)
        if found is None:
            raise UsageError(N_("there is no token {id}"), id=token_id)
        if found.revoked_at is None:
            found = replace(found, revoked_at=now)
            work.api_tokens.add(found)
            detail = {"reason": reason} if reason else {}
            work.audit.add(Event(now, Kind.API_TOKEN_REVOKED, actor, found.actor, detail))
    return found


class Found(NamedTuple):
    """A good token with the scopes that it has now, and those that its maker lost."""

    token: APIToken
    lost: frozenset[Permission]


def find(store: Store, clock: Clock, secret: str, *, apart: bool = True) -> Found | None:
    """The token whose secret this is; None where it was never one, was revoked or is over.

    Where who made it may do nothing of it any more, it has no scope.
    """
    now = clock.now()
    with store.reading() as work:
        token = work.api_tokens.find(_digest(secret))
        if token is None or not token.is_good(now):
            return None
        scopes = duties.scopes_of(work, token, apart=apart)
    if token.used_at is None or now - token.used_at >= USED_EVERY:
        try:
            with store.writing() as work:
                # Read again: it may have been revoked since.
                again = work.api_tokens.find(_digest(secret))
                if again is None or not again.is_good(now):
                    return None
                work.api_tokens.add(replace(again, used_at=now))
        except StoreError as error:
            # What only reads is answered all the same.
            log.warning("a call is not written down", extra={"reason": str(error)})
    return Found(replace(token, scopes=scopes), token.scopes - scopes)


def _digest(secret: str) -> str:
    # 256 bits from the system's generator: nothing that a slow hash would make harder to guess.
    return sha256(secret.encode("utf-8", "replace")).hexdigest()
