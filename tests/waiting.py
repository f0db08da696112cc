"""Waiting for what another process does."""

import time
from collections.abc import Callable


def until(true: Callable[[], bool], within_s: float = 30.0) -> bool:
    """Whether it came true in time."""
    ends = time.monotonic() + within_s
    while not true():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
