"""Property lists, XML or binary, from files that may be damaged or hostile."""

import plistlib
from codecs import BOM_UTF8
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.xmltree import in_utf8

# What plistlib lets through of its parsers; it refuses entity declarations by itself.
_DAMAGES = (
    plistlib.InvalidFileException,
    ExpatError,
    ValueError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    LookupError,
)
# No name or version is longer, and a number of a binary list may have thousands of digits.
MAX_TEXT, MAX_NUMBER = 64 * 1024, 1 << 64


def read(path: Path) -> Any:
    """The dict or list that a file holds; raises SourceError naming it."""
    try:
        return parse(captures.content(path))
    except SourceError as error:
        raise captures.naming(path, error) from error


def parse(content: bytes) -> Any:
    """The dict or list that a property list holds; raises SourceError."""
    try:
        content = in_utf8(content)
        # plistlib recognises XML by a heading that a list need not have.
        is_xml = content.removeprefix(BOM_UTF8).lstrip().startswith(b"<")
        document = plistlib.loads(content, fmt=plistlib.FMT_XML if is_xml else None)
    except _DAMAGES as error:
        raise SourceError("is not a property list") from error
    if not isinstance(document, dict | list):
        raise SourceError("is a property list of a single value")
    return document


def read_dict(path: Path) -> dict[str, Any]:
    """The dict that a file holds; raises SourceError naming it."""
    document = read(path)
    if not isinstance(document, dict):
        raise SourceError(f"{path}: is a property list of another form")
    return document


def text(value: object) -> str:
    """A value as text where it is one or a number, else empty.

    A list is nothing to show: a small file can hold one whose text would fill the memory.
    """
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value) if abs(value) < MAX_NUMBER else ""
    return ""
