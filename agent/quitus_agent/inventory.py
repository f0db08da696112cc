"""What a device holds: its installs, and for each source whether it could be read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

READ, ABSENT, FAILED = "read", "absent", "failed"
MACHINE, USER = "machine", "user"


class Install(NamedTuple):
    """One software record, verbatim; an empty text means that the source does not say.

    `hidden` records are not shown to the user of the device: parts, patches. `installed_on` is an
    ISO date. `location` stays on the device: it is printed here, never reported.
    """

    name: str
    version: str = ""
    publisher: str = ""
    architecture: str = ""
    source: str = ""
    scope: str = MACHINE
    identifiers: Mapping[str, str] = {}
    hidden: bool = False
    installed_on: str = ""
    location: str = ""


class SourceOutcome(NamedTuple):
    """Whether a source was READ, ABSENT or FAILED, and why.

    `reason` is empty unless the source failed, or is absent because it is turned off.
    """

    name: str
    status: str
    reason: str = ""


class Source(NamedTuple):
    """One place where a system records software.

    `available` and `scan` take the root of the file system to read ("/" on the running machine);
    `read` takes one file that was captured elsewhere. `scan` and `read` raise SourceError when
    what is there cannot be read whole.
    """

    name: str
    available: Callable[[Path], bool]
    scan: Callable[[Path], Iterable[Install]]
    read: Callable[[Path], Iterable[Install]]


class Listing(NamedTuple):
    """A form of file that no system keeps but some tool writes; `read` is as in Source."""

    name: str
    read: Callable[[Path], Iterable[Install]]


class Inventory(NamedTuple):
    """The installs of every source that was read, and the outcome of every source."""

    sources: Sequence[SourceOutcome]
    installs: Sequence[Install]


def failures(inventory: Inventory) -> Iterator[str]:
    """One sentence for each source that failed."""
    for outcome in inventory.sources:
        if outcome.status == FAILED:
            yield f"{outcome.name} could not be read: {outcome.reason}"
