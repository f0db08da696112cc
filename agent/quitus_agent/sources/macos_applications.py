"""macOS applications: the bundles' own Info.plist, or what system_profiler said of them."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from quitus_agent import captures, plists
from quitus_agent.errors import SourceError
from quitus_agent.inventory import MACHINE, USER, Install, Source

NAME = "macos-applications"
BUNDLES = (
    ("Applications/*.app", MACHINE),
    ("Applications/*/*.app", MACHINE),
    ("System/Applications/*.app", MACHINE),
    ("System/Applications/Utilities/*.app", MACHINE),
    ("Users/*/Applications/*.app", USER),
)
INFO = Path("Contents/Info.plist")
_SIGNER = re.compile(r"(?:Developer ID|Apple Mac OS|3rd Party Mac Developer) Application: (.+)")
_TEAM = re.compile(r"\s*\([A-Z0-9]{10}\)$")
_COPYRIGHT = re.compile(
    r"(?:©|\(c\)|copyright)[\s\d,©–-]*(?:\(c\))?[\s\d,–-]*(?P<who>[^,.©\d][^,.©]*)", re.IGNORECASE
)
# Parallels shows the programs of a Windows guest as applications; they are the guest's installs.
_GUEST = re.compile(r"/\{[0-9a-f-]{36}\} Applications", re.IGNORECASE)
_DOT = re.compile(r"\s*\.\s*")
APPLE = "Apple"


def available(root: Path) -> bool:
    """Whether the system below `root` is macOS."""
    return (root / "System/Library/CoreServices/SystemVersion.plist").is_file()


def scan(root: Path) -> Iterator[Install]:
    """Reads the bundles below `root`."""
    for pattern, scope in BUNDLES:
        for bundle in sorted(root.glob(pattern)):
            if (bundle / INFO).is_file():
                location = f"/{bundle.relative_to(root)}" if scope == MACHINE else ""
                yield parse_info(_info(bundle), bundle.stem, scope)._replace(location=location)


def read(path: Path) -> Iterator[Install]:
    """Reads an Info.plist, or system_profiler's SPApplicationsDataType as text, XML or JSON."""
    start = captures.content(path)[:64].lstrip()
    if start.startswith((b"<?xml", b"bplist")):
        document = plists.read(path)
        if isinstance(document, dict):
            yield parse_info(document, path.stem, MACHINE)
            return
        items = [item for part in document for item in part.get("_items", [])]
        yield from parse_items(items)
    elif start.startswith(b"{"):
        try:
            yield from parse_items(json.loads(captures.text(path))["SPApplicationsDataType"])
        except (ValueError, KeyError, TypeError) as error:
            raise SourceError(f"{path}: is not system_profiler's JSON") from error
    else:
        yield from parse_text(captures.text(path))


def _info(bundle: Path) -> Mapping[str, Any]:
    """What a bundle says of itself; one that is damaged is still there, under its folder's name."""
    try:
        info = plists.read(bundle / INFO)
    except SourceError:
        return {}
    return info if isinstance(info, dict) else {}


def parse_info(info: Mapping[str, Any], file_name: str, scope: str) -> Install:
    """The record of one bundle; a bundle without a name is called by its file."""
    name = _text(info, "CFBundleDisplayName") or _text(info, "CFBundleName") or file_name
    copyright_ = _text(info, "NSHumanReadableCopyright") or _text(info, "CFBundleGetInfoString")
    bundle_id = _text(info, "CFBundleIdentifier")
    return Install(
        name=name,
        version=_text(info, "CFBundleShortVersionString") or _text(info, "CFBundleVersion"),
        publisher=APPLE if bundle_id.startswith("com.apple.") else holder(copyright_),
        source=NAME,
        scope=scope,
        identifiers={"bundle_id": bundle_id} if bundle_id else {},
    )


def parse_items(items: list[Mapping[str, Any]]) -> Iterator[Install]:
    """Reads the items of system_profiler's XML or JSON."""
    for item in items:
        if _GUEST.search(str(item.get("path", ""))):
            continue
        modified = item.get("lastModified")
        signers = item.get("signed_by") or []
        day = modified.date().isoformat() if isinstance(modified, datetime) else str(modified)[:10]
        yield _profiled(
            str(item.get("_name", "")),
            str(item.get("version", "")),
            str(item.get("path", "")),
            signer=str(signers[0]) if signers else "",
            info=str(item.get("info", "")),
            architecture=str(item.get("arch_kind", "")).removeprefix("arch_"),
            obtained_from=str(item.get("obtained_from", "")),
            installed_on=day if modified else "",
        )


def parse_text(text: str) -> Iterator[Install]:
    """Reads system_profiler's text: a name at four blanks, its fields at six."""
    name, fields = "", dict[str, str]()
    for line in [*text.split("\n"), "    :"]:
        depth = len(line) - len(line.lstrip(" "))
        if depth == 4 and line.rstrip().endswith(":"):
            if name and not _GUEST.search(fields.get("Location", "")):
                yield _profiled_fields(name, fields)
            name, fields = line.strip()[:-1], {}
        elif depth == 6:
            key, colon, value = line.strip().partition(":")
            if colon:
                fields[key] = value.strip()


def _profiled_fields(name: str, fields: Mapping[str, str]) -> Install:
    return _profiled(
        name,
        fields.get("Version", ""),
        fields.get("Location", ""),
        signer=fields.get("Signed by", "").partition(", ")[0],
        info=fields.get("Get Info String", ""),
        architecture=fields.get("Kind", ""),
        obtained_from=fields.get("Obtained from", "").lower(),
    )


def _profiled(
    name: str,
    version: str,
    path: str,
    *,
    signer: str,
    info: str,
    architecture: str,
    obtained_from: str,
    installed_on: str = "",
) -> Install:
    is_users = path.startswith("/Users/")
    signed = _SIGNER.match(signer)
    publisher = _TEAM.sub("", signed[1]) if signed else ""
    if not publisher and (obtained_from == "apple" or signer == "Software Signing"):
        publisher = APPLE
    return Install(
        name=name,
        # Some bundles write "1 . 2 . 2".
        version=_DOT.sub(".", version),
        publisher=publisher or holder(info),
        architecture=architecture,
        source=NAME,
        scope=USER if is_users else MACHINE,
        identifiers={"obtained_from": obtained_from} if obtained_from else {},
        # Outside the places for programs there are helpers and parts of others.
        hidden=not path.startswith(("/Applications/", "/System/Applications/", "/Users/")),
        installed_on=installed_on,
        location="" if is_users else path,
    )


def holder(notice: str) -> str:
    """Who holds the copyright that a notice states; empty where it names nobody."""
    found = _COPYRIGHT.search(notice)
    return found["who"].strip() if found else ""


def _text(info: Mapping[str, Any], key: str) -> str:
    value = info.get(key)
    return value.strip() if isinstance(value, str) else ""


SOURCE = Source(NAME, available, scan, read)
