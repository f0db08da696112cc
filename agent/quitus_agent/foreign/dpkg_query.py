"""What Debian's tools print of packages: `dpkg-query -W`, with or without a format; `dpkg -l`."""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing

NAME = "dpkg-query"
# `dpkg -l`: what is wanted, what is there, an error if any; then name, version, architecture.
_STATE = re.compile(r"[uirph](?P<state>[ncHUFWti])[ R] +(?P<columns>\S.*)")
GONE_STATES = ("n", "c")


def read(path: Path) -> Iterator[Install]:
    """Reads a listing; raises SourceError naming the line."""
    for number, line in enumerate(captures.text(path).splitlines(), start=1):
        if found := _STATE.fullmatch(line):
            name, version, architecture = (*found["columns"].split(), "", "")[:3]
            if found["state"] not in GONE_STATES:
                yield _install(name, version, architecture)
        elif "\t" in line:
            try:
                yield from _tabbed(line.split("\t"))
            except SourceError as error:
                raise SourceError(f"{path}: line {number} {error}") from error
        elif line.strip() and not line.startswith(("|", "+", "Desired=", "Souhait=")):
            raise SourceError(f"{path}: line {number} is no package")


def _tabbed(fields: list[str]) -> Iterator[Install]:
    """Name and version, or with a format: name, architecture, version, size, section, status."""
    if fields[-1].endswith(("config-files", "not-installed")):
        return
    if len(fields) == 2:
        if fields[1][:1].isdigit():
            yield _install(*fields)
        elif fields[1]:
            raise SourceError("has no version")
        return
    name, architecture, version = fields[:3]
    yield _install(name, version, architecture, fields[4] if len(fields) > 4 else "")


def _install(name: str, version: str, architecture: str = "", section: str = "") -> Install:
    # Packages that may be there for several architectures are called `name:architecture`.
    name, _, own = name.partition(":")
    identifiers = {"section": section} if section else {}
    return Install(
        name, version, architecture=architecture or own, source="dpkg", identifiers=identifiers
    )


LISTING = Listing(NAME, read)
