"""WMI, asked through PowerShell, or read from its lists.

Lists are lines `Name=value` of wmic or `Name : value` of PowerShell, rows apart by blanks.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent.errors import SourceError

POWERSHELL = r"System32\WindowsPowerShell\v1.0\powershell.exe"
TIMEOUT_S = 60
# PowerShell wraps between words and indents what follows under the value.
_PAIR = re.compile(r"(?P<name>\w+)(?:=| *: ?)(?P<value>.*)")
# Longer is no property that is wanted; joining it line by line would take for ever.
MAX_VALUE = 64 * 1024


def rows_with(listing: str, *names: str) -> list[dict[str, str]]:
    """The rows that have these properties, with or without a value.

    Raises SourceError where there is none: an empty answer is written as no row at all, like that
    of a command that failed.
    """
    found = [row for row in rows(listing) if row.keys() >= set(names)]
    if not found:
        raise SourceError(f"is no WMI list with {' and '.join(names)}")
    return found


def asked(query: str, whom: str) -> bytes:
    """What PowerShell prints of a query, of `whom`, to the running Windows; raises SourceError."""
    import os
    import subprocess

    powershell = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / POWERSHELL
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command by its full path
            [powershell, "-NoProfile", "-NonInteractive", "-Command", query],
            capture_output=True,
            check=True,
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SourceError(f"{whom} did not answer: {type(error).__name__}") from error
    return answer.stdout


def rows(listing: str) -> Iterator[dict[str, str]]:
    """Each row as a mapping from property to value."""
    row: dict[str, str] = {}
    last = ""
    for line in [*listing.split("\n"), ""]:
        if found := _PAIR.fullmatch(line.rstrip()):
            last = found["name"]
            row[last] = found["value"].strip()
        elif not line.strip() and row:
            yield row
            row, last = {}, ""
        elif last and line.startswith(" ") and len(row[last]) < MAX_VALUE:
            row[last] += f" {line.strip()}"
