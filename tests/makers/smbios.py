"""SMBIOS tables (DMTF DSP0134), structure by structure."""

import struct
from uuid import UUID


def structure(kind: int, area: bytes, *strings: str) -> bytes:
    """One structure: header, formatted area, strings."""
    texts = b"".join(text.encode("latin-1") + b"\0" for text in strings) or b"\0"
    return struct.pack("<BBH", kind, 4 + len(area), 0x100 + kind) + area + texts + b"\0"


def system(maker: str, product: str, serial: str, uuid: str) -> bytes:
    """Type 1."""
    area = bytes([1, 2, 0, 3]) + UUID(uuid).bytes_le + bytes(3)
    return structure(1, area, maker, product, serial)


def enclosure(kind: int) -> bytes:
    """Type 3; the top bit tells that there is a lock."""
    return structure(3, bytes([1, kind, 0, 0, 0]) + bytes(12), "Maker")


def processor(*, central: bool = True, populated: bool = True) -> bytes:
    """Type 4: a socket and what is in it."""
    area = bytearray(0x20)
    area[0x05 - 4] = 3 if central else 5
    area[0x18 - 4] = 0x41 if populated else 0
    return structure(4, bytes(area), "CPU 1")


END = structure(127, b"")
