"""What counting licences needs to know of a device: system, cores, memory, kind, fingerprint."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quitus_agent import smbios
from quitus_agent.errors import SourceError
from quitus_agent.places import RUNNING, is_live, matching, within
from quitus_agent.system import is_macos, os_release, text_of

if TYPE_CHECKING:
    from quitus_agent.registry.machine import WindowsRegistry

PHYSICAL, VIRTUAL, UNKNOWN = "physical", "virtual", ""

# What a hypervisor writes as the vendor or the product of the machine it presents (SMBIOS type 1),
# in lower case, and the name we report; the first that occurs wins.
HYPERVISORS = (
    ("vmware", "vmware"),
    ("virtualbox", "virtualbox"),
    ("innotek", "virtualbox"),
    ("parallels", "parallels"),
    ("xen", "xen"),
    ("amazon ec2", "kvm"),
    ("google compute engine", "kvm"),
    ("openstack", "kvm"),
    ("qemu", "kvm"),
    ("kvm", "kvm"),
    ("virtual machine", "hyper-v"),
    ("virtualmac", "apple"),
    ("nutanix", "ahv"),
    ("bhyve", "bhyve"),
)
IOREG = ("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice", "-a")
IOREG_TIMEOUT_S = 10
# Where a host has its guests, and the line of a file that identifies one; of Hyper-V the file's
# own name does.
GUESTS = (
    ("etc/libvirt/qemu/*.xml", r"<uuid>(?P<id>[^<]+)</uuid>"),
    ("etc/pve/qemu-server/*.conf", r"smbios1:.*\buuid=(?P<id>[^,\s]+)"),
    ("vmfs/volumes/*/*/*.vmx", r'uuid\.bios\s*=\s*"(?P<id>[^"]+)"'),
)
HYPER_V_MACHINES = "ProgramData/Microsoft/Windows/Hyper-V/Virtual Machines/*"
HYPER_V_SUFFIXES = (".vmcx", ".xml")
# Where a Windows that no domain has tells the Entra tenant that it joined.
MACOS_VERSION = "System/Library/CoreServices/SystemVersion.plist"
CLOUD_JOIN = r"Control\CloudDomainJoin\JoinInfo"
REALM = r"(?m)^[ \t]*default_realm[ \t]*=[ \t]*(?P<realm>\S+)"


class DeviceFacts(NamedTuple):
    """Zero or empty where the device cannot tell; `cores` are physical, or virtual on a VM.

    `system_id` stays on the device: what leaves is made from it (pseudonyms).
    """

    hostname: str = ""
    system: str = ""
    system_version: str = ""
    architecture: str = ""
    processors: int = 0
    cores: int = 0
    memory_bytes: int = 0
    kind: str = UNKNOWN
    hypervisor: str = ""
    chassis: str = ""
    portable: bool = False
    logical_cores: int = 0
    smbios_uuid: str = ""
    serial: str = ""
    system_id: str = ""
    domain: str = ""
    guests: tuple[str, ...] = ()


class Cpuinfo(NamedTuple):
    """What /proc/cpuinfo tells; sockets and cores are 0 where it does not (ARM)."""

    sockets: int
    cores: int
    under_hypervisor: bool


def hostname() -> str:
    """What the device calls itself."""
    if sys.platform != "win32":
        return os.uname().nodename
    import socket

    return socket.gethostname()


def facts(root: Path) -> DeviceFacts:
    """Reads the device. Of a system that is not running, what its files tell and nothing else."""
    found = _installed_system(root)
    return _with_hardware(found, root) if is_live(root) else found


def parse_cpuinfo(text: str) -> Cpuinfo:
    """Counts distinct sockets, and cores within them: two threads of a core share its id.

    The `hypervisor` CPU flag is set by the host (x86).
    """
    sockets: set[str] = set()
    cores: set[tuple[str, str]] = set()
    socket, under_hypervisor = "", False
    for line in text.splitlines():
        key, _, value = line.partition(":")
        match key.strip():
            case "physical id":
                socket = value.strip()
                sockets.add(socket)
            case "core id":
                cores.add((socket, value.strip()))
            case "flags":
                under_hypervisor = under_hypervisor or " hypervisor" in f" {value} "
    return Cpuinfo(len(sockets), len(cores), under_hypervisor)


def kind_of(vendor: str, product: str, under_hypervisor: bool) -> tuple[str, str]:
    """Kind and hypervisor, from what the firmware and the processor say.

    A vendor that nobody knows on a processor without the flag is a physical device only if the
    firmware was readable at all.
    """
    words = f"{vendor} {product}".lower()
    for mark, name in HYPERVISORS:
        if mark in words:
            return VIRTUAL, name
    if under_hypervisor:
        return VIRTUAL, ""
    return (PHYSICAL if words.strip() else UNKNOWN), ""


def _with_hardware(found: DeviceFacts, root: Path) -> DeviceFacts:
    firmware = _firmware()
    cpuinfo = parse_cpuinfo(text_of(RUNNING, "proc/cpuinfo"))
    kind, hypervisor = kind_of(firmware.vendor, firmware.product, cpuinfo.under_hypervisor)
    logical = os.cpu_count() or 0
    cores = cpuinfo.cores or _physical_cores() or logical
    return found._replace(
        hostname=hostname(),
        architecture=_architecture(),
        processors=cpuinfo.sockets or firmware.processors or (1 if cores else 0),
        cores=cores,
        logical_cores=logical,
        memory_bytes=_memory_bytes(),
        kind=kind,
        hypervisor=hypervisor,
        chassis=firmware.chassis,
        portable=firmware.portable,
        smbios_uuid=firmware.uuid,
        serial=firmware.serial,
        guests=guests(root),
    )


def _physical_cores() -> int:
    import psutil

    return psutil.cpu_count(logical=False) or 0


def _memory_bytes() -> int:
    if sys.platform != "win32":
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    import psutil

    return psutil.virtual_memory().total


def _architecture() -> str:
    if sys.platform == "win32":
        return os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ["PROCESSOR_ARCHITECTURE"]
    return os.uname().machine


def _firmware() -> smbios.Firmware:
    """The whole table where this account may read it, else the parts that everybody may."""
    try:
        if sys.platform == "win32":
            return smbios.parse(smbios.windows_table())
        if sys.platform == "darwin":
            return _mac()
        return smbios.parse(smbios.LINUX_TABLE.read_bytes())
    except OSError:
        vendor, product = (
            text_of(RUNNING, f"sys/class/dmi/id/{name}") for name in ("sys_vendor", "product_name")
        )
        return smbios.Firmware(vendor, product)


def _mac() -> smbios.Firmware:
    """What a Mac says in place of an SMBIOS table, which it has not."""
    import subprocess

    import psutil

    try:
        answer = subprocess.run(IOREG, check=True, capture_output=True, timeout=IOREG_TIMEOUT_S)  # noqa: S603 - a fixed command by its full path
    except (OSError, subprocess.SubprocessError):
        return smbios.Firmware()
    return parse_ioreg(answer.stdout, has_battery=psutil.sensors_battery() is not None)


def parse_ioreg(answer: bytes, *, has_battery: bool) -> smbios.Firmware:
    """Reads `ioreg -a` of the platform expert; newer models do not say that they are portable."""
    from quitus_agent import plists

    try:
        document = plists.parse(answer)
    except SourceError:
        return smbios.Firmware()
    platform = document[0] if isinstance(document, list) and document else {}

    def text(key: str) -> str:
        value = platform.get(key, "") if isinstance(platform, dict) else ""
        if isinstance(value, bytes):
            return value.rstrip(b"\0").decode("latin-1")
        return plists.text(value)

    is_portable = has_battery or text("model").startswith("MacBook")
    return smbios.Firmware(
        vendor=text("manufacturer"),
        product=text("model"),
        serial=text("IOPlatformSerialNumber"),
        uuid=text("IOPlatformUUID").lower(),
        chassis="notebook" if is_portable else "",
        portable=is_portable,
    )


def _installed_system(root: Path) -> DeviceFacts:
    """System, version, name, machine id and domain, from the files of the system below `root`."""
    from quitus_agent.registry.machine import is_windows

    if is_windows(root):
        return _windows(root)
    if is_macos(root):
        return _macos(root)
    release = os_release(root)
    live = is_live(root)
    return DeviceFacts(
        hostname=text_of(root, "etc/hostname"),
        system=release.get("NAME") or (os.uname().sysname if live else ""),
        system_version=release.get("VERSION_ID") or (os.uname().release if live else ""),
        system_id=text_of(root, "etc/machine-id"),
        domain=(hostname().partition(".")[2] if live else "") or _realm(root),
    )


def _realm(root: Path) -> str:
    """The Active Directory domain that a Linux joined, as Kerberos knows it."""
    settings = text_of(root, "etc/krb5.conf")
    found = re.search(REALM, settings) if settings else None
    return found["realm"].lower() if found else ""


def _windows(root: Path) -> DeviceFacts:
    from quitus_agent.registry import text
    from quitus_agent.registry.machine import open_registry
    from quitus_agent.sources import windows_edition

    try:
        registry = open_registry(root)
        edition = next(iter(windows_edition.parse(registry.software)), None)
        cryptography = registry.software.subkey(r"Microsoft\Cryptography")
        found = DeviceFacts(
            system=edition.name if edition else "Windows",
            system_version=edition.version if edition else "",
            architecture=edition.architecture if edition else "",
            system_id=text(cryptography, "MachineGuid") if cryptography else "",
        )
        if registry.system:
            name = registry.current_control(r"Control\ComputerName\ComputerName")
            network = registry.current_control(r"Services\Tcpip\Parameters")
            found = found._replace(
                hostname=text(name, "ComputerName") if name else "",
                domain=(text(network, "Domain") if network else "") or _tenant(registry),
            )
    except SourceError:
        # The sources tell that the registry is unreadable; the facts have nothing to add.
        return DeviceFacts(system="Windows")
    return found


def _tenant(registry: "WindowsRegistry") -> str:
    from quitus_agent.registry import text

    joined = registry.current_control(CLOUD_JOIN)
    tenants = (text(key, "TenantId") for key in joined.subkeys()) if joined else iter(())
    return next(filter(None, tenants), "")


def _macos(root: Path) -> DeviceFacts:
    from quitus_agent import plists

    try:
        version = plists.read_dict(within(root, MACOS_VERSION))
    except SourceError:
        version = {}
    return DeviceFacts(
        system=plists.text(version.get("ProductName")) or "macOS",
        system_version=plists.text(version.get("ProductVersion")),
    )


def guests(root: Path) -> tuple[str, ...]:
    """UUIDs of the virtual machines that this host has, where this account may read them."""
    found = set()
    for pattern, line in GUESTS:
        for place in _readable(root, pattern):
            if (said := re.search(line, text_of(root, place))) and (uuid := guest_id(said["id"])):
                found.add(uuid)
    for place in _readable(root, HYPER_V_MACHINES):
        if place.suffix.lower() in HYPER_V_SUFFIXES and (uuid := guest_id(place.stem)):
            found.add(uuid)
    return tuple(sorted(found))


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
