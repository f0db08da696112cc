"""Numbers and days as few bytes: what a device has, and what changed on it.

These are formats of the database: what is written by one version is read by all later ones. Numbers
are LEB128, seven bits a byte from the lowest up; a first byte of 1 says that DEFLATE follows.
"""

import sys
import zlib
from array import array
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate, islice


def pack_numbers(numbers: Sequence[int]) -> bytes:
    """Different numbers in ascending order, as their differences."""
    return _pack(_differences(numbers))


def unpack_numbers(packed: bytes) -> list[int]:
    """The numbers of `pack_numbers`."""
    return list(accumulate(_unpack(packed)))


def pack_few(numbers: Sequence[int]) -> bytes:
    """A few numbers as they are, for what is read very often; may be none.

    The first byte says how many bytes a number has: two, four or eight.
    """
    most = max(numbers, default=0)
    kind = "H" if most < 1 << 16 else "I" if most < 1 << 32 else "Q"
    return (
        bytes([array(kind).itemsize]) + _little(array(kind, numbers)).tobytes() if numbers else b""
    )


def unpack_few(packed: bytes) -> Sequence[int]:
    """The numbers of `pack_few`."""
    numbers = array({b"\2": "H", b"\x08": "Q"}.get(packed[:1], "I"))
    numbers.frombytes(packed[1:])
    return _little(numbers)


def _little(numbers: "array[int]") -> "array[int]":
    """The array in the byte order of the format, or back."""
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def pack_days(days: Sequence[str]) -> bytes:
    """Texts of the form 2026-12-31, or empty: the different ones, then which of them each is."""
    if not any(days):
        return b""
    different = sorted({_ordinal(day) for day in days})
    places = {day: place for place, day in enumerate(different)}
    return _pack(
        [len(different), *_differences(different), *(places[_ordinal(day)] for day in days)]
    )


def unpack_days(packed: bytes, count: int) -> list[str]:
    """The dates of `pack_days`; so many empty ones where nothing was packed."""
    if not packed:
        return [""] * count
    values = iter(_unpack(packed))
    different = [_iso(day) for day in accumulate(islice(values, next(values)))]
    return [different[place] for place in values]


def pack_rows(rows: Sequence[tuple[int, str]]) -> bytes:
    """Row numbers, ascending, each with its install date."""
    numbers = [number for number, _ in rows]
    body = _leb128([len(rows), *_differences(numbers)])
    return body + pack_days([day for _, day in rows]) if rows else b""


def unpack_rows(packed: bytes) -> list[tuple[int, str]]:
    """The rows of `pack_rows`."""
    if not packed:
        return []
    count, at = _number(packed, 0)
    numbers = []
    for _ in range(count):
        number, at = _number(packed, at)
        numbers.append(number)
    return list(zip(accumulate(numbers), unpack_days(packed[at:], count), strict=True))


def _differences(numbers: Sequence[int]) -> list[int]:
    return [after - before for before, after in zip([0, *numbers], numbers, strict=False)]


def _pack(values: Iterable[int]) -> bytes:
    plain = b"\0" + _leb128(values)
    deflated = b"\1" + zlib.compress(plain[1:], 9, wbits=-zlib.MAX_WBITS)
    return min(plain, deflated, key=len)


def _unpack(packed: bytes) -> list[int]:
    body = packed[1:]
    if packed[:1] == b"\1":
        body = zlib.decompress(body, wbits=-zlib.MAX_WBITS)
    if not body or max(body) < 0x80:
        return list(body)
    values = []
    value = shift = 0
    for byte in body:
        if byte < 0x80:
            values.append(value | byte << shift)
            value = shift = 0
        else:
            value |= (byte & 0x7F) << shift
            shift += 7
    return values


def _leb128(values: Iterable[int]) -> bytes:
    packed = bytearray()
    for value in values:
        while value > 0x7F:
            packed.append(value & 0x7F | 0x80)
            value >>= 7
        packed.append(value)
    return bytes(packed)


def _number(packed: bytes, at: int) -> tuple[int, int]:
    """The number that begins there, and where the next one does."""
    value = shift = 0
    while packed[at] > 0x7F:
        value |= (packed[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | packed[at] << shift, at + 1


@lru_cache(maxsize=1 << 15)
def _ordinal(day: str) -> int:
    """Its digits as they are: a device may state a day that no calendar has."""
    return int(day.replace("-", "")) + 1 if day else 0


@lru_cache(maxsize=1 << 15)
def _iso(ordinal: int) -> str:
    digits = f"{ordinal - 1:08}"
    return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}" if ordinal else ""
