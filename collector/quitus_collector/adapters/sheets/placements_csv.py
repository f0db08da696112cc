"""What is said of devices, from a CSV file, as spreadsheets write it."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from quitus_collector.adapters.sheets import csv_text
from quitus_collector.domain.perimeter import Role, Scope
from quitus_collector.errors import UsageError
from quitus_collector.services.perimeter import PlacementLine

# Headings and words in French and English, without case.
HEADINGS = {
    **dict.fromkeys(("device", "poste", "appareil", "machine"), "device"),
    **dict.fromkeys(("entity", "entité", "entite", "siren"), "entity"),
    "site": "site",
    **dict.fromkeys(("role", "rôle"), "role"),
    **dict.fromkeys(("scope", "périmètre", "perimetre"), "scope"),
    **dict.fromkeys(("reason", "motif", "raison"), "reason"),
}
ROLES = {
    "production": Role.PRODUCTION,
    **dict.fromkeys(("development", "développement", "developpement"), Role.DEVELOPMENT),
    **dict.fromkeys(("test", "recette"), Role.TEST),
    **dict.fromkeys(("standby", "secours"), Role.STANDBY),
}
SCOPES = {
    **dict.fromkeys(("counted", "compté", "compte"), Scope.COUNTED),
    **dict.fromkeys(("retired", "réformé", "reforme"), Scope.RETIRED),
    **dict.fromkeys(("excluded", "exclu"), Scope.EXCLUDED),
}
Word = TypeVar("Word", bound=StrEnum)


def read(path: Path) -> list[PlacementLine]:
    """Reads the whole file; raises UsageError naming the file and each line that is wrong.

    A cell that is empty leaves what was said before.
    """
    try:
        return parse(csv_text.read(path))
    except UsageError as error:
        raise UsageError("\n".join(f"{path}: {each}" for each in str(error).splitlines())) from (
            error
        )


def parse(text: str) -> list[PlacementLine]:
    """Reads the text of a file; raises UsageError with a line for each that is wrong."""
    rows = csv_text.rows(text)
    names = _names(next(rows, (1, []))[1])
    lines, wrong = [], []
    for number, cells in rows:
        try:
            if len(cells) > len(names):
                raise UsageError(
                    "{number} cells under {number2} headings", number=len(cells), number2=len(names)
                )
            lines.append(_line(dict(zip(names, cells, strict=False)), number))
        except UsageError as error:
            wrong.append(f"line {number}: {error}")
    if wrong:
        raise UsageError("\n".join(wrong))
    return lines


def _names(headings: Iterable[str]) -> list[str]:
    names = []
    for heading in headings:
        name = HEADINGS.get(heading.strip().casefold())
        if name is None:
            known = ", ".join(HEADINGS)
            raise UsageError(
                "line 1: unknown heading {heading!r}; known: {known}",
                heading=heading.strip(),
                known=known,
            )
        if name in names:
            raise UsageError(
                "line 1: the heading {heading!r} is there twice", heading=heading.strip()
            )
        names.append(name)
    if "device" not in names:
        raise UsageError("line 1: the heading 'device' is missing")
    return names


def _line(values: Mapping[str, str], number: int) -> PlacementLine:
    given: dict[str, Any] = {name: value for name, value in values.items() if value}
    if "device" not in given:
        raise UsageError("device is empty")
    for name, words in (("role", ROLES), ("scope", SCOPES)):
        if name in given:
            given[name] = _word(name, given[name], words)
    if "entity" in given:
        given["entity"] = given["entity"].replace(" ", "")
    return PlacementLine(**given, where=f"line {number}: ")


def _word(name: str, text: str, words: Mapping[str, Word]) -> Word:
    try:
        return words[text.casefold()]
    except KeyError as error:
        raise UsageError(
            "{name} {text!r} is none of {listed}", name=name, text=text, listed=", ".join(words)
        ) from error
