"""What counting licences needs to know of a device: system, cores, memory, kind."""

import platform
import socket
from pathlib import Path
from typing import NamedTuple

import psutil

from quitus_agent.system import os_release

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
)


class DeviceFacts(NamedTuple):
    """Zero or empty where the device cannot tell; `cores` are physical, or virtual on a VM."""

    hostname: str
    system: str
    system_version: str
    architecture: str
    processors: int
    cores: int
    memory_bytes: int
    kind: str
    hypervisor: str


class Cpuinfo(NamedTuple):
    """What /proc/cpuinfo tells beyond the core count."""

    sockets: int
    under_hypervisor: bool


def hostname() -> str:
    """What the device calls itself."""
    return socket.gethostname()


def facts(root: Path) -> DeviceFacts:
    """Reads the running machine; system and version come from `root`."""
    cpuinfo = parse_cpuinfo(_text(Path("/proc/cpuinfo")))
    vendor, product = (
        _text(Path("/sys/class/dmi/id") / name) for name in ("sys_vendor", "product_name")
    )
    kind, hypervisor = kind_of(vendor, product, cpuinfo.under_hypervisor)
    release = os_release(root)
    cores = psutil.cpu_count(logical=False) or psutil.cpu_count() or 0
    return DeviceFacts(
        hostname=hostname(),
        system=release.get("NAME") or platform.system(),
        system_version=release.get("VERSION_ID") or platform.release(),
        architecture=platform.machine(),
        processors=cpuinfo.sockets or (1 if cores else 0),
        cores=cores,
        memory_bytes=psutil.virtual_memory().total,
        kind=kind,
        hypervisor=hypervisor,
    )


def parse_cpuinfo(text: str) -> Cpuinfo:
    """Counts distinct `physical id` values; the `hypervisor` CPU flag is set by the host (x86)."""
    sockets: set[str] = set()
    under_hypervisor = False
    for line in text.splitlines():
        key, _, value = line.partition(":")
        match key.strip():
            case "physical id":
                sockets.add(value.strip())
            case "flags":
                under_hypervisor = under_hypervisor or " hypervisor" in f" {value} "
    return Cpuinfo(len(sockets), under_hypervisor)


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


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
