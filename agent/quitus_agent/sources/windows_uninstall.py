"""Programs that Windows lists for the whole machine: HKLM's Uninstall keys, both views."""

from collections.abc import Iterator
from pathlib import Path

from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.registry import Key, captured, uninstall
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "windows-uninstall"


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    return parse(open_registry(root).software)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a hive, a user's one too."""
    registry = captured.registry(path)
    if not registry.users and not uninstall.is_there(registry.software):
        raise SourceError(f"{path}: has no Uninstall key")
    return (each for software in (registry.software, *registry.users) for each in parse(software))


def parse(software: Key) -> Iterator[Install]:
    """The entries below a SOFTWARE key."""
    return uninstall.installs(software, NAME)


SOURCE = Source(NAME, is_windows, scan, read)
