"""Package lists of AIX, the BSDs, HP-UX and Solaris, as their own tools print them."""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing

_SWLIST = re.compile(r"  (?P<name>\S+)\s+(?P<version>(?=\S*\d)\S+)(?:\s+(?P<title>.*))?")
# The version is the last word that begins with a digit; on OpenBSD flavours follow, which do not
# (packages-specs(7)). Where none does, it is the last.
_PKG_INFO = re.compile(
    r"(?P<name>\S+)-(?P<version>\d[^-\s]*)(?P<flavours>(?:-[^\d\s-][^\s-]*)*)(?:\s+.*)?"
)
_PKG_INFO_OTHER = re.compile(r"(?P<name>\S+)-(?P<version>[^-\s]+)(?:\s+.*)?")
NOTHING = "lists no package"


def lslpp(path: Path) -> Iterator[Install]:
    """AIX, `lslpp -c -l`: path, fileset, level, PTF id, state, type, description, colon-separated.

    A fileset is listed once for each part of the system that it has files in.
    """
    return captures.installs_of(path, _filesets(captures.text(path)), NOTHING)


def _filesets(listing: str) -> Iterator[Install]:
    seen = set()
    for number, line in enumerate(listing.splitlines(), start=1):
        fields = line.split(":")
        if line.startswith("#") or not line.strip():
            continue
        # With -L, packages and many more columns stand in place of the parts of the system.
        is_fileset = len(fields) > 6 and (fields[0].endswith("objrepos") or len(fields) > 14)
        if not is_fileset or not fields[1]:
            raise SourceError(f"line {number} names no fileset")
        if (fields[1], fields[2]) not in seen:
            seen.add((fields[1], fields[2]))
            is_driver = fields[1].startswith("devices.")
            yield Install(fields[1], fields[2], source="lslpp", hidden=is_driver)


def pkg_info(path: Path) -> Iterator[Install]:
    """BSD, `pkg_info`: name-version, of OpenBSD with flavours, then a title."""
    return captures.installs_of(path, _packages(captures.text(path)), NOTHING)


def _packages(listing: str) -> Iterator[Install]:
    for number, line in enumerate(listing.splitlines(), start=1):
        row = line.rstrip()
        found = _PKG_INFO.fullmatch(row) or (_PKG_INFO_OTHER.fullmatch(row) if number > 1 else None)
        if found:
            flavours = found.groupdict().get("flavours", "").removeprefix("-")
            identifiers = {"flavours": flavours} if flavours else {}
            yield Install(
                found["name"], found["version"], source="pkg_info", identifiers=identifiers
            )
        elif row:
            raise SourceError(f"line {number} is no package")


def swlist(path: Path) -> Iterator[Install]:
    """HP-UX, `swlist`: bundles and products at two blanks."""
    return captures.installs_of(path, _bundles(captures.text(path)), NOTHING)


def _bundles(listing: str) -> Iterator[Install]:
    for line in listing.splitlines():
        if found := _SWLIST.fullmatch(line.rstrip()):
            is_patch = found["name"].startswith(("PHKL_", "PHSS_", "PHCO_", "PHNE_"))
            yield Install(found["name"], found["version"], "HP", source="swlist", hidden=is_patch)


def pkginfo(path: Path) -> Iterator[Install]:
    """Solaris, `pkginfo -l` and `pkg info`: a paragraph of `FIELD: value` lines a package."""
    return captures.installs_of(path, _paragraphs(captures.text(path)), NOTHING)


def _paragraphs(listing: str) -> Iterator[Install]:
    fields: dict[str, str] = {}
    for number, line in enumerate([*listing.split("\n"), ""], start=1):
        key, colon, value = line.partition(":")
        if colon and key.strip() in (
            "PKGINST",
            "VERSION",
            "VENDOR",
            "Name",
            "Version",
            "Publisher",
        ):
            fields[key.strip().lower()] = value.strip()
        elif not line.strip() and fields:
            name = fields.get("pkginst") or fields.get("name", "")
            if not name:
                raise SourceError(f"the package that ends at line {number} has no name")
            yield Install(
                name,
                fields.get("version", ""),
                fields.get("vendor") or fields.get("publisher", ""),
                source="pkginfo",
            )
            fields = {}


LISTINGS = (
    Listing("lslpp", lslpp),
    Listing("pkg_info", pkg_info),
    Listing("swlist", swlist),
    Listing("pkginfo", pkginfo),
)
