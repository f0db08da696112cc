"""What counting licences needs to know of a device: system, cores, memory, kind, fingerprint."""

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from quitus_agent import disks, smbios
from quitus_agent.errors import SourceError
from quitus_agent.guests import guests
from quitus_agent.places import RUNNING, is_live, within
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
    (" xen ", "xen"),
    ("hvm domu", "xen"),
    ("amazon ec2", "kvm"),
    ("google compute engine", "kvm"),
    ("openstack", "kvm"),
    ("ovirt", "kvm"),
    ("rhev", "kvm"),
    ("red hat", "kvm"),
    ("kubevirt", "kvm"),
    ("alibaba cloud", "kvm"),
    ("tencent cloud", "kvm"),
    ("digitalocean", "kvm"),
    ("hetzner vserver", "kvm"),
    ("scaleway scw-", "kvm"),
    (" vultr ", "kvm"),
    (" linode ", "kvm"),
    ("qemu", "kvm"),
    (" kvm ", "kvm"),
    ("linux,dummy-virt", "kvm"),
    ("microsoft corporation virtual machine", "hyper-v"),
    ("virtualmac", "apple"),
    ("apple virtualization", "apple"),
    ("nutanix ahv", "ahv"),
    ("bhyve", "bhyve"),
)
# A whole machine that is rented out, as Amazon calls it: "m5.metal".
RENTED = (".metal ", ".metal-")
# Where a board without SMBIOS, as many with ARM, has its name.
DEVICE_TREE = "proc/device-tree/model"
# Xen's first system drives the hardware and is no guest, though its processor looks like one's.
XEN_PRIVILEGES, XEN_HOST = "proc/xen/capabilities", "control_d"
IOREG = ("/usr/sbin/ioreg", "-rd1", "-c", "IOPlatformExpertDevice", "-a")
IOREG_TIMEOUT_S = 10
MACOS_SETTINGS = "Library/Preferences/SystemConfiguration/preferences.plist"
MACOS_VERSION = "System/Library/CoreServices/SystemVersion.plist"
# Where a Windows that no domain has tells the Entra tenant that it joined.
CLOUD_JOIN = r"Control\CloudDomainJoin\JoinInfo"
SYSTEM_INFORMATION = r"Control\SystemInformation"
ENVIRONMENT = r"Control\Session Manager\Environment"
# Far more than Windows runs on.
MAX_PROCESSORS = 8192
REALM = r"(?m)^[ \t]*default_realm[ \t]*=[ \t]*(?P<realm>\S+)"


class DeviceFacts(NamedTuple):
    """Zero or empty where the device cannot tell; `cores` are physical, or virtual on a VM.

    `system_id` and `disk_serial` stay on the device: what leaves is made from them (pseudonyms).
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
    disk_serial: str = ""


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
    words = f" {vendor} {product} ".lower()
    is_rented = any(mark in words for mark in RENTED)
    for mark, name in HYPERVISORS:
        if mark in words and not is_rented:
            return VIRTUAL, name
    if under_hypervisor:
        return VIRTUAL, ""
    return (PHYSICAL if words.strip() else UNKNOWN), ""


def _with_hardware(found: DeviceFacts, root: Path) -> DeviceFacts:
    firmware = _firmware()
    cpuinfo = parse_cpuinfo(text_of(RUNNING, "proc/cpuinfo"))
    is_guest = firmware.virtual or (cpuinfo.under_hypervisor and not is_xen_host(RUNNING))
    kind, hypervisor = kind_of(firmware.vendor, firmware.product, is_guest)
    logical = os.cpu_count() or 0
    cores = counted_cores(kind, cpuinfo.cores or _physical_cores(), logical)
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
        disk_serial=disks.system_serial(),
    )


def is_xen_host(root: Path) -> bool:
    """Whether this is the system that Xen lets drive the hardware."""
    return XEN_HOST in text_of(root, XEN_PRIVILEGES)


def counted_cores(kind: str, physical: int, logical: int) -> int:
    """Cores as licences count them: of a virtual machine, each thread that it was given is one.

    Microsoft, Product Terms, glossary, "Virtual Core". A guest is shown them as pairs or not.
    """
    return logical if kind == VIRTUAL and logical else physical or logical


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
        return linux_firmware(RUNNING)


def linux_firmware(root: Path) -> smbios.Firmware:
    """What Linux tells every account of the machine that it runs on."""
    found = smbios.parse_attributes(lambda name: text_of(root, f"sys/class/dmi/id/{name}"))
    if found.vendor or found.product:
        return found
    return found._replace(product=text_of(root, DEVICE_TREE).rstrip("\0"))


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
            found = _as_last_started(found, registry)._replace(
                hostname=text(name, "ComputerName") if name else "",
                domain=(text(network, "Domain") if network else "") or _tenant(registry),
            )
    except SourceError:
        # The sources tell that the registry is unreadable; the facts have nothing to add.
        return DeviceFacts(system="Windows")
    return found


def _as_last_started(found: DeviceFacts, registry: "WindowsRegistry") -> DeviceFacts:
    """With what a Windows wrote down of the machine when it last started."""
    from quitus_agent.registry import number, text

    machine = registry.current_control(SYSTEM_INFORMATION)
    environment = registry.current_control(ENVIRONMENT)
    maker, model = (
        text(machine, f"System{name}") if machine else ""
        for name in ("Manufacturer", "ProductName")
    )
    kind, hypervisor = kind_of(maker, model, under_hypervisor=False)
    logical = number(environment, "NUMBER_OF_PROCESSORS") if environment else 0
    logical = logical if logical <= MAX_PROCESSORS else 0
    architecture = text(environment, "PROCESSOR_ARCHITECTURE") if environment else ""
    return found._replace(
        architecture=architecture or found.architecture,
        kind=kind,
        hypervisor=hypervisor,
        logical_cores=logical,
        cores=counted_cores(kind, 0, logical) if kind == VIRTUAL else 0,
    )


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
        hostname=_macos_name(root),
        system=plists.text(version.get("ProductName")) or "macOS",
        system_version=plists.text(version.get("ProductVersion")),
    )


def _macos_name(root: Path) -> str:
    """What a Mac is called on its network, as `hostname` has it of one that runs."""
    from quitus_agent import plists

    try:
        found: object = plists.read_dict(within(root, MACOS_SETTINGS)).get("System")
    except SourceError:
        return ""
    names = []
    for path in (("System", "HostName"), ("Network", "HostNames", "LocalHostName")):
        at = found
        for key in path:
            at = at.get(key) if isinstance(at, dict) else None
        names.append(plists.text(at))
    return next(filter(None, names), "")
