"""One reader of Windows registry keys, whether live, in a hive file or in an exported text."""

from collections.abc import Iterator
from typing import Protocol

# REG_SZ and REG_EXPAND_SZ are texts, REG_DWORD and REG_QWORD numbers, REG_MULTI_SZ lists.
Value = str | int | bytes | list[str]
# A longer value is nothing that a licence count needs, and may be there to do harm.
MAX_VALUE_BYTES = 64 * 1024
MAX_DIGITS = 20


class Key(Protocol):
    """A key of the registry; names are compared without regard to case, as Windows does."""

    @property
    def name(self) -> str:
        """The last part of its path."""

    def subkeys(self) -> Iterator["Key"]:
        """The keys directly below, in the order in which they are stored."""

    def subkey(self, path: str) -> "Key | None":
        r"""The key at a relative path like `Microsoft\Windows`, or None."""

    def value_names(self) -> Iterator[str]:
        """The names of its values, in the order in which they are stored."""

    def value(self, name: str) -> Value | None:
        """One value; "" is the default one. None where it is absent or too long to be wanted."""


def text(key: Key, name: str) -> str:
    """A value as text, verbatim up to its end; empty where it is absent, blank or not a text."""
    value = key.value(name)
    found = value.partition("\0")[0] if isinstance(value, str) else ""
    return found if found.strip() else ""


def number(key: Key, name: str) -> int:
    """A value as a number; 0 where it is absent or none."""
    value = key.value(name)
    if isinstance(value, str) and len(value) <= MAX_DIGITS and value.strip().isdecimal():
        return int(value)
    return value if isinstance(value, int) else 0
