"""What Windows had not yet written to a hive when it stopped: its logs, applied as it would itself.

Windows writes changes to NAME.LOG1 and NAME.LOG2 first; of a machine that crashed, that was only
suspended or that ran when its disk was copied, the hive alone is behind. Maxim Suhanov, "Windows
registry file format specification", "Format of transaction log files": entries (HvLE) since Windows
8.1, a bitmap of sectors (DIRT) before.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from quitus_agent import captures
from quitus_agent.registry.hive import CHECKSUM_AT, PAGE, checksum

SUFFIXES = (".LOG1", ".LOG2", ".LOG", ".log1", ".log2", ".log")
SECTOR = 512
# Of a header: signature, two sequence numbers; at 0x28 the size of the bins; at its end a checksum.
_HEADER = struct.Struct("<4sII")
_BINS_AT = 0x28
# Signature, size, flags, sequence number, size of the bins after it, pages, two hashes.
_ENTRY = struct.Struct("<4sIIIIIQQ")
_HASHED_BYTES = 32
_PAGE = struct.Struct("<II")
# The seed with which Windows hashes entries.
SEED = 0x82EF4D887A4E55C5
_MASK = 0xFFFFFFFF


class Change(NamedTuple):
    """What one entry of a log changes: how long the bins are then, and pieces of them by offset."""

    bins_bytes: int
    pieces: list[tuple[int, bytes]]


def replayed(path: Path) -> bytes | None:
    """The hive with its logs applied; None where it has none that it waits for.

    Raises SourceError where the hive cannot be read. A log that is damaged ends where it is.
    """
    start = captures.start(path, PAGE)
    if len(start) < PAGE or not start.startswith(b"regf"):
        return None
    _, first, second = _HEADER.unpack_from(start)
    if first == second and checksum(start) == _stated_checksum(start):
        return None
    logs = [captures.content(log) for log in _logs(path)]
    changes = list(_changes(logs, second))
    if not changes:
        return None
    hive = bytearray(captures.content(path))
    for change in changes:
        end = PAGE + change.bins_bytes
        hive.extend(bytes(max(0, end - len(hive))))
        for offset, piece in change.pieces:
            hive[PAGE + offset : PAGE + offset + len(piece)] = piece
        struct.pack_into("<I", hive, _BINS_AT, change.bins_bytes)
    _HEADER.pack_into(hive, 0, b"regf", first, first)
    struct.pack_into("<I", hive, CHECKSUM_AT, checksum(hive))
    return bytes(hive)


def marvin32(content: bytes, seed: int = SEED) -> int:
    """Marvin32 of 64 bits: the hash of the entries."""
    low, high = seed & _MASK, seed >> 32
    content += b"\x80"
    words = content + bytes(-len(content) % 4)
    for (word,) in (*struct.iter_unpack("<I", words), (0,)):
        low = low + word & _MASK
        high ^= low
        low = (low << 20 | low >> 12) + high & _MASK
        high = (high << 9 | high >> 23) & _MASK ^ low
        low = (low << 27 | low >> 5) + high & _MASK
        high = (high << 19 | high >> 13) & _MASK
    return high << 32 | low


def _logs(path: Path) -> Iterator[Path]:
    seen: set[Path] = set()
    for suffix in SUFFIXES:
        log = path.with_name(path.name + suffix)
        if log.is_file() and log.stat().st_size > SECTOR and not any(map(log.samefile, seen)):
            seen.add(log)
            yield log


def _changes(logs: list[bytes], expected: int) -> Iterator[Change]:
    """The changes that a hive with this second sequence number waits for, in their order."""
    entries: dict[int, Change] = {}
    for log in logs:
        if not log.startswith(b"regf") or checksum(log) != _stated_checksum(log):
            continue
        if log[SECTOR : SECTOR + 4] == b"DIRT":
            _, first, second = _HEADER.unpack_from(log)
            if first == second >= expected and (change := _sectors(log)):
                yield change
                return
        for number, change in _entries(log):
            entries.setdefault(number, change)
    wanted = min((number for number in entries if number >= expected), default=expected)
    while change := entries.get(wanted):
        yield change
        wanted += 1


def _entries(log: bytes) -> Iterator[tuple[int, Change]]:
    """Sequence numbers and changes, as far as the hashes agree."""
    at = SECTOR
    while at + _ENTRY.size <= len(log):
        signature, size, _, number, bins_bytes, count, body_hash, head_hash = _ENTRY.unpack_from(
            log, at
        )
        entry = log[at : at + size]
        if signature != b"HvLE" or size < _ENTRY.size or size % SECTOR or len(entry) < size:
            return
        if marvin32(entry[:_HASHED_BYTES]) != head_hash:
            return
        if marvin32(entry[_ENTRY.size :]) != body_hash:
            return
        change = _pages(entry, bins_bytes, count)
        if change is None:
            return
        yield number, change
        at += size


def _pages(entry: bytes, bins_bytes: int, count: int) -> Change | None:
    at = _ENTRY.size + count * _PAGE.size
    if at > len(entry) or bins_bytes > captures.MAX_TEXT_BYTES:
        return None
    pieces = []
    for offset, size in _PAGE.iter_unpack(entry[_ENTRY.size : at]):
        if offset + size > bins_bytes or at + size > len(entry):
            return None
        pieces.append((offset, entry[at : at + size]))
        at += size
    return Change(bins_bytes, pieces)


def _sectors(log: bytes) -> Change | None:
    """What a log of before Windows 8.1 holds: the sectors whose bits are set, one after another."""
    (bins_bytes,) = struct.unpack_from("<I", log, _BINS_AT)
    bitmap = log[SECTOR + 4 : SECTOR + 4 + bins_bytes // SECTOR // 8]
    at = -(-(SECTOR + 4 + len(bitmap)) // SECTOR) * SECTOR
    if bins_bytes > captures.MAX_TEXT_BYTES:
        return None
    pieces = []
    for index, byte in enumerate(bitmap):
        for bit in range(8):
            if byte >> bit & 1:
                piece = log[at : at + SECTOR]
                if len(piece) < SECTOR:
                    return None
                pieces.append(((index * 8 + bit) * SECTOR, piece))
                at += SECTOR
    return Change(bins_bytes, pieces) if pieces else None


def _stated_checksum(header: bytes | bytearray) -> int:
    (stated,) = struct.unpack_from("<I", header, CHECKSUM_AT)
    return int(stated)
