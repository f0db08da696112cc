"""Who may use the console: accounts, what their roles allow, sessions and tokens of the API."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

# Wrong passwords or codes of one account from one address, or one browser, that are free; they are
# forgotten one by one over the window.
MAX_FAILURES, FAILURES_WINDOW = 5, timedelta(minutes=25)
# Of the account as a whole from unknown browsers: beyond so many, one is taken as one is forgotten.
MANY_FAILURES, FORGET = 50, timedelta(minutes=1)
# Without a click, and in all.
IDLE = timedelta(minutes=30)
SESSION = timedelta(hours=12)


class Permission(StrEnum):
    """What a page or a call asks of who comes.

    DEVICES: see devices and what they report. READ: see position, pools, letters, declarations.
    EDIT: change what is counted, and draft. APPROVE: approve, seal and submit a declaration.
    AUDIT: see who did what. ADMINISTER: accounts, tokens, policies; nothing that is declared.
    """

    DEVICES = "devices"
    READ = "read"
    EDIT = "edit"
    APPROVE = "approve"
    AUDIT = "audit"
    ADMINISTER = "administer"


class Role(StrEnum):
    """What an account is for; one may have several."""

    ADMINISTRATOR = "administrator"
    DSI = "dsi"
    LICENCE_MANAGER = "licence-manager"
    AUDITOR = "auditor"
    SERVICE_DESK = "service-desk"


# Duties are separate: who manages accounts changes no figure, who changes figures approves none.
ALLOWED: dict[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(
        {Permission.DEVICES, Permission.READ, Permission.AUDIT, Permission.ADMINISTER}
    ),
    Role.DSI: frozenset(
        {Permission.DEVICES, Permission.READ, Permission.APPROVE, Permission.AUDIT}
    ),
    Role.LICENCE_MANAGER: frozenset({Permission.DEVICES, Permission.READ, Permission.EDIT}),
    Role.AUDITOR: frozenset({Permission.DEVICES, Permission.READ, Permission.AUDIT}),
    Role.SERVICE_DESK: frozenset({Permission.DEVICES}),
}


def allowed_by(roles: Iterable[Role]) -> frozenset[Permission]:
    """All that one of the roles allows."""
    return frozenset[Permission]().union(*(ALLOWED[role] for role in roles))


def approves(roles: Iterable[Role]) -> bool:
    """Whether one of them approves declarations."""
    return Permission.APPROVE in allowed_by(roles)


def mixes(roles: Iterable[Role]) -> bool:
    """Whether they let one person edit and approve."""
    return {Permission.EDIT, Permission.APPROVE} <= allowed_by(roles)


@dataclass(frozen=True, slots=True)
class Account:
    """A person who signs in: with a password kept here, or through the company's own sign-in.

    `name` is what one signs in with. `full_name` and `function` are as a declaration prints them.
    `password_hash` is empty for who comes through the company's sign-in, whose `subject` is that
    service's own name for the person. `sealed_secret` is the second factor's, encrypted; empty
    without one. With `password_ends_at` the password was made by another person, and is good for
    nothing but choosing one's own until then. Approvals by it are taken from `approves_from` on:
    since when it has the role, or a while after someone else made its password; None where it never
    approved. `alerts` are entries of the audit log that this person has still to see.
    """

    id: str
    name: str
    full_name: str
    roles: frozenset[Role]
    made_at: datetime
    function: str = ""
    email: str = ""
    language: str = "fr"
    password_hash: str = ""
    password_ends_at: datetime | None = None
    subject: str = ""
    sealed_secret: str = ""
    # The step of time that a one-time code was last taken for: none is taken twice.
    code_step: int = 0
    # When all wrong passwords so far will be forgotten; when an administrator forgot them.
    failed_until: datetime | None = None
    unlocked_at: datetime | None = None
    signed_in_at: datetime | None = None
    disabled_at: datetime | None = None
    approves_from: datetime | None = None
    alerts: tuple[int, ...] = ()

    @property
    def allowed(self) -> frozenset[Permission]:
        """All that one of its roles allows."""
        return allowed_by(self.roles)

    @property
    def actor(self) -> str:
        """How the audit log names the person."""
        return f"account {self.name}"

    def is_slowed(self, now: datetime) -> bool:
        """Whether so much was tried that unknown browsers have to wait until one is forgotten."""
        return self.failed_until is not None and self.failed_until - now > FORGET * (
            MANY_FAILURES - 1
        )

    def failed(self, now: datetime) -> "Account":
        """After one wrong password or code more, from a browser that is not known."""
        until = max(self.failed_until or now, now) + FORGET
        return replace(self, failed_until=min(until, now + FORGET * MANY_FAILURES))

    def succeeded(self, now: datetime) -> "Account":
        """After signing in."""
        return replace(self, signed_in_at=now)


class Stage(StrEnum):
    """How far a sign-in is: a session opens pages in its last stage alone."""

    CODE = "code"
    NEW_PASSWORD = "new-password"  # noqa: S105 - a stage
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that signed in; `id` is the SHA-256 of the secret that it holds, hex."""

    id: str
    account: str
    stage: Stage
    began_at: datetime
    seen_at: datetime

    def is_over(self, now: datetime, longest: timedelta = SESSION) -> bool:
        """Whether it opens nothing any more."""
        return now - self.seen_at >= IDLE or now - self.began_at >= longest


@dataclass(frozen=True, slots=True)
class APIToken:
    """What a program calls the API with; `secret_sha256` is hex, the secret is shown once."""

    id: str
    label: str
    secret_sha256: str
    scopes: frozenset[Permission]
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    @property
    def actor(self) -> str:
        """How the audit log names the program."""
        return f"token {self.label or self.id}"

    def is_good(self, now: datetime) -> bool:
        """Whether it still opens something."""
        return self.revoked_at is None and now < self.expires_at
