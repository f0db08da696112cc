"""rpm's package database in its three forms, as rpm lays them out on disk."""

import sqlite3
import struct
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

TEXT, NUMBER = 6, 4
TAGS = {
    "name": (1000, TEXT),
    "version": (1001, TEXT),
    "release": (1002, TEXT),
    "epoch": (1003, NUMBER),
    "summary": (1004, TEXT),
    "installed_at": (1008, NUMBER),
    "vendor": (1011, TEXT),
    "packager": (1015, TEXT),
    "arch": (1022, TEXT),
}
PAGE = 4096
Package = Mapping[str, str | int]


def header(package: Package) -> bytes:
    """One package's header, without the magic that package files have."""
    index, store = b"", b""
    for field, value in package.items():
        tag, kind = TAGS[field]
        if isinstance(value, int):
            store += bytes(-len(store) % 4)
            data = struct.pack(">I", value)
        else:
            data = value.encode() + b"\0"
        index += struct.pack(">IIII", tag, kind, len(store), 1)
        store += data
    return struct.pack(">II", len(package), len(store)) + index + store


def sqlite(path: Path, packages: Sequence[Package]) -> Path:
    """The form of Fedora and Red Hat since 2020."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)")
        connection.executemany(
            "INSERT INTO Packages (blob) VALUES (?)", [(header(each),) for each in packages]
        )
    return path


def ndb(path: Path, packages: Sequence[Package]) -> Path:
    """The form of SUSE: a page of slots, then blobs in blocks of 16 bytes."""
    slots, blobs = b"", b""
    for number, package in enumerate(packages, start=1):
        blob = header(package)
        framed = struct.pack("<4sIII", b"BlbS", number, 0, len(blob)) + blob
        framed += bytes(-len(framed) % 16)
        slots += struct.pack(
            "<4sIII", b"Slot", number, (PAGE + len(blobs)) // 16, len(framed) // 16
        )
        blobs += framed
    head = struct.pack("<4sIII4sIII", b"RpmP", 0, 1, 1, b"\0" * 4, 0, 0, 0) + slots
    free = (PAGE - len(head)) // 16
    head += b"".join(struct.pack("<4sIII", b"Slot", 0, 0, 0) for _ in range(free))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + blobs)
    return path


def berkeley(path: Path, packages: Sequence[Package], order: str = "<") -> Path:
    """The form of Red Hat until 8: a hash database, whose long values lie on pages of their own."""
    pages: list[bytes] = [b""]
    items: list[bytes] = [b"\1" + struct.pack(f"{order}I", 0), b"\1" + struct.pack(f"{order}I", 9)]
    for number, package in enumerate(packages, start=1):
        blob = header(package)
        items.append(b"\1" + struct.pack(f"{order}I", number))
        if len(blob) < 200:
            items.append(b"\1" + blob)
            continue
        room = PAGE - 26
        pieces = [blob[start : start + room] for start in range(0, len(blob), room)]
        first = len(pages)
        for place, piece in enumerate(pieces):
            following = first + place + 1 if place + 1 < len(pieces) else 0
            pages.append(_page(order, following, 0, len(piece), 7) + piece.ljust(room, b"\0"))
        items.append(b"\3\0\0\0" + struct.pack(f"{order}II", first, len(blob)))
    pages.append(_hash_page(order, items))
    meta = struct.pack(f"{order}12xIII", 0x061561, 9, PAGE) + struct.pack(
        f"{order}BBBxII", 0, 8, 0, 0, len(pages) - 1
    )
    pages[0] = meta.ljust(PAGE, b"\0")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(pages))
    return path


def _hash_page(order: str, items: Sequence[bytes]) -> bytes:
    """Offsets grow from the start of the page, items from its end."""
    offsets, content, at = b"", b"", PAGE
    for item in items:
        at -= len(item)
        offsets += struct.pack(f"{order}H", at)
        content = item + content
    page = _page(order, 0, len(items), at, 13) + offsets
    return page.ljust(at, b"\0") + content


def _page(order: str, following: int, entries: int, free_at: int, kind: int) -> bytes:
    return struct.pack(f"{order}16xIHHBB", following, entries, free_at, 1, kind)
