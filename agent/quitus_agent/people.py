"""Who uses a device: known here by name, told to the collector as a pseudonym alone."""

import os
import struct
from collections import Counter
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.places import existing, is_live
from quitus_agent.registry.machine import is_windows

# A login record of Linux (utmp(5)): type, process, line, id, user, host, and what nobody needs.
WTMP = "var/log/wtmp"
LOGIN_RECORD = struct.Struct("<hxxi32s4s32s256s52x")
USER_PROCESS = 7
# The last logins are enough to tell, however often scripts log in.
MAX_LOGINS = 2_000
MACOS_LOGIN_WINDOW = "Library/Preferences/com.apple.loginwindow.plist"
WINDOWS_LOGON = r"Microsoft\Windows\CurrentVersion\Authentication\LogonUI"


def primary_user(root: Path) -> str:
    """Who uses the system below `root` most or was last to; empty where nothing tells."""
    try:
        if is_windows(root):
            return _windows(root)
        if window := existing(root, MACOS_LOGIN_WINDOW):
            from quitus_agent import plists

            return plists.text(plists.read_dict(window).get("lastUserName"))
        if wtmp := existing(root, WTMP):
            return most_frequent(parse_wtmp(_end_of(wtmp, MAX_LOGINS * LOGIN_RECORD.size)))
    except (SourceError, OSError):
        return ""
    return most_frequent(_logged_in()) if is_live(root) else ""


def parse_wtmp(content: bytes) -> list[str]:
    """The users of the logins in a wtmp file, oldest first; a record that is cut off is left."""
    whole = len(content) // LOGIN_RECORD.size * LOGIN_RECORD.size
    return [
        user.partition(b"\0")[0].decode("utf-8", errors="replace")
        for kind, _, _, _, user, _ in LOGIN_RECORD.iter_unpack(content[:whole])
        if kind == USER_PROCESS
    ]


def most_frequent(logins: list[str]) -> str:
    """The person with most logins, of equals the later one; `root` is nobody in person."""
    counts = Counter(user for user in reversed(logins) if user and user != "root")
    return max(counts, key=counts.__getitem__, default="")


def _windows(root: Path) -> str:
    from quitus_agent.registry import text
    from quitus_agent.registry.machine import open_registry

    logon = open_registry(root).software.subkey(WINDOWS_LOGON)
    return text(logon, "LastLoggedOnUser") if logon else ""


def _logged_in() -> list[str]:
    """Who is logged in now: all that systems tell that keep no wtmp any more."""
    import psutil

    return [user.name for user in psutil.users()]


def _end_of(path: Path, size: int) -> bytes:
    """The last bytes of a file of whole records."""
    with captures.opened(path) as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, (length - size) // LOGIN_RECORD.size * LOGIN_RECORD.size))
        return file.read(size) or b""
