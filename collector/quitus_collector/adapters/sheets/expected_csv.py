"""Expected devices from a CSV file, as a directory or an asset register writes it."""

from pathlib import Path

from quitus_collector.adapters.sheets import csv_text
from quitus_collector.domain.company import is_siren
from quitus_collector.domain.expected import ExpectedDevice, short_name
from quitus_collector.errors import UsageError

HEADINGS = {
    "name": "name",
    "nom": "name",
    "site": "site",
    "system": "system",
    "système": "system",
    "systeme": "system",
    "entity": "entity",
    "entité": "entity",
    "entite": "entity",
}
MAX_TEXT = 255


def read(path: Path) -> list[ExpectedDevice]:
    """The whole file; raises UsageError naming the file, the line and the column.

    Its headings are name, site, system and entity (a SIREN), or the same in French; others are left
    out. Separators and encodings are as in files of licence pools.
    """
    try:
        return parse(csv_text.read(path))
    except UsageError as error:
        raise UsageError("{path}: {error}", path=path, error=error) from error


def parse(text: str) -> list[ExpectedDevice]:
    """The text of a file; raises UsageError naming the line."""
    rows = csv_text.rows(text)
    _, heading = next(rows, (1, []))
    columns = {
        HEADINGS[name.strip().lower()]: place
        for place, name in enumerate(heading)
        if name.strip().lower() in HEADINGS
    }
    if "name" not in columns:
        raise UsageError("line 1: the heading 'name' is missing")
    found: dict[str, ExpectedDevice] = {}
    for number, cells in rows:
        values = {
            name: cells[place].strip() if place < len(cells) else ""
            for name, place in columns.items()
        }
        for name, value in values.items():
            if len(value) > MAX_TEXT:
                raise UsageError(
                    "line {number}: {name} is longer than {max_text} characters",
                    number=number,
                    name=name,
                    max_text=MAX_TEXT,
                )
        if not short_name(values["name"]):
            raise UsageError("line {number}: name is empty", number=number)
        if values.get("entity") and not is_siren(values["entity"]):
            raise UsageError(
                "line {number}: {value!r} is not a SIREN", number=number, value=values["entity"]
            )
        if short_name(values["name"]) in found:
            raise UsageError(
                "line {number}: {value!r} is on another line too",
                number=number,
                value=values["name"],
            )
        found[short_name(values["name"])] = ExpectedDevice(**values)
    return list(found.values())
