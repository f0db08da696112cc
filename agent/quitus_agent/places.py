"""Places below the root of a system: the running one, or one that lies on a mounted disk.

Of a disk, links are followed as they would be had it started: an absolute one begins at its root,
and none leads out of it to the system that reads it.
"""

import errno
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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


class Match(NamedTuple):
    """What a pattern found: its name below the root, and where it lies once links are followed."""

    place: Path
    path: Path


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
    todo = list(reversed(Path(place).parts))
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


def matching(root: Path, *patterns: str, any_case: bool = False) -> Iterator[Match]:
    """What is there of each pattern's names, in their order; `*` in names, `**` as any folders.

    Raises SourceError naming a folder that this account may not list.
    """
    for pattern in patterns:
        yield from _matching(root, Path(), Path(pattern).parts, any_case)


@contextmanager
def nameless(whose: str, folder: Path) -> Iterator[None]:
    """Has a failure below a person's folder tell `whose` it is, "home 1", and not its name."""
    try:
        yield
    except SourceError as error:
        raise SourceError(f"{whose}: {str(error).replace(str(folder), '…')}") from error


def _matching(root: Path, at: Path, names: tuple[str, ...], any_case: bool) -> Iterator[Match]:
    if not names:
        if path := existing(root, at, any_case=any_case):
            yield Match(at, path)
        return
    name, rest = names[0], names[1:]
    if name == "**":
        for folder in _folders(root, at, any_case):
            yield from _matching(root, folder, rest, any_case)
    elif "*" not in name:
        yield from _matching(root, at / name, rest, any_case)
    else:
        fits = _pattern(name, any_case or sys.platform == "win32").match
        for found in filter(fits, _names(within(root, at, any_case=any_case))):
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
            below = (name for name in reversed(_names(path)) if _is_plain_folder(path / name))
            todo += (at / name for name in below)


def _is_plain_folder(path: Path) -> bool:
    return not path.is_symlink() and path.is_dir()


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
