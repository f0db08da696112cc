"""Places below the root of a system: the running one, or one that lies on a mounted disk.

Of a disk, links are followed as they would be had it started: an absolute one begins at its root,
and none leads out of it to the system that reads it.
"""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fnmatch import translate
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from quitus_agent.errors import SourceError

# Where the running system lies, whatever folder or drive this process was started in.
RUNNING = Path(f"{os.environ.get('SYSTEMDRIVE', 'C:')}\\" if sys.platform == "win32" else "/")
# As many as Linux follows.
MAX_LINKS = 40
# What Windows keeps even from its administrators: store packages, which their own source lists.
CLOSED = frozenset({"WindowsApps"})
# How far `**` reaches.
MAX_DEPTH = 8
# A Mac that has started shows folders of its data volume at its root (firmlinks).
DATA_VOLUME = Path("System/Volumes/Data")
FIRMLINKS = frozenset({"Applications", "Library", "Users", "private"})
# A path in a sentence, up to the reason that follows it.
_PLACE = re.compile(r"(?:^|(?<=[\s'\"]))(?:[A-Za-z]:)?[/\\].*?(?=: |; |$)")


class Match(NamedTuple):
    """What a pattern found: its name below the root, and where it lies once links are followed."""

    place: Path
    path: Path


class Home(NamedTuple):
    """A person's folder below the root, and what it is called where people read it: "home 1"."""

    whose: str
    place: Path


def is_live(root: Path) -> bool:
    """Whether `root` is the running system's, not a mounted disk's."""
    return root == RUNNING


def within(root: Path, place: str | Path, *, any_case: bool = False) -> Path:
    """Where a place below `root` lies, whether or not anything is there.

    `any_case` is for disks of Windows, read by a system that tells letters apart. Raises
    SourceError for links that lead in a circle.
    """
    if is_live(root):
        return root / place
    found = _followed(root, Path(place), any_case)
    if (firm := _of_data_volume(root, Path(place))) and not os.path.lexists(found):
        other = _followed(root, firm, any_case)
        return other if os.path.lexists(other) else found
    return found


def _of_data_volume(root: Path, place: Path) -> Path | None:
    """The same place on a Mac's data volume; None for what is never there, and on other disks."""
    if place.parts[:1] and place.parts[0] in FIRMLINKS and (root / DATA_VOLUME).is_dir():
        return DATA_VOLUME / place
    return None


def _followed(root: Path, place: Path, any_case: bool) -> Path:
    todo = list(reversed(place.parts))
    at, links = root, 0
    while todo:
        name = todo.pop()
        if name == "..":
            at = at if at == root else at.parent
            continue
        step = at / name
        if any_case and not os.path.lexists(step):
            step = next((at / each for each in _names(at) if _same(each, name)), step)
        try:
            target = Path(os.readlink(step))
        except OSError:
            at = step
            continue
        links += 1
        if links > MAX_LINKS:
            raise SourceError(f"{root / place}: {os.strerror(errno.ELOOP)}")
        if target.anchor:
            at = root
        todo += reversed(target.relative_to(target.anchor).parts)
    return at


def existing(root: Path, *places: str | Path, any_case: bool = False) -> Path | None:
    """Where the first of these places lies that is there; None where none is.

    Raises SourceError where this account may not look: that is not the same as nothing.
    """
    for place in places:
        path = within(root, place, any_case=any_case)
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise SourceError(f"{path}: {error.strerror}") from error
        return path
    return None


def is_folder(root: Path, place: str | Path, *, any_case: bool = False) -> bool:
    """Whether a folder is there, as far as this account may tell."""
    try:
        return within(root, place, any_case=any_case).is_dir()
    except (SourceError, OSError):
        return False


def is_plain_folder(root: Path, place: Path, *, any_case: bool = False) -> bool:
    """Whether a folder is there by itself, not by a link, which may lead round in a circle."""
    path = within(root, place.parent, any_case=any_case) / place.name
    if not os.path.lexists(path):
        path = within(root, place, any_case=any_case)
    return not path.is_symlink() and path.is_dir()


