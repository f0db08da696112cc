"""How Windows and Office are activated: channel, state, last five characters, key server.

SoftwareLicensingProduct of WMI, rows that hold a product key. Activated is not licensed: these
records are evidence beside an install, never an install to count. A whole key is never read: WMI
does not give one, and the readable ids beside it are not keys.
"""

import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from quitus_agent import captures, wmi
from quitus_agent.errors import SourceError
from quitus_agent.inventory import Install, Source

NAME = "activation"
QUERY = (
    "Get-CimInstance -Query 'SELECT Name, Description, ApplicationID, LicenseFamily,"
    " LicenseStatus, PartialProductKey, ProductKeyChannel, ProductKeyID2,"
    " IsKeyManagementServiceMachine, KeyManagementServiceMachine,"
    " DiscoveredKeyManagementServiceMachineName"
    " FROM SoftwareLicensingProduct WHERE PartialProductKey IS NOT NULL'"
    " | Select-Object Name, Description, ApplicationID, LicenseFamily, LicenseStatus,"
    " PartialProductKey, ProductKeyChannel, ProductKeyID2, IsKeyManagementServiceMachine,"
    " KeyManagementServiceMachine, DiscoveredKeyManagementServiceMachineName"
    " | ConvertTo-Json -Compress"
)
TIMEOUT_S = 60
APPLICATIONS = {
    "55c92734-d682-4d71-983e-d6ec3f16059f": "windows",
    "0ff1ce15-a989-479d-af46-f275c6370663": "office",
    "59a52881-a989-479d-af46-f275c6370663": "office",
}
CHANNELS = {
    "oem:dm": "oem",
    "oem:slp": "oem",
    "oem:nonslp": "oem",
    "oem:coa": "oem",
    "retail": "retail",
    "retail:tb:eval": "evaluation",
    "volume:mak": "mak",
    "volume:gvlk": "kms-client",
    "volume:csvlk": "kms-host",
}
# Where the property is absent, as on old systems: a word that is the same in all languages.
DESCRIPTIONS = (
    ("VOLUME_KMSCLIENT", "kms-client"),
    ("VOLUME_KMS", "kms-host"),
    ("VOLUME_MAK", "mak"),
    ("OEM", "oem"),
    ("RETAIL", "retail"),
)
STATES = ("unlicensed", "licensed", "grace", "grace", "non-genuine", "notification", "grace")


def available(root: Path) -> bool:
    """Whether this is a running Windows; an image has no licensing service to ask."""
    return sys.platform == "win32" and str(root) in ("/", "\\", Path.cwd().anchor)


def scan(root: Path) -> Iterator[Install]:
    """Asks the licensing service of the running Windows."""
    import json
    import subprocess

    powershell = Path("C:/Windows/System32/WindowsPowerShell/v1.0/powershell.exe")
    try:
        answer = subprocess.run(  # noqa: S603 - a fixed command by its full path
            [powershell, "-NoProfile", "-NonInteractive", "-Command", QUERY],
            capture_output=True,
            check=True,
            timeout=TIMEOUT_S,
        )
        rows = json.loads(answer.stdout or b"[]")
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise SourceError(
            f"the licensing service did not answer: {type(error).__name__}"
        ) from error
    for row in rows if isinstance(rows, list) else [rows]:
        yield from parse_rows([{key: str(value or "") for key, value in row.items()}])


def read(path: Path) -> Iterator[Install]:
    """Reads a WMI list of SoftwareLicensingProduct."""
    return parse_rows(wmi.rows(captures.text(path)))


def parse_rows(rows: Iterable[Mapping[str, str]]) -> Iterator[Install]:
    """One hidden record for each row with a product key."""
    for row in rows:
        if not row.get("PartialProductKey"):
            continue
        status = row.get("LicenseStatus", "")
        known = status.isdecimal() and int(status) < len(STATES)
        application = row.get("ApplicationID", "").lower()
        host = row.get("KeyManagementServiceMachine") or row.get(
            "DiscoveredKeyManagementServiceMachineName"
        )
        identifiers = {
            "application": APPLICATIONS.get(application, application),
            "licence_family": row.get("LicenseFamily", ""),
            "channel": channel(row),
            "licence_status": STATES[int(status)] if known else status,
            # Five characters tell keys apart and are good for nothing else.
            "partial_key": row["PartialProductKey"][-5:],
            "product_key_id": row.get("ProductKeyID2", ""),
            "kms_host": host or "",
        }
        yield Install(
            name=row.get("Name", ""),
            publisher="Microsoft Corporation",
            source=NAME,
            identifiers={key: value for key, value in identifiers.items() if value},
            hidden=True,
        )


def channel(row: Mapping[str, str]) -> str:
    """oem, retail, mak, kms-client, kms-host, evaluation; empty where nothing tells."""
    said = row.get("ProductKeyChannel", "").lower()
    if said in CHANNELS:
        return CHANNELS[said]
    if row.get("IsKeyManagementServiceMachine") == "1":
        return "kms-host"
    description = row.get("Description", "").upper()
    return next((name for mark, name in DESCRIPTIONS if mark in description), "")


SOURCE = Source(NAME, available, scan, read)
