"""Where a Windows keeps its registry: the live one, or hive files below a root."""

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import lru_cache, partial
from pathlib import Path
from typing import NamedTuple

from quitus_agent.errors import SourceError
from quitus_agent.places import (
    RUNNING,
    anonymous,
    existing,
    is_folder,
    is_live,
    names,
    names_of,
    reason,
    within,
)
from quitus_agent.registry import Key, number, text

# The second was the folder of Windows NT and 2000.
HIVES = ("Windows/System32/config", "WINNT/System32/config")
# What holds people's, then those of services; the system's own lies among its hives.
PROFILE_FOLDERS = ("Users", "Documents and Settings", "Windows/ServiceProfiles")
SYSTEM_PROFILE = "systemprofile"
# LocalSystem and the two service accounts; .DEFAULT is the first by another name.
SERVICES = frozenset({"S-1-5-18", "S-1-5-19", "S-1-5-20", ".DEFAULT"})
PROFILES = r"Microsoft\Windows NT\CurrentVersion\ProfileList"
# Where a profile keeps the hive of its `Software` key and the one of its classes.
USER_HIVE, CLASSES_HIVE = "NTUSER.DAT", "AppData/Local/Microsoft/Windows/UsrClass.dat"

# Beside a person's key below HKEY_USERS lies the one of their classes, S-1-5-21-…_Classes.
CLASSES = "_Classes"

Opening = Callable[[], Key | None]


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


class Profile(NamedTuple):
    """A person's two keys, to be opened; `hidden` are names that tell who it is."""

    hidden: tuple[object, ...]
    software: Opening
    classes: Opening


def is_live_windows(root: Path) -> bool:
    """Whether `root` is that of the Windows that runs."""
    return sys.platform == "win32" and is_live(root)


def is_windows(root: Path) -> bool:
    """Whether the system below `root` is a Windows."""
    return is_live_windows(root) or _config(root) is not None


@lru_cache(maxsize=4)
def open_registry(root: Path) -> WindowsRegistry:
    """The registry of the system below `root`; raises SourceError where SOFTWARE is unreadable."""
    if is_live_windows(root):
        return _live()
    config = _config(root)
    if config is None:
        raise SourceError(f"{root}: no Windows registry")
    system = existing(root, config / "SYSTEM", any_case=True)
    return WindowsRegistry(
        hive_at(within(root, config / "SOFTWARE", any_case=True)),
        hive_at(system) if system else None,
        *_opened(_in_folder(root, folder) for folder in _folders(root)),
    )


def from_key(root: Key) -> WindowsRegistry:
    """The registry that the root key of a hive or of an export shows."""
    from quitus_agent.registry.export import MemoryKey

    nothing = MemoryKey("")
    machine = root.subkey("HKEY_LOCAL_MACHINE")
    users, classes = _exported_people(root)
    if machine or users or classes:
        return WindowsRegistry(
            (machine.subkey("SOFTWARE") if machine else None) or nothing,
            machine.subkey("SYSTEM") if machine else None,
            users,
            classes,
        )
    if user := root.subkey("Software"):
        return WindowsRegistry(nothing, users=(user,))
    if root.subkey("Local Settings"):
        return WindowsRegistry(nothing, classes=(root,))
    return WindowsRegistry(root)


def hive_at(path: Path) -> Key:
    """The root key of a hive file and of what its logs add; raises SourceError naming the file."""
    from quitus_agent.registry import hive, logs

    # A running Windows has written all logs of the hives that it unloaded.
    content = None if sys.platform == "win32" else logs.replayed(path)
    if content is None:
        return hive.open_hive(path)
    import tempfile

    with tempfile.NamedTemporaryFile(prefix="quitus-hive-") as file:
        file.write(content)
        file.flush()
        return hive.open_hive(Path(file.name))


def is_person(sid: str) -> bool:
    """Whether a security identifier is a person's, local, of a domain or of Entra ID."""
    return sid.upper().startswith(("S-1-5-21-", "S-1-12-1-")) and not sid.endswith(CLASSES)


