"""Registry keys of the running Windows, through the standard library's winreg."""

import importlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from quitus_agent.errors import SourceError
from quitus_agent.registry import MAX_VALUE_BYTES, Value

# Typed loosely: the module exists on Windows alone, and is checked on every system.
winreg: Any = importlib.import_module("winreg") if sys.platform == "win32" else None


# ERROR_NO_MORE_ITEMS: a key went away since they were counted.
NO_MORE_ITEMS = 259


class LiveKey:
    """An open key; implements registry.Key. It is closed when it is forgotten."""

    def __init__(self, name: str, handle: Any) -> None:
        """`handle` is winreg's; a 64-bit view stays one for all keys below."""
        self.name = name
        self._handle = handle

    def subkeys(self) -> Iterator["LiveKey"]:
        """The keys directly below; one that disappears meanwhile is passed over."""
        for name in _names(self._handle, self.name, 0, winreg.EnumKey):
            if key := self.subkey(name):
                yield key

    def subkey(self, path: str) -> "LiveKey | None":
        """The key at a relative path, or None."""
        handle = _open(self._handle, path)
        return LiveKey(path.rpartition("\\")[2], handle) if handle else None

    def value_names(self) -> Iterator[str]:
        """The names of its values; one that disappears meanwhile is passed over."""
        yield from _names(self._handle, self.name, 1, lambda *at: winreg.EnumValue(*at)[0])

    def value(self, name: str) -> Value | None:
        """One value, or None."""
        try:
            value, kind = winreg.QueryValueEx(self._handle, name)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SourceError(f"registry key {self.name}: {error.strerror}") from error
        if kind == winreg.REG_MULTI_SZ:
            return list(value) if sum(map(len, value)) <= MAX_VALUE_BYTES else None
        if isinstance(value, str | bytes) and len(value) > MAX_VALUE_BYTES:
            return None
        return value if isinstance(value, str | int | bytes) else None


def open_key(hive: str, path: str) -> LiveKey | None:
    """A key below HKEY_LOCAL_MACHINE or HKEY_USERS in the system's own (64-bit) view, or None."""
    handle = _open(getattr(winreg, hive), path)
    return LiveKey(path.rpartition("\\")[2], handle) if handle else None


def users() -> list[str]:
    """The names below HKEY_USERS: whose hives are loaded now, by security identifier."""
    return _names(winreg.HKEY_USERS, "HKEY_USERS", 0, winreg.EnumKey)


def _names(handle: Any, name: str, count: int, nth: Callable[[Any, int], str]) -> list[str]:
    """All names that `nth` gives, taken before any is used: they come and go meanwhile.

    `count` is the place of their number in what QueryInfoKey tells.
    """
    names = []
    try:
        for index in range(winreg.QueryInfoKey(handle)[count]):
            names.append(nth(handle, index))
    except OSError as error:
        if getattr(error, "winerror", 0) != NO_MORE_ITEMS:
            raise SourceError(f"registry key {name}: {error.strerror}") from error
    return names


def _open(parent: Any, path: str) -> Any:
    try:
        return winreg.OpenKey(parent, path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"registry key {path}: {error.strerror}") from error
