"""The sources that the agent reads, in the order in which they are reported.

Each name is a module here, and with dashes the source's own name. A system is asked only for what
its kind can have, so that a run imports what it needs and no more.
"""

from collections.abc import Collection, Iterator
from importlib import import_module
from pathlib import Path

from quitus_agent.inventory import ABSENT, Source, SourceOutcome
from quitus_agent.registry.machine import is_windows
from quitus_agent.system import is_macos

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
ANYWHERE = ("swid", "last_use")
ALL = (*WINDOWS, *MACOS, *LINUX, *ANYWHERE)
# Read only where the company's policy says so: it tells of people's work.
OFF = frozenset({"last_use"})


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
    if is_macos(root):
        return (*MACOS, *ANYWHERE)
    return (*LINUX, *ANYWHERE)


def for_system(root: Path, turned_on: Collection[str] = ()) -> Iterator[Source | SourceOutcome]:
    """Every source in order: to be read, or the outcome of one that need not be asked."""
    wanted = possible(root)
    for module in ALL:
        if module not in wanted:
            yield SourceOutcome(source_name(module), ABSENT)
        elif module in OFF and module not in turned_on:
            yield SourceOutcome(source_name(module), ABSENT, "turned off")
        else:
            yield load(module)
