"""Raw records as JSON lines, to be recognised without a collector."""

import json
from collections.abc import Iterable, Iterator, Mapping

from quitus_collector.domain.install import Install
from quitus_collector.errors import UsageError

# What a record says of itself; every other text in it is an identifier (`release_id` …).
FIELDS = ("name", "version", "publisher", "architecture", "source")
NOT_IDENTIFIERS = frozenset({*FIELDS, "hidden", "identifiers", "scope", "installed_on", "expect"})


def read(lines: Iterable[str]) -> Iterator[Install]:
    """One record a line, blank lines left out; raises UsageError naming the line."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            document = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"line {number} is not JSON") from error
        if not isinstance(document, dict):
            raise UsageError(f"line {number} is not a JSON object")
        yield _install(document, number)


def write(document: Mapping[str, object]) -> str:
    """A document on one line."""
    return json.dumps(document, ensure_ascii=False)


def _install(document: Mapping[str, object], number: int) -> Install:
    for name in FIELDS:
        if not isinstance(document.get(name), str | None):
            raise UsageError(f"line {number}: {name} is not a text")
    if not isinstance(document.get("hidden", False), bool):
        raise UsageError(f"line {number}: hidden is not true or false")
    nested = document.get("identifiers") or {}
    if not isinstance(nested, dict):
        raise UsageError(f"line {number}: identifiers is not an object")
    beside = {key: value for key, value in document.items() if key not in NOT_IDENTIFIERS}
    identifiers = {}
    for key, value in (beside | nested).items():
        if not isinstance(value, str | None):
            raise UsageError(f"line {number}: {key} is not a text")
        if value:
            identifiers[key] = value
    name, version, publisher, architecture, source = (str(document.get(f) or "") for f in FIELDS)
    return Install(
        name,
        version,
        publisher,
        architecture,
        source,
        identifiers=identifiers,
        hidden=document.get("hidden") is True,
    )
