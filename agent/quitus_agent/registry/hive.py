"""Registry keys from a hive file, of which only the cells on the way are read.

A hive is a page of header, then bins of cells, which hold keys (nk), lists of subkeys (lf, lh, li,
ri), values (vk) and long data (db); Maxim Suhanov's "Windows registry file format specification"
describes them. What a file says of itself is believed only as far as it fits: the rest raises
SourceError. The file is read, not mapped, so that a bad sector is an error like any other.
"""

import os
import struct
import weakref
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

from quitus_agent import captures
from quitus_agent.errors import SourceError
from quitus_agent.registry import MAX_VALUE_BYTES, Value
from quitus_agent.registry.export import typed

PAGE, CHECKSUM_AT = 4096, 508
# How much of the file is read at once, and of how many such blocks are kept.
BLOCK_BYTES, BLOCKS = 64 * 1024, 128
# A key is at least this long with its cell's length, so a hive has room for so many only.
LEAST_KEY_BYTES = 80
# Longer values lie in pieces, since version 1.4 of the format.
MAX_WHOLE_BYTES = 16344
MAX_LIST_BYTES = 4 + 8 * 0xFFFF
MAX_NAME_BYTES = 2 * 16383

# Signature, two sequence numbers, version, offset of the root, size of the bins.
_BASE = struct.Struct("<4sII8xII8xII")
# Signature, flags, parent, subkeys, their list, values, their list, length of the name.
_KEY = struct.Struct("<2sH12xII4xI4xII28xHxx")
# Signature, length of the name, size of the data, where they are, type, flags.
_VALUE = struct.Struct("<2sHIIIHxx")
_KEY_NAME_IS_LATIN, _VALUE_NAME_IS_LATIN = 0x20, 0x1
_IS_IN_PLACE = 0x80000000
_OFFSET, _HASHED_OFFSET = struct.Struct("<I"), struct.Struct("<I4x")
# Signature and length of a list, and what each kind has for an entry.
_LIST = struct.Struct("<2sH")
_LISTS = {b"lf": _HASHED_OFFSET, b"lh": _HASHED_OFFSET, b"li": _OFFSET, b"ri": _OFFSET}
# Signature, pieces, where they are listed.
_LONG = struct.Struct("<2sHI")


class HiveKey:
    """A key of a hive; implements registry.Key. What is damaged raises SourceError."""

    def __init__(self, hive: "Hive", offset: int, parent: int | None = None) -> None:
        """`parent` is the key's that lists this one; None for the root."""
        self._hive, self._offset = hive, offset
        content = hive.cell(offset, _KEY.size + MAX_NAME_BYTES)
        signature, flags, above, *counts, length = _fields(_KEY, content)
        if signature != b"nk" or (parent is not None and above != parent):
            raise SourceError("the hive is damaged: a list of keys leads elsewhere")
        self.name = _name(content[_KEY.size :], length, flags & _KEY_NAME_IS_LATIN)
        self._subkey_count, self._subkey_list, self._value_count, self._value_list = counts

    def subkeys(self) -> Iterator["HiveKey"]:
        """The keys directly below."""
        if not self._subkey_count:
            return
        for offset in self._hive.listed(self._subkey_list, self._subkey_count):
            yield HiveKey(self._hive, offset, self._offset)

    def subkey(self, path: str) -> "HiveKey | None":
        """The key at a relative path, or None."""
        key: HiveKey | None = self
        for name in path.split("\\"):
            wanted = name.casefold()
            found = key.subkeys() if key else iter(())
            key = next((each for each in found if each.name.casefold() == wanted), None)
        return key

    def value_names(self) -> Iterator[str]:
        """The names of its values."""
        yield from (name for name, _, _, _ in self._values.values())

    def value(self, name: str) -> Value | None:
        """One value, or None."""
        found = self._values.get(name.casefold())
        if found is None:
            return None
        _, kind, size, offset = found
        if size & _IS_IN_PLACE:
            return typed(kind, _OFFSET.pack(offset)[: size & ~_IS_IN_PLACE])
        return typed(kind, self._hive.data(offset, size)) if size <= MAX_VALUE_BYTES else None

    @cached_property
    def _values(self) -> dict[str, tuple[str, int, int, int]]:
        """Name, type, size and place of each value, by its name whatever its case."""
        found: dict[str, tuple[str, int, int, int]] = {}
        if self._value_count:
            places = self._hive.offsets(self._value_list, self._value_count)
            for at in places:
                content = self._hive.cell(at, _VALUE.size + MAX_NAME_BYTES)
                signature, length, size, offset, kind, flags = _fields(_VALUE, content)
                if signature != b"vk":
                    raise SourceError(f"the hive is damaged: a value of {self.name!r}")
                name = _name(content[_VALUE.size :], length, flags & _VALUE_NAME_IS_LATIN)
                found.setdefault(name.casefold(), (name, kind, size, offset))
        return found


