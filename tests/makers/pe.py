"""A library for 64-bit Windows that has no code: its one function is another library's."""

import struct
from pathlib import Path

FILE_ALIGNMENT, SECTION_AT, IMAGE_BASE = 0x200, 0x1000, 0x6_5000_0000
DLL_FOR_X64 = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, 240, 0x2022)


def write_forwarder(path: Path, function: str, target: str) -> None:
    """Writes a library whose `function` is `target`, as in "ADVAPI32.SystemFunction036"."""
    names = [path.name.encode(), function.encode(), target.encode()]
    at = SECTION_AT + 40 + 4 + 4 + 2
    places = []
    for name in names:
        places.append(at)
        at += len(name) + 1
    tables = SECTION_AT + 40
    section = struct.pack(
        *("<IIHHIIIIIII", 0, 0, 0, 0, places[0], 1, 1, 1, tables, tables + 4, tables + 8)
    )
    # The function's place lies within the directory of exports, so it is read as a name.
    section += struct.pack("<IIH", places[2], places[1], 0) + b"\0".join(names) + b"\0"
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        *(0x20B, 0, 0, 0, len(section), 0, 0, SECTION_AT, IMAGE_BASE),
        *(SECTION_AT, FILE_ALIGNMENT, 6, 0, 0, 0, 6, 0, 0, 2 * SECTION_AT, FILE_ALIGNMENT, 0),
        *(2, 0x100, 0x100000, 0x1000, 0x100000, 0x1000, 0, 16),
    )
    optional += struct.pack("<II", SECTION_AT, len(section)) + bytes(15 * 8)
    header = struct.pack(
        "<8sIIIIIIHHI",
        b".rdata",
        len(section),
        SECTION_AT,
        *(FILE_ALIGNMENT,) * 2,
        0,
        0,
        0,
        0,
        0x40000040,
    )
    start = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + DLL_FOR_X64 + optional + header
    path.write_bytes(start.ljust(FILE_ALIGNMENT, b"\0") + section.ljust(FILE_ALIGNMENT, b"\0"))
