"""macOS installer receipts: what was installed by package, and when.

A receipt stays when the software is removed: these records are hidden evidence, not installs.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from quitus_agent import plists
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source

NAME = "macos-receipts"
HISTORY = Path("Library/Receipts/InstallHistory.plist")


def available(root: Path) -> bool:
    """Whether the system keeps a history of its installer."""
    return (root / HISTORY).is_file()


def scan(root: Path) -> Iterator[Install]:
    """Reads the history below `root`."""
    return read(root / HISTORY)


def read(path: Path) -> Iterator[Install]:
    """Reads an InstallHistory.plist; raises SourceError naming it."""
    document = plists.read(path)
    if not isinstance(document, list):
        raise SourceError(f"{path}: is not a history of installs")
    for entry in document:
        if isinstance(entry, dict) and entry.get("displayName"):
            yield _install(entry)


def _install(entry: dict[str, Any]) -> Install:
    packages = [str(each) for each in entry.get("packageIdentifiers") or []]
    on = entry.get("date")
    identifiers = {
        "package_id": packages[0] if packages else "",
        "installer": str(entry.get("processName") or ""),
    }
    return Install(
        name=str(entry["displayName"]),
        version=str(entry.get("displayVersion") or ""),
        publisher="Apple" if packages and packages[0].startswith("com.apple.") else "",
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
        hidden=True,
        installed_on=on.date().isoformat() if isinstance(on, datetime) else "",
    )


SOURCE = Source(NAME, available, scan, read)
