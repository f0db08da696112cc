"""People sign in to the console, with a password and a code, or by the company's own sign-in."""

import logging
import secrets
import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256

from quitus_collector.domain.account import (
    FAILURES_WINDOW,
    MAX_FAILURES,
    SESSION,
    Account,
    Permission,
    Role,
    Session,
    Stage,
    approves,
)
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.job import Job
from quitus_collector.errors import ChangedMeanwhile, SignInRefused, StoreError, UsageError
from quitus_collector.services import duties, known_devices
from quitus_collector.services.account_ports import Letters, PasswordHasher, SecondFactor
from quitus_collector.services.attempts import Attempts
from quitus_collector.services.known_devices import Origin
from quitus_collector.services.ports import Clock, Store, UnitOfWork
from quitus_collector.services.wording import CHANGED, N_

log = logging.getLogger(__name__)
MIN_PASSWORD, MAX_PASSWORD = 12, 256
# How long a password that another person made is good for choosing one's own.
FIRST_PASSWORD = timedelta(days=7)
# A click is written down at most so often: pages are read far more often than that.
SEEN_EVERY = timedelta(minutes=1)
NOWHERE = Origin()
LOCKED = N_("too many wrong passwords or codes: locked for a while")
COMPANY = N_("the company's sign-in")
WRONG = N_("the name, the password or the code is wrong")
ENDED = N_("your session was ended meanwhile: sign in again")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session with the secret that the browser keeps, which is shown this once."""

    secret: str
    session: Session
    account: Account


def _no_letters(addresses: Collection[str], event: Event) -> Sequence[tuple[Job, bytes]]:
    return ()


@dataclass(frozen=True, slots=True)
class Door:
    """What signing in works with."""

    store: Store
    clock: Clock
    hasher: PasswordHasher
    factor: SecondFactor
    # No account both edits and approves.
    apart: bool = True
    # For how long nothing is approved by an account that an administrator made able to.
    approver_wait: timedelta = timedelta(hours=24)
    letters: Letters = _no_letters
    # What browsers keep is proven with.
    key: bytes = b""
    # How long a session lasts of who signed in by the company's own service.
    company_session: timedelta = SESSION
    tries: Attempts = field(default_factory=lambda: Attempts(MAX_FAILURES, FAILURES_WINDOW))


def make_account(
    door: Door,
    name: str,
    full_name: str,
    roles: Collection[Role],
    *,
    actor: str,
    function: str = "",
    email: str = "",
    language: str = "fr",
    reason: str = "",
) -> tuple[Account, str]:
    """A new account with a first password, which is shown this once; raises UsageError.

    The person has to choose another one with it. One that approves is made for a reason, and told
    to those who do.
    """
    name = name.strip()
    if not name or len(name) > 64 or not all(c.isalnum() or c in ".-_@+" for c in name):
        raise UsageError(
            "{name!r} is not a name to sign in with: letters, digits and . - _ @ +, at most 64",
            name=name,
        )
    duties.must_be_apart(roles, apart=door.apart)
    if approves(roles):
        duties.must_say_why(name, reason)
    password, now = secrets.token_urlsafe(12), door.clock.now()
    account = Account(
        id=secrets.token_hex(8),
        name=name,
        full_name=full_name.strip() or name,
        roles=frozenset(roles),
        made_at=now,
        function=function.strip(),
        email=email.strip(),
        language=language,
        password_hash=door.hasher.hash(password),
        password_ends_at=now + FIRST_PASSWORD,
    )
    with door.store.writing() as work:
        work.accounts.hold()
        detail = {"roles": ", ".join(sorted(roles))}
        if not approves(roles):
            work.accounts.add(account)
            work.audit.add(Event(now, Kind.ACCOUNT_MADE, actor, account.actor, detail))
            return account, password
        detail |= {"what": duties.GIVEN, "reason": reason}
        duties.tell(work, door.letters, Event(now, Kind.ACCOUNT_MADE, actor, account.actor, detail))
        begins = duties.approving_from(work, account, now, door.approver_wait)
        account = replace(account, approves_from=begins)
        work.accounts.add(account)
    return account, password


def sign_in(door: Door, name: str, password: str, origin: Origin = NOWHERE) -> SignedIn:
    """A session for who knows the password; raises SignInRefused, always after the same effort.

    What it opens depends on its stage: see Stage.
    """
    now = door.clock.now()
    with door.store.reading() as work:
        account = work.accounts.find(name=name.strip()[:64])
    # As slow for a name that nobody has: how long it takes tells nothing.
    right = door.hasher.matches(account.password_hash if account else "", password[:MAX_PASSWORD])
    if account is None or account.disabled_at or _has_to_wait(door, account, origin, now):
        raise SignInRefused(WRONG)
    if not right:
        _failed(door, account.id, origin, now)
        raise SignInRefused(WRONG)
    if account.password_ends_at and account.password_ends_at <= now:
        raise SignInRefused("the first password is no longer good: ask the administrator for one")
    checked = account.password_hash
    with door.store.writing() as work:
        account = work.accounts.get(account.id)
        if account.disabled_at or account.password_hash != checked:
            # Another one since it was looked at: the old one opens nothing any more.
            raise SignInRefused(WRONG)
        if account.sealed_secret:
            return _begun(work, account, Stage.CODE, now)
        return _opened(work, account, now, origin)


def enter_code(door: Door, session: Session, code: str, origin: Origin = NOWHERE) -> SignedIn:
    """The session after the second factor; raises SignInRefused. The browser gets a new secret."""
    now = door.clock.now()
    with door.store.writing() as work:
        account = _still(work, session)
        step = door.factor.step(account.sealed_secret, code, now)
        # No code is taken twice: who looked over a shoulder cannot use it again.
        waits = _has_to_wait(door, account, origin, now)
        if step is not None and step > account.code_step and not waits:
            work.sessions.remove(session.id)
            return _opened(work, replace(account, code_step=step), now, origin)
    if not waits:
        _failed(door, session.account, origin, now)
    raise SignInRefused(WRONG)


def sign_in_by_company(
    door: Door,
    subject: str,
    name: str,
    full_name: str,
    email: str,
    roles: Collection[Role],
    origin: Origin = NOWHERE,
) -> SignedIn:
    """A session for whom the company's own sign-in vouches for, with the roles that it gives.

    The account is made when the person first comes. Raises SignInRefused without a role, for an
    account that is disabled, where the name is another one's, and for roles that are to be apart.
    """
    now = door.clock.now()
    refused = SignInRefused("your account gives you no part in Quitus: ask the administrator")
    try:
        duties.must_be_apart(roles, apart=door.apart)
    except UsageError as error:
        roles, refused = (), SignInRefused(error.message, **error.values)
    if not roles:
        _shut_out(door, subject, now)
        raise refused
    with door.store.writing() as work:
        known = work.accounts.find(subject=subject)
        if known is None:
            # The same person may come in two tabs at once.
            work.accounts.hold()
            known = work.accounts.find(subject=subject)
        if known is None and work.accounts.find(name=name):
            raise SignInRefused("the name {name!r} is that of another account", name=name)
        account = (
            duties.remembered(known)
            if known
            else Account(secrets.token_hex(8), name, full_name, frozenset(), now)
        )
        if account.disabled_at:
            raise SignInRefused("your account is disabled: ask the administrator")
        told = replace(
            account, subject=subject, full_name=full_name, email=email, roles=frozenset(roles)
        )
        if approves(roles) and not told.approves_from:
            # The company's service says so, and no administrator of Quitus.
            told = replace(told, approves_from=now)
        if told != known:
            detail = {"roles": ", ".join(sorted(roles)), "by": COMPANY}
            kind = Kind.ACCOUNT_CHANGED if known else Kind.ACCOUNT_MADE
            work.accounts.add(told)
            if known and known.roles - told.roles:
                # What the company took away, no session that is open elsewhere keeps.
                detail["sessions_ended"] = str(work.sessions.remove_of(told.id))
            work.audit.add(Event(now, kind, told.actor, told.actor, detail))
        return _opened(work, told, now, origin)


def _shut_out(door: Door, subject: str, now: datetime) -> None:
    """Whom the company gives no part any more keeps no role and no session."""
    with door.store.writing() as work:
        known = work.accounts.find(subject=subject)
        if known is None:
            return
        ended = work.sessions.remove_of(known.id)
        if known.roles or ended:
            work.accounts.add(replace(duties.remembered(known), roles=frozenset()))
            detail = {"roles": "", "by": COMPANY, "sessions_ended": str(ended)}
            work.audit.add(Event(now, Kind.ACCOUNT_CHANGED, known.actor, known.actor, detail))


def visit(door: Door, secret: str) -> tuple[Session, Account] | None:
    """The session that a browser's secret opens, and whose it is; None where it opens nothing."""
    now = door.clock.now()
    with door.store.reading() as work:
        session = work.sessions.find(_digest(secret))
        account = work.accounts.get(session.account) if session else None
    if session is None or account is None or account.disabled_at:
        return None
    longest = door.company_session if account.subject else SESSION
    if session.is_over(now, longest):
        _over(door, session, account, now)
        return None
    return session, duties.acting(account, apart=door.apart)


