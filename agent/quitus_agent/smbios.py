"""The SMBIOS table: what the firmware says of the machine and its enclosure.

DMTF DSP0134: structures of a header, a formatted area and strings; type 1 is the system, type 3
the enclosure, type 4 a processor's socket. The UUID's first three fields are little-endian since
version 2.6.
"""

import struct
from pathlib import Path
from typing import NamedTuple

SYSTEM, ENCLOSURE, PROCESSOR, END = 1, 3, 4, 127
# Of a processor: that it is a central one, and that its socket is populated.
CENTRAL, POPULATED = 3, 0x40
# Enclosure types by number (DSP0134 table 17) and the ones that people carry.
CHASSIS = {
    3: "desktop",
    4: "low-profile-desktop",
    6: "mini-tower",
    7: "tower",
    8: "portable",
    9: "laptop",
    10: "notebook",
    11: "hand-held",
    13: "all-in-one",
    14: "sub-notebook",
    15: "space-saving",
    17: "server",
    23: "rack-mount",
    24: "sealed-case",
    28: "blade",
    29: "blade-enclosure",
    30: "tablet",
    31: "convertible",
    32: "detachable",
    35: "mini-pc",
    36: "stick-pc",
}
PORTABLE = frozenset({8, 9, 10, 11, 14, 30, 31, 32})
# What makers leave in these fields where they have nothing to say.
UNSET = frozenset(
    {"", "none", "default string", "system serial number", "to be filled by o.e.m.", "0", "n/a"}
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
        if kind == SYSTEM and length >= 8:
            found = found._replace(
                vendor=_string(area, strings, 0x04),
                product=_string(area, strings, 0x05),
                serial=_meaningful(_string(area, strings, 0x07)),
                uuid=_uuid(area[0x08:0x18]),
            )
        elif kind == ENCLOSURE and length >= 6:
            number = area[0x05] & 0x7F
            found = found._replace(chassis=CHASSIS.get(number, ""), portable=number in PORTABLE)
        elif kind == PROCESSOR and length > 0x18:
            is_there = area[0x05] == CENTRAL and area[0x18] & POPULATED
            found = found._replace(processors=found.processors + bool(is_there))
        at = end + 2
    return found


def _string(area: bytes, strings: list[bytes], offset: int) -> str:
    number = area[offset] if offset < len(area) else 0
    if not 1 <= number <= len(strings):
        return ""
    return strings[number - 1].decode("latin-1").strip()


def _uuid(field: bytes) -> str:
    if len(field) != 16 or field in (b"\0" * 16, b"\xff" * 16):
        return ""
    from uuid import UUID

    return str(UUID(bytes_le=field))


def _meaningful(value: str) -> str:
    return "" if value.lower() in UNSET or not value.strip("0 .x") else value


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
