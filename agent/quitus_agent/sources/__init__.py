"""The sources that the agent reads, in the order in which they are reported.

Each name is a module here, and with dashes the source's own name. A system is asked only for what
its kind can have, so that a run imports what it needs and no more.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from quitus_agent.inventory import Source
from quitus_agent.registry.machine import is_windows

WINDOWS = (
    "windows_edition",
    "windows_uninstall",
    "windows_user_uninstall",
    "click_to_run",
    "office_msi",
    "sql_server",
    "visual_studio",
    "activation",
    "appx",
)
MACOS = ("macos_applications", "macos_office", "macos_receipts")
LINUX = ("dpkg", "rpm", "apk", "pacman", "snap", "flatpak")
ANYWHERE = ("swid",)
ALL = (*WINDOWS, *MACOS, *LINUX, *ANYWHERE)


def load(name: str) -> Source:
    """The source that a module here defines."""
    source: Source = import_module(f"{__name__}.{name}").SOURCE
    return source


def source_name(module: str) -> str:
    """What the source of a module is called in reports."""
    return module.replace("_", "-")


def possible(root: Path) -> tuple[str, ...]:
    """The modules of the sources that the system below `root` can have."""
    if is_windows(root):
        return (*WINDOWS, *ANYWHERE)
    if (root / "System/Library/CoreServices").is_dir():
        return (*MACOS, *ANYWHERE)
    return (*LINUX, *ANYWHERE)


def for_system(root: Path) -> Iterator[Source | str]:
    """Every source in order: those that the system can have, of the others the name alone."""
    wanted = possible(root)
    for module in ALL:
        yield load(module) if module in wanted else source_name(module)
