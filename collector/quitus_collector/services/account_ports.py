"""What the console's use cases need of the outside world."""

from collections.abc import Collection, Iterable, Sequence, Set
from datetime import datetime
from typing import Protocol

from quitus_collector.domain.account import Account, APIToken, Session
from quitus_collector.domain.audit import Event
from quitus_collector.domain.job import Job


class Accounts(Protocol):
    """The people who may sign in."""

    def hold(self) -> None:
        """Lets nobody else who holds them change accounts until this transaction ends."""

    def add(self, account: Account) -> None:
        """Keeps an account; one with the same id is replaced. Raises UsageError for a name twice.

        Names differ in more than the case of their letters.
        """

    def get(self, account_id: str) -> Account:
        """Raises UsageError. In a writing unit of work, locked until it ends; so is `find`'s."""

    def find(self, *, name: str = "", subject: str = "") -> Account | None:
        """The account with this name, whatever the case of its letters, or this subject."""

    def list(self) -> Sequence[Account]:
        """All of them, sorted by name."""


class Sessions(Protocol):
    """The browsers that are signed in."""

    def add(self, session: Session) -> None:
        """Keeps a session; one with the same id is replaced."""

    def find(self, session_id: str) -> Session | None:
        """The session with this id."""

    def remove(self, session_id: str) -> None:
        """Ends a session; nothing if it is not there."""

    def remove_of(self, account_id: str, *, but: str = "") -> int:
        """Ends all sessions of an account but one; how many those were."""

    def remove_before(self, moment: datetime) -> None:
        """Forgets those that were last seen before then."""


class APITokens(Protocol):
    """The programs that may call the API."""

    def add(self, token: APIToken) -> None:
        """Keeps a token; one with the same id is replaced."""

    def find(self, secret_sha256: str) -> APIToken | None:
        """The token with this secret."""

    def list(self) -> Sequence[APIToken]:
        """All of them, newest first."""


class Jobs(Protocol):
    """Work that is waiting, under way or over, with what was uploaded for it."""

    def add(self, job: Job, content: bytes | None = None) -> None:
        """Keeps a job; one with the same id is replaced, and keeps its content without a new one.

        The content of a job that is over is forgotten, unless it is its answer, given with it.
        """

    def get(self, job_id: str) -> Job:
        """Raises UsageError. In a writing unit of work, locked until it ends."""

    def content(self, job_id: str) -> bytes:
        """What was uploaded for it, or its answer once it is over; empty where there is none."""

    def list(self, *, last: int = 50, actor: str = "") -> Sequence[Job]:
        """The newest first; with `actor`, those for that one alone."""

    def open(self) -> Sequence[Job]:
        """Those that are not over, oldest first; in a writing unit of work, those not locked.

        They are then locked until it ends.
        """

    def remove_before(self, moment: datetime) -> None:
        """Forgets those that were over before then."""


class Notices(Protocol):
    """Which notices were told and still hold, by the way they were told: each by its mark."""

    def told(self, way: str) -> Set[str]:
        """What was told by this way and still holds."""

    def replace(self, way: str, marks: Collection[str], at: datetime) -> None:
        """These and no others were told by this way."""


class Letters(Protocol):
    """Jobs that tell something by mail, each with its content; none where nobody is told so."""

    def __call__(self, addresses: Collection[str], event: Event) -> Iterable[tuple[Job, bytes]]:
        """To these addresses, and to those that the settings name."""


class PasswordHasher(Protocol):
    """Makes of passwords what can be kept."""

    def hash(self, password: str) -> str:
        """Slow on purpose, salted."""

    def matches(self, password_hash: str, password: str) -> bool:
        """As slow for an empty hash, which nothing matches."""


class SecondFactor(Protocol):
    """One-time codes of an application on a phone (RFC 6238)."""

    def make(self) -> tuple[str, str]:
        """A new secret, as the person types it in, and sealed."""

    def address(self, sealed: str, account_name: str) -> str:
        """What a QR code of it says (otpauth://…)."""

    def step(self, sealed: str, code: str, now: datetime) -> int | None:
        """The step of time that the code is right for, near now; None for a wrong code."""
