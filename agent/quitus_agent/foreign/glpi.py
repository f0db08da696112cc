"""Inventories of GLPI Agent, FusionInventory and OCS Inventory: their JSON and their XML."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing
from quitus_agent.registry.uninstall import is_patch
from quitus_agent.xmltree import Element, walk

NAME = "glpi"


def read(path: Path) -> Iterator[Install]:
    """Reads an inventory document; raises SourceError naming it."""
    try:
        if captures.opening(path).startswith("{"):
            # As they are written: 15.10 is no number.
            document = json.loads(captures.text(path), parse_float=str, parse_int=str)
            yield from _installs(document["content"]["softwares"])
        else:
            yield from parse_xml(captures.content(path))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{path}: is not an inventory: {error!r}") from error
    except SourceError as error:
        raise captures.naming(path, error) from error


def parse_xml(content: bytes) -> Iterator[Install]:
    """Reads REQUEST/CONTENT/SOFTWARES."""
    rows: list[dict[str, str]] = []
    row: dict[str, str] = {}

    def visit(element: Element) -> None:
        if element.path[-1:] == ("SOFTWARES",):
            row[element.name.lower()] = element.text
        elif element.name == "SOFTWARES":
            rows.append(dict(row))
            row.clear()

    walk(content, visit)
    if not rows:
        raise SourceError("says nothing of software")
    yield from _installs(rows)


def _installs(rows: Iterable[Mapping[str, object]]) -> Iterator[Install]:
    for number, row in enumerate(rows, start=1):
        if any(row.values()):
            yield _install(row, number)


def _install(row: Mapping[str, object], number: int) -> Install:
    """A row without a name is called by its registry key, as Windows would have it."""

    def text(name: str) -> str:
        value = row.get(name)
        found = "" if value is None else str(value)
        # Blanks of a document that was laid out are not the name's own.
        return found.strip() if "\n" in found or not found.strip() else found

    name = text("name") or text("guid")
    if not name:
        raise SourceError(f"software {number} has no name")
    identifiers = {
        "registry_key": text("guid"),
        "from": text("from"),
        "release_type": text("release_type"),
    }
    return Install(
        name=name,
        version=text("version").strip(),
        publisher=text("publisher"),
        architecture=text("arch"),
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
        hidden=is_patch(name, text("guid"), text("release_type").strip()),
    )


LISTING = Listing(NAME, read)
