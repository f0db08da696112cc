"""macOS installer receipts: what was installed by package, and when.

A receipt stays when the software is removed: these records are hidden evidence, not installs.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from quitus_agent import captures, plists
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, matching

NAME = "macos-receipts"
HISTORY = Path("Library/Receipts/InstallHistory.plist")
RECEIPTS = Path("private/var/db/receipts")


def available(root: Path) -> bool:
    """Whether the system keeps a history of its installer, or receipts."""
    return existing(root, HISTORY, RECEIPTS) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the history below `root`, then the receipts that it does not mention."""
    known: set[str] = set()
    if history := existing(root, HISTORY):
        for entry in _entries(history, plists.read(history)):
            known.update(_packages(entry))
            yield _install(entry)
    for place, path in matching(root, f"{RECEIPTS}/*.plist"):
        if place.stem not in known:
            yield from read(path)


def read(path: Path) -> Iterator[Install]:
    """Reads an InstallHistory.plist or a receipt; raises SourceError naming it."""
    document = plists.read(path)
    if isinstance(document, dict) and plists.text(document.get("PackageIdentifier")):
        return iter([parse_receipt(document)])
    # The system itself was installed.
    return captures.installs_of(path, map(_install, _entries(path, document)), "tells no install")


def parse_receipt(receipt: dict[str, Any]) -> Install:
    """The record of one package, which has an id and no name."""
    package = plists.text(receipt["PackageIdentifier"])
    on = receipt.get("InstallDate")
    return Install(
        name=package,
        version=plists.text(receipt.get("PackageVersion")),
        publisher="Apple" if package.startswith("com.apple.") else "",
        source=NAME,
        identifiers={"package_id": package},
        hidden=True,
        installed_on=on.date().isoformat() if isinstance(on, datetime) else "",
    )


def _entries(path: Path, document: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(document, list):
        raise SourceError(f"{path}: is not a history of installs, nor a receipt")
    for entry in document:
        if isinstance(entry, dict) and plists.text(entry.get("displayName")):
            yield entry


def _packages(entry: dict[str, Any]) -> list[str]:
    listed = entry.get("packageIdentifiers")
    return [plists.text(each) for each in listed] if isinstance(listed, list) else []


def _install(entry: dict[str, Any]) -> Install:
    packages = _packages(entry)
    on = entry.get("date")
    identifiers = {
        "package_id": packages[0] if packages else "",
        "installer": plists.text(entry.get("processName")),
    }
    return Install(
        name=plists.text(entry["displayName"]),
        version=plists.text(entry.get("displayVersion")),
        publisher="Apple" if packages and packages[0].startswith("com.apple.") else "",
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
        hidden=True,
        installed_on=on.date().isoformat() if isinstance(on, datetime) else "",
    )


SOURCE = Source(NAME, available, scan, read)
