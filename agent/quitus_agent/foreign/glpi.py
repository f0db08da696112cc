"""Inventories of GLPI Agent, FusionInventory and OCS Inventory: their JSON and their XML."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing
from quitus_agent.xmltree import Element, walk

NAME = "glpi"


def read(path: Path) -> Iterator[Install]:
    """Reads an inventory document; raises SourceError naming it."""
    content = captures.content(path)
    try:
        if content.lstrip()[:1] == b"{":
            document = json.loads(content)
            yield from map(_install, document["content"].get("softwares", []))
        else:
            yield from parse_xml(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"{path}: is not an inventory: {error!r}") from error
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error


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
    yield from map(_install, rows)


def _install(row: Mapping[str, object]) -> Install:
    def text(name: str) -> str:
        value = row.get(name)
        return "" if value is None else str(value)

    identifiers = {
        "registry_key": text("guid"),
        "from": text("from"),
        "release_type": text("release_type"),
    }
    return Install(
        name=text("name"),
        version=text("version"),
        publisher=text("publisher"),
        architecture=text("arch"),
        source=NAME,
        identifiers={key: value for key, value in identifiers.items() if value},
    )


LISTING = Listing(NAME, read)
