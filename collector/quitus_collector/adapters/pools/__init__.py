"""Licence lists in every form that we read, all as the same neutral lines.

The form is told by the content: a workbook, XML, JSON, or a table as text.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from quitus_collector.adapters.pools import (
    cyclonedx,
    delimited,
    entitlement_xml,
    statement,
    workbook,
)
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.headings import Vocabulary
from quitus_collector.services.intake.lines import Reading
from quitus_collector.services.wording import N_

MAX_BYTES = 50 * 1024 * 1024


def _any_workbook(content: bytes) -> Reading:
    """A statement where the workbook has the headings of one, else a list of somebody's own."""
    found = workbook.sheets(content)
    return statement.reading_of(found) or workbook.reading_of("xlsx", found)


FORMS: Mapping[str, Callable[[bytes], Reading]] = {
    "csv": delimited.read,
    "xlsx": workbook.read,
    "mls": statement.read,
    "cyclonedx": cyclonedx.read,
    "ent": entitlement_xml.read,
}
# What files that are no list begin with, and what to do about them.
_OTHERS = {
    b"\xd0\xcf\x11\xe0": N_(
        "is a workbook of before 2007, or one that is locked: save it as .xlsx"
    ),
    b"%PDF": N_("is a PDF: keep it as a proof (proofs add), and enter its lines in a table"),
}


def read(path: Path, form: str = "auto") -> Reading:
    """Reads a file, in the form that its content has or that is given (a key of FORMS).

    Raises UsageError naming the file where it cannot be read at all; what is wrong with lines is
    in the reading.
    """
    content = _content(path)
    try:
        return _reader(content, form)(content)
    except UsageError as error:
        raise UsageError("{path}: {error}", path=path, error=error) from error


def read_table(path: Path, vocabulary: Vocabulary) -> Reading:
    """Reads a list of another kind: a workbook or a table as text. Raises UsageError as `read`."""
    content = _content(path)
    try:
        _refuse_others(content)
        reader = workbook.read if content.startswith(b"PK") else delimited.read
        return reader(content, vocabulary)
    except UsageError as error:
        raise UsageError("{path}: {error}", path=path, error=error) from error


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(
                "{path}: is larger than {limit} MiB", path=path, limit=MAX_BYTES // 1024 // 1024
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError("{path}: {strerror}", path=path, strerror=error.strerror) from error


def _refuse_others(content: bytes) -> None:
    for beginning, complaint in _OTHERS.items():
        if content.startswith(beginning):
            raise UsageError(complaint)


def _reader(content: bytes, form: str) -> Callable[[bytes], Reading]:
    """What reads the content; raises UsageError where it is of no form."""
    if form != "auto":
        return FORMS[form]
    _refuse_others(content)
    if content.startswith(b"PK"):
        return _any_workbook
    start = content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return FORMS[{b"<": "ent", b"{": "cyclonedx"}.get(start, "csv")]
