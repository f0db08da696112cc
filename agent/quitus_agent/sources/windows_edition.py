"""Windows itself: edition, release, build and installation type, as its own key has them."""

import re
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import captures, wmi
from quitus_agent.inventory import Install, Source
from quitus_agent.registry import Key, captured, number, text
from quitus_agent.registry.machine import is_windows, open_registry

NAME = "windows-edition"
CURRENT_VERSION = r"Microsoft\Windows NT\CurrentVersion"
ARCHITECTURES = {"amd64": "x64", "arm64": "arm64", "x86": "x86", "ia64": "ia64"}
_BUILT = re.compile(rf"\.(?P<processor>{'|'.join(ARCHITECTURES)})(?:fre|chk)\.")
# Windows 11 still calls itself Windows 10 in ProductName; its build numbers begin here.
FIRST_WINDOWS_11_BUILD = 22000


def scan(root: Path) -> Iterator[Install]:
    """Reads the system below `root`."""
    return parse(open_registry(root).software)


def read(path: Path) -> Iterator[Install]:
    """Reads an export or a SOFTWARE hive, or a WMI list of Win32_OperatingSystem."""
    if captured.is_registry(path):
        found = parse(captured.software(path))
    else:
        found = parse_wmi(captures.text(path))
    return captures.installs_of(path, found, "names no Windows")


def parse(software: Key) -> Iterator[Install]:
    """One record, named as Windows is sold: "Microsoft Windows 11 Pro"."""
    current = software.subkey(CURRENT_VERSION)
    if current is None or not (product := text(current, "ProductName")):
        return
    build = text(current, "CurrentBuildNumber") or text(current, "CurrentBuild")
    is_client = not text(current, "InstallationType").startswith("Server")
    if is_client and build.isdecimal() and len(build) < 10 and int(build) >= FIRST_WINDOWS_11_BUILD:
        product = product.replace("Windows 10", "Windows 11")
    yield Install(
        name=product if product.startswith("Microsoft ") else f"Microsoft {product}",
        version=_version(current, build),
        publisher="Microsoft Corporation",
        architecture=_architecture(software, current),
        source=NAME,
        identifiers=_identifiers(current),
    )


def parse_wmi(listing: str) -> Iterator[Install]:
    """The same from a WMI list of Win32_OperatingSystem, `Name=value` a line."""
    for values in wmi.rows(listing):
        caption = values.get("Caption", "")
        # Other classes have captions too: only a system's row says what it is.
        if not caption or "BuildNumber" not in values:
            continue
        yield Install(
            name=caption,
            version=values.get("Version", ""),
            publisher=values.get("Manufacturer", ""),
            architecture=values.get("OSArchitecture", ""),
            source=NAME,
            identifiers={"sku": sku} if (sku := values.get("OperatingSystemSKU")) else {},
        )


def _version(current: Key, build: str) -> str:
    major, minor = (number(current, f"Current{part}VersionNumber") for part in ("Major", "Minor"))
    release = f"{major}.{minor}" if major else text(current, "CurrentVersion")
    revision = number(current, "UBR")
    return ".".join(filter(None, (release, build, str(revision) if revision else "")))


def _architecture(software: Key, current: Key) -> str:
    """As its build says, 22621.1.arm64fre.…; else by whether it runs what has 32 bits too."""
    built = _BUILT.search(text(current, "BuildLabEx"))
    if built:
        return ARCHITECTURES[built["processor"]]
    return "x64" if software.subkey("Wow6432Node") else ""


def _identifiers(current: Key) -> dict[str, str]:
    names = {
        "edition_id": "EditionID",
        "installation_type": "InstallationType",
        "release": "DisplayVersion",
        "service_pack": "CSDVersion",
    }
    found = {key: text(current, name) for key, name in names.items()}
    found["release"] = found["release"] or text(current, "ReleaseId")
    return {key: value for key, value in found.items() if value}


SOURCE = Source(NAME, is_windows, scan, read)
