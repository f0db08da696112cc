"""Files that were captured on other machines, opened whatever way they were kept."""

import os
import stat
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from io import BufferedReader, FileIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from quitus_agent.errors import SourceError

if TYPE_CHECKING:
    from quitus_agent.inventory import Install

MAX_TEXT_BYTES = 256 * 1024 * 1024
MAX_UNPACKED_BYTES = 1024 * 1024 * 1024
MAX_LINE = 1024 * 1024
XZ = b"\xfd7zXZ\0"


def opened(path: Path) -> FileIO:
    """A file to read from, unbuffered; raises SourceError naming it.

    Pipes and devices are refused: they may have no end, or make who opens them wait.
    """
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            raise SourceError(f"{path}: is not a file")
        return open(path, "rb", buffering=0)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def content(path: Path, most: int = MAX_TEXT_BYTES) -> bytes:
    """The bytes of a file; raises SourceError naming it where it is unreadable or far too large."""
    try:
        with opened(path) as file:
            refuse_too_large(path, os.fstat(file.fileno()).st_size, most)
            return file.readall()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def lines(path: Path) -> Iterator[str]:
    r"""The lines of a UTF-8 file that end in \n, without it; a broken letter costs only itself.

    A mark before the first one is left out.

    Raises SourceError naming the file where it is unreadable or far too large, a line too.
    """
    try:
        buffered = BufferedReader(opened(path), 64 * 1024)
        if buffered.peek(len(BOM_UTF8)).startswith(BOM_UTF8):
            buffered.read(len(BOM_UTF8))
        with TextIOWrapper(buffered, encoding="utf-8", errors="replace", newline="\n") as file:
            refuse_too_large(path, os.fstat(file.fileno()).st_size, MAX_TEXT_BYTES)
            for line in file:
                if len(line) > MAX_LINE:
                    raise SourceError(f"{path}: a line is longer than {MAX_LINE} letters")
                yield line.removesuffix("\n")
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def text(path: Path) -> str:
    r"""The text of a file: UTF-16 with its mark, else UTF-8, else Windows-1252; lines end in \n."""
    from quitus_agent.registry.export import decode

    return decode(content(path))


def unpacked(path: Path) -> BinaryIO:
    """The file itself, or what it holds if it is one of xz, in one that goes when it is closed."""
    if not is_packed(path):
        return opened(path)
    import lzma
    import tempfile

    out = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - returned open
    try:
        with lzma.open(path) as packed:
            while piece := packed.read(MAX_LINE):
                out.write(piece)
                refuse_too_large(path, out.tell(), MAX_UNPACKED_BYTES)
        out.seek(0)
    except BaseException as error:
        out.close()
        if isinstance(error, OSError | EOFError | lzma.LZMAError):
            raise SourceError(f"{path}: {error}") from error
        raise
    return out


def start(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file; raises SourceError naming it."""
    try:
        with opened(path) as file:
            return file.read(size) or b""
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def opening(path: Path) -> str:
    """The first letters of a text, as `text` reads it, without a mark or blanks before them."""
    from quitus_agent.registry.export import decode

    return decode(start(path)).lstrip("\ufeff \t\n")


def is_packed(path: Path) -> bool:
    """Whether a file is one of xz, by its name or by how it begins."""
    return path.suffix == ".xz" or start(path, len(XZ)) == XZ


def installs_of(path: Path, found: "Iterable[Install]", nothing: str = "") -> "Iterator[Install]":
    """What was found in a captured file; a failure names the file.

    Raises SourceError(nothing) where there is no install, if that cannot be: no system is without
    packages, so that a list of none is another file, or what a failed command left.
    """
    is_empty = True
    try:
        for install in found:
            is_empty = False
            yield install
        if is_empty and nothing:
            raise SourceError(nothing)
    except SourceError as error:
        raise naming(path, error) from error


def naming(path: Path, error: SourceError) -> SourceError:
    """The same error with the file's name before it, once."""
    message = str(error)
    return SourceError(message if str(path) in message else f"{path}: {message}")


def refuse_too_large(path: Path, size: int, most: int) -> None:
    """Raises SourceError naming the file where it has more bytes than that."""
    if size > most:
        raise SourceError(f"{path}: larger than {most >> 20} MiB")
