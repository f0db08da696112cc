"""JSON with exact numbers, which gives no key twice and has nothing that JSON does not know."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from functools import partial
from typing import Any


class _Unreadable:
    """Stands where a document has what is no value."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


def parsed(text: str, constant: Callable[[str], Any] | None = None) -> Any:
    """The document; fractions are Decimal, and `constant` gives what stands for NaN and its like.

    Raises ValueError with the place of the first value that is none, and RecursionError where it
    is nested too deep.
    """
    if text.startswith("\ufeff"):
        raise ValueError("begins with a byte order mark, which JSON does not have")
    unreadable: list[_Unreadable] = []

    def spoil(reason: str) -> _Unreadable:
        unreadable.append(_Unreadable(reason))
        return unreadable[-1]

    def number(kind: Callable[[str], Any], digits: str) -> Any:
        try:
            return kind(digits)
        except (ValueError, InvalidOperation):
            return spoil("is too long a number")

    document = json.loads(
        text,
        object_pairs_hook=partial(_distinct_keys, spoil),
        parse_int=partial(number, int),
        parse_float=partial(number, Decimal),
        parse_constant=constant or (lambda name: spoil(f"{name} is not a number of JSON")),
    )
    for place, reason in _spoilt(document) if unreadable else ():
        raise ValueError(f"{place.removeprefix('.') or 'document'}: {reason}")
    return document


def _distinct_keys(
    spoil: Callable[[str], _Unreadable], pairs: list[tuple[str, Any]]
) -> dict[str, Any] | _Unreadable:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        return spoil(f"the key {twice!r} is given twice")
    return found


def _spoilt(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, _Unreadable):
        yield place, value.reason
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from _spoilt(each, f"{place}.{key if key.isprintable() else repr(key)}")
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from _spoilt(each, f"{place}[{number}]")
