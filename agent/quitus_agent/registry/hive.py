"""Registry keys from a hive file, through libregf (LGPL), which maps it instead of loading it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quitus_agent.errors import SourceError
from quitus_agent.registry import MAX_VALUE_BYTES, Value
from quitus_agent.registry.export import typed

# Deeper is no registry: Windows allows 512 levels, and a damaged hive may go round in circles.
MAX_DEPTH = 512


class HiveKey:
    """A key of a hive; implements registry.Key. What is damaged raises SourceError."""

    def __init__(self, key: Any) -> None:
        """`key` is a pyregf key."""
        self._key = key

    @property
    def name(self) -> str:
        """The last part of its path."""
        return str(_read(lambda: self._key.name) or "")

    def subkeys(self) -> Iterator["HiveKey"]:
        """The keys directly below."""
        for index in range(_read(lambda: self._key.number_of_sub_keys)):
            yield HiveKey(_read(lambda index=index: self._key.get_sub_key(index)))

    def subkey(self, path: str) -> "HiveKey | None":
        """The key at a relative path, or None."""
        key = self._key
        for name in path.split("\\"):
            key = _read(lambda name=name, key=key: key.get_sub_key_by_name(name))
            if key is None:
                return None
        return HiveKey(key)

    def value_names(self) -> Iterator[str]:
        """The names of its values."""
        for index in range(_read(lambda: self._key.number_of_values)):
            yield str(_read(lambda index=index: self._key.get_value(index).name) or "")

    def value(self, name: str) -> Value | None:
        """One value, or None."""
        found = _read(lambda: self._key.get_value_by_name(name))
        if found is None or _read(lambda: found.get_data_size()) > MAX_VALUE_BYTES:
            return None
        return typed(_read(lambda: found.type), _read(lambda: found.data) or b"")


def open_hive(path: Path) -> HiveKey:
    """The root key of a hive; raises SourceError naming the file."""
    import pyregf

    hive = pyregf.file()
    try:
        hive.open(str(path))
        root = hive.get_root_key()
    except OSError as error:
        raise SourceError(f"{path}: {_first_line(error)}") from error
    if root is None:
        raise SourceError(f"{path}: the hive has no root key")
    return HiveKey(root)


def _read(call: Any) -> Any:
    try:
        return call()
    except OSError as error:
        raise SourceError(f"the hive is damaged: {_first_line(error)}") from error


def _first_line(error: OSError) -> str:
    return str(error).partition("\n")[0][:200]
