"""A backup is written to any disk that a company has."""

import errno
import os
import zipfile
from pathlib import Path

import pytest

from quitus_collector.adapters import backup
from quitus_collector.adapters.sql.store import SQLStore


def without_links(*_: object) -> None:
    """What a USB stick's file system answers."""
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))


def test_a_disk_without_links_takes_a_backup_and_keeps_one_of_the_same_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, stick = tmp_path / "collector", tmp_path / "stick"
    home.mkdir()
    stick.mkdir()
    url = f"sqlite:///{home / 'quitus.db'}"
    store = SQLStore(url, create=True)
    store.upgrade()
    store.close()
    monkeypatch.setattr(os, "link", without_links)

    backup.write(stick / "quitus.zip", home, url, {}, b"", backup.Named((), ()))

    assert zipfile.ZipFile(stick / "quitus.zip").testzip() is None
    assert [each.name for each in stick.iterdir()] == ["quitus.zip"]
    (made := tmp_path / "other").write_bytes(b"new")
    with pytest.raises(OSError, match="not permitted"):
        backup._name(made, stick / "quitus.zip")
    assert zipfile.ZipFile(stick / "quitus.zip").testzip() is None
