"""Programs that people installed for themselves: the Uninstall keys of every user's hive."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from quitus_agent.errors import SourceError
from quitus_agent.inventory import USER, Install, Source
from quitus_agent.registry import Key, captured, uninstall
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "windows-user-uninstall"


def scan(root: Path) -> Iterator[Install]:
    """Reads the profiles below `root`; one that cannot be read makes the source fail."""
    registry = open_registry(root)
    if registry.unread:
        raise SourceError("; ".join(registry.unread))
    return parse(registry.users)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a hive of a user."""
    users = captured.registry(path).users
    if not users:
        raise SourceError(f"{path}: is nobody's part of the registry")
    return parse(users)


def parse(users: Iterable[Key]) -> Iterator[Install]:
    """The entries below users' Software keys, without a word on whose they are.

    The same program in several profiles is one record; where it lies would name a person.
    """
    seen = set()
    for software in users:
        for install in uninstall.installs(software, NAME, USER):
            anonymous = install._replace(location="")
            key = (anonymous.name, anonymous.version, anonymous.publisher, anonymous.architecture)
            if key not in seen:
                seen.add(key)
                yield anonymous


SOURCE = Source(NAME, is_windows, scan, read)
