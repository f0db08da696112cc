"""The console's pictures in docs/console.md, taken by the tests of its pages: `make gallery`."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TARGET = Path(__file__).parents[1] / "docs" / "console"
# What a test calls a picture, and the file that the page shows.
PICTURES = {
    "overview-fr": "overview",
    "position-fr": "position",
    "story-why-a-number": "why",
    "devices-fr": "devices",
    "prices-fr": "prices",
    "pools-fr": "pools",
    "story-preview-of-an-import": "import",
    "story-effect-of-a-rule": "unknown",
    "story-simulation": "simulation",
    "story-review": "review",
    "story-approval": "approval",
    "story-receipt": "receipt",
    "story-verification": "verification",
    "audit-log-fr": "audit",
    "overview-phone": "phone",
}


def main() -> int:
    """Takes them all; returns the tests' exit status."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"QUITUS_GALLERY": folder}
        command = [sys.executable, "-m", "pytest", "-q", "tests/e2e/console"]
        status = subprocess.run(command, check=False, env=environment).returncode
        if status == 0:
            TARGET.mkdir(exist_ok=True)
            for taken, shown in PICTURES.items():
                shutil.copy(Path(folder) / f"{taken}.png", TARGET / f"{shown}.png")
    return status


if __name__ == "__main__":
    sys.exit(main())
