"""Hotfixes as WMI lists them: Win32_QuickFixEngineering."""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.inventory import Install, Listing
from quitus_agent.wmi import rows

NAME = "hotfixes"
_NUMBER = re.compile(r"(?:KB|Q)\d{6,7}")


def read(path: Path) -> Iterator[Install]:
    """Reads a WMI list; an entry without a number of its own, like "File 1", is left out."""
    for row in rows(captures.text(path)):
        number = row.get("HotFixID", "")
        if _NUMBER.fullmatch(number):
            identifiers = {"release_type": row.get("Description", "")}
            yield Install(
                name=number,
                publisher="Microsoft Corporation",
                source=NAME,
                identifiers={key: value for key, value in identifiers.items() if value},
                hidden=True,
            )


LISTING = Listing(NAME, read)
