"""Hotfixes as WMI lists them: Win32_QuickFixEngineering."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from quitus_agent import captures
from quitus_agent.inventory import Install, Listing
from quitus_agent.wmi import rows_with

NAME = "hotfixes"
ID = "HotFixID"
# Names of columns, none of which is followed by a value.
_HEADING = re.compile(rf"^(?:\w+\s+)*{ID}(?:\s+\w+)*\s*$")
# Some have a version of their own behind the article: KB976002-v5.
_NUMBER = re.compile(r"(?:KB|Q)\d{4,10}(?:-\S+|v\d+)?", re.IGNORECASE)


def read(path: Path) -> Iterator[Install]:
    """Reads a WMI list or table; an entry without a number of its own, "File 1", is left out."""
    return captures.installs_of(path, parse(captures.text(path)))


def parse(listing: str) -> Iterator[Install]:
    """One hidden record for each numbered entry; raises SourceError where nothing is listed."""
    lines = listing.splitlines()
    heading = next((at for at, line in enumerate(lines) if _HEADING.search(line)), None)
    for row in rows_with(listing, ID) if heading is None else _table(lines[heading:]):
        number = row[ID]
        if _NUMBER.fullmatch(number):
            identifiers = {"release_type": row.get("Description", "")}
            yield Install(
                name=number,
                publisher="Microsoft Corporation",
                source=NAME,
                identifiers={key: value for key, value in identifiers.items() if value},
                hidden=True,
            )


def _table(lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows of `wmic qfe` and of `Get-HotFix`, whose columns begin where their names do."""
    heading, *rows = lines
    starts = [found.start() for found in re.finditer(r"(?<!\S)\S", heading)] + [None]
    names = heading.split()
    for line in rows:
        cells = [line[start:end].strip() for start, end in pairwise(starts)]
        yield {ID: ""} | dict(zip(names, cells, strict=True))


LISTING = Listing(NAME, read)
