"""Flatpaks, from what each installed application deployed on disk."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import MACHINE, USER, Install, Source
from quitus_agent.places import Match, existing, homes, matching, nameless

if TYPE_CHECKING:
    from quitus_agent.xmltree import Element

NAME = "flatpak"
SYSTEM = Path("var/lib/flatpak")
PEOPLES = ".local/share/flatpak"
PROGRAMS = ("usr/bin/flatpak", "usr/local/bin/flatpak")
METAINFO = ("files/share/metainfo/*.xml", "files/share/appdata/*.xml")
ARCHITECTURES = frozenset({"x86_64", "i386", "aarch64", "arm"})
USER_INSTALLATION = frozenset({"user", "utilisateur"})
# An application's id has three words at least; a runtime's often says so itself.
ID = r"[A-Za-z_][\w-]*(?:\.[\w-]+){2,}"
RUNTIME = r"\.(?:Platform|Sdk|BaseApp|Locale|Extension)(?:\.|$)"
REF = r"(?m): (?P<kind>app|runtime)/(?P<application>[\w.-]+)/(?P<architecture>\w+)/(?P<branch>\S+)$"
OLD_ROW = rf"(?:app/|runtime/)?(?P<application>{ID})/(?P<architecture>\w+)/(?P<branch>[^\s/]+)\s"
# What `flatpak list` shows: the version that was read from the metadata at deployment, in GVariant.
DEPLOYED_VERSION = rb"appdata-version\0+([^\0]{1,200})\0\0s"
DATE = r"(?P<year>\d{4})-(?P<month>\d\d?)-(?P<day>\d\d?)(?P<time>(?:\D.*)?)"
GAP = r" {2,}"


def available(root: Path) -> bool:
    """Whether any flatpak is deployed for the machine or for a user."""
    return next(_deployed(root), None) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the active deployment of every application and runtime below `root`."""
    seen = set()
    for active, scope in _deployed(root):
        install = _deployment(root, active.place, scope)
        if (install.name, install.version, install.scope) not in seen:
            seen.add((install.name, install.version, install.scope))
            yield install


def read(path: Path) -> Iterator[Install]:
    """Reads `flatpak list` or `flatpak info`; raises SourceError naming the file."""
    text = captures.text(path)
    if re.search(REF, text):
        return captures.installs_of(path, map(parse_info, [text]))
    return captures.installs_of(path, parse_list(text), "lists no flatpak")


def parse_list(listing: str) -> Iterator[Install]:
    """Reads rows of columns, apart by tabs or blanks, whatever their order.

    The name may stand before the id; behind it come version or branch, and in words of their own
    the architecture and whose installation it is. Before flatpak 1.2 they begin with a ref.
    """
    for number, line in enumerate(listing.splitlines(), start=1):
        if old := re.match(OLD_ROW, line):
            scope = USER if USER_INSTALLATION.intersection(re.split(r"[\s,]+", line)) else MACHINE
            hidden = bool(re.search(RUNTIME, old["application"]))
            yield _install(
                old["application"], old["branch"], old["architecture"], scope, "", hidden=hidden
            )
            continue
        cells = [
            cell.strip() for cell in (line.split("\t") if "\t" in line else re.split(GAP, line))
        ]
        at = next((at for at, cell in enumerate(cells) if re.fullmatch(ID, cell)), None)
        if at is None:
            # A heading is in the words of some language; a row would have a version.
            is_heading = number == 1 and len(cells) > 1 and not re.search(r"\d", line)
            if line.strip() and not is_heading:
                raise SourceError(f"line {number} has no application id")
            continue
        others = cells[at + 1 :]
        architecture = next((cell for cell in others if cell in ARCHITECTURES), "")
        scope = USER if USER_INSTALLATION.intersection(others) else MACHINE
        # Beside a name an empty version is followed by the branch.
        versions = filter(None, others) if at else iter(others)
        version = next(versions, "")
        application = cells[at]
        hidden = bool(re.search(RUNTIME, application))
        yield _install(application, version, architecture, scope, "", hidden=hidden)


