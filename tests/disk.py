"""Disks of our own, small ones in memory: they can be full. Needs root."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def can_mount() -> bool:
    """Whether this account may mount a disk."""
    try:
        with tempfile.TemporaryDirectory() as folder, disk(Path(folder), 1):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


@contextmanager
def disk(folder: Path, mib: int) -> Iterator[None]:
    """A disk of so many MiB in a folder, which is made where there is none."""
    folder.mkdir(exist_ok=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={mib}m", "tmpfs", str(folder))
    try:
        yield
    finally:
        _run("umount", "--lazy", str(folder))


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nothing can be written on the disk in the folder; nobody may have a file open to write."""
    _run("mount", "-o", "remount,ro", str(folder))
    try:
        yield
    finally:
        _run("mount", "-o", "remount,rw", str(folder))


@contextmanager
def full(folder: Path) -> Iterator[None]:
    """Not a byte is left on the disk below the folder."""
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            for size in (1 << 20, 1 << 12, 1):
                _fill(file, size)
        yield
    finally:
        filler.unlink()


def _fill(file: object, size: int) -> None:
    try:
        while True:
            file.write(bytes(size))  # type: ignore[attr-defined]
    except OSError:
        return


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True)
