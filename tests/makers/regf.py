"""Registry hives, written in the form that Windows keeps them in (regf 1.5).

Only what a reader needs: keys, values, long values in pieces, subkey lists split like Windows'.
"""

import struct
from collections.abc import Mapping
from pathlib import Path

from quitus_agent.registry.logs import marvin32

BIN, HEADER, NOTHING = 4096, 32, 0xFFFFFFFF
ROOT, COMPRESSED = 0x0C, 0x20
SZ, BINARY, DWORD, MULTI_SZ, QWORD = 1, 3, 4, 7, 11
# Windows splits longer subkey lists and longer values.
LIST_LENGTH, PIECE = 500, 16344

Value = str | int | bytes | list[str]
Tree = Mapping[str, "Tree | Value"]


def write(path: Path, tree: Tree) -> Path:
    """Writes a hive whose root key holds this: a dict is a key, everything else a value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(hive(tree))
    return path


def hive(tree: Tree, list_length: int = LIST_LENGTH) -> bytes:
    """A hive's bytes; longer lists of subkeys are split, as Windows does."""
    bins = _Bins(list_length)
    root = bins.key("ROOT", tree, NOTHING, ROOT | COMPRESSED)
    body = bins.close()
    base = bytearray(4096)
    struct.pack_into("<4sIIQIIIIIII", base, 0, b"regf", 1, 1, 0, 1, 5, 0, 1, root, len(body), 1)
    return mended(bytes(base)) + body


def left_dirty(path: Path, number: int = 7) -> Path:
    """Marks a hive as one that waits for the entry of its log with this number."""
    content = bytearray(path.read_bytes())
    struct.pack_into("<II", content, 4, number + 1, number)
    path.write_bytes(mended(bytes(content)))
    return path


def log_header(number: int, bins_bytes: int) -> bytes:
    """The sector with which a log begins."""
    base = bytearray(512)
    struct.pack_into(
        "<4sIIQIIIIIII", base, 0, b"regf", number, number, 0, 1, 5, 1, 1, 32, bins_bytes, 1
    )
    return mended(bytes(base))


def log_entry(number: int, later: bytes) -> bytes:
    """An entry that changes a hive's bins into those of this later one."""
    bins = later[4096:]
    body = struct.pack("<II", 0, len(bins)) + bins
    body += bytes(-(40 + len(body)) % 512)
    head = struct.pack("<4sIIIII", b"HvLE", 40 + len(body), 0, number, len(bins), 1)
    head += struct.pack("<Q", marvin32(body))
    return head + struct.pack("<Q", marvin32(head)) + body


def log_of_sectors(number: int, earlier: bytes, later: bytes) -> bytes:
    """A log of before Windows 8.1: a bitmap of the sectors that differ, and the sectors."""
    bins = later[4096:]
    starts = range(0, len(bins), 512)
    dirty = [bins[at : at + 512] != earlier[4096 + at : 4096 + at + 512] for at in starts]
    bitmap = bytes(
        sum(bit << place for place, bit in enumerate(dirty[at : at + 8]))
        for at in range(0, len(dirty), 8)
    )
    vector = b"DIRT" + bitmap
    vector += bytes(-len(vector) % 512)
    changed = (bins[at : at + 512] for at, bit in zip(starts, dirty, strict=True) if bit)
    return log_header(number, len(bins)) + vector + b"".join(changed)


def mended(content: bytes) -> bytes:
    """The same with the checksum that its header should have, where it is whole."""
    if len(content) < 512:
        return content
    checksum = 0
    for (word,) in struct.iter_unpack("<I", content[:508]):
        checksum ^= word
    return content[:508] + struct.pack("<I", checksum) + content[512:]


def mended_log(content: bytes) -> bytes:
    """A log with the checksum that its header should have, its first entry with its hashes."""
    content = mended(content)
    head, (size,) = content[512:544], struct.unpack("<I", content[516:520].ljust(4, b"\0"))
    if not head.startswith(b"HvLE") or not 40 <= size <= len(content) - 512:
        return content
    head = head[:24] + struct.pack("<Q", marvin32(content[552 : 512 + size]))
    return content[:512] + head + struct.pack("<Q", marvin32(head)) + content[552:]


