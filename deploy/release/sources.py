"""What the sources say of themselves: their version, and when they were committed."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Of sources without history: the first day that an archive can write down.
LONG_AGO = 315_532_800


def version(sources: Path = ROOT) -> str:
    """As a wheel of these sources has it: 1.4.0, or 1.5.0.dev3 between two releases."""
    said = subprocess.run(
        [sys.executable, "-m", "hatchling", "version"],
        cwd=sources,
        check=True,
        capture_output=True,
        text=True,
    )
    return said.stdout.strip()


def made_at(sources: Path = ROOT) -> int:
    """When they were committed, seconds since 1970: what is built says that, and not today."""
    if given := os.environ.get("SOURCE_DATE_EPOCH"):
        return int(given)
    said = subprocess.run(
        ["git", "log", "-1", "--format=%ct"],  # noqa: S607
        cwd=sources,
        check=False,
        capture_output=True,
        text=True,
    )
    return int(said.stdout) if said.stdout.strip() else LONG_AGO
