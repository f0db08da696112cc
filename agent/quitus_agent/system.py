"""What the operating system says about itself, read from files below a root."""

import os
import sys
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError

MAX_SMALL_BYTES = 4 * 1024 * 1024
# Where the running system lies, whatever folder or drive this process was started in.
RUNNING = Path(f"{os.environ.get('SYSTEMDRIVE', 'C:')}\\" if sys.platform == "win32" else "/")


# The first is on the system volume, the second on the data volume that people's things lie on.
MACOS_FOLDERS = ("System/Library/CoreServices", "private/var/db/dslocal")


def is_live(root: Path) -> bool:
    """Whether `root` is the running system's, not a mounted disk's."""
    return root == RUNNING


def is_macos(root: Path) -> bool:
    """Whether the system below `root` is a Mac's: its system volume, its data volume or both."""
    return any((root / place).is_dir() for place in MACOS_FOLDERS)


def os_release(root: Path) -> dict[str, str]:
    """The fields of os-release(5); empty where the system has none, as on Windows and macOS."""
    places = ("etc/os-release", "usr/lib/os-release")
    return next((parse_os_release(text) for each in places if (text := text_of(root / each))), {})


def text_of(path: Path) -> str:
    """The text of a small file; empty where it is absent or this account may not read it."""
    try:
        return captures.content(path, MAX_SMALL_BYTES).decode("utf-8", errors="replace").strip()
    except SourceError:
        return ""


def parse_os_release(text: str) -> dict[str, str]:
    """Reads `KEY=value` lines; quotes around a value are dropped, comments skipped."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, sign, value in pairs if sign}


def distribution_id(root: Path) -> str:
    """The distribution's short name ("debian", "ubuntu"), which is the namespace of its purls."""
    return os_release(root).get("ID") or "debian"
