"""Paths of the Nix store: /nix/store/HASH-NAME-VERSION, one a line."""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing

NAME = "nix"
# A version begins at the first dash that no letter follows (Nix manual, builtins.parseDrvName).
_PATH = re.compile(r"/nix/store/[0-9a-z]{32}-(?P<name>.+?)-(?P<version>[^a-zA-Z-].*)")
_ANY = re.compile(r"/nix/store/[0-9a-z]{32}-\S+")
# Outputs of a package beside the one that is named after it.
_OUTPUT = re.compile(r"-(?:bin|debug|dev|devdoc|dist|doc|info|lib|man|out|py|static)$")
# What a build left behind beside the package itself.
_BUILD = re.compile(r"\.(?:drv|tar|gz|bz2|xz|zip|patch|lock|diff|sh|conf)\b")


def read(path: Path) -> Iterator[Install]:
    """Reads a list of store paths; a package that several paths show is one record."""
    return captures.installs_of(path, parse(captures.text(path)), "lists no package")


def parse(listing: str) -> Iterator[Install]:
    """What has a version is a package; the rest are settings, and what builds left."""
    seen = set()
    for number, line in enumerate(listing.splitlines(), start=1):
        if line.strip() and not _ANY.fullmatch(line.strip()):
            raise SourceError(f"line {number} is no path of the store")
        found = _PATH.fullmatch(line.strip())
        if not found or _BUILD.search(found[0]) or _OUTPUT.search(found[0]):
            continue
        if found.groups() not in seen:
            seen.add(found.groups())
            yield Install(found["name"], found["version"], source=NAME)


LISTING = Listing(NAME, read)
