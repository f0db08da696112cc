"""Tables as text, as spreadsheets export them: comma, semicolon, tab or bar between cells."""

import csv
import io
from collections.abc import Iterator

from quitus_collector.adapters.sheets.csv_text import as_written
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.grids import LOOK_FOR_HEADINGS, Row, read_grid
from quitus_collector.services.intake.headings import LICENCES, Vocabulary
from quitus_collector.services.intake.lines import Problem, Reading, line_number, phrase
from quitus_collector.services.wording import N_

DELIMITERS = ";,\t|"
MAX_LINES = 200_000
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def read(content: bytes, vocabulary: Vocabulary = LICENCES) -> Reading:
    """The lines of a table; UTF-8, UTF-16 with its mark, or Windows-1252 of older spreadsheets.

    Raises UsageError where it is no text.
    """
    return parse(_decoded(content), vocabulary)


def parse(document: str, vocabulary: Vocabulary = LICENCES) -> Reading:
    """The lines of a table's text; a row that breaks the form ends it with a problem."""
    rows = _Rows(document, _delimiter(document, vocabulary))
    reading = read_grid("csv", rows, line_number, vocabulary)
    problems = [*reading.problems, *rows.problems]
    return Reading(reading.form, reading.lines, reading.notes, problems)


class _Rows:
    """Rows, each with the number of its first line; what cannot be read is kept as problems."""

    def __init__(self, document: str, delimiter: str) -> None:
        self._document = document
        self._delimiter = delimiter
        self.problems: list[Problem] = []

    def __iter__(self) -> Iterator[Row]:
        document = io.StringIO(self._document, newline="")
        reader = csv.reader(document, delimiter=self._delimiter, strict=True)
        first = 1
        try:
            for cells in reader:
                # As our own tables have them: what was taken out can be taken in again.
                yield first, [as_written(cell) for cell in cells]
                first = reader.line_num + 1
                if first > MAX_LINES:
                    message = N_("there are more than {limit} lines")
                    problem = Problem(line_number(first), "", phrase(message, limit=MAX_LINES))
                    self.problems.append(problem)
                    return
        except csv.Error as error:
            message = N_("is no row of a table: {reason}")
            self.problems.append(
                Problem(line_number(first), "", phrase(message, reason=str(error)))
            )


def _delimiter(document: str, vocabulary: Vocabulary) -> str:
    """The one under which headings are found, else the most frequent one."""
    beginning = "\n".join(document.split("\n", 2 * LOOK_FOR_HEADINGS)[: 2 * LOOK_FOR_HEADINGS])
    by_count = sorted(DELIMITERS, key=lambda each: -beginning.count(each))
    for each in by_count:
        reading = read_grid("csv", _Rows(beginning, each), line_number, vocabulary)
        if reading.lines or not any(not problem.column for problem in reading.problems):
            return each
    return by_count[0]


def _decoded(content: bytes) -> str:
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "")
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            document = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in document:
            return document
    raise UsageError("is not a text file")
