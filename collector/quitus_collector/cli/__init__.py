"""The command `quitus-collector`."""

import gc
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit status: 0 done, 1 failed, 2 wrong usage."""
    # What a program is made of stays until it ends: searching it for circles that nothing needs any
    # more, while it is loaded, took a tenth of the time of a short command.
    searches = gc.isenabled()
    gc.disable()
    try:
        from quitus_collector.cli.program import run
    finally:
        if searches:
            gc.enable()
    return run(argv)
