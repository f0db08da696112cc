"""rpm packages, read from the database itself in any of its three forms."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source
from quitus_agent.places import existing, is_live, matching
from quitus_agent.purl import purl
from quitus_agent.system import distribution_id

if TYPE_CHECKING:
    from quitus_agent.rpmdb import Package

NAME = "rpm"
# Where distributions keep the database, the form that is in use first.
PLACES = (
    "usr/lib/sysimage/rpm/rpmdb.sqlite",
    "var/lib/rpm/rpmdb.sqlite",
    "usr/lib/sysimage/rpm/Packages.db",
    "var/lib/rpm/Packages.db",
    "usr/lib/sysimage/rpm/Packages",
    "var/lib/rpm/Packages",
    # Of an image built with ostree, nothing else has been linked to it yet.
    "usr/share/rpm/rpmdb.sqlite",
    "usr/share/rpm/Packages.db",
    "usr/share/rpm/Packages",
    # What an image without rpm says of itself (Azure Linux): a list, no database.
    "var/lib/rpmmanifest/container-manifest-2",
)
# The name of the file by the form that rpm may be set to.
DATABASES = {"sqlite": "rpmdb.sqlite", "ndb": "Packages.db", "bdb": "Packages"}
MACROS = ("usr/lib/rpm/macros", "usr/lib/rpm/macros.d/*", "etc/rpm/macros", "etc/rpm/macros.*")
BACKEND = r"(?m)^%_db_backend[ \t]+(\w+)"
NOTHING = "lists no package"
# Where the database has a form that is newer than this reader, rpm itself is asked.
RPM = Path("/usr/bin/rpm")
LISTING = r"%{NAME}\t%{ARCH}\t%{VERSION}-%{RELEASE}\t%{INSTALLTIME}\t%{SIZE}\t%{VENDOR}\n"
TIMEOUT_S = 60
# Those that rpm knows (its rpmrc), by their families; a version has another look.
ARCHITECTURE = (
    r"noarch|src|nosrc|x86_64(?:_v[234])?|amd64|ia32e|i[3-6]86|athlon|geode|pentium[34]|aarch64"
    r"|armv\d+\w*|ppc\w*|s390x?|ia64|alpha\w*|sparc\w*|mips\w*|riscv\d+|loongarch64|sh\d\w*|m68k\w*"
)
VERSION = r"[^-\s]+-[^-\s]+"
PLAIN = rf"(?P<name>\S+)-(?P<version>{VERSION}?)(?:\.(?P<arch>{ARCHITECTURE}))?(?:\s|$)"
# A signing key that rpm keeps among its packages.
NOT_A_PACKAGE = "gpg-pubkey"


def available(root: Path) -> bool:
    """Whether the system keeps an rpm database, with or without packages in it."""
    return bool(_databases(root))


def scan(root: Path) -> Iterator[Install]:
    """Reads the database below `root`; of several, the first that has packages."""
    found: list[Install] = []
    for path in _databases(root):
        if found := list(_scanned(root, path)):
            break
    return iter(found)


def _scanned(root: Path, path: Path) -> Iterator[Install]:
    from quitus_agent import rpmdb

    distribution = distribution_id(root)
    if path.name.startswith("container-manifest"):
        found = parse_listing(captures.text(path), distribution)
        yield from captures.installs_of(path, found, NOTHING)
        return
    try:
        yield from parse(rpmdb.packages(path), distribution)
    except rpmdb.UnknownForm:
        if not is_live(root) or not RPM.exists():
            raise
        yield from parse_listing(_asked(), distribution)


def read(path: Path) -> Iterator[Install]:
    """Reads a database, `rpm -qa` with tabs (name, arch, version, …), or a Red Hat manifest."""
    from quitus_agent import rpmdb

    start = captures.start(path)
    if b"\0" in start:
        return captures.installs_of(path, parse(rpmdb.packages(path)))
    text = captures.text(path)
    found = parse_manifest(text) if text.lstrip().startswith("{") else parse_listing(text)
    return captures.installs_of(path, found, NOTHING)


def parse(packages: Iterable["Package"], distribution: str = "") -> Iterator[Install]:
    """One record for each package; `distribution` is the namespace of the package URLs."""
    for package in packages:
        if not package.name or not package.version:
            raise SourceError("a package has no name or no version")
        if package.name == NOT_A_PACKAGE:
            continue
        yield _install(
            package.name,
            f"{package.version}-{package.release}" if package.release else package.version,
            package.architecture,
            package.vendor or package.packager,
            epoch=package.epoch,
            installed_at=package.installed_at,
            distribution=distribution,
        )


def parse_listing(listing: str, distribution: str = "") -> Iterator[Install]:
    """Reads `rpm -qa` lines: `name-version-release.arch`, and a date behind with --last.

    Or with tabs: name, arch, version-release, install time, size, vendor; or in the order of an
    image's manifest: name, version-release, install time, build time, vendor, ?, size, arch.
    """
    for number, line in enumerate(listing.splitlines(), start=1):
        fields = line.split("\t")
        if not line.strip():
            continue
        if found := re.match(PLAIN, line) if len(fields) == 1 else None:
            if found["name"] != NOT_A_PACKAGE:
                arch = found["arch"] or ""
                yield _install(found["name"], found["version"], arch, "", distribution=distribution)
            continue
        if fields[0] == NOT_A_PACKAGE:
            continue
        name, arch, version, installed_at, vendor = _columns(fields, number)
        told = installed_at.isdecimal() and len(installed_at) <= 10
        yield _install(
            name,
            version,
            arch,
            "" if vendor == "(none)" else vendor,
            installed_at=int(installed_at) if told else None,
            distribution=distribution,
        )


def _columns(fields: list[str], number: int) -> tuple[str, str, str, str, str]:
    """Name, architecture, version, install time and vendor, in whichever order they stand."""
    name = fields[0]
    for arch_at, version_at, time_at, vendor_at in ((1, 2, 3, 5), (7, 1, 2, 4)):
        if len(fields) > max(arch_at, version_at, vendor_at) and (
            name
            and re.fullmatch(ARCHITECTURE, fields[arch_at])
            and re.fullmatch(VERSION, fields[version_at])
        ):
            return name, fields[arch_at], fields[version_at], fields[time_at], fields[vendor_at]
    raise SourceError(f"line {number} is no package in an order that is known")


def parse_manifest(document: str) -> Iterator[Install]:
    """Reads the rpm manifest of a Red Hat container image."""
    import json

    try:
        for each in json.loads(document)["rpms"]:
            version = f"{each['version']}-{each['release']}"
            if not each["name"]:
                raise ValueError("a package has no name")
            if each["name"] != NOT_A_PACKAGE:
                yield _install(str(each["name"]), version, str(each["architecture"]), "")
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SourceError(f"is not an rpm manifest: {error!r}") from error


def _install(
    name: str,
    version: str,
    architecture: str,
    publisher: str,
    *,
    epoch: int | None = None,
    installed_at: int | None = None,
    distribution: str = "",
) -> Install:
    on = ""
    if installed_at and installed_at < 1 << 32:
        on = datetime.fromtimestamp(installed_at, UTC).date().isoformat()
    return Install(
        name,
        version,
        publisher,
        architecture,
        NAME,
        identifiers={
            "purl": purl("rpm", distribution, name, version, arch=architecture, epoch=epoch)
        },
        installed_on=on,
    )


def _asked(*options: str) -> str:
    """What `rpm -qa` lists, for parse_listing."""
    import subprocess

    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command by its full path
            [RPM, *options, "-qa", "--queryformat", LISTING],
            check=True,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise SourceError(f"rpm does not list its packages: {type(error).__name__}") from error
    return answer.stdout


def _databases(root: Path) -> list[Path]:
    """The databases below `root`, the one that is in use first.

    A conversion, or a newer rpm that only looked at an older system, leaves a second one behind;
    one without a byte was never written to. rpm uses the form that it is set to; else the newer.
    """
    there = [path for place in PLACES if (path := existing(root, place))]
    written = [path for path in dict.fromkeys(there) if path.stat().st_size]
    if len(written) < 2:
        return written or there[:1]
    used = DATABASES.get(_backend(root), "")
    return sorted(written, key=lambda path: path.name != used)


def _backend(root: Path) -> str:
    """The form of database that rpm's settings name, those of the machine last."""
    for _, path in reversed([*matching(root, *MACROS)]):
        if path.is_file() and (found := re.findall(BACKEND, captures.text(path))):
            return str(found[-1])
    return ""


SOURCE = Source(NAME, available, scan, read)
