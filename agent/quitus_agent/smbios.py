"""The SMBIOS table: what the firmware says of the machine and its enclosure.

DMTF DSP0134: structures of a header, a formatted area and strings; type 0 is the firmware, type 1
the system, type 3 the enclosure, type 4 a processor's socket. The UUID's first three fields are
little-endian since version 2.6.
"""

import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

BIOS, SYSTEM, ENCLOSURE, PROCESSOR, END = 0, 1, 3, 4, 127
# Of the firmware's second extension byte: that the table describes a virtual machine.
VIRTUAL_MACHINE = 0x10
# Of a processor: that it is a central one, and that its socket is populated.
CENTRAL, POPULATED = 3, 0x40
# Enclosure types by number (DSP0134 table 17) and the ones that people carry.
CHASSIS = {
    3: "desktop",
    4: "low-profile-desktop",
    5: "pizza-box",
    6: "mini-tower",
    7: "tower",
    8: "portable",
    9: "laptop",
    10: "notebook",
    11: "hand-held",
    13: "all-in-one",
    14: "sub-notebook",
    15: "space-saving",
    16: "lunch-box",
    17: "server",
    23: "rack-mount",
    24: "sealed-case",
    28: "blade",
    29: "blade-enclosure",
    30: "tablet",
    31: "convertible",
    32: "detachable",
    34: "embedded-pc",
    35: "mini-pc",
    36: "stick-pc",
}
PORTABLE = frozenset({8, 9, 10, 11, 14, 30, 31, 32})
# What makers leave in these fields where they have nothing to say.
UNSET = frozenset(
    {
        *("", "none", "default string", "default", "default_string", "n/a", "na", "null", "empty"),
        *("system serial number", "serial number", "system serial", "chassis serial number"),
        *(
            "to be filled by o.e.m.",
            "to be filled by o.e.m",
            "to be filled by oem",
            "o.e.m.",
            "oem",
        ),
        *("not specified", "not applicable", "not available", "unknown", "invalid", "undefined"),
        *(
            "123456789",
            "1234567890",
            "0123456789",
            "12345678",
            "serial",
            "sernum",
            "systemserialnumb",
        ),
    }
)
# Ids that makers of boards left as they came from the makers of firmware, and of machines of Dell
# whose service tag is blank.
UNSET_IDS = re.compile(
    r"03000200-0400-0500-0006-000700080009|00020003-0004-0005-0006-000700080009"
    r"|00010203-0405-0607-0809-0a0b0c0d0e0f|12345678-1234-5678-90ab-cddeefaabbcc"
    r"|12345678-1234-1234-1234-123456789abc|4c4c4544-0020-2010-8020-[a-f0-9]{2}c04f202020"
)
LINUX_TABLE = Path("/sys/firmware/dmi/tables/DMI")


class Firmware(NamedTuple):
    """Empty or zero where the firmware does not say; `uuid` in lower case."""

    vendor: str = ""
    product: str = ""
    serial: str = ""
    uuid: str = ""
    chassis: str = ""
    portable: bool = False
    processors: int = 0
    virtual: bool = False


def parse(table: bytes) -> Firmware:
    """Reads a table as far as it is whole."""
    found = Firmware()
    at = 0
    while at + 4 <= len(table):
        kind, length = table[at], table[at + 1]
        end = table.find(b"\0\0", at + length)
        if length < 4 or end < 0 or kind == END:
            break
        area = table[at : at + length]
        strings = table[at + length : end].split(b"\0")
        if kind == BIOS and length > 0x13:
            found = found._replace(virtual=bool(area[0x13] & VIRTUAL_MACHINE))
        elif kind == SYSTEM and length >= 8:
            found = found._replace(
                vendor=_string(area, strings, 0x04),
                product=_string(area, strings, 0x05),
                serial=_meaningful(_string(area, strings, 0x07)),
                uuid=_uuid(area[0x08:0x18]),
            )
        elif kind == ENCLOSURE and length >= 6:
            found = _enclosed(found, area[0x05])
        elif kind == PROCESSOR and length > 0x18:
            is_there = area[0x05] == CENTRAL and area[0x18] & POPULATED
            found = found._replace(processors=found.processors + bool(is_there))
        at = end + 2
    return found


def _enclosed(found: Firmware, number: int) -> Firmware:
    """With an enclosure of this number; the top bit tells that it has a lock.

    A laptop is one in its dock too, and a blade in what it is put into.
    """
    name, portable = CHASSIS.get(number & 0x7F, ""), number & 0x7F in PORTABLE
    if not name or found.portable or (found.chassis and not portable):
        return found
    return found._replace(chassis=name, portable=portable)


def parse_attributes(read: Callable[[str], str]) -> Firmware:
    """What everybody may read of it on Linux, by the names that files below /sys have."""
    kind = read("chassis_type")
    found = Firmware(read("sys_vendor"), read("product_name"))
    return _enclosed(found, int(kind)) if kind.isdecimal() and len(kind) <= 3 else found


def _string(area: bytes, strings: list[bytes], offset: int) -> str:
    number = area[offset] if offset < len(area) else 0
    if not 1 <= number <= len(strings):
        return ""
    return strings[number - 1].decode("latin-1").strip()


def _uuid(field: bytes) -> str:
    if len(field) != 16 or len(set(field)) == 1:
        return ""
    from uuid import UUID

    found = str(UUID(bytes_le=field))
    return "" if UNSET_IDS.fullmatch(found) else found


def _meaningful(value: str) -> str:
    plain = value.lower()
    return "" if plain in UNSET or not plain.strip("0 .x*-_") or len(set(plain)) == 1 else value


def windows_table() -> bytes:
    """The raw table of the running Windows; empty where it gives none."""
    import ctypes

    kernel = ctypes.windll.kernel32  # type: ignore[attr-defined]
    provider = struct.unpack(">I", b"RSMB")[0]
    size = kernel.GetSystemFirmwareTable(provider, 0, None, 0)
    buffer = ctypes.create_string_buffer(size)
    kernel.GetSystemFirmwareTable(provider, 0, buffer, size)
    # RawSMBIOSData: eight bytes of versions and length before the table itself.
    return buffer.raw[8:]
