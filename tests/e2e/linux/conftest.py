import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.machines import Machine, booted
from tests.packages import Packages


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Packages]:
    """They are too large to be left in the folder of old tests."""
    made = Packages(tmp_path_factory.mktemp("packages"))
    yield made
    shutil.rmtree(made.folder)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A Debian that was just installed, and runs."""
    with booted(tmp_path / "machine", "poste-1") as started:
        yield started