class Hive:
    """The cells of a hive file, by their offset from the first bin."""

    def __init__(self, file: BinaryIO) -> None:
        """Keeps the file open until no key needs it; raises SourceError where it is no hive."""
        self._blocks: dict[int, bytes] = {}
        self._size = PAGE
        self._file = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._file)
        self._length = os.fstat(self._file).st_size
        if self._bytes(0, 4, "a header") != b"regf":
            raise SourceError("is not a registry hive")
        base = self._bytes(0, PAGE, "a header")
        _, _, _, major, self._minor, self.root, size = _BASE.unpack_from(base)
        if major != 1 or checksum(base) != _OFFSET.unpack_from(base, CHECKSUM_AT)[0]:
            raise SourceError("the hive's header is damaged, or of an unknown version")
        self._size = PAGE + size
        if self._size > self._length:
            raise SourceError("the hive is cut off")

    def cell(self, offset: int, most: int) -> bytes:
        """The first bytes of a cell, as many as it has and not more than `most`."""
        at = PAGE + offset
        size = -int.from_bytes(self._bytes(at, 4, "a cell"), "little", signed=True)
        if size < 8 or offset % 8:
            raise SourceError("the hive is damaged: a cell that is not in use")
        return self._bytes(at + 4, min(size - 4, most), "a cell")

    def data(self, offset: int, size: int) -> bytes:
        """The data of a value: one cell, or pieces that another one lists."""
        if size <= MAX_WHOLE_BYTES or self._minor < 4:
            content = self.cell(offset, size) if size else b""
        else:
            signature, count, place = _fields(_LONG, self.cell(offset, _LONG.size))
            if signature != b"db" or count != -(-size // MAX_WHOLE_BYTES):
                raise SourceError("the hive is damaged: a long value")
            pieces = self.offsets(place, count)
            content = b"".join(self.cell(each, MAX_WHOLE_BYTES) for each in pieces)[:size]
        if len(content) < size:
            raise SourceError("the hive is damaged: a value that is longer than its cell")
        return content

    def offsets(self, place: int, count: int) -> list[int]:
        """A cell that holds so many offsets and nothing else."""
        content = self.cell(place, _OFFSET.size * count)
        if len(content) < _OFFSET.size * count:
            raise SourceError("the hive is damaged: a list that is longer than its cell")
        return [offset for (offset,) in _OFFSET.iter_unpack(content)]

    def listed(self, place: int, count: int) -> list[int]:
        """The offsets in a list of so many keys, which may be one of lists."""
        if count > self._size // LEAST_KEY_BYTES:
            raise SourceError("the hive is damaged: more keys than it has room for")
        signature, found = self._list(place)
        if signature == b"ri":
            leaves, found = found, []
            for leaf in leaves:
                signature, more = self._list(leaf)
                found += more
                if signature == b"ri" or len(found) > count:
                    break
        if signature == b"ri" or len(found) != count or len(set(found)) != count:
            raise SourceError("the hive is damaged: a list of keys")
        return found

    def _list(self, place: int) -> tuple[bytes, list[int]]:
        content = self.cell(place, MAX_LIST_BYTES)
        signature, count = _fields(_LIST, content)
        layout = _LISTS.get(signature)
        entries = content[_LIST.size : _LIST.size + (layout.size if layout else 0) * count]
        if layout is None or len(entries) < layout.size * count:
            raise SourceError("the hive is damaged: a list of keys")
        return signature, [offset for (offset,) in layout.iter_unpack(entries)]

    def _bytes(self, at: int, size: int, what: str) -> bytes:
        if at + size > self._size:
            raise SourceError(f"the hive is damaged or cut off: {what} lies outside")
        number, start = divmod(at, BLOCK_BYTES)
        found = self._block(number)[start : start + size]
        while len(found) < size:
            number += 1
            found += self._block(number)[: size - len(found)]
        return found

    def _block(self, number: int) -> bytes:
        block = self._blocks.get(number)
        if block is None:
            if len(self._blocks) >= BLOCKS:
                self._blocks.clear()
            try:
                os.lseek(self._file, number * BLOCK_BYTES, os.SEEK_SET)
                block = os.read(self._file, BLOCK_BYTES)
            except OSError as error:
                raise SourceError(f"the hive is unreadable: {error.strerror}") from error
            if not block:
                raise SourceError("the hive is cut off")
            self._blocks[number] = block
        return block


def open_hive(path: Path) -> HiveKey:
    """The root key of a hive; raises SourceError naming the file."""
    try:
        with captures.opened(path) as file:
            return root_of(file)
    except SourceError as error:
        raise captures.naming(path, error) from error


def root_of(file: BinaryIO) -> HiveKey:
    """The root key of an open hive, which may be closed afterwards; raises SourceError."""
    hive = Hive(file)
    return HiveKey(hive, hive.root)


def checksum(header: bytes | bytearray) -> int:
    """The exclusive or of all words that lie before it, never zero nor all ones."""
    found = 0
    for (word,) in _OFFSET.iter_unpack(bytes(header[:CHECKSUM_AT])):
        found ^= word
    return {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(found, found)


def _fields(layout: struct.Struct, content: bytes) -> tuple[Any, ...]:
    if len(content) < layout.size:
        raise SourceError("the hive is damaged: a cell that is too short for what it holds")
    return layout.unpack_from(content)


def _name(content: bytes, length: int, is_latin: int) -> str:
    if length > len(content):
        raise SourceError("the hive is damaged: a name that is longer than its cell")
    return content[:length].decode("latin-1" if is_latin else "utf-16-le", errors="replace")
