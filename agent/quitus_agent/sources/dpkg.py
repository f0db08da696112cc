"""Debian packages, read from dpkg's status file without forking a tool.

Format: deb822 stanzas separated by blank lines (deb-control(5)); the third word of `Status` tells
whether the package's files are there (dpkg(1), "package states").
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, matching
from quitus_agent.purl import purl
from quitus_agent.system import distribution_id

NAME = "dpkg"
STATUS_FILE = Path("var/lib/dpkg/status")
# Images without dpkg itself have a file a package instead, which needs no Status.
STATUS_FOLDER = Path("var/lib/dpkg/status.d")
INSTALLED = "install ok installed"
# A package in one of these states has left no files behind but its configuration.
GONE = frozenset({"not-installed", "config-files"})
WANTED = frozenset({"Package", "Status", "Version", "Architecture", "Maintainer", "Section"})


def available(root: Path) -> bool:
    """Whether this system keeps a dpkg database."""
    return existing(root, STATUS_FILE, STATUS_FOLDER) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the database below `root`; raises SourceError naming the file and the line."""
    distribution = distribution_id(root)
    if status := existing(root, STATUS_FILE):
        yield from _read(status, distribution)
    for place, path in matching(root, f"{STATUS_FOLDER}/*"):
        if place.suffix != ".md5sums" and not path.is_dir():
            yield from _read(path, distribution, status=INSTALLED)


def read(path: Path) -> Iterator[Install]:
    """Reads a status file that was captured on a Debian system."""
    return _read(path, "debian")


def parse(
    lines: Iterable[str], distribution: str = "debian", *, status: str = ""
) -> Iterator[Install]:
    """Yields the packages whose files are present, in the order of the file.

    `distribution` is the namespace of the package URLs (purl type `deb`), `status` that of
    packages which state none.
    """
    stated = {"Status": status} if status else {}
    fields: dict[str, str] = {}
    number, blank = 0, True
    for number, line in enumerate(lines, start=1):
        if line.startswith((" ", "\t")):
            continue
        if not line.strip():
            if fields:
                yield from _install(stated | fields, distribution, number)
                fields = {}
            continue
        blank = False
        name, colon, value = line.partition(":")
        if not colon:
            raise SourceError(f"line {number} is not 'Field: value'")
        if name in WANTED:
            fields[name] = value.strip()
    if fields:
        yield from _install(stated | fields, distribution, number)
    if blank:
        raise SourceError("is empty, as after a crash; dpkg keeps a copy in status-old")


def _read(path: Path, distribution: str, *, status: str = "") -> Iterator[Install]:
    try:
        yield from parse(captures.lines(path), distribution, status=status)
    except SourceError as error:
        raise captures.naming(path, error) from error


def _install(fields: dict[str, str], distribution: str, line: int) -> Iterator[Install]:
    package = fields.get("Package")
    if not package:
        raise SourceError(f"the entry that ends at line {line} has no Package field")
    state = fields.get("Status", "").split()
    if len(state) != 3:
        raise SourceError(f"line {line}: package {package} has no valid Status")
    if state[2] in GONE:
        return
    version = fields.get("Version", "")
    if not version:
        raise SourceError(f"line {line}: package {package} is installed but has no Version")
    architecture = fields.get("Architecture", "")
    identifiers = {"purl": purl("deb", distribution, package, version, arch=architecture)}
    if section := fields.get("Section"):
        identifiers["section"] = section
    publisher = fields.get("Maintainer", "")
    yield Install(package, version, publisher, architecture, NAME, identifiers=identifiers)


SOURCE = Source(NAME, available, scan, read)
