"""What `dpkg-query -W` printed with tabs: name, architecture, version, size, section, status."""

from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing

NAME = "dpkg-query"


def read(path: Path) -> Iterator[Install]:
    """Reads a listing; raises SourceError naming the line."""
    for number, line in enumerate(captures.text(path).splitlines(), start=1):
        fields = line.split("\t")
        if not line.strip():
            continue
        if len(fields) < 3:
            raise SourceError(f"{path}: line {number} has fewer than three fields")
        name, architecture, version = fields[:3]
        if fields[-1].endswith(("config-files", "not-installed")):
            continue
        section = {"section": fields[4]} if len(fields) > 4 and fields[4] else {}
        yield Install(name, version, architecture=architecture, source="dpkg", identifiers=section)


LISTING = Listing(NAME, read)
