"""Registry keys of the running Windows, through the standard library's winreg."""

import importlib
import sys
from collections.abc import Iterator
from typing import Any

from quitus_agent.errors import SourceError
from quitus_agent.registry import MAX_VALUE_BYTES, Value

# Typed loosely: the module exists on Windows alone, and is checked on every system.
winreg: Any = importlib.import_module("winreg") if sys.platform == "win32" else None


class LiveKey:
    """An open key; implements registry.Key. It is closed when it is forgotten."""

    def __init__(self, name: str, handle: Any) -> None:
        """`handle` is winreg's; a 64-bit view stays one for all keys below."""
        self.name = name
        self._handle = handle

    def subkeys(self) -> Iterator["LiveKey"]:
        """The keys directly below; one that disappears meanwhile is passed over."""
        names = []
        try:
            for index in range(winreg.QueryInfoKey(self._handle)[0]):
                names.append(winreg.EnumKey(self._handle, index))
        except OSError as error:
            raise SourceError(f"registry key {self.name}: {error.strerror}") from error
        for name in names:
            if key := self.subkey(name):
                yield key

    def subkey(self, path: str) -> "LiveKey | None":
        """The key at a relative path, or None."""
        handle = _open(self._handle, path)
        return LiveKey(path.rpartition("\\")[2], handle) if handle else None

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


def loaded_users() -> list[str]:
    """The names below HKEY_USERS of people's hives that are loaded now: S-1-5-21-…, S-1-12-1-…."""
    names = []
    for index in range(winreg.QueryInfoKey(winreg.HKEY_USERS)[0]):
        name = winreg.EnumKey(winreg.HKEY_USERS, index)
        if name.startswith(("S-1-5-21-", "S-1-12-1-")) and not name.endswith("_Classes"):
            names.append(name)
    return names


def _open(parent: Any, path: str) -> Any:
    try:
        return winreg.OpenKey(parent, path, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SourceError(f"registry key {path}: {error.strerror}") from error
