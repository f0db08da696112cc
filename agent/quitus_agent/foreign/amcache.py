"""Amcache.hve: the programs that Windows saw at its last compatibility scan.

It also knows programs that are gone by now, so it is read on request only.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing
from quitus_agent.registry import Key, captured, text

NAME = "amcache"
# Since Windows 10 1607 values have names; before that they were numbered.
INVENTORY = r"Root\InventoryApplication"
PROGRAMS = r"Root\Programs"
NAMED = {"name": "Name", "version": "Version", "publisher": "Publisher", "kind": "Source"}
NUMBERED = {"name": "0", "version": "1", "publisher": "2", "kind": "6"}


def read(path: Path) -> Iterator[Install]:
    """Reads the hive."""
    root = captured.registry(path).software
    places = [(root.subkey(INVENTORY), NAMED), (root.subkey(PROGRAMS), NUMBERED)]
    if not any(key for key, _ in places):
        raise SourceError(f"{path}: holds no inventory of applications")
    for key, values in places:
        if key:
            yield from parse(key, values)


def parse(applications: Key, values: Mapping[str, str]) -> Iterator[Install]:
    """One record for each application that has a name."""
    for key in applications.subkeys():
        if name := text(key, values["name"]):
            identifiers = {
                "kind": text(key, values["kind"]),
                "package_full_name": text(key, "PackageFullName"),
                "product_code": text(key, "MsiProductCode").upper(),
            }
            yield Install(
                name=name,
                version=text(key, values["version"]),
                publisher=text(key, values["publisher"]),
                source=NAME,
                identifiers={kind: value for kind, value in identifiers.items() if value},
            )


LISTING = Listing(NAME, read)
