"""Property lists, XML or binary, from files that may be damaged or hostile."""

import plistlib
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from quitus_agent import captures
from quitus_agent.errors import SourceError

# What plistlib lets through of its parsers; it refuses entity declarations by itself.
_DAMAGES = (
    plistlib.InvalidFileException,
    ExpatError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
)


def read(path: Path) -> Any:
    """The dict or list that a file holds; raises SourceError naming it."""
    try:
        return parse(captures.content(path))
    except SourceError as error:
        raise captures.naming(path, error) from error


def parse(content: bytes) -> Any:
    """The dict or list that a property list holds; raises SourceError."""
    try:
        document = plistlib.loads(content)
    except _DAMAGES as error:
        raise SourceError("is not a property list") from error
    if not isinstance(document, dict | list):
        raise SourceError("is a property list of a single value")
    return document