def matching(root: Path, *patterns: str, any_case: bool = False) -> Iterator[Match]:
    """What is there of each pattern's names, in their order; `*` in names, `**` as any folders.

    Raises SourceError naming a folder that this account may not list.
    """
    for pattern in patterns:
        yield from _matching(root, Path(), Path(pattern).parts, any_case)


def names(root: Path, folder: str | Path, *, any_case: bool = False) -> list[str]:
    """What a folder lists, in order; nothing where it is not there.

    Raises SourceError where this account may not list it.
    """
    found = _names(within(root, folder, any_case=any_case))
    if not is_live(root) and (firm := _of_data_volume(root, Path(folder))):
        return sorted({*found, *_names(_followed(root, firm, any_case))})
    return found


def homes(root: Path, folder: str) -> Iterator[Home]:
    """The folders of people in `folder`, by name; what is below one is read `nameless`."""
    for number, name in enumerate(names(root, folder), start=1):
        yield Home(f"home {number}", Path(folder) / name)


@contextmanager
def nameless(whose: str, root: Path, place: Path) -> Iterator[None]:
    """Has a failure below a person's folder tell `whose` it is, "home 1", and not its name."""
    try:
        yield
    except (SourceError, OSError) as error:
        told = anonymous(reason(error), *names_of(root, place))
        raise SourceError(f"{whose}: {told}") from error


def names_of(root: Path, place: Path, *, any_case: bool = False) -> tuple[object, ...]:
    """What tells whose a person's folder is: its names and places, those that it links to too."""
    own = (root / place, place.name)
    with suppress(SourceError):
        path = within(root, place, any_case=any_case)
        return (*own, path, path.name)
    return own


def reason(error: Exception) -> str:
    """Why something failed, in a sentence that may name a file."""
    if isinstance(error, OSError):
        text = error.strerror or type(error).__name__
        return f"{error.filename}: {text}" if error.filename else text
    return str(error)


def anonymous(sentence: str, *hidden: object) -> str:
    """A sentence without these names and folders, nor any place: links in them lead anywhere."""
    for name in sorted(map(str, hidden), key=len, reverse=True):
        bounded = rf"(?<![^\s/\\'\"]){re.escape(name)}(?![^\s/\\:;,'\"])"
        sentence = re.sub(bounded, "…", sentence)
    return _PLACE.sub("…", sentence)


def _matching(root: Path, at: Path, parts: tuple[str, ...], any_case: bool) -> Iterator[Match]:
    if not parts:
        if path := existing(root, at, any_case=any_case):
            yield Match(at, path)
        return
    name, rest = parts[0], parts[1:]
    if name == "**":
        for folder in _folders(root, at, any_case):
            yield from _matching(root, folder, rest, any_case)
    elif "*" not in name:
        yield from _matching(root, at / name, rest, any_case)
    else:
        fits = _pattern(name, any_case or sys.platform == "win32").match
        for found in filter(fits, names(root, at, any_case=any_case)):
            if found not in CLOSED:
                yield from _matching(root, at / found, rest, any_case)


def _folders(root: Path, top: Path, any_case: bool) -> Iterator[Path]:
    """A folder and those below it, a few levels deep, without following links."""
    todo: list[Path] = [top]
    while todo:
        at = todo.pop()
        yield at
        path = within(root, at, any_case=any_case)
        if len(at.parts) - len(top.parts) < MAX_DEPTH:
            below = (at / name for name in reversed(_names(path)))
            todo += (place for place in below if is_plain_folder(root, place, any_case=any_case))


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise SourceError(f"{folder}: {error.strerror}") from error


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


@lru_cache(maxsize=64)
def _pattern(name: str, any_case: bool) -> re.Pattern[str]:
    return re.compile(translate(name), re.IGNORECASE if any_case else 0)
