"""Raw records as JSON lines, to be recognised without a collector."""

import json
from collections.abc import Iterable, Iterator, Mapping

from quitus_collector.domain.install import Install
from quitus_collector.errors import UsageError

# What a record says of itself; every other text in it is an identifier (`release_id` …).
FIELDS = ("name", "version", "publisher", "architecture", "source")
NOT_TEXTS = frozenset({"hidden", "identifiers", "scope", "installed_on", "expect"})


def read(lines: Iterable[str], first: int = 1) -> Iterator[Install]:
    """One record a line, blank lines left out; raises UsageError naming the line.

    `first` is the number of the first line.
    """
    for number, line in enumerate(lines, start=first):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError("line {number} is not JSON", number=number) from error
        if not isinstance(document, dict):
            raise UsageError("line {number} is not a JSON object", number=number)
        yield _install(document, number)


def write(document: Mapping[str, object]) -> str:
    """A document on one line, ended."""
    return f"{_encode(document)}\n"


_encode = json.JSONEncoder(ensure_ascii=False).encode


def _install(document: dict[str, object], number: int) -> Install:
    hidden = document.get("hidden", False)
    if not isinstance(hidden, bool):
        raise UsageError("line {number}: hidden is not true or false", number=number)
    nested = document.get("identifiers") or {}
    if not isinstance(nested, dict):
        raise UsageError("line {number}: identifiers is not an object", number=number)
    texts: dict[str, str] = {}
    for key, value in (document | nested if nested else document).items():
        if value is None or key in NOT_TEXTS:
            continue
        if not isinstance(value, str):
            raise UsageError("line {number}: {key} is not a text", number=number, key=key)
        texts[key] = value
    name, version, publisher, architecture, source = [texts.pop(key, "") for key in FIELDS]
    return Install(name, version, publisher, architecture, source, identifiers=texts, hidden=hidden)
