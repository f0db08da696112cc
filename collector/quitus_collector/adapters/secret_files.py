"""Secrets that files hold: passwords, passphrases, PINs, and what portals are signed in to with.

A file that is called `credential:NAME` is not on the disk: it is the credential of that name that
systemd gives to a service (`LoadCredential=`, `LoadCredentialEncrypted=`).
"""

import stat
from pathlib import Path

from quitus_collector.errors import UsageError

CREDENTIAL = "credential:"
MAX_BYTES = 64 * 1024


def read(file: Path, credentials: Path | None) -> bytes:
    """All of it; raises UsageError naming the file, also where other accounts may read it.

    `credentials` is the folder that systemd gave this process, if it did.
    """
    place = _place(file, credentials)
    try:
        mode = place.stat().st_mode
        # Those of systemd are for one account by a list (ACL), which a mode does not tell.
        if place is file and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise UsageError("{file}: others may read this secret: chmod 600 {file}", file=file)
        with place.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError("{place}: {strerror}", place=place, strerror=error.strerror) from error
    if len(content) > MAX_BYTES:
        raise UsageError("{place}: is too long for a secret", place=place)
    return content


def is_given(file: Path) -> bool:
    """Whether it is systemd's to give, and so not on the disk."""
    return file.name.startswith(CREDENTIAL)


def read_line(file: Path, credentials: Path | None) -> str:
    """The one line that it holds, without its end; raises UsageError as `read` does."""
    try:
        found = read(file, credentials).decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UsageError("{file}: is not UTF-8", file=file) from error
    if not found or "\n" in found or "\0" in found:
        raise UsageError("{file}: one line is expected, the secret alone", file=file)
    return found


def _place(file: Path, credentials: Path | None) -> Path:
    if not is_given(file):
        return file
    name = file.name.removeprefix(CREDENTIAL)
    if credentials is None or not name:
        raise UsageError(
            "{name}: systemd gave this process no credentials: start it by a unit, or by "
            "systemd-run --pipe --wait -p LoadCredential={name2}:FILE",
            name=file.name,
            name2=name,
        )
    return credentials / name