class _Bins:
    """The hive's cells, laid one after another into bins of whole pages."""

    def __init__(self, list_length: int) -> None:
        self._list_length = list_length
        self._content = bytearray()
        self._used = self._end = 0

    def close(self) -> bytes:
        """All bins; what is left of the last one is a free cell."""
        self._fill()
        return bytes(self._content)

    def cell(self, content: bytes) -> int:
        """Stores a cell; returns its offset."""
        size = (4 + len(content) + 7) // 8 * 8
        if self._used + size > self._end:
            self._fill()
            length = (HEADER + size + BIN - 1) // BIN * BIN
            start = len(self._content)
            self._content += struct.pack("<4sII20x", b"hbin", start, length) + bytes(
                length - HEADER
            )
            self._used, self._end = start + HEADER, start + length
        offset = self._used
        struct.pack_into("<i", self._content, offset, -size)
        self._content[offset + 4 : offset + 4 + len(content)] = content
        self._used += size
        return offset

    def key(self, name: str, tree: Tree, parent: int, flags: int = COMPRESSED) -> int:
        """Stores a key with all that is below it; returns its offset."""
        encoded, compressed = _name(name)
        flags = flags if compressed else flags & ~COMPRESSED
        layout = "<2sHQIIIIIIIIIIIIIIIHH"
        at = self.cell(bytes(struct.calcsize(layout)) + encoded)
        below = {each: held for each, held in tree.items() if isinstance(held, Mapping)}
        values = {each: held for each, held in tree.items() if not isinstance(held, Mapping)}
        offsets = [
            (each, self.key(each, held, at))
            for each, held in sorted(below.items(), key=lambda item: item[0].upper())
        ]
        value_offsets = [self._value(each, held) for each, held in values.items()]
        subkeys = self._list(offsets) if offsets else NOTHING
        listed = (
            self.cell(struct.pack(f"<{len(value_offsets)}I", *value_offsets))
            if value_offsets
            else NOTHING
        )
        fields = (len(offsets), 0, subkeys, NOTHING, len(value_offsets), listed, NOTHING, NOTHING)
        struct.pack_into(
            layout,
            self._content,
            at + 4,
            *(b"nk", flags, 0, 0, parent, *fields, 0, 0, 0, 0, 0, len(encoded), 0),
        )
        return at

    def _list(self, keys: list[tuple[str, int]]) -> int:
        pieces = [
            self.cell(
                struct.pack("<2sH", b"lf", len(piece))
                + b"".join(
                    struct.pack("<I4s", offset, _name(name)[0][:4]) for name, offset in piece
                )
            )
            for piece in (
                keys[start : start + self._list_length]
                for start in range(0, len(keys), self._list_length)
            )
        ]
        if len(pieces) == 1:
            return pieces[0]
        return self.cell(struct.pack(f"<2sH{len(pieces)}I", b"ri", len(pieces), *pieces))

    def _value(self, name: str, value: Value) -> int:
        kind, data = _typed(value)
        if len(data) <= 4:
            size, offset = len(data) | 0x80000000, int.from_bytes(data.ljust(4, b"\0"), "little")
        else:
            size, offset = len(data), self._data(data)
        encoded, compressed = _name(name)
        fields = (len(encoded), size, offset, kind, int(compressed), 0)
        return self.cell(struct.pack("<2sHIIIHH", b"vk", *fields) + encoded)

    def _data(self, data: bytes) -> int:
        if len(data) <= PIECE:
            return self.cell(data)
        pieces = [self.cell(data[start : start + PIECE]) for start in range(0, len(data), PIECE)]
        listed = self.cell(struct.pack(f"<{len(pieces)}I", *pieces))
        return self.cell(struct.pack("<2sHII", b"db", len(pieces), listed, 0))

    def _fill(self) -> None:
        if self._end > self._used:
            struct.pack_into("<i", self._content, self._used, self._end - self._used)


def _name(name: str) -> tuple[bytes, bool]:
    try:
        return name.encode("latin-1"), True
    except UnicodeEncodeError:
        return name.encode("utf-16-le"), False


def _typed(value: Value) -> tuple[int, bytes]:
    match value:
        case str():
            return SZ, f"{value}\0".encode("utf-16-le")
        case int():
            return (
                (DWORD, struct.pack("<I", value))
                if value < 1 << 32
                else (
                    QWORD,
                    struct.pack("<Q", value),
                )
            )
        case list():
            return MULTI_SZ, "".join(f"{each}\0" for each in [*value, ""]).encode("utf-16-le")
        case _:
            return BINARY, value
