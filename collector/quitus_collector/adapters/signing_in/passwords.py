"""What is kept of passwords: Argon2id (RFC 9106), with the library's parameters."""

from functools import cached_property
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError

AT_ONCE = 4


class Argon2Hasher:
    """Implements account_ports.PasswordHasher."""

    def __init__(self) -> None:
        """Serves several threads."""
        self._hasher = PasswordHasher()
        # Each takes 64 MiB: who asks many times at once fills no memory.
        self._few = BoundedSemaphore(AT_ONCE)

    @cached_property
    def _nobody(self) -> str:
        """Of a password that nobody has: checking it costs what checking another one does."""
        return self._hasher.hash("")

    def hash(self, password: str) -> str:
        """With a salt of its own."""
        with self._few:
            return self._hasher.hash(password)

    def matches(self, password_hash: str, password: str) -> bool:
        """Whether the hash is of this password; as slow for an empty hash."""
        try:
            with self._few:
                self._hasher.verify(password_hash or self._nobody, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return bool(password_hash)
