"""The virtual machines that a host has: Hyper-V, libvirt, Proxmox and ESXi."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from quitus_agent.errors import SourceError
from quitus_agent.places import matching
from quitus_agent.registry.machine import is_live_windows
from quitus_agent.system import text_of

# Where a host has its guests, and the line of a file that identifies one; of Hyper-V the file's
# own name does.
GUESTS = (
    ("etc/libvirt/qemu/*.xml", r"<uuid>(?P<id>[^<]+)</uuid>"),
    ("etc/pve/qemu-server/*.conf", r"smbios1:.*\buuid=(?P<id>[^,\s]+)"),
    ("vmfs/volumes/*/*/*.vmx", r'uuid\.bios\s*=\s*"(?P<id>[^"]+)"'),
)
HYPER_V_MACHINES = "ProgramData/Microsoft/Windows/Hyper-V/Virtual Machines/*"
HYPER_V_SUFFIXES = (".vmcx", ".xml")
# A guest of Hyper-V gives another id than the host calls it by, which the host alone knows.
HYPER_V_QUERY = (
    "Get-CimInstance -Namespace root/virtualization/v2 Msvm_VirtualSystemSettingData"
    " -Filter \"VirtualSystemType = 'Microsoft:Hyper-V:System:Realized'\""
    " | ForEach-Object BIOSGUID"
)


def guests(root: Path) -> tuple[str, ...]:
    """UUIDs of the virtual machines that this host has, where this account may read them."""
    found, is_hyper_v = set(), False
    for pattern, line in GUESTS:
        for place in _readable(root, pattern):
            if (said := re.search(line, text_of(root, place))) and (uuid := guest_id(said["id"])):
                found.add(uuid)
    for place in _readable(root, HYPER_V_MACHINES):
        if place.suffix.lower() in HYPER_V_SUFFIXES and (uuid := guest_id(place.stem)):
            found.add(uuid)
            is_hyper_v = True
    if is_hyper_v and is_live_windows(root):
        from quitus_agent import wmi

        with suppress(SourceError):
            found.update(parse_hyper_v(wmi.asked(HYPER_V_QUERY, "Hyper-V")))
    return tuple(sorted(found))


def parse_hyper_v(answer: bytes) -> Iterator[str]:
    """Reads one `BIOSGUID` a line, which is what the guest has in its SMBIOS table."""
    for line in answer.split():
        if uuid := guest_id(line.decode("latin-1").strip("{}")):
            yield uuid


def _readable(root: Path, pattern: str) -> Iterator[Path]:
    try:
        for found in matching(root, pattern):
            yield found.place
    except SourceError:
        return


def guest_id(text: str) -> str:
    """A guest's id in the form in which the guest gives it; empty for what is none.

    VMware writes the bytes as they lie in the guest's SMBIOS table: "56 4d …-… …".
    """
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"[0-9a-fA-F]{32}", digits):
        return ""
    from uuid import UUID

    return str(UUID(bytes_le=bytes.fromhex(digits)) if " " in text else UUID(digits))