class Sightings:
    """Writes down that sessions are in use: behind the pages, and never in their way."""

    def __init__(self, door: Door) -> None:
        """Serves several threads."""
        self._door = door
        self._tried: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def is_due(self, session: Session) -> bool:
        """Whether it is worth writing down that the session was seen now."""
        return self._door.clock.now() - session.seen_at >= SEEN_EVERY

    def note(self, session: Session) -> None:
        """Notes it, unless that was tried a moment ago; a database that is away is no hindrance."""
        now = self._door.clock.now()
        with self._lock:
            if now - self._tried.get(session.id, session.seen_at) < SEEN_EVERY:
                return
            # One that waits for the database is enough: threads are for pages.
            lately = {key: at for key, at in self._tried.items() if now - at < SEEN_EVERY}
            self._tried = {**lately, session.id: now}
        try:
            with self._door.store.writing() as work:
                # One that was ended meanwhile stays ended.
                found = work.sessions.find(session.id)
                if found is not None:
                    work.sessions.add(replace(found, seen_at=max(now, found.seen_at)))
        except StoreError as error:
            log.warning("a visit is not written down", extra={"reason": str(error)})


def may_still(
    store: Store, clock: Clock, actor: str, permission: Permission, *, apart: bool
) -> bool:
    """Whether who acts under this name in the audit log, a person or a program, may do so now."""
    now = clock.now()
    with store.reading() as work:
        over = {each.actor for each in work.api_tokens.list() if not each.is_good(now)}
        return actor not in over and permission in duties.allowed(work, actor, apart=apart)


