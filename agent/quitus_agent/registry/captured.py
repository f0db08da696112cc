"""The registry in files that were captured on other Windows: exports and hives, also compressed."""

import os
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.registry import Key, export
from quitus_agent.registry.machine import WindowsRegistry, from_key, hive_at

# What SOFTWARE has at its top; Amcache has something else.
SOFTWARE_KEYS, AMCACHE_KEY = ("Microsoft", "Wow6432Node"), "Root"
HIVE = b"regf"


def registry(path: Path) -> WindowsRegistry:
    """What a `.reg` export or a hive shows; either may be compressed with xz.

    Raises SourceError naming the file where it is unreadable, or tells nothing of software.
    """
    from quitus_agent.registry import hive

    try:
        with captures.unpacked(path) as file:
            if file.read(len(HIVE)) == HIVE:
                is_packed = captures.is_packed(path)
                return _of_software(hive.root_of(file) if is_packed else hive_at(path))
            size_bytes = file.seek(0, os.SEEK_END)
            captures.refuse_too_large(path, size_bytes, captures.MAX_TEXT_BYTES)
            file.seek(0)
            return _of_software(export.parse(export.decode(file.read())))
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except SourceError as error:
        raise captures.naming(path, error) from error


def software(path: Path) -> Key:
    """The machine's SOFTWARE in an export or a hive; raises SourceError for one of a person."""
    found = registry(path).software
    if not any(map(found.subkey, SOFTWARE_KEYS)):
        raise SourceError(f"{path}: holds nothing of the machine's SOFTWARE")
    return found


def is_registry(path: Path) -> bool:
    """Whether a file is a hive or an export, compressed or not, by how it begins."""
    return (
        captures.is_packed(path)
        or captures.start(path, len(HIVE)) == HIVE
        or captures.opening(path).startswith(export.HEADERS)
    )


def _of_software(root: Key) -> WindowsRegistry:
    """The registry below a root key; raises SourceError where it tells nothing of software."""
    found = from_key(root)
    if (
        found.users
        or found.classes
        or any(map(found.software.subkey, (*SOFTWARE_KEYS, AMCACHE_KEY)))
    ):
        return found
    raise SourceError("holds none of the keys that Windows keeps software in")
