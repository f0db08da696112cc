"""What the operating system says about itself, read from files below a root."""

from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.places import is_folder, within

# The first is on the system volume, the second on the data volume that people's things lie on.
MACOS_FOLDERS = ("System/Library/CoreServices", "private/var/db/dslocal")
# Beside Applications, what a copied data volume has even without what only administrators read.
MACOS_DATA = ("Library", "Users")
# What the files that are read here never come near.
MAX_SMALL_BYTES = 4 * 1024 * 1024


def is_macos(root: Path) -> bool:
    """Whether the system below `root` is a Mac's: its system volume, its data volume or both."""
    if any(is_folder(root, place) for place in MACOS_FOLDERS):
        return True
    return is_folder(root, "Applications") and any(is_folder(root, place) for place in MACOS_DATA)


def os_release(root: Path) -> dict[str, str]:
    """The fields of os-release(5); empty where the system has none, as on Windows and macOS."""
    places = ("etc/os-release", "usr/lib/os-release")
    return next((parse_os_release(text) for each in places if (text := text_of(root, each))), {})


def text_of(root: Path, place: str | Path) -> str:
    """The text of a small file; empty where it is absent or this account may not read it."""
    try:
        content = captures.content(within(root, place), MAX_SMALL_BYTES)
    except SourceError:
        return ""
    return content.decode("utf-8", errors="replace").strip()


def parse_os_release(text: str) -> dict[str, str]:
    """Reads `KEY=value` lines; quotes around a value are dropped, comments skipped."""
    pairs = (line.partition("=") for line in text.splitlines() if not line.startswith("#"))
    return {key.strip(): value.strip().strip("\"'") for key, sign, value in pairs if sign}


def distribution_id(root: Path) -> str:
    """The distribution's short name ("debian", "ubuntu"), which is the namespace of its purls."""
    return os_release(root).get("ID") or "debian"