def _over(door: Door, session: Session, account: Account, now: datetime) -> None:
    with door.store.writing() as work:
        if work.sessions.find(session.id) is not None:
            work.sessions.remove(session.id)
            detail = {"reason": N_("it had lasted long enough, or nobody clicked")}
            work.audit.add(Event(now, Kind.SESSION_ENDED, account.actor, account.actor, detail))


def choose_password(
    door: Door, session: Session, old: str, new: str, origin: Origin = NOWHERE
) -> SignedIn:
    """A password of one's own; all other sessions of the account end.

    Raises UsageError for one that will not do, and SignInRefused where the old one is wrong.
    """
    now = door.clock.now()
    with door.store.reading() as work:
        account = work.accounts.get(session.account)
    # As at the door: a session that was stolen guesses no more than a stranger.
    is_right = door.hasher.matches(account.password_hash, old[:MAX_PASSWORD])
    if _has_to_wait(door, account, origin, now):
        raise SignInRefused(WRONG)
    if not is_right:
        _failed(door, account.id, origin, now)
        raise SignInRefused(WRONG)
    check_password(new, account.name)
    if new == old:
        raise UsageError("the new password is the old one: choose another")
    hashed = door.hasher.hash(new)
    checked = account.password_hash
    with door.store.writing() as work:
        account = _still(work, session)
        if account.password_hash != checked:
            raise SignInRefused(ENDED)
        account = replace(account, password_hash=hashed, password_ends_at=None)
        detail = {"sessions_ended": str(work.sessions.remove_of(account.id))}
        work.audit.add(Event(now, Kind.PASSWORD_CHANGED, account.actor, account.actor, detail))
        return _opened(work, account, now, origin)


def check_password(password: str, name: str) -> None:
    """Raises UsageError for a password that is too short, too long, or says the name."""
    if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
        raise UsageError(
            "a password has {min_password} to {max_password} characters: this one has {number}",
            min_password=MIN_PASSWORD,
            max_password=MAX_PASSWORD,
            number=len(password),
        )
    if len(set(password)) < 5 or name.casefold() in password.casefold():
        raise UsageError("the password is too easy to guess: choose another")


def set_factor(door: Door, session: Session, sealed: str, code: str) -> None:
    """A second factor, proven by its first code; raises SignInRefused for a wrong one.

    Raises UsageError where there is one: who finds a session open must not put his own in its
    place.
    """
    now = door.clock.now()
    with door.store.writing() as work:
        # Locked: of two that are set at once the first one stays.
        account = _still(work, session)
        if account.sealed_secret:
            raise UsageError("there is a second factor already: an administrator takes it off")
        step = door.factor.step(sealed, code, now)
        if step is None:
            raise SignInRefused(
                "the code is not right: look at the application's clock and try again"
            )
        account = replace(account, sealed_secret=sealed, code_step=step)
        work.accounts.add(account)
        ended = work.sessions.remove_of(account.id, but=session.id)
        detail = {"sessions_ended": str(ended)}
        work.audit.add(Event(now, Kind.SECOND_FACTOR_SET, account.actor, account.actor, detail))


