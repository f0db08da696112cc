"""Flatpaks, from what each installed application deployed on disk."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import MACHINE, USER, Install, Source

if TYPE_CHECKING:
    from quitus_agent.xmltree import Element

NAME = "flatpak"
SYSTEM = Path("var/lib/flatpak")
USERS = "home/*/.local/share/flatpak"


def available(root: Path) -> bool:
    """Whether any flatpak is deployed for the machine or for a user."""
    return any(next(_deployed(each), None) for each, _ in _installations(root))


def scan(root: Path) -> Iterator[Install]:
    """Reads the active deployment of every application and runtime below `root`."""
    seen = set()
    for installation, scope in _installations(root):
        for active in _deployed(installation):
            install = _deployment(active, scope)
            if (install.name, install.version, install.scope) not in seen:
                seen.add((install.name, install.version, install.scope))
                yield install


def read(path: Path) -> Iterator[Install]:
    """Reads `flatpak list --columns=application,version,arch,origin` with tabs."""
    for number, line in enumerate(captures.text(path).splitlines(), start=1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split("\t")]
        if len(fields) < 2:
            raise SourceError(f"{path}: line {number} has fewer than two columns")
        application, version, architecture = (*fields, "", "")[:3]
        if application != "Application ID":
            yield _install(application, version, architecture, MACHINE, "")


def _deployment(active: Path, scope: str) -> Install:
    """`active` is …/app/ID/ARCH/BRANCH/active."""
    kind, application, architecture, branch = active.parts[-5:-1]
    version, publisher = "", ""
    places = active.glob("files/share/[am]*/*.[mx]*")
    for metainfo in sorted(places):
        if metainfo.suffix == ".xml" and metainfo.name.startswith(application):
            version, publisher = parse_metainfo(captures.content(metainfo))
            break
    return _install(
        application, version or branch, architecture, scope, publisher, hidden=kind == "runtime"
    )


def parse_metainfo(content: bytes) -> tuple[str, str]:
    """The newest release and the developer that AppStream metadata names; empty if it does not."""
    from quitus_agent.xmltree import walk

    releases: list[str] = []
    developers: list[str] = []

    def visit(element: "Element") -> None:
        if element.name == "release" and element.attributes.get("version"):
            releases.append(element.attributes["version"])
        in_developer = element.name == "name" and element.path[-1:] == ("developer",)
        if in_developer or element.name == "developer_name":
            developers.append(element.text.strip())

    walk(content, visit)
    return next(iter(releases), ""), next(filter(None, developers), "")


def _install(
    application: str,
    version: str,
    architecture: str,
    scope: str,
    publisher: str,
    *,
    hidden: bool = False,
) -> Install:
    if not re.fullmatch(r"[\w.-]+", application):
        raise SourceError(f"{application!r} is not an application id")
    return Install(
        application,
        version,
        publisher,
        architecture,
        NAME,
        scope,
        {"flatpak_id": application},
        hidden,
    )


def _installations(root: Path) -> Iterator[tuple[Path, str]]:
    yield root / SYSTEM, MACHINE
    for folder in sorted(root.glob(USERS)):
        yield folder, USER


def _deployed(installation: Path) -> Iterator[Path]:
    for kind in ("app", "runtime"):
        yield from sorted(installation.glob(f"{kind}/*/*/*/active"))


SOURCE = Source(NAME, available, scan, read)
