"""What was uploaded, as a file for those who read files, while they read it."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath

from quitus_collector.errors import CollectorError

MAX_NAME = 120


@contextmanager
def uploaded(content: bytes, name: str) -> Iterator[Path]:
    """A file of this content and, as far as it may be one, this name; gone afterwards.

    What is raised names the file as the person does.
    """
    with tempfile.TemporaryDirectory(prefix="quitus-upload-") as folder:
        file = Path(folder) / plain_name(name)
        file.write_bytes(content)
        with named(file, file.name):
            yield file


@contextmanager
def named(file: Path, name: str) -> Iterator[None]:
    """What is raised of a file of ours calls it as the person does."""
    try:
        yield
    except CollectorError as error:

        def said(value: object) -> object:
            if isinstance(value, CollectorError):
                return value
            return str(value).replace(str(file), name) if str(file) in str(value) else value

        error.args = tuple(map(said, error.args))
        error.message = str(said(error.message))
        error.values = {key: said(value) for key, value in error.values.items()}
        raise


def plain_name(name: str) -> str:
    """The last part of a path of any system, without what a file's name cannot have."""
    last = PurePosixPath(PureWindowsPath(name).name).name
    plain = "".join(each for each in last if each.isprintable() and each != "/")
    shortened = plain.encode()[-MAX_NAME:].decode("utf-8", "ignore").lstrip(".")
    return shortened or "file"
