"""Tables as people make them: titles above, headings late, blank rows between, totals below."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from quitus_collector.services.intake.cells import as_text
from quitus_collector.services.intake.headings import LICENCES, Vocabulary, plain
from quitus_collector.services.intake.lines import Cell, Problem, RawLine, Reading, Text, phrase
from quitus_collector.services.wording import N_

# Headings that come later are none.
LOOK_FOR_HEADINGS = 50
MAX_TOLD = 20
_TOTALS = ("total", "totaux", "sous total", "subtotal", "grand total", "somme", "sum of", "totals")

Row = tuple[int, Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Headings:
    """Which column is of which field; `names` are the headings as they are written."""

    row: int
    fields: Mapping[int, str]
    names: Mapping[int, str]


def column_letters(column: int) -> str:
    """The column as spreadsheets name it: 0 is A."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def read_grid(
    form: str,
    rows: Iterable[Row],
    place: Callable[[int], Text],
    vocabulary: Vocabulary = LICENCES,
) -> Reading:
    """The lines of a table whose headings are somewhere among its first rows.

    `place` names a row. Raises nothing: what is wrong is in what it returns.
    """
    following = iter(rows)
    above: list[Row] = []
    headings: Headings | None = None
    for row in following:
        if not _is_blank(row[1]):
            above.append(row)
            found = _headings(row, above[-2] if len(above) > 1 else None, vocabulary)
            if not vocabulary.lacks(found.fields.values()):
                headings = found
                break
        if len(above) >= LOOK_FOR_HEADINGS:
            break
    if headings is None:
        return Reading(form, (), (), (_no_headings(above, place, vocabulary),))
    notes, problems = _of_headings(headings, place, vocabulary)
    lines: list[RawLine] = []
    for number, cells in following:
        if _is_blank(cells):
            continue
        if _is_total(cells, headings):
            notes.append(phrase(N_("{where}: a total, passed over"), where=place(number)))
        elif dict(_headings((number, cells), None, vocabulary).fields) != headings.fields:
            lines.append(_line(place(number), cells, headings))
            problems.extend(_beyond(place(number), cells, headings))
    return Reading(form, lines, notes, problems)


def _is_blank(cells: Sequence[Cell]) -> bool:
    return not any(as_text(cell) for cell in cells)


def _headings(row: Row, above: Row | None, vocabulary: Vocabulary) -> Headings:
    """A row as headings; a group above it ("Validity" over "from" and "to") may complete them."""
    number, cells = row
    groups = list(_spread(above[1] if above else ()))
    fields: dict[int, str] = {}
    names: dict[int, str] = {}
    for column, cell in enumerate(cells):
        written = as_text(cell)
        if not written or len(written) > 80 or not isinstance(cell, str):
            continue
        names[column] = written
        group = groups[column] if column < len(groups) else ""
        if found := (group and vocabulary.field_of(f"{group} {written}")) or vocabulary.field_of(
            written
        ):
            fields[column] = found
    return Headings(number, fields, names)


def _spread(cells: Iterable[Cell]) -> Iterator[str]:
    """What merged cells show: the text of the first one, over those after it."""
    last = ""
    for cell in cells:
        last = as_text(cell) or last
        yield last


def _of_headings(
    headings: Headings, place: Callable[[int], Text], vocabulary: Vocabulary
) -> tuple[list[Text], list[Problem]]:
    where = place(headings.row)
    notes: list[Text] = []
    problems: list[Problem] = []
    first: dict[str, int] = {}
    passed_over: list[str] = []
    for column, written in headings.names.items():
        field = headings.fields.get(column)
        if field in first:
            message = N_("is the same field as the column {other!r}: {field}")
            other = headings.names[first[field]]
            what = phrase(message, other=other, field=field)
            problems.append(Problem(where, _column(headings, column), what))
        elif field:
            first[field] = column
        elif slip := vocabulary.slip_of(written):
            what = phrase(N_("is no known heading; is it {field!r}?"), field=slip)
            problems.append(Problem(where, _column(headings, column), what))
        else:
            passed_over.append(written)
    if passed_over:
        shown = ", ".join(passed_over[:MAX_TOLD]) + (" …" if len(passed_over) > MAX_TOLD else "")
        notes.append(phrase(N_("columns passed over: {names}"), names=shown))
    return notes, problems


def _column(headings: Headings, column: int) -> str:
    return f"{headings.names.get(column, '')} ({column_letters(column)})".strip()


def _line(where: Text, cells: Sequence[Cell], headings: Headings) -> RawLine:
    values: dict[str, Cell] = {}
    columns: dict[str, str] = {}
    for column, field in headings.fields.items():
        if field not in values:
            values[field] = cells[column] if column < len(cells) else None
            columns[field] = _column(headings, column)
    return RawLine(where, values, columns)


def _beyond(where: Text, cells: Sequence[Cell], headings: Headings) -> Iterator[Problem]:
    """A value under no heading: a separator too many, and all that follows is out of place."""
    for column, cell in enumerate(cells):
        if as_text(cell) and column > max(headings.names):
            what = phrase(N_("{value!r} stands under no heading"), value=as_text(cell)[:80])
            yield Problem(where, column_letters(column), what)
            return


def _is_total(cells: Sequence[Cell], headings: Headings) -> bool:
    words = next((plain(cell) for cell in cells if as_text(cell)), "")
    is_named = any(words == each or words.startswith(f"{each} ") for each in _TOTALS)
    identified = any(
        as_text(cells[column])
        for column, field in headings.fields.items()
        if field in ("id", "part_number") and column < len(cells)
    )
    begins_with_it = next((column for column, cell in enumerate(cells) if as_text(cell)), 0)
    return is_named and (not identified or headings.fields.get(begins_with_it) == "id")


def _no_headings(
    above: Sequence[Row], place: Callable[[int], Text], vocabulary: Vocabulary
) -> Problem:
    """The row that looks most like headings, and what it lacks."""
    if not above:
        return Problem(place(1), "", phrase(N_("there is nothing in it")))
    found = (_headings(row, None, vocabulary) for row in above)
    best = max(found, key=lambda each: len(each.fields))
    lacks = vocabulary.lacks(best.fields.values())
    if not best.fields or not lacks:
        message = N_("no row has headings that are known, like: {known}")
        return Problem(place(above[0][0]), "", phrase(message, known=vocabulary.example))
    message = N_("no heading tells the {field}, like: {known}")
    what = phrase(message, field=lacks, known=vocabulary.names_of(lacks))
    return Problem(place(best.row), "", what)
