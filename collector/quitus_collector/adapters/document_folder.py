"""Documents from outside, in a folder: each under the SHA-256 of its content, once."""

import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from io import BufferedReader
from pathlib import Path

from quitus_collector.errors import CollectorError, UsageError

MAX_BYTES = 100 * 1024 * 1024
_PIECE_BYTES = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class DocumentFolder:
    """Implements ports.ProofFiles; letters' scans are kept so too."""

    def __init__(self, folder: Path) -> None:
        """The folder is made with the first document."""
        self._folder = folder

    def keep(self, file: Path) -> tuple[str, int]:
        """Copies a file into the folder; returns the SHA-256 of its content, hex, and its size.

        It is there whole or not at all, for its owner alone. Raises UsageError where it cannot be
        read, is empty or too large, CollectorError where it cannot be written.
        """
        beside = self._folder / f".{secrets.token_hex(8)}.new"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            try:
                digest, size = _copy(file, beside)
                if not self._is_whole(digest):
                    os.replace(beside, self._folder / digest)
                    _sync_folder(self._folder)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise CollectorError(
                "{filename}: {strerror}", filename=error.filename or file, strerror=error.strerror
            ) from error
        return digest, size

    def is_whole(self, sha256: str) -> bool:
        """Whether the document is there and has the content that it was kept with."""
        try:
            return self._is_whole(sha256)
        except OSError as error:
            raise CollectorError(
                "{filename}: {strerror}", filename=error.filename, strerror=error.strerror
            ) from error

    def export(self, sha256: str, target: Path) -> None:
        """Copies a document out; raises UsageError where a file is there, or it is not whole."""
        if not self.is_whole(sha256):
            raise UsageError(
                "the document {sha256} is not there any more, or was changed", sha256=sha256
            )
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(self._folder / sha256, target)
        except FileExistsError as error:
            raise UsageError("{target}: exists already", target=target) from error
        except OSError as error:
            raise CollectorError(
                "{filename}: {strerror}", filename=error.filename or target, strerror=error.strerror
            ) from error

    def all(self) -> Iterator[str]:
        """The digests of the documents that are there, sorted."""
        found = self._folder.iterdir() if self._folder.is_dir() else ()
        yield from sorted(each.name for each in found if _DIGEST.fullmatch(each.name))

    def _is_whole(self, sha256: str) -> bool:
        path = self._folder / sha256
        if not path.is_file():
            return False
        with path.open("rb") as source:
            return hashlib.file_digest(source, "sha256").hexdigest() == sha256


def _copy(file: Path, target: Path) -> tuple[str, int]:
    """Copies to a new file of its owner alone; nothing is left where that fails."""
    digest, size = hashlib.sha256(), 0
    try:
        source = file.open("rb")
    except OSError as error:
        raise UsageError("{file}: {strerror}", file=file, strerror=error.strerror) from error
    with source:
        to = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(to, "wb") as copy:
                while piece := _piece(source, file):
                    size += len(piece)
                    if size > MAX_BYTES:
                        limit = MAX_BYTES // 1024 // 1024
                        raise UsageError(
                            "{file}: is larger than {limit} MiB", file=file, limit=limit
                        )
                    digest.update(piece)
                    copy.write(piece)
                copy.flush()
                os.fsync(copy.fileno())
            if not size:
                raise UsageError("{file}: is empty", file=file)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
    return digest.hexdigest(), size


def _piece(source: BufferedReader, file: Path) -> bytes:
    try:
        return source.read(_PIECE_BYTES)
    except OSError as error:
        raise UsageError("{file}: {strerror}", file=file, strerror=error.strerror) from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
