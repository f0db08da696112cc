"""Package lists of AIX, the BSDs, HP-UX and Solaris, as their own tools print them."""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Listing

_SWLIST = re.compile(r"  (?P<name>\S+)\s+(?P<version>\S+)\s+(?P<title>.*)")
_PKG_INFO = re.compile(r"(?P<name>\S+)-(?P<version>[^-\s]+)\s+(?P<title>.*)")


def lslpp(path: Path) -> Iterator[Install]:
    """AIX, `lslpp -c -l`: path, fileset, level, PTF id, state, type, description, colon-separated.

    A fileset is listed once for each part of the system that it has files in.
    """
    seen = set()
    for line in captures.text(path).splitlines():
        fields = line.split(":")
        if line.startswith("#") or len(fields) < 7:
            continue
        if (fields[1], fields[2]) not in seen:
            seen.add((fields[1], fields[2]))
            is_driver = fields[1].startswith("devices.")
            yield Install(fields[1], fields[2], source="lslpp", hidden=is_driver)


def pkg_info(path: Path) -> Iterator[Install]:
    """BSD, `pkg_info`: name-version, then a title."""
    for line in captures.text(path).splitlines():
        if found := _PKG_INFO.fullmatch(line.rstrip()):
            yield Install(found["name"], found["version"], source="pkg_info")


def swlist(path: Path) -> Iterator[Install]:
    """HP-UX, `swlist`: bundles and products at two blanks."""
    for line in captures.text(path).splitlines():
        if found := _SWLIST.fullmatch(line.rstrip()):
            is_patch = found["name"].startswith(("PHKL_", "PHSS_", "PHCO_", "PHNE_"))
            yield Install(found["name"], found["version"], "HP", source="swlist", hidden=is_patch)


def pkginfo(path: Path) -> Iterator[Install]:
    """Solaris, `pkginfo -l` and `pkg info`: a paragraph of `FIELD: value` lines a package."""
    fields: dict[str, str] = {}
    for number, line in enumerate([*captures.text(path).split("\n"), ""], start=1):
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
                raise SourceError(f"{path}: the package that ends at line {number} has no name")
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
