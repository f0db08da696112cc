"""Paths of the Nix store: /nix/store/HASH-NAME-VERSION, one a line."""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.inventory import Install, Listing

NAME = "nix"
_PATH = re.compile(r"/nix/store/[0-9a-z]{32}-(?P<name>.+?)-(?P<version>\d[\w.+]*)")
# What a build left behind beside the package itself.
_BUILD = re.compile(r"\.(?:drv|tar|gz|bz2|xz|zip|patch|lock|diff|sh|conf)\b")


def read(path: Path) -> Iterator[Install]:
    """Reads a list of store paths; a package that several paths show is one record."""
    seen = set()
    for line in captures.text(path).splitlines():
        found = _PATH.fullmatch(line.strip())
        if found and not _BUILD.search(found[0]) and found.groups() not in seen:
            seen.add(found.groups())
            yield Install(found["name"], found["version"], source=NAME)


LISTING = Listing(NAME, read)