def _exported_people(root: Key) -> tuple[tuple[Key, ...], tuple[Key, ...]]:
    """The `Software` and the classes of everybody whom an export shows."""
    users = [root.subkey(r"HKEY_CURRENT_USER\Software")]
    classes = [root.subkey(r"HKEY_CURRENT_USER\Software\Classes")]
    everybody = root.subkey("HKEY_USERS")
    for key in everybody.subkeys() if everybody else ():
        if is_person(key.name) or key.name.upper() in SERVICES:
            users.append(key.subkey("Software"))
        elif is_person(key.name.removesuffix(CLASSES)):
            classes.append(key)
    return tuple(filter(None, users)), tuple(filter(None, classes))


def _live() -> WindowsRegistry:
    from quitus_agent.registry import live

    software = live.open_key("HKEY_LOCAL_MACHINE", "SOFTWARE")
    if software is None:
        raise SourceError("HKEY_LOCAL_MACHINE\\SOFTWARE cannot be opened")
    loaded = [sid for sid in live.users() if is_person(sid) or sid.upper() in SERVICES]
    profiles = [
        Profile(
            (sid, f"{sid}{CLASSES}"),
            partial(live.open_key, "HKEY_USERS", f"{sid}\\Software"),
            partial(live.open_key, "HKEY_USERS", f"{sid}{CLASSES}"),
        )
        for sid in loaded
    ]
    profiles += (_in_folder(RUNNING, folder) for folder in _unloaded(software, loaded))
    return WindowsRegistry(
        software, live.open_key("HKEY_LOCAL_MACHINE", "SYSTEM"), *_opened(profiles)
    )


def _unloaded(software: Key, loaded: Collection[str]) -> Iterator[Path]:
    """The folders of people whose hive is not loaded now."""
    profiles = software.subkey(PROFILES)
    for profile in profiles.subkeys() if profiles else ():
        if is_person(profile.name) and profile.name not in loaded:
            yield Path(os.path.expandvars(text(profile, "ProfileImagePath")))


def _folders(root: Path) -> Iterator[Path]:
    """The places of profiles; of one that has several names, the first.

    One that leads nowhere that can be told is among them, to fail by itself when it is opened.
    """
    people = [
        Path(folder) / name
        for folder in PROFILE_FOLDERS
        for name in names(root, folder, any_case=True)
    ]
    seen: set[Path] = set()
    for place in (*people, *(Path(folder) / SYSTEM_PROFILE for folder in HIVES)):
        try:
            path = existing(root, place, any_case=True)
        except SourceError:
            yield place
            continue
        if path and path not in seen and path.is_dir():
            seen.add(path)
            yield place


def _in_folder(root: Path, folder: Path) -> Profile:
    return Profile(
        names_of(root, folder, any_case=True),
        partial(_in_hive, root, folder / USER_HIVE, "Software"),
        partial(_in_hive, root, folder / CLASSES_HIVE),
    )


def _in_hive(root: Path, place: Path, below: str = "") -> Key | None:
    """A key of a hive file, or None where the person has no such hive."""
    path = existing(root, place, any_case=True)
    if path is None:
        return None
    key = hive_at(path)
    return key.subkey(below) if below else key


def _opened(
    profiles: Iterable[Profile],
) -> tuple[tuple[Key, ...], tuple[Key, ...], tuple[str, ...]]:
    """Users, classes and what could not be read, as WindowsRegistry has them."""
    users: list[Key] = []
    classes: list[Key] = []
    unread: list[str] = []
    for place, profile in enumerate(profiles, start=1):
        for found, opening in ((users, profile.software), (classes, profile.classes)):
            try:
                if key := opening():
                    found.append(key)
            except (SourceError, OSError) as error:
                # Its place in the list is told, not who it is.
                unread.append(f"profile {place}: {anonymous(reason(error), *profile.hidden)}")
    return tuple(users), tuple(classes), tuple(unread)


def _config(root: Path) -> Path | None:
    places = (Path(place) for place in HIVES)
    return next((place for place in places if is_folder(root, place, any_case=True)), None)
