"""What Debian's tools print of packages: `dpkg-query -W`, with or without a format; `dpkg -l`."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing

NAME = "dpkg-query"
# `dpkg -l`: what is wanted, what is there, an error if any; then name, version, architecture.
_STATE = re.compile(r"[uirph](?P<state>[ncHUFWti])[ RHX#] +(?P<columns>\S.*)")
GONE_STATES = ("n", "c")
# The line between its heading, which is in some language, and its rows: how wide columns are.
RULER = "+++-"
# Architectures as Debian names them (dpkg-architecture -L), with a kernel before them or not.
_ARCHITECTURE = re.compile(
    r"all|any|(?:[a-z0-9]+-)?(?:amd64|x32|i386|arm64|arm|armel|armhf|armeb|riscv64|loong64"
    r"|ppc64|ppc64el|powerpc|powerpcspe|s390|s390x|sparc|sparc64|mips|mipsel|mips64|mips64el"
    r"|mipsn32|mipsn32el|alpha|hppa|ia64|m68k|sh4|arc|avr32|i586|i686)"
)
# What `dpkg -l` gives to names, versions, architectures and descriptions at the least.
NARROWEST = (14, 12, 12, 33)


def read(path: Path) -> Iterator[Install]:
    """Reads a listing; raises SourceError naming the line."""
    return captures.installs_of(path, parse(captures.text(path)), "lists no package")


def parse(listing: str) -> Iterator[Install]:
    """Reads what stands below the heading, if there is one."""
    lines = listing.split("\n")
    ruled = next((at for at, line in enumerate(lines) if line.startswith(RULER)), -1)
    room = _room(lines[ruled].rstrip(), lines[ruled + 1 :]) if ruled >= 0 else None
    for number, line in enumerate(lines[ruled + 1 :], start=ruled + 2):
        if not line.strip():
            continue
        try:
            yield from _row(line, room)
        except SourceError as error:
            raise SourceError(f"line {number} {error}") from error


def _room(ruler: str, rows: Sequence[str]) -> tuple[int, int] | None:
    """How long names and versions may be, where columns have the widths of a terminal.

    Else columns are as wide as what is in them needs. A terminal's are wider than any architecture,
    or the narrowest, and then descriptions fill the last one. Before dpkg 1.16, which had no column
    for architectures, there were no others.
    """
    widths = tuple(len(column) for column in ruler.split("-")[1:])
    is_filled = any(len(row) >= len(ruler) for row in rows)
    if len(widths) == 4 and not widths[2] > NARROWEST[2]:
        is_cut = widths == NARROWEST and is_filled
    else:
        is_cut = len(widths) > 2
    return (widths[0], widths[1]) if is_cut else None


def _row(line: str, room: tuple[int, int] | None) -> Iterator[Install]:
    if found := _STATE.fullmatch(line):
        if found["state"] not in GONE_STATES:
            yield _listed(found["columns"].split(), room)
    elif "\t" in line:
        yield from _tabbed(line.split("\t"))
    else:
        raise SourceError("is no package")


def _listed(words: Sequence[str], room: tuple[int, int] | None) -> Install:
    """A row of `dpkg -l`, whose columns before dpkg 1.16 knew no architecture."""
    name, version, architecture = (*words, "", "")[:3]
    if not _ARCHITECTURE.fullmatch(architecture):
        architecture = ""
    if room and (len(name) >= room[0] or len(version) >= room[1]):
        raise SourceError(
            f"fills its column and may be cut: {name} {version}; dpkg-query -W cuts nothing"
        )
    # Half installed, a package may have none, which is told in words.
    return _install(name, "" if version.startswith("<") else version, architecture)


def _tabbed(fields: list[str]) -> Iterator[Install]:
    """Name and version, or with a format: name, architecture, version, size, section, status.

    Version and architecture may come the other way round.
    """
    if fields[-1].endswith(("config-files", "not-installed")):
        return
    if len(fields) == 2:
        if fields[1][:1].isdigit():
            yield _install(*fields)
        elif fields[1]:
            raise SourceError("has no version")
        return
    name, architecture, version = fields[:3]
    if _ARCHITECTURE.fullmatch(version) and not _ARCHITECTURE.fullmatch(architecture):
        architecture, version = version, architecture
    if not version:
        raise SourceError("has no version")
    yield _install(name, version, architecture, fields[4] if len(fields) > 4 else "")


def _install(name: str, version: str, architecture: str = "", section: str = "") -> Install:
    # Packages that may be there for several architectures are called `name:architecture`.
    name, _, own = name.partition(":")
    if not name:
        raise SourceError("has no name")
    identifiers = {"section": section} if section else {}
    return Install(
        name, version, architecture=architecture or own, source="dpkg", identifiers=identifiers
    )


LISTING = Listing(NAME, read)
