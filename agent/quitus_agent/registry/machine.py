"""Where a Windows keeps its registry: the live one, or hive files below a root."""

import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from quitus_agent.errors import SourceError
from quitus_agent.registry import Key, number, text

HIVES = ("Windows/System32/config", "WINDOWS/system32/config", "windows/system32/config")
PROFILE_FOLDERS = ("Users", "Documents and Settings")
PROFILES = r"Microsoft\Windows NT\CurrentVersion\ProfileList"


class WindowsRegistry(NamedTuple):
    """The keys that sources read: HKLM's SOFTWARE and SYSTEM, each user's `Software`.

    `system` is None where the hive is absent. Users without a readable hive are in `unread`, one
    sentence each, so that nobody takes them for people without software.
    """

    software: Key
    system: Key | None = None
    users: tuple[Key, ...] = ()
    classes: tuple[Key, ...] = ()
    unread: tuple[str, ...] = ()

    def current_control(self, path: str) -> Key | None:
        """A key below the control set that Windows starts with."""
        if self.system is None:
            return None
        select = self.system.subkey("Select")
        current = number(select, "Current") if select else 1
        return self.system.subkey(rf"ControlSet{current:03}\{path}")


def is_windows(root: Path) -> bool:
    """Whether the system below `root` is a Windows."""
    return _is_live(root) or _config(root) is not None


@lru_cache(maxsize=4)
def open_registry(root: Path) -> WindowsRegistry:
    """The registry of the system below `root`; raises SourceError where SOFTWARE is unreadable."""
    if _is_live(root):
        return _live(root)
    from quitus_agent.registry.hive import open_hive

    config = _config(root)
    if config is None:
        raise SourceError(f"{root}: no Windows registry")
    software = open_hive(_file(config, "SOFTWARE"))
    system = _file(config, "SYSTEM")
    users, classes, unread = _profiles(_folders(root))
    return WindowsRegistry(
        software, open_hive(system) if system.exists() else None, users, classes, unread
    )


def from_hive(path: Path) -> WindowsRegistry:
    """One hive file as a registry: a user's hive has `Software` below its root."""
    from quitus_agent.registry.hive import open_hive

    return from_key(open_hive(path))


def from_key(root: Key) -> WindowsRegistry:
    """The registry that a hive's or an export's root key shows."""
    from quitus_agent.registry.export import MemoryKey

    nothing = MemoryKey("")
    if machine := root.subkey("HKEY_LOCAL_MACHINE"):
        software = machine.subkey("SOFTWARE") or nothing
        return WindowsRegistry(software, machine.subkey("SYSTEM"))
    if user := root.subkey("HKEY_CURRENT_USER\\Software") or root.subkey("Software"):
        return WindowsRegistry(nothing, users=(user,))
    if root.subkey("Local Settings"):
        return WindowsRegistry(nothing, classes=(root,))
    return WindowsRegistry(root)


def _is_live(root: Path) -> bool:
    return sys.platform == "win32" and str(root) in ("/", "\\", Path.cwd().anchor)


def _live(root: Path) -> WindowsRegistry:
    from quitus_agent.registry import live

    software = live.open_key("HKEY_LOCAL_MACHINE", "SOFTWARE")
    if software is None:
        raise SourceError("HKEY_LOCAL_MACHINE\\SOFTWARE cannot be opened")
    loaded = live.loaded_users()
    users = [live.open_key("HKEY_USERS", f"{sid}\\Software") for sid in loaded]
    classes = [live.open_key("HKEY_USERS", f"{sid}_Classes") for sid in loaded]
    offline_users, offline_classes, unread = _profiles(_unloaded_profiles(software, set(loaded)))
    return WindowsRegistry(
        software,
        live.open_key("HKEY_LOCAL_MACHINE", "SYSTEM"),
        (*filter(None, users), *offline_users),
        (*filter(None, classes), *offline_classes),
        unread,
    )


def _unloaded_profiles(software: Key, loaded: set[str]) -> Iterator[Path]:
    """The folders of people whose hive is not loaded now."""
    profiles = software.subkey(PROFILES)
    for profile in profiles.subkeys() if profiles else ():
        path = text(profile, "ProfileImagePath")
        if profile.name.startswith(("S-1-5-21-", "S-1-12-1-")) and profile.name not in loaded:
            yield Path(path)


def _folders(root: Path) -> Iterator[Path]:
    for name in PROFILE_FOLDERS:
        if (root / name).is_dir():
            yield from sorted(path for path in (root / name).iterdir() if path.is_dir())


def _profiles(
    folders: Iterator[Path],
) -> tuple[tuple[Key, ...], tuple[Key, ...], tuple[str, ...]]:
    from quitus_agent.registry.hive import open_hive

    users: list[Key] = []
    classes: list[Key] = []
    unread: list[str] = []
    for folder in folders:
        places = (
            (users, "NTUSER.DAT", "Software"),
            (classes, "AppData/Local/Microsoft/Windows/UsrClass.dat", ""),
        )
        for found, name, below in places:
            path = folder / name
            try:
                if not path.is_file():
                    continue
                root = open_hive(path)
                key = root.subkey(below) if below else root
                if key:
                    found.append(key)
            except (SourceError, OSError) as error:
                reason = error.strerror if isinstance(error, OSError) else str(error)
                # The folder is named after a person: its place in the list is told, not its name.
                unread.append(f"profile {len(unread) + 1}: {str(reason).replace(str(folder), '…')}")
    return tuple(users), tuple(classes), tuple(unread)


def _config(root: Path) -> Path | None:
    for folder in HIVES:
        if (root / folder).is_dir():
            return root / folder
    return None


def _file(config: Path, name: str) -> Path:
    """A hive's file; a copied system may have lost the upper case."""
    for candidate in (name, name.lower(), name.capitalize()):
        if (config / candidate).is_file():
            return config / candidate
    return config / name
