r"""When programs were last used, by anybody: read only where the company's policy turns it on.

Windows counts what people start from its shell below `Explorer\UserAssist` of their hives: names in
ROT13, and a FILETIME. GNOME keeps `application_state` in people's homes. A record is a program and
a day; it says neither who nor how often, and programs in personal folders are left out.
"""

import codecs
import re
import struct
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, homes, matching, nameless
from quitus_agent.registry import Key, captured, uninstall
from quitus_agent.registry.machine import is_windows, open_registry

if TYPE_CHECKING:
    from quitus_agent.xmltree import Element

NAME = "last-use"
USER_ASSIST = r"Microsoft\Windows\CurrentVersion\Explorer\UserAssist"
# Where an entry has its FILETIME, by the entry's length: since Windows 7, and before.
TIME_AT = {72: 60, 16: 8}
FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
# Windows XP writes what kind of start it was before the path.
XP_PREFIX = "UEME_RUNPATH:"
# FOLDERID_ProgramFiles, …X64 and …X86 stand for the folders themselves.
PROGRAM_FILES = re.compile(
    r"(?:\{905E63B6-C1BF-494E-B29C-65B732D3D21A\}|\{6D809377-6AF0-444B-8957-A3773F02200E\}"
    r"|\{7C5A40EF-A0FB-4BFC-874A-C0F2E0B9FA8E\}|[A-Z]:\\Program Files(?: \(x86\))?)"
    r"\\(?P<program>.+)",
    re.IGNORECASE,
)
# Store applications by family and entry point, Office by a name of its own.
APPLICATION = re.compile(r"[\w.-]+_[0-9a-z]{13}![\w.-]+|Microsoft\.Office\.\w+\.EXE\.\d+")
# A folder that a program was installed to, other than a drive's root, Windows or people's own.
PLACE = re.compile(
    r"[a-z]:\\(?!users(?:\\|$)|documents and settings(?:\\|$)|windows(?:\\|$))[^\\]+.*",
)
GNOME_SHELL = Path("usr/bin/gnome-shell")
GNOME_STATE = Path(".local/share/gnome-shell/application_state")
# Where applications that are there for everybody have their entries.
GNOME_ENTRIES = (
    "usr/share/applications",
    "usr/local/share/applications",
    "var/lib/flatpak/exports/share/applications",
    "var/lib/snapd/desktop/applications",
)

Uses = Iterable[tuple[str, date]]


def available(root: Path) -> bool:
    """Whether the system below `root` keeps such a record: Windows does, and GNOME."""
    return is_windows(root) or existing(root, GNOME_SHELL) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads everybody's record below `root`; one that cannot be read makes the source fail."""
    if not is_windows(root):
        return records(_gnome(root))
    registry = open_registry(root)
    if registry.unread:
        raise SourceError("; ".join(registry.unread))
    return parse(registry.users, places(registry.software))


def read(path: Path) -> Iterator[Install]:
    """Reads a person's hive, an export of it, or GNOME's application_state."""
    if captures.opening(path).startswith("<"):
        return captures.installs_of(path, _of_gnome(captures.content(path)))
    registry = captured.registry(path)
    if not registry.users:
        raise SourceError(f"{path}: is nobody's record")
    return parse(registry.users, places(registry.software))


def _of_gnome(content: bytes) -> Iterator[Install]:
    yield from records(parse_gnome(content))


def parse(users: Iterable[Key], installed_to: Collection[str] = ()) -> Iterator[Install]:
    """One record for each program that anybody used, below people's `Software` keys.

    `installed_to` are folders for everybody besides Program Files, in lower case.
    """
    return records(use for user in users for use in _user_assist(user, installed_to))


def records(uses: Uses) -> Iterator[Install]:
    """One hidden record a program, with the last day of all."""
    last: dict[str, tuple[str, date]] = {}
    for program, day in uses:
        known = last.get(program.casefold())
        if known is None or known[1] < day:
            last[program.casefold()] = (program, day)
    for program, day in sorted(last.values()):
        identifiers = {"program": program, "last_used_on": day.isoformat()}
        name = program.rpartition("\\")[2]
        yield Install(name, source=NAME, identifiers=identifiers, hidden=True)


def places(software: Key) -> Collection[str]:
    """The folders, in lower case, that programs for everybody say they were installed to."""
    locations = {
        install.location.strip('" ').rstrip("\\").lower()
        for install in uninstall.installs(software, NAME)
    }
    return {location for location in locations if PLACE.fullmatch(location)}


def program_of(name: str, installed_to: Collection[str] = ()) -> str:
    """What an entry of UserAssist stands for, without the folder of programs that it lies in.

    Empty for what is no program, is Windows' own, or lies where people keep their things.
    """
    path = name.removeprefix(XP_PREFIX)
    if APPLICATION.fullmatch(path):
        return path
    if not path.lower().endswith(".exe"):
        return ""
    if found := PROGRAM_FILES.fullmatch(path):
        return found["program"]
    for place in installed_to:
        if path.lower().startswith(f"{place}\\"):
            return path[place.rfind("\\") + 1 :]
    return ""


def parse_gnome(content: bytes, entries: Collection[str] | None = None) -> Uses:
    """Applications and days of an application_state; of `entries` alone where they are given."""
    from quitus_agent.xmltree import walk

    found: list[tuple[str, date]] = []
    is_state = False

    def visit(element: "Element") -> None:
        nonlocal is_state
        is_state |= element.name == "application-state"
        entry, seen = element.attributes.get("id", ""), element.attributes.get("last-seen", "")
        is_wanted = element.name == "application" and (entries is None or entry in entries)
        program = entry.removesuffix(".desktop")
        if (
            program
            and is_wanted
            and seen.isdecimal()
            and len(seen) <= 10
            and 0 < int(seen) < 1 << 32
        ):
            day = datetime.fromtimestamp(int(seen), UTC).date()
            found.append((program, day))

    walk(content, visit)
    if not is_state:
        raise SourceError("is no application_state of GNOME")
    return found


def _user_assist(software: Key, installed_to: Collection[str]) -> Uses:
    kinds = software.subkey(USER_ASSIST)
    for kind in kinds.subkeys() if kinds else ():
        entries = kind.subkey("Count")
        for name in entries.value_names() if entries else ():
            program = program_of(codecs.decode(name, "rot13"), installed_to)
            content = entries.value(name) if program and entries else None
            if isinstance(content, bytes) and (day := _day(content)):
                yield program, day


def _day(entry: bytes) -> date | None:
    """The day of an entry's last use; None where it was only counted or is damaged."""
    at = TIME_AT.get(len(entry))
    if at is None:
        return None
    (ticks,) = struct.unpack_from("<Q", entry, at)
    try:
        return (FILETIME_EPOCH + timedelta(microseconds=ticks // 10)).date() if ticks else None
    except OverflowError:
        return None


def _gnome(root: Path) -> Uses:
    """The uses in everybody's home; raises SourceError, naming nobody, for one that is closed."""
    entries = {
        found.place.name
        for found in matching(root, *(f"{place}/*.desktop" for place in GNOME_ENTRIES))
    }
    for home in homes(root, "home"):
        with nameless(home.whose, root, home.place):
            state = existing(root, home.place / GNOME_STATE)
            if state and state.is_file():
                yield from parse_gnome(captures.content(state), entries)


SOURCE = Source(NAME, available, scan, read)
