"""What is kept of passwords: Argon2id (RFC 9106), with the library's parameters."""

from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError


class Argon2Hasher:
    """Implements account_ports.PasswordHasher."""

    def __init__(self) -> None:
        """Serves several threads."""
        self._hasher = PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        """Of a password that nobody has: checking it costs what checking another one does."""
        return self._hasher.hash("")

    def hash(self, password: str) -> str:
        """With a salt of its own."""
        return self._hasher.hash(password)

    def matches(self, password_hash: str, password: str) -> bool:
        """Whether the hash is of this password; as slow for an empty hash."""
        try:
            self._hasher.verify(password_hash or self._nobody, password)
        except (VerifyMismatchError, InvalidHashError):
            return False
        return bool(password_hash)
