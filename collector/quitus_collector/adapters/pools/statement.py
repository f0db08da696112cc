"""Microsoft Licence Statements (MLS): the workbook that Microsoft makes of volume purchases.

Read from the sheet with a row per product family, version and country ("Pivot Data"), which is
found by its headings, English or French, on whatever row and under whatever name. The statement
knows neither OEM nor boxed licences.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from quitus_collector.adapters.pools.workbook import Sheet, sheets
from quitus_collector.errors import UsageError
from quitus_collector.services.intake.cells import Count, as_text, quantity
from quitus_collector.services.intake.grids import LOOK_FOR_HEADINGS, column_letters
from quitus_collector.services.intake.headings import plain
from quitus_collector.services.intake.lines import (
    Cell,
    Problem,
    RawLine,
    Reading,
    Text,
    Wrong,
    phrase,
    sheet_row,
)
from quitus_collector.services.wording import N_

# What the columns are called; British spelling and the order of French words vary.
COLUMNS: Mapping[str, str] = {
    name: column
    for column, names in {
        "pool": "product pool|pool de produits|pool produits|groupe de produits|pool",
        "family": "license product family|licence product family|product family|"
        "famille de produits de licence|famille de produits sous licence|famille de produits|"
        "famille de produits de licences|famille de produit",
        "version": "license version|licence version|version de licence|version de la licence|"
        "version des licences",
        "effective": "effective license quantity|effective licence quantity|effective quantity|"
        "quantite effective de licences|quantite de licences effective|quantite effective|"
        "quantite de licences effectives|quantite de licence effective",
        "upgrade": "upgrade license quantity|upgrade licence quantity|"
        "quantite de licences de mise a niveau|quantite de licences mise a niveau|"
        "quantite de mise a niveau",
        "maintained_upgrade": "upgrade license quantity w maintenance|"
        "upgrade licence quantity w maintenance|"
        "quantite de licences de mise a niveau avec maintenance|"
        "quantite de licences mise a niveau avec maintenance|"
        "quantite de licences de mise a niveau avec maint",
        "assurance": "active sa quantity|quantite sa active|quantite de sa active|"
        "quantite active de sa|quantite de software assurance active|quantite sa actives",
        "country": "country of usage|pays d utilisation|pays d usage",
    }.items()
    for name in names.split("|")
}
_NEEDED = frozenset({"family", "version", "effective", "assurance"})
_ALL_COUNTRIES = frozenset({"all countries", "tous les pays", "tous pays"})
# Of families that are sold without versions.
_NO_VERSION = frozenset({"non specific", "non specifique", "n a", "not applicable", "sans objet"})
_DAY = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})|(\d{1,2})/(\d{1,2})/(\d{4})")


def read(content: bytes) -> Reading:
    """A line for each family and version of all countries; raises UsageError for no statement."""
    found = reading_of(sheets(content))
    if found is None:
        raise UsageError("is no Microsoft Licence Statement: no sheet has its headings")
    return found


def reading_of(found: Sequence[Sheet]) -> Reading | None:
    """The lines of a statement's sheets; None where no sheet has the headings of one."""
    for sheet in found:
        if headings := _headings(sheet):
            return _Statement(sheet, *headings).reading()
    return None


def _headings(sheet: Sheet) -> tuple[int, Mapping[str, int]] | None:
    """Where the headings are among the sheet's rows, and the column of each."""
    for index, (_, cells) in enumerate(sheet.rows[:LOOK_FOR_HEADINGS]):
        columns: dict[str, int] = {}
        for column, cell in enumerate(cells):
            if name := COLUMNS.get(plain(as_text(cell))):
                columns.setdefault(name, column)
        if columns.keys() >= _NEEDED:
            return index, columns
    return None


class _Statement:
    """One sheet of a statement, row by row."""

    def __init__(self, sheet: Sheet, index: int, columns: Mapping[str, int]) -> None:
        self._name = sheet.name
        self._above = sheet.rows[:index]
        self._headings = sheet.rows[index][1]
        self._rows = sheet.rows[index + 1 :]
        self._columns = columns
        self._problems: list[Problem] = []
        self._undecided: list[Problem] = []
        self._assured = 0

    def reading(self) -> Reading:
        """The lines, and what the statement does not say."""
        lines = [line for row in self._rows for line in self._lines(*row)]
        notes = []
        if self._assured:
            message = N_(
                "Software Assurance is active on {n} lines, and the statement gives no last day: "
                "enter it as maintenance_until"
            )
            notes.append(phrase(message, n=self._assured))
        if not lines and not self._problems and not self._undecided:
            what = phrase(N_("no row is of all countries and has a quantity"))
            self._problems.append(Problem(phrase("{sheet}", sheet=self._name), "", what))
        return Reading("mls", lines, notes, self._problems, self._undecided)

    def _lines(self, number: int, cells: Sequence[Cell]) -> Iterator[RawLine]:
        where = sheet_row(self._name, number)
        family = self._text(cells, "family")
        if not family or plain(family).startswith("total"):
            return
        if "country" in self._columns and plain(self._text(cells, "country")) not in _ALL_COUNTRIES:
            return
        version = self._text(cells, "version")
        version = "" if plain(version) in _NO_VERSION else version
        for name in ("upgrade", "maintained_upgrade"):
            if upgrades := self._count(where, cells, name):
                message = N_(
                    "{n} upgrade licences of {family} {version}: the statement does not say which "
                    "full licence they need; enter them with requires_base"
                )
                what = phrase(message, n=upgrades, family=family, version=version)
                self._undecided.append(Problem(where, self._column(name), what))
        owned = self._count(where, cells, "effective")
        if not owned:
            return
        self._assured += bool(self._count(where, cells, "assurance"))
        pool = self._text(cells, "pool")
        values: dict[str, Cell] = {
            "id": " / ".join(filter(None, ("MLS", pool, family, version))),
            "product": family,
            "version": version,
            "publisher": "Microsoft",
            "quantity": owned,
            "channel": "volume",
            # Volume licences may be used for any earlier version (Microsoft Product Terms).
            "downgrade": True,
            "proof": self._title(),
        }
        columns = {
            field: self._column(name)
            for field, name in {
                "product": "family",
                "version": "version",
                "quantity": "effective",
            }.items()
        }
        yield RawLine(where, values, columns)

    def _cell(self, cells: Sequence[Cell], name: str) -> Cell:
        column = self._columns.get(name, len(cells))
        return cells[column] if column < len(cells) else None

    def _text(self, cells: Sequence[Cell], name: str) -> str:
        return as_text(self._cell(cells, name))

    def _count(self, where: Text, cells: Sequence[Cell], name: str) -> int:
        """How many; what is no number is a problem, and nothing."""
        try:
            found: Count | None = quantity(self._cell(cells, name))
        except Wrong as wrong:
            self._problems.append(Problem(where, self._column(name), wrong.text))
            return 0
        return found.number if found else 0

    def _column(self, name: str) -> str:
        column = self._columns[name]
        return f"{as_text(self._headings[column])} ({column_letters(column)})"

    def _title(self) -> str:
        """The statement with the day it was calculated, if that stands above its table."""
        days = [day for _, cells in self._above for cell in cells if (day := _day(cell))]
        return " ".join(["Microsoft License Statement", *(str(day) for day in days[:1])])


def _day(cell: Cell) -> date | None:
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    found = _DAY.search(cell) if isinstance(cell, str) else None
    if not found:
        return None
    year, month, day = (
        (found[1], found[2], found[3]) if found[1] else (found[6], found[5], found[4])
    )
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
