"""Files that are written whole or not at all."""

import errno
import os
from collections.abc import Collection, Iterable
from pathlib import Path

from quitus_collector.errors import CollectorError


def write_together(
    contents: Iterable[tuple[Path, bytes]], *, private: Collection[Path] = ()
) -> None:
    """Writes every file beside its place first, so that a full disk leaves the old ones alone.

    Those that are `private` are for their owner alone.
    """
    pending: list[tuple[Path, Path]] = []
    try:
        for path, content in contents:
            path.parent.mkdir(parents=True, exist_ok=True)
            beside = path.with_name(f".{path.name}.new")
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
            pending.append((beside, path))
            beside.unlink(missing_ok=True)
            mode = 0o600 if path in private else 0o666
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            with os.fdopen(os.open(beside, flags, mode), "wb") as file:
                file.write(content)
        for beside, path in pending:
            os.replace(beside, path)
    except OSError as error:
        for beside, _ in pending:
            beside.unlink(missing_ok=True)
        raise CollectorError(
            "{filename}: {strerror}", filename=error.filename, strerror=error.strerror
        ) from error