def parse_info(text: str) -> Install:
    """Reads `flatpak info ID` by what is the same in all languages: the ref and the version."""
    ref = re.search(REF, text)
    if ref is None:
        raise SourceError("names no ref")
    version = re.search(r"^ *Versi\S*: (?P<version>\S+)$", text, re.MULTILINE)
    installation = re.search(r"^ *Installation: *(?P<whose>\S+)$", text, re.MULTILINE)
    is_user = installation is not None and installation["whose"] in USER_INSTALLATION
    return _install(
        ref["application"],
        version["version"] if version else ref["branch"],
        ref["architecture"],
        USER if is_user else MACHINE,
        "",
        hidden=ref["kind"] == "runtime",
    )


def _deployment(root: Path, active: Path, scope: str) -> Install:
    """`active` is …/app/ID/ARCH/BRANCH/active."""
    kind, application, architecture, branch = active.parts[-5:-1]
    version, publisher, is_damaged = "", "", False
    files = [
        found
        for found in matching(root, *(f"{active}/{each}" for each in METAINFO))
        if found.place.name.startswith(application)
    ]
    # Of names that begin so, the shortest is the application's, the others are its extensions'.
    for _, path in sorted(files, key=lambda found: len(found.place.name)):
        # What is damaged says nothing of the application; it is there all the same.
        try:
            version, publisher = parse_metainfo(captures.content(path))
            break
        except SourceError:
            is_damaged = True
    if deploy := existing(root, active / "deploy"):
        with suppress(SourceError):
            version = parse_deploy(captures.content(deploy)) or version
    found = _install(
        application, version or branch, architecture, scope, publisher, hidden=kind == "runtime"
    )
    if not is_damaged or version:
        return found
    return found._replace(identifiers={**found.identifiers, "metainfo": "damaged"})


def parse_deploy(content: bytes) -> str:
    """The version that flatpak's own record of a deployment has; empty where it has none."""
    found = re.search(DEPLOYED_VERSION, content)
    return found[1].decode("utf-8", errors="replace") if found else ""


def parse_metainfo(content: bytes) -> tuple[str, str]:
    """The newest release and the developer that AppStream metadata names; empty if it does not.

    Releases need not stand in their order: their dates tell, and without any the first counts.
    """
    from quitus_agent.xmltree import walk

    releases: list[tuple[str, str]] = []
    developers: list[str] = []

    def visit(element: "Element") -> None:
        if element.name == "release" and element.attributes.get("version"):
            releases.append((_date_of(element.attributes), element.attributes["version"]))
        in_developer = element.name == "name" and element.path[-1:] == ("developer",)
        if in_developer or element.name == "developer_name":
            developers.append(element.text.strip())

    walk(content, visit)
    _, version = max(releases, key=itemgetter(0), default=("", ""))
    return version, next(filter(None, developers), "")


def _date_of(release: Mapping[str, str]) -> str:
    """The date of a release in ISO form, so that the later one is greater; empty without one."""
    date, seconds = release.get("date", "").strip(), release.get("timestamp", "").strip()
    if seconds.isdecimal() and len(seconds) <= 10:
        return datetime.fromtimestamp(int(seconds), UTC).isoformat()
    if found := re.fullmatch(DATE, date):
        return f"{found['year']}-{found['month']:0>2}-{found['day']:0>2}{found['time']}"
    return ""


def _install(
    application: str,
    version: str,
    architecture: str,
    scope: str,
    publisher: str,
    *,
    hidden: bool = False,
) -> Install:
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


def _deployed(root: Path) -> Iterator[tuple[Match, str]]:
    """Where flatpak is not there, homes that are closed to this account are no failure."""
    for active in matching(root, *_patterns(SYSTEM)):
        yield active, MACHINE
    is_there = existing(root, SYSTEM, *PROGRAMS) is not None
    for home in homes(root, "home"):
        try:
            with nameless(home.whose, root, home.place):
                for active in matching(root, *_patterns(home.place / PEOPLES)):
                    yield active, USER
        except SourceError:
            if is_there:
                raise


def _patterns(installation: Path) -> Iterator[str]:
    return (f"{installation}/{kind}/*/*/*/active" for kind in ("app", "runtime"))


SOURCE = Source(NAME, available, scan, read)
