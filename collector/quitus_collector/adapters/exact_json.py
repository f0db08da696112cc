"""JSON with exact numbers, which gives no key twice and has nothing that JSON does not know."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any


def refused(constant: str) -> Any:
    """Raises ValueError for NaN and the infinities, which are no JSON."""
    raise ValueError(f"{constant} is not a number of JSON")


def parsed(text: str, constant: Callable[[str], Any] = refused) -> Any:
    """The document; fractions are Decimal, and `constant` gives what is no JSON.

    Raises ValueError, and RecursionError where it is nested too deep.
    """
    return json.loads(
        text, object_pairs_hook=_distinct_keys, parse_float=Decimal, parse_constant=constant
    )


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} is given twice in one object")
    return found