def reset(door: Door, name: str, *, actor: str, reason: str = "") -> str:
    """A first password again, and no second factor: all sessions end. Raises UsageError.

    Of someone who approves for a reason alone; those who do are told, and nothing is approved by
    the account for a while.
    """
    now, password = door.clock.now(), secrets.token_urlsafe(12)
    hashed = door.hasher.hash(password)
    with door.store.writing() as work:
        work.accounts.hold()
        account = _named(work, name)
        if account.subject:
            raise UsageError("{name} signs in with the company's own service", name=account.name)
        # Whoever never signed in has no place that somebody else could take.
        is_new = account.signed_in_at is None
        work.accounts.add(
            replace(
                account,
                password_hash=hashed,
                password_ends_at=now + FIRST_PASSWORD,
                sealed_secret="",
                failed_until=None,
                unlocked_at=now,
                approves_from=account.approves_from if is_new else now + door.approver_wait,
            )
        )
        ended = work.sessions.remove_of(account.id)
        detail = {"what": duties.RESET, "reason": reason, "sessions_ended": str(ended)}
        event = Event(now, Kind.ACCOUNT_CHANGED, actor, account.actor, detail)
        if approves(account.roles):
            duties.must_say_why(account.name, reason)
            duties.tell(work, door.letters, event)
        else:
            work.audit.add(event)
    return password


def fingerprint(account: Account) -> str:
    """Another one for every change of what an administrator decides of an account."""
    decided = sorted(account.roles), account.disabled_at
    return sha256(repr(decided).encode()).hexdigest()[:32]


def change(
    door: Door,
    name: str,
    *,
    roles: Collection[Role] | None = None,
    is_disabled: bool | None = None,
    reason: str = "",
    actor: str,
    on_behalf_of: str = "",
    seen: str = "",
) -> Account:
    """Other roles, or shut out, or let in again; sessions end. Raises UsageError.

    ChangedMeanwhile where it is not as its fingerprint `seen` says. The last administrator stays
    one. Nobody gives roles to the own account, nor does a program to the account of who made its
    token, `on_behalf_of`.
    """
    now = door.clock.now()
    with door.store.writing() as work:
        # Two who shut each other out would leave nobody.
        work.accounts.hold()
        before = account = _named(work, name)
        if seen not in ("", fingerprint(account)):
            raise ChangedMeanwhile(CHANGED, name=account.name)
        if roles is not None:
            if account.actor in (actor, on_behalf_of) and frozenset(roles) != account.roles:
                raise UsageError("nobody changes the own roles: another administrator does")
            duties.must_be_apart(roles, apart=door.apart)
            account = replace(account, roles=frozenset(roles))
        if is_disabled is not None:
            account = replace(account, disabled_at=now if is_disabled else None)
        left = [each for each in work.accounts.list() if each.id != account.id] + [account]
        if not any(Role.ADMINISTRATOR in each.roles and not each.disabled_at for each in left):
            raise UsageError("{name} is the last administrator", name=account.name)
        if account != before:
            _changed(door, work, before, account, reason, actor)
    return account


def _changed(
    door: Door, work: UnitOfWork, before: Account, account: Account, reason: str, actor: str
) -> None:
    now = door.clock.now()
    detail = {
        "roles": ", ".join(sorted(account.roles)),
        "disabled": "yes" if account.disabled_at else "no",
        "reason": reason,
    }
    what = duties.what_changed(before, account)
    if what:
        duties.must_say_why(account.name, reason)
    if what == duties.GIVEN:
        begins = duties.approving_from(work, account, now, door.approver_wait)
        account = replace(account, approves_from=begins)
    elif what and not account.approves_from:
        account = replace(account, approves_from=duties.remembered(before).approves_from)
    before_it = _programs(door, work, account)
    work.accounts.add(account)
    if lost := sorted(before_it - _programs(door, work, account)):
        detail["programs"] = ", ".join(dict(lost))[:255]
    detail["sessions_ended"] = str(work.sessions.remove_of(account.id))
    event = Event(now, Kind.ACCOUNT_CHANGED, actor, account.actor, detail)
    if what:
        duties.tell(work, door.letters, replace(event, detail=detail | {"what": what}))
    else:
        work.audit.add(event)


