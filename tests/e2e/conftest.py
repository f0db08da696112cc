import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql import Server, server
from tests.programs import AgentFolder, CollectorFolder
from tests.wine import Windows


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a collector that was just made, to copy: nothing in it tells where it lies."""
    folder = CollectorFolder(tmp_path_factory.mktemp("made_once") / "collector")
    folder.ok("init")
    return folder.home


@pytest.fixture
def collector(tmp_path: Path, request: pytest.FixtureRequest) -> CollectorFolder:
    """A collector that was just made."""
    folder = CollectorFolder(tmp_path / "collector")
    if "QUITUS_COLLECTOR_DATABASE" in os.environ:
        folder.ok("init")
    else:
        shutil.copytree(request.getfixturevalue("made_once"), folder.home)
    return folder


@pytest.fixture
def agent(tmp_path: Path) -> AgentFolder:
    """An agent that is not enrolled."""
    return AgentFolder(tmp_path / "agent")


@pytest.fixture
def postgresql(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server whose database collectors use that are made or started while the test runs."""
    with server() as made:
        monkeypatch.setenv("QUITUS_COLLECTOR_DATABASE", made.url)
        yield made


@pytest.fixture(scope="session")
def windows() -> Iterator[Windows]:
    """A Windows that was just installed; it is too large to be left in the folder of old tests."""
    with (
        tempfile.TemporaryDirectory(prefix="quitus-windows-") as home,
        Windows(Path(home)) as machine,
    ):
        yield machine
