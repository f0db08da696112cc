"""rpm packages, read from the database itself in any of its three forms."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from quitus_agent import captures, rpmdb
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.purl import purl
from quitus_agent.rpmdb import ARCH, EPOCH, INSTALLTIME, NAME, PACKAGER, RELEASE, VENDOR, VERSION
from quitus_agent.system import distribution_id

SOURCE_NAME = "rpm"
# A signing key that rpm keeps among its packages.
NOT_A_PACKAGE = "gpg-pubkey"


def available(root: Path) -> bool:
    """Whether the system keeps an rpm database with packages in it."""
    return rpmdb.find(root) is not None


def scan(root: Path) -> Iterator[Install]:
    """Reads the database below `root`."""
    path = rpmdb.find(root)
    if path is None:
        raise SourceError("the rpm database is gone")
    return parse(rpmdb.headers(path), distribution_id(root))


def read(path: Path) -> Iterator[Install]:
    """Reads a database, `rpm -qa` with tabs (name, arch, version, …), or a Red Hat manifest."""
    start = captures.content(path)[:4096]
    if b"\0" in start:
        return parse(rpmdb.headers(path))
    if start.lstrip().startswith(b"{"):
        return parse_manifest(captures.text(path))
    return parse_listing(captures.text(path))


def parse(headers: Iterable[rpmdb.Header], distribution: str = "") -> Iterator[Install]:
    """One record for each package; `distribution` is the namespace of the package URLs."""
    for header in headers:
        name, version = str(header.get(NAME, "")), str(header.get(VERSION, ""))
        if not name or not version:
            raise SourceError("a package has no name or no version")
        if name == NOT_A_PACKAGE:
            continue
        yield _install(
            name,
            f"{version}-{header[RELEASE]}" if RELEASE in header else version,
            str(header.get(ARCH, "")),
            str(header.get(VENDOR) or header.get(PACKAGER) or ""),
            epoch=header.get(EPOCH),
            installed_at=header.get(INSTALLTIME),
            distribution=distribution,
        )


def parse_listing(listing: str) -> Iterator[Install]:
    """Reads `rpm -qa` lines: name, arch, version-release, install time, size, vendor."""
    for number, line in enumerate(listing.splitlines(), start=1):
        fields = line.split("\t")
        if not line.strip():
            continue
        if len(fields) < 6:
            raise SourceError(f"line {number} has fewer than six fields")
        name, arch, version, installed_at, _, vendor = fields[:6]
        time = int(installed_at) if installed_at.isdecimal() else None
        if name != NOT_A_PACKAGE:
            yield _install(name, version, arch, vendor, installed_at=time)


def parse_manifest(document: str) -> Iterator[Install]:
    """Reads the rpm manifest of a Red Hat container image."""
    import json

    try:
        for each in json.loads(document)["rpms"]:
            version = f"{each['version']}-{each['release']}"
            yield _install(each["name"], version, each["architecture"], "")
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"is not an rpm manifest: {error!r}") from error


def _install(
    name: str,
    version: str,
    architecture: str,
    publisher: str,
    *,
    epoch: object = None,
    installed_at: object = None,
    distribution: str = "",
) -> Install:
    on = ""
    if isinstance(installed_at, int) and 0 < installed_at < 1 << 32:
        on = datetime.fromtimestamp(installed_at, UTC).date().isoformat()
    return Install(
        name,
        version,
        publisher,
        architecture,
        SOURCE_NAME,
        identifiers={
            "purl": purl("rpm", distribution, name, version, arch=architecture, epoch=epoch)
        },
        installed_on=on,
    )


SOURCE = Source(SOURCE_NAME, available, scan, read)
