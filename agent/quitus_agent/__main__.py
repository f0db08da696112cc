"""`python -m quitus_agent`: the command where no script stands for it."""

from quitus_agent.cli import run

run()
