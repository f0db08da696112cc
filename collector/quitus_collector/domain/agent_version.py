"""Versions of the agent: which of two is older."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

_VERSION = re.compile(r"v?(\d+(?:\.\d+){0,3})(?:[-._]?(dev|alpha|a|beta|b|rc)[-._]?(\d*))?.*")
# What comes before a release, in this order, and the release itself.
_STAGES = {"dev": 0, "a": 1, "alpha": 1, "b": 2, "beta": 2, "rc": 3, None: 4}


def is_version(text: str) -> bool:
    """Whether it is one like 1.4.0, and so can be set against others."""
    return re.fullmatch(r"\d+(\.\d+){1,3}", text) is not None


def is_older(one: str, other: str) -> bool:
    """Whether one version is older than another; what is no version is older than any."""
    return _order(one) < _order(other)


def by_version(versions: Iterable[str]) -> Sequence[tuple[str, int]]:
    """How many there are of each, the newest first; empty where none was said."""
    counted = Counter(versions)
    return sorted(counted.items(), key=lambda each: (_order(each[0]), each[0]), reverse=True)


def _order(text: str) -> tuple[tuple[int, ...], int, int]:
    """Numbers, trailing zeros left out, then how far it was from the release."""
    found = _VERSION.fullmatch(text.strip().lower())
    if not found:
        return (), 0, 0
    numbers = [int(each) for each in found[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers), _STAGES[found[2]], int(found[3] or 0)
