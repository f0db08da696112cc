"""The serial number of the disk that the running system lies on, for whoever may ask without root.

A disk is in one machine at a time, which makes it good evidence of which machine this is.
"""

import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

from quitus_agent import smbios
from quitus_agent.errors import SourceError

# What a hypervisor calls its disks in every guest alike.
VIRTUAL = re.compile(r"QM\d{5}|drive-\w+|0123456789ABCDEF", re.IGNORECASE)
SHORTEST, LONGEST = 4, 128
# Below a disk in sysfs: NVMe and MMC, then virtio.
LINUX_PLACES = ("device/serial", "serial")
UDEV_SERIAL = "E:ID_SERIAL_SHORT="
IOREG = ("/usr/sbin/ioreg", "-ra", "-c", "IOBlockStorageDevice", "-d1")
# ntddstor.h: what a query for a device's descriptor is, and where that has its serial number.
IOCTL_STORAGE_QUERY_PROPERTY, SHARED, OPEN_EXISTING = 0x2D1400, 3, 3
DEVICE_PROPERTY = struct.pack("<III", 0, 0, 0)
SERIAL_OFFSET = 24


def system_serial() -> str:
    """Empty where the system does not tell, or tells what every other machine does."""
    try:
        if sys.platform == "win32":
            return meaningful(of_descriptor(_windows_descriptor()))
        if sys.platform == "darwin":
            return of_ioreg(_ioreg())
        return of_linux(_linux_number())
    except OSError:
        return ""


def meaningful(serial: str) -> str:
    """The serial number, or nothing where makers or hypervisors give it to whole series."""
    text = serial.replace("\0", "").strip()
    if not SHORTEST <= len(text) <= LONGEST or VIRTUAL.fullmatch(text) or len(set(text)) == 1:
        return ""
    return "" if text.lower() in smbios.UNSET else text


def of_linux(number: str, root: Path = Path("/")) -> str:
    """The least serial number of the disks below a block device, `major:minor`.

    Encryption, volume groups and mirrors lie on other devices; a mirror has several disks.
    """
    device = (root / "sys/dev/block" / number).resolve()
    return min(filter(None, (_serial(disk, root) for disk in _disks(device))), default="")


def of_ioreg(answer: bytes) -> str:
    """The serial number of a Mac's internal disk, from `ioreg -a`."""
    from quitus_agent import plists

    try:
        document = plists.parse(answer)
    except SourceError:
        return ""
    for each in document if isinstance(document, list) else []:
        known = each if isinstance(each, dict) else {}
        protocol, device = (
            found if isinstance(found := known.get(key), dict) else {}
            for key in ("Protocol Characteristics", "Device Characteristics")
        )
        is_internal = plists.text(protocol.get("Physical Interconnect Location")) == "Internal"
        if is_internal and (serial := meaningful(plists.text(device.get("Serial Number")))):
            return serial
    return ""


def of_descriptor(descriptor: bytes) -> str:
    """The serial number in a STORAGE_DEVICE_DESCRIPTOR; empty where it has none."""
    if len(descriptor) < SERIAL_OFFSET + 4:
        return ""
    (at,) = struct.unpack_from("<I", descriptor, SERIAL_OFFSET)
    return descriptor[at:].partition(b"\0")[0].decode("latin-1") if at else ""


def _linux_number() -> str:
    """What the root of the system is mounted from."""
    number = os.stat("/").st_dev
    if os.major(number) == 0:
        # Btrfs numbers its volumes by itself; the table of mounts has the device.
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
        number = next((os.stat(source).st_rdev for source in _root_sources(lines)), 0)
    return f"{os.major(number)}:{os.minor(number)}"


def _root_sources(mounts: list[str]) -> Iterator[str]:
    """The devices that are mounted as root, the last one first (proc_pid_mountinfo(5))."""
    for line in reversed(mounts):
        fields, _, source = line.partition(" - ")
        if fields.split(" ")[4:5] == ["/"] and (words := source.split(" "))[1:]:
            yield from (word for word in words[1:2] if word.startswith("/dev/"))


def _disks(device: Path) -> Iterator[Path]:
    """The disks below a block device of sysfs."""
    below = sorted((device / "slaves").glob("*"))
    for each in below:
        yield from _disks(each.resolve())
    if not below:
        yield device.parent if (device / "partition").exists() else device


def _serial(disk: Path, root: Path) -> str:
    number = _text(disk / "dev").strip()
    told = _text(root / "run/udev/data" / f"b{number}").splitlines()
    by_udev = (line.removeprefix(UDEV_SERIAL) for line in told if line.startswith(UDEV_SERIAL))
    by_kernel = (_text(disk / place) for place in LINUX_PLACES)
    return next(filter(None, map(meaningful, (*by_udev, *by_kernel))), "")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _ioreg() -> bytes:
    import subprocess

    try:
        return subprocess.run(IOREG, check=True, capture_output=True, timeout=10).stdout  # noqa: S603 - a fixed command by its full path
    except subprocess.SubprocessError:
        return b""


def _windows_descriptor() -> bytes:
    """Of the disk with the system's volume; asking needs no right to read or write it."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    kernel.CreateFileW.restype = ctypes.c_void_p
    volume = rf"\\.\{os.environ.get('SYSTEMDRIVE', 'C:')}"
    handle = ctypes.c_void_p(kernel.CreateFileW(volume, 0, SHARED, None, OPEN_EXISTING, 0, None))
    if handle.value == ctypes.c_void_p(-1).value:
        return b""
    answer, length = ctypes.create_string_buffer(1024), ctypes.c_ulong()
    try:
        is_told = kernel.DeviceIoControl(
            *(handle, IOCTL_STORAGE_QUERY_PROPERTY, DEVICE_PROPERTY, len(DEVICE_PROPERTY)),
            *(answer, len(answer), ctypes.byref(length), None),
        )
    finally:
        kernel.CloseHandle(handle)
    return answer.raw[: length.value] if is_told else b""
