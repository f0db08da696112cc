"""Runs the agent with the libraries beside this file, and no other."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent / "lib"))

from quitus_agent.cli import run

run()
