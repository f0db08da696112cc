"""Tables for people at a terminal, through rich; in a pipe, as wide as they need."""

import os
import sys
import textwrap
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

MIN_LABEL, MIN_WIDTH = 24, 40

# Longer lines are hard to read, however wide the terminal is.
NOTE_WIDTH = 110

METRIC = 1  # the column that a narrow terminal does without

# In a pipe nothing may be cut to a width that nobody has.
PIPE_WIDTH = 240


def new_table(*headings: str) -> Table:
    """A table with these headings and no rows."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def counted(count: int, thing: str) -> str:
    """A count with what is counted, in English."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def print_with_notes(rows: Sequence[tuple[str, ...]], notes: Sequence[str]) -> None:
    """Prints rows, the first one as headings, each with its note below over the whole width.

    Figures keep their width; the label takes what the terminal leaves, on several lines. Where it
    leaves too little, the metric goes first.
    """
    total = _console().width
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    left = {0, METRIC, len(widths) - 1}
    shown = list(range(len(widths)))
    if MIN_LABEL + sum(widths[1:]) + 2 * (len(widths) - 1) > total:
        shown.remove(METRIC)
    others = sum(widths[column] + 2 for column in shown[1:])
    widths[0] = min(widths[0], max(MIN_LABEL, total - others))
    for number, (row, note) in enumerate(zip(rows, notes, strict=True)):
        label, *more = textwrap.wrap(row[0], widths[0]) or [""]
        cells = [
            f"{cell:<{widths[column]}}" if column in left else f"{cell:>{widths[column]}}"
            for column, cell in enumerate((label, *row[1:]))
        ]
        print("  ".join(cells[column] for column in shown).rstrip())
        for part in more:
            print(part)
        for part in textwrap.wrap(note, total - 4):
            print(f"    {part}")
        if number == 0:
            print("─" * min(total, widths[0] + others))


def print_table(table: Table) -> None:
    """Prints it in the width of the terminal."""
    _console().print(table)


def width() -> int:
    """The columns that there are to print in."""
    return _console().width


def _console() -> Console:
    columns = os.environ.get("COLUMNS", "")
    if columns.isdecimal() and int(columns) >= MIN_WIDTH:
        return Console(file=sys.stdout, width=int(columns))
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else PIPE_WIDTH)
