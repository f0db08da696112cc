"""rpm's package database in its three forms, down to the headers of the installed packages.

Header format: rpm's file-format documentation, "Header structure" (without its magic, as the
databases store it). ndb: rpm's lib/backend/ndb. Berkeley DB: the hash access method's pages.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from quitus_agent import captures
from quitus_agent.errors import SourceError

MAX_DATABASE_BYTES = 384 * 1024 * 1024
# rpm's own limits on a header (HEADER_TAGS_MAX, HEADER_DATA_MAX).
MAX_TAGS, MAX_HEADER_BYTES = 0xFFFF, 0x0FFFFFFF

# Of rpm's tags, those that a package's fields are read from.
TEXTS = {
    1000: "name",
    1001: "version",
    1002: "release",
    1011: "vendor",
    1015: "packager",
    1022: "architecture",
}
NUMBERS = {1003: "epoch", 1008: "installed_at"}
_INT32, _STRING, _I18NSTRING = 4, 6, 9

SQLITE_MAGIC = b"SQLite format 3\0"
SQLITE_FORM = "SELECT type FROM sqlite_schema WHERE name = 'Packages' COLLATE NOCASE"
# What reading all packages may cost in steps of SQLite's machine, of which each takes a few.
MAX_SQLITE_STEPS, SQLITE_STEPS = 50_000_000, 10_000
NDB_MAGIC = b"RpmP"
NDB_PAGE, NDB_SLOT, NDB_BLOCK = 4096, 16, 16


class UnknownForm(SourceError):
    """A database in none of the three forms."""


class Package(NamedTuple):
    """What a header says of its package, verbatim; `installed_at` in seconds since 1970."""

    name: str = ""
    version: str = ""
    release: str = ""
    epoch: int | None = None
    architecture: str = ""
    vendor: str = ""
    packager: str = ""
    installed_at: int | None = None


def packages(path: Path) -> Iterator[Package]:
    """Every package, in the order of the database; raises SourceError."""
    try:
        start = captures.start(path, 72)
        room = path.stat().st_size
        if start.startswith(SQLITE_MAGIC):
            # SQLite reads what a cut file lacks as zeros (its file format, "Database header").
            page_size, pages = struct.unpack_from(">H10xI", start, 16)
            if room < (page_size if page_size > 1 else 1 << 16) * pages:
                raise SourceError("is cut off")
            journal = path.with_name(f"{path.name}-wal")
            room += journal.stat().st_size if journal.exists() else 0
            blobs = _sqlite(path)
        else:
            content = memoryview(captures.content(path, MAX_DATABASE_BYTES))
            blobs = _ndb(content) if start.startswith(NDB_MAGIC) else _berkeley(content)
        for blob in blobs:
            room -= len(blob)
            if room < 0:
                raise SourceError("holds packages that take more room than itself")
            yield parse_header(blob)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error
    except (struct.error, IndexError) as error:
        raise SourceError(f"{path}: ends in the middle of a record") from error
    except SourceError as error:
        raise type(error)(f"{path}: {error}") from error


def parse_header(blob: memoryview) -> Package:
    """The package of one header; of texts in several languages, the first."""
    tags, size = struct.unpack_from(">II", blob)
    if tags > MAX_TAGS or size > MAX_HEADER_BYTES or 8 + 16 * tags + size > len(blob):
        raise SourceError("a package's header has impossible lengths")
    index, store = blob[8 : 8 + 16 * tags], blob[8 + 16 * tags : 8 + 16 * tags + size]
    found: dict[str, Any] = {}
    for tag, kind, offset, count in struct.iter_unpack(">IIiI", index):
        if not count or (tag not in TEXTS and tag not in NUMBERS):
            continue
        if not 0 <= offset < size:
            raise SourceError(f"tag {tag} of a package lies outside its header")
        if tag in TEXTS and kind in (_STRING, _I18NSTRING):
            text, end, _ = bytes(store[offset : offset + 4096]).partition(b"\0")
            if not end:
                raise SourceError(f"tag {tag} of a package does not end")
            found[TEXTS[tag]] = text.decode("utf-8", errors="replace")
        elif tag in NUMBERS and kind == _INT32:
            found[NUMBERS[tag]] = struct.unpack_from(">I", store, offset)[0]
    return Package(**found)


def _sqlite(path: Path) -> Iterator[memoryview]:
    import sqlite3
    from contextlib import closing
    from urllib.parse import quote

    # Immutable: nothing is locked or written, not even on a read-only disk; a journal that is not
    # merged yet asks for an ordinary read.
    journal = path.with_name(f"{path.name}-wal")
    mode = "mode=ro" if journal.exists() and journal.stat().st_size else "immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True)) as connection:
            # A schema can hold code; ours is one table, read once from its start to its end.
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA cell_size_check = ON")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_HEADER_BYTES)
            steps = iter(range(MAX_SQLITE_STEPS // SQLITE_STEPS))
            connection.set_progress_handler(lambda: next(steps, None) is None, SQLITE_STEPS)
            if connection.execute(SQLITE_FORM).fetchall() != [("table",)]:
                raise SourceError("has no table of packages")
            for (blob,) in connection.execute("SELECT blob FROM Packages ORDER BY hnum"):
                if not isinstance(blob, bytes):
                    raise SourceError("a package's header is not binary")
                yield memoryview(blob)
    except sqlite3.Error as error:
        raise SourceError(str(error)) from error
    except UnicodeDecodeError as error:
        # SQLite complains in the words of the file, which may be in no encoding.
        raise SourceError("has a schema that is not text") from error


def _ndb(content: memoryview) -> Iterator[memoryview]:
    _, version, _, pages = struct.unpack_from("<4sIII", content)
    if version != 0 or pages * NDB_PAGE > len(content):
        raise UnknownForm("is not a package database of a known version")
    for at in range(2 * NDB_SLOT, pages * NDB_PAGE, NDB_SLOT):
        magic, number, block, count = struct.unpack_from("<4sIII", content, at)
        if magic != b"Slot":
            raise SourceError("a slot of the package database is damaged")
        if not number:
            continue
        start = block * NDB_BLOCK
        magic, same, _, size = struct.unpack_from("<4sIII", content, start)
        if magic != b"BlbS" or same != number or size > count * NDB_BLOCK:
            raise SourceError(f"package {number} of the database is damaged")
        yield content[start + 16 : start + 16 + size]


class _Page(NamedTuple):
    """The header of a Berkeley DB page."""

    next_page: int
    entries: int
    free_at: int
    kind: int


class _BerkeleyHash:
    """A Berkeley DB file of the hash method, read page by page."""

    MAGIC, PAGE_HEADER = 0x061561, 26
    HASH_UNSORTED, OVERFLOW, HASH = 2, 7, 13
    ON_PAGE, OFF_PAGE = 1, 3

    def __init__(self, content: memoryview) -> None:
        """Raises SourceError where it is no such file."""
        self._content = content
        for order in "<>":
            magic, _, self._page_size = struct.unpack_from(f"{order}III", content, 12)
            if magic == self.MAGIC:
                self._order = order
                break
        else:
            raise UnknownForm("is not an rpm database of a known form")
        if self._page_size < 512 or self._page_size & (self._page_size - 1):
            raise SourceError("has an impossible page size")
        (last_page,) = struct.unpack_from(f"{self._order}I", content, 32)
        if (last_page + 1) * self._page_size > len(content):
            raise SourceError("is cut off")

    def values(self) -> Iterator[memoryview]:
        """The value of every pair."""
        for number in range(1, len(self._content) // self._page_size):
            page = self._page(number)
            if page.kind in (self.HASH_UNSORTED, self.HASH):
                start = number * self._page_size
                offsets = struct.unpack_from(
                    f"{self._order}{page.entries}H", self._content, start + self.PAGE_HEADER
                )
                # Keys and values take turns; each item ends where the one before it begins.
                for index in range(1, page.entries, 2):
                    yield from self._item(start, offsets[index], offsets[index - 1])

    def _item(self, page: int, offset: int, end: int) -> Iterator[memoryview]:
        if not offset < end <= self._page_size:
            raise SourceError("a page of the database is damaged")
        kind = self._content[page + offset]
        if kind == self.OFF_PAGE:
            number, size = struct.unpack_from(f"{self._order}II", self._content, page + offset + 4)
            yield self._overflow(number, size)
        elif kind == self.ON_PAGE:
            yield self._content[page + offset + 1 : page + end]

    def _overflow(self, number: int, size: int) -> memoryview:
        if size > len(self._content):
            raise SourceError("a value is longer than the file")
        room = self._page_size - self.PAGE_HEADER
        parts: list[memoryview] = []
        got = 0
        while number and got < size:
            page = self._page(number)
            # Every page but the last is full, so that a value cannot go round in circles.
            if page.kind != self.OVERFLOW or page.free_at != min(room, size - got):
                raise SourceError("a value leads to a page that is none of its own")
            start = number * self._page_size + self.PAGE_HEADER
            parts.append(self._content[start : start + page.free_at])
            got += len(parts[-1])
            number = page.next_page
        if got < size:
            raise SourceError("a value ends too early")
        return memoryview(b"".join(parts))

    def _page(self, number: int) -> _Page:
        fields = struct.unpack_from(
            f"{self._order}16xIHHxB", self._content, number * self._page_size
        )
        return _Page(*fields)


def _berkeley(content: memoryview) -> Iterator[memoryview]:
    for value in _BerkeleyHash(content).values():
        # Package 0 holds the last number given out instead of a header.
        if len(value) > 8:
            yield value
