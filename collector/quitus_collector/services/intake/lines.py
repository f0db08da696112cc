"""What readers of all forms hand over, and what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from quitus_collector.services.ports import Messages
from quitus_collector.services.wording import N_

# What a cell holds; formulas are read as the value that the spreadsheet saved.
Cell = str | int | float | bool | date | None


@dataclass(frozen=True)
class Text:
    """A sentence for people: the English one, which is the key, and what it is filled in with."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)

    def told(self, messages: Messages) -> str:
        """In the reader's language; texts within it too."""
        inside = {
            name: value.told(messages) if isinstance(value, Text) else value
            for name, value in self.values.items()
        }
        return messages.text(self.message, **inside)

    def __str__(self) -> str:
        """In English."""
        return self.message.format(**self.values) if self.values else self.message


def phrase(message: str, /, **values: object) -> Text:
    """A sentence whose key is already marked with N_."""
    return Text(message, values)


def line_number(row: int) -> Text:
    """A line of a text file."""
    return phrase(N_("line {row}"), row=row)


def sheet_row(sheet: str, row: int) -> Text:
    """A row of a workbook's sheet."""
    return phrase(N_("sheet {sheet}, row {row}"), sheet=sheet, row=row)


def path_in(path: str) -> Text:
    """A place in a structured document, which is written the same in every language."""
    return Text("{path}", {"path": path})


@dataclass(frozen=True, slots=True)
class RawLine:
    """One entitlement as a document states it: values by field (`headings.FIELDS`).

    A field that the document has no place for is absent, an empty one is None. `columns` says
    what the document calls the field.
    """

    where: Text
    cells: Mapping[str, Cell]
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and in what the document calls `column` (empty: the line itself)."""

    where: Text
    column: str
    what: Text

    def told(self, messages: Messages) -> str:
        """One sentence in the reader's language."""
        where = self.where.told(messages)
        place = f"{where}, {self.column}" if self.column else where
        return messages.text(N_("{where}: {what}"), where=place, what=self.what.told(messages))


@dataclass(frozen=True, slots=True)
class Reading:
    """A document's lines, what was passed over in it, and what cannot be read.

    `undecided` is what only a person can make lines of; the rest may be taken in without it.
    """

    form: str
    lines: Sequence[RawLine]
    notes: Sequence[Text] = ()
    problems: Sequence[Problem] = ()
    undecided: Sequence[Problem] = ()


class Wrong(ValueError):
    """A value that cannot be taken; the text says why."""

    def __init__(self, message: str, /, **values: object) -> None:
        """The message is already marked with N_."""
        self.text = Text(message, values)
        super().__init__(str(self.text))
