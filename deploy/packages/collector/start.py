"""Runs the collector with the libraries beside this file, and no other."""

import os
import sys
from pathlib import Path

LIBRARIES = str(Path(__file__).resolve().parent / "lib")
sys.path.insert(0, LIBRARIES)
# For the processes that it starts (`serve --workers`).
os.environ["PYTHONPATH"] = LIBRARIES
os.environ["PYTHONNOUSERSITE"] = "1"

from quitus_collector.cli import main  # noqa: E402 - found only now

sys.exit(main())
