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
from quitus_agent.registry.machine import is_live_windows

NAME = "activation"
PROPERTIES = (
    "Name, Description, ApplicationID, LicenseFamily, LicenseStatus, PartialProductKey,"
    " ProductKeyChannel, ProductKeyID2, IsKeyManagementServiceMachine,"
    " KeyManagementServiceMachine, DiscoveredKeyManagementServiceMachineName"
)
# A list even of no rows, so that no answer at all is told from an empty one.
QUERY = (
    "$ErrorActionPreference = 'Stop'; ConvertTo-Json -Compress -InputObject @("
    "Get-CimInstance SoftwareLicensingProduct -Filter 'PartialProductKey IS NOT NULL'"
    f" -Property {PROPERTIES} | Select-Object {PROPERTIES};"
    # Office 2010 keeps to a service of its own.
    " if (Get-CimClass OfficeSoftwareProtectionProduct -ErrorAction SilentlyContinue) {"
    "Get-CimInstance OfficeSoftwareProtectionProduct -Filter 'PartialProductKey IS NOT NULL'"
    f" | Select-Object {PROPERTIES}}})"
)
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
    "retail:tb:sub": "subscription",
    "volume:mak": "mak",
    "volume:gvlk": "kms-client",
    "volume:csvlk": "kms-host",
}
# Where the property is absent, as on old systems: a word that is the same in all languages.
DESCRIPTIONS = (
    ("VOLUME_KMSCLIENT", "kms-client"),
    ("VOLUME_KMS", "kms-host"),
    ("VOLUME_MAK", "mak"),
    # Microsoft 365, and what may be tried for a time.
    ("TIMEBASED_SUB", "subscription"),
    ("TIMEBASED_EVAL", "evaluation"),
    ("OEM", "oem"),
    # Office's volume editions with a MAK call their channel so.
    ("RETAIL(MAK)", "mak"),
    ("RETAIL", "retail"),
)
NAMES = ("Name", "LicenseFamily", "Description")
STATES = ("unlicensed", "licensed", "grace", "grace", "non-genuine", "notification", "grace")


def available(root: Path) -> bool:
    """Whether this is a running Windows; an image has no licensing service to ask."""
    return is_live_windows(root)


def scan(root: Path) -> Iterator[Install]:
    """Asks the licensing service of the running Windows."""
    yield from parse_answer(wmi.asked(QUERY, "the licensing service"))


def read(path: Path) -> Iterator[Install]:
    """Reads a WMI list of SoftwareLicensingProduct."""
    return captures.installs_of(path, parse_list(captures.text(path)))


def parse_list(listing: str) -> Iterator[Install]:
    """Reads a WMI list; raises SourceError where it is none of products with their keys' ends."""
    yield from parse_rows(wmi.rows_with(listing, "PartialProductKey"))


def parse_answer(answer: bytes) -> Iterator[Install]:
    """Reads PowerShell's JSON, in UTF-8 or in the code page of the console it has.

    Raises SourceError where it is none: an empty answer is not a system without keys.
    """
    import json

    try:
        text = answer.decode("utf-8")
    except UnicodeDecodeError:
        # Letters of another code page only spell a description; the codec is Windows' alone.
        text = answer.decode("oem" if sys.platform == "win32" else "cp850", errors="replace")
    try:
        rows = json.loads(text)
    except ValueError:
        rows = None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SourceError("the licensing service gave no list")
    return parse_rows(
        {key: "" if value is None else str(value) for key, value in row.items()} for row in rows
    )


def parse_rows(rows: Iterable[Mapping[str, str]]) -> Iterator[Install]:
    """One hidden record for each row with a product key."""
    for row in rows:
        if not row.get("PartialProductKey"):
            continue
        status = row.get("LicenseStatus", "")
        known = status in map(str, range(len(STATES)))
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
            # A list may have been made without the names.
            name=next(filter(None, map(row.get, NAMES)), "SoftwareLicensingProduct"),
            publisher="Microsoft Corporation",
            source=NAME,
            identifiers={key: value for key, value in identifiers.items() if value},
            hidden=True,
        )


def channel(row: Mapping[str, str]) -> str:
    """oem, retail, mak, kms-client, kms-host, evaluation, subscription; empty if nothing tells."""
    said = row.get("ProductKeyChannel", "").lower()
    if said in CHANNELS:
        return CHANNELS[said]
    if row.get("IsKeyManagementServiceMachine") == "1":
        return "kms-host"
    description = row.get("Description", "").upper()
    return next((name for mark, name in DESCRIPTIONS if mark in description), "")


SOURCE = Source(NAME, available, scan, read)
