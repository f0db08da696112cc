"""Files that were captured on other machines, opened whatever way they were kept."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from quitus_agent.errors import SourceError

if TYPE_CHECKING:
    from quitus_agent.registry.machine import WindowsRegistry

MAX_TEXT_BYTES = 256 * 1024 * 1024


def content(path: Path) -> bytes:
    """The bytes of a file; raises SourceError naming it where it is unreadable or far too large."""
    try:
        _refuse_too_large(path, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def lines(path: Path) -> Iterator[str]:
    r"""The lines of a UTF-8 file that end in \n, without it; a broken letter costs only itself.

    Raises SourceError naming the file where it is unreadable or far too large.
    """
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            _refuse_too_large(path, os.fstat(file.fileno()).st_size)
            for line in file:
                yield line.removesuffix("\n")
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def text(path: Path) -> str:
    r"""The text of a file: UTF-16 with its mark, else UTF-8, else Windows-1252; lines end in \n."""
    from quitus_agent.registry.export import decode

    return decode(content(path))


def registry(path: Path) -> "WindowsRegistry":
    """The registry that a `.reg` export or a hive shows; a hive may be compressed with xz."""
    from quitus_agent.registry import export, hive
    from quitus_agent.registry.machine import from_key

    with unpacked(path) as plain:
        if start(plain, 4) == b"regf":
            return from_key(hive.open_hive(plain))
    return from_key(export.parse(text(path)))


@contextmanager
def unpacked(path: Path) -> Iterator[Path]:
    """The file itself, or for an `.xz` file a temporary one with what it holds."""
    if path.suffix != ".xz":
        yield path
        return
    import lzma
    import shutil
    import tempfile

    try:
        with lzma.open(path) as packed, tempfile.NamedTemporaryFile(delete=False) as out:
            shutil.copyfileobj(packed, out)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise SourceError(f"{path}: {error}") from error
    try:
        yield Path(out.name)
    finally:
        os.unlink(out.name)


def start(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a file; raises SourceError naming it."""
    try:
        with path.open("rb") as file:
            return file.read(size)
    except OSError as error:
        raise SourceError(f"{path}: {error.strerror}") from error


def naming(path: Path, error: SourceError) -> SourceError:
    """The same error with the file's name before it, once."""
    message = str(error)
    return SourceError(message if str(path) in message else f"{path}: {message}")


def _refuse_too_large(path: Path, size: int) -> None:
    if size > MAX_TEXT_BYTES:
        raise SourceError(f"{path}: larger than {MAX_TEXT_BYTES // 1024 // 1024} MiB")
