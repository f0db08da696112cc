"""Files that a person uploaded and has not decided on yet: kept for some days."""

import re
import time
from pathlib import Path

from quitus_collector.adapters.document_folder import DocumentFolder
from quitus_collector.errors import UsageError
from quitus_collector.services.wording import N_
from quitus_collector.wiring.collector import Collector

# Below the collector's folder.
UPLOADS = "uploads"
KEPT_S = 7 * 24 * 3600
_DIGEST = re.compile(r"[0-9a-f]{64}")


def keep(collector: Collector, file: Path) -> str:
    """Keeps a copy; returns its SHA-256, by which it is found again. Raises UsageError."""
    collector.must_exist()
    folder = collector.config.home / UPLOADS
    for old in folder.iterdir() if folder.is_dir() else ():
        if time.time() - old.stat().st_mtime > KEPT_S:
            old.unlink(missing_ok=True)
    digest, _ = DocumentFolder(folder).keep(file)
    # Kept for some days from now on, also where it was there already.
    (folder / digest).touch()
    return digest


def find(collector: Collector, digest: str) -> Path:
    """The copy; raises UsageError where it is not there any more."""
    path = collector.config.home / UPLOADS / digest
    if not _DIGEST.fullmatch(digest) or not path.is_file():
        raise UsageError(N_("the file is not kept any more: upload it again"))
    return path
