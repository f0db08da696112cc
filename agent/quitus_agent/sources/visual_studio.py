"""Visual Studio 2017 and later: the instances that its installer knows, with their editions.

Each instance has a folder with `state.json` below ProgramData (Microsoft, "Visual Studio
installation detection"; vswhere reads the same).
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import matching
from quitus_agent.registry.uninstall import iso_date

NAME = "visual-studio"
INSTANCES = "ProgramData/Microsoft/VisualStudio/Packages/_Instances/*/state.json"
PRODUCT_PREFIX = "Microsoft.VisualStudio.Product."
# By the first number of the version, where the catalogue of the instance does not say.
LINES = {"15": "2017", "16": "2019", "17": "2022", "18": "2026"}


def available(root: Path) -> bool:
    """Whether the installer keeps any instance."""
    return next(matching(root, INSTANCES, any_case=True), None) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads every instance below `root`."""
    for _, path in matching(root, INSTANCES, any_case=True):
        yield from read(path)


def read(path: Path) -> Iterator[Install]:
    """Reads one state.json; raises SourceError naming it."""
    try:
        yield parse(json.loads(captures.content(path)))
    except (ValueError, RecursionError) as error:
        raise SourceError(f"{path}: is not JSON") from error
    except SourceError as error:
        raise captures.naming(path, error) from error


def parse(state: Any) -> Install:
    """The record of one instance: "Visual Studio Professional 2022"."""
    try:
        product = state["product"]["id"]
        catalogue = state.get("catalogInfo") or {}
        version = str(state.get("installationVersion") or state["product"].get("version") or "")
        installed_on = iso_date(str(state.get("installDate") or "")[:10])
        display = str(catalogue.get("productDisplayVersion") or version)
        line = catalogue.get("productLineVersion") or LINES.get(version.partition(".")[0], "")
        path = str(state.get("installationPath") or "")
    except (KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"has no product: {error!r}") from error
    edition = str(product).removeprefix(PRODUCT_PREFIX)
    words = {"BuildTools": "Build Tools", "TeamExplorer": "Team Explorer"}
    return Install(
        name=f"Visual Studio {words.get(edition, edition)} {line}".strip(),
        version=display.partition(" ")[0],
        publisher="Microsoft Corporation",
        source=NAME,
        identifiers={"product_id": str(product)},
        installed_on=installed_on,
        location=path,
    )


SOURCE = Source(NAME, available, scan, read)
