"""Debian packages, read from dpkg's status file without forking a tool.

Format: deb822 stanzas separated by blank lines (deb-control(5)); the third word of `Status` tells
whether the package's files are there (dpkg(1), "package states").
"""

import re
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
# One whose first installation was interrupted; it may have no version yet.
HALF = "half-installed"
WANTED = ("Package", "Status", "Version", "Architecture", "Maintainer", "Section")
FIELDS = {name.lower(): name for name in WANTED}
SUMS = ".md5sums"
# A file of one package is smaller.
MAX_ALONE = 64 * 1024


def available(root: Path) -> bool:
    """Whether this system keeps a dpkg database."""
    return existing(root, STATUS_FILE, STATUS_FOLDER) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the database below `root`; raises SourceError naming the file and the line."""
    distribution = distribution_id(root)
    if status := existing(root, STATUS_FILE):
        yield from _read(status, distribution)
    for place, path in matching(root, f"{STATUS_FOLDER}/*"):
        if place.suffix != SUMS and not path.is_dir():
            yield from _read(path, distribution, status=INSTALLED)


def read(path: Path) -> Iterator[Install]:
    """Reads a status file that was captured on a Debian system, or `status.d` or a file of it."""
    if not path.is_dir():
        return _read(path, "debian", status=INSTALLED if _is_alone(path) else "")
    files = (each for each in sorted(path.iterdir()) if each.suffix != SUMS and each.is_file())
    found = (each for file in files for each in _read(file, "debian", status=INSTALLED))
    return captures.installs_of(path, found, "lists no package")


def _is_alone(path: Path) -> bool:
    """Whether a file tells of one package, as in status.d; an index of packages has several."""
    content = captures.start(path, MAX_ALONE)
    return len(content) < MAX_ALONE and not re.search(rb"\n\s*\n", content.strip())


def parse(
    lines: Iterable[str], distribution: str = "debian", *, status: str = ""
) -> Iterator[Install]:
    """Yields the packages whose files are present, in the order of the file.

    `distribution` is the namespace of the package URLs (purl type `deb`), `status` that of
    packages which state none.
    """
    stated = {"Status": status} if status else {}
    # Letters' case says nothing in names of fields; each spelling is looked at once.
    wanted = {name: name for name in WANTED}
    fields: dict[str, str] = {}
    number, is_open, is_empty = 0, False, True
    for number, line in enumerate(lines, start=1):
        name, colon, value = line.partition(":")
        field = wanted.get(name) if colon else None
        if field is None:
            if line.startswith((" ", "\t")):
                continue
            if not line.strip():
                if is_open:
                    yield from _install(stated | fields, distribution, number)
                    fields, is_open, is_empty = {}, False, False
                continue
            if not colon:
                raise SourceError(f"line {number} is not 'Field: value'")
            field = wanted[name] = FIELDS.get(name.lower(), "")
        is_open = True
        if field:
            fields[field] = value.strip()
    if is_open:
        yield from _install(stated | fields, distribution, number)
    elif is_empty:
        raise SourceError("is empty, as after a crash; dpkg keeps a copy in status-old")


def _read(path: Path, distribution: str, *, status: str = "") -> Iterator[Install]:
    return captures.installs_of(path, parse(captures.lines(path), distribution, status=status))


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
    if not version and state[2] != HALF:
        raise SourceError(f"line {line}: package {package} is installed but has no Version")
    architecture = fields.get("Architecture", "")
    identifiers = {"purl": purl("deb", distribution, package, version, arch=architecture)}
    if section := fields.get("Section"):
        identifiers["section"] = section
    publisher = fields.get("Maintainer", "")
    yield Install(package, version, publisher, architecture, NAME, identifiers=identifiers)


SOURCE = Source(NAME, available, scan, read)