def _programs(door: Door, work: UnitOfWork, account: Account) -> set[tuple[str, str]]:
    """What programs may do by tokens that the account made, or that those made: label and scope."""
    now = door.clock.now()
    return {
        (each.label, scope)
        for each in work.api_tokens.list()
        if each.is_good(now) and (maker := duties.answerable(work, each.actor))
        if maker.id == account.id
        for scope in duties.scopes_of(work, each, apart=door.apart)
    }


def unlock(door: Door, name: str, *, actor: str) -> Account:
    """Forgets the wrong passwords and codes of an account, wherever they came from."""
    now = door.clock.now()
    with door.store.writing() as work:
        account = replace(_named(work, name), failed_until=None, unlocked_at=now)
        work.accounts.add(account)
        work.audit.add(Event(now, Kind.UNLOCKED, actor, account.actor))
    return account


def seen(door: Door, account: Account, number: int) -> None:
    """The person has seen what was told up to this entry of the audit log."""
    with door.store.writing() as work:
        account = work.accounts.get(account.id)
        left = tuple(each for each in account.alerts if each > number)
        work.accounts.add(replace(account, alerts=left))


def _named(work: UnitOfWork, name: str) -> Account:
    account = work.accounts.find(name=name)
    if account is None:
        raise UsageError("there is no account {name}", name=name)
    return account


def speak(door: Door, account: Account, language: str) -> None:
    """The language of an account's pages."""
    with door.store.writing() as work:
        work.accounts.add(replace(work.accounts.get(account.id), language=language))


def sign_out(door: Door, session: Session) -> None:
    """Ends a session."""
    with door.store.writing() as work:
        account = work.accounts.get(session.account)
        work.sessions.remove(session.id)
        work.sessions.remove_before(door.clock.now() - SESSION)
        work.audit.add(Event(door.clock.now(), Kind.SIGNED_OUT, account.actor))


def _opened(work: UnitOfWork, account: Account, now: datetime, origin: Origin) -> SignedIn:
    """Past every factor: to the pages, or to choosing a password first."""
    account = account.succeeded(now)
    work.accounts.add(account)
    stage = Stage.NEW_PASSWORD if account.password_ends_at else Stage.OPEN
    begun = _begun(work, account, stage, now)
    detail = {"address": origin.address} if origin.address else {}
    work.audit.add(Event(now, Kind.SIGNED_IN, account.actor, detail=detail))
    return begun


def _begun(work: UnitOfWork, account: Account, stage: Stage, now: datetime) -> SignedIn:
    secret = secrets.token_urlsafe(32)
    session = Session(_digest(secret), account.id, stage, now, now)
    work.sessions.add(session)
    return SignedIn(secret, session, account)


def is_known_device(door: Door, name: str, device: str) -> bool:
    """Whether the account of this name signed in from this browser before."""
    with door.store.reading() as work:
        account = work.accounts.find(name=name.strip()[:64])
    return account is not None and known_devices.is_known(door.key, account, device)


def device_of(door: Door, account: Account) -> str:
    """What the browser keeps, to be known again."""
    return known_devices.issue(door.key, account)


def _has_to_wait(door: Door, account: Account, origin: Origin, now: datetime) -> bool:
    """Whether no password is taken from there now, not even the right one."""
    known = known_devices.is_known(door.key, account, origin.device)
    place = known_devices.place(account, origin, known=known)
    return bool(door.tries.wait(place, now)) or (not known and account.is_slowed(now))


def _failed(door: Door, account_id: str, origin: Origin, now: datetime) -> None:
    with door.store.writing() as work:
        account = work.accounts.get(account_id)
        known = known_devices.is_known(door.key, account, origin.device)
        door.tries.failed(known_devices.place(account, origin, known=known), now)
        if not known:
            account = account.failed(now)
            work.accounts.add(account)
        if _has_to_wait(door, account, origin, now):
            detail = {"reason": LOCKED, "address": origin.address}
            work.audit.add(Event(now, Kind.REFUSED, account.actor, detail=detail))


def _still(work: UnitOfWork, session: Session) -> Account:
    """Whose session it is, locked; raises SignInRefused where somebody ended it meanwhile."""
    account = work.accounts.get(session.account)
    if account.disabled_at or work.sessions.find(session.id) is None:
        raise SignInRefused(ENDED)
    return account


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
