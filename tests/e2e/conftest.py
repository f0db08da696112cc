from pathlib import Path

import pytest

from tests.programs import AgentFolder, CollectorFolder


@pytest.fixture
def collector(tmp_path: Path) -> CollectorFolder:
    """A collector that was just made."""
    folder = CollectorFolder(tmp_path / "collector")
    folder.ok("init")
    return folder


@pytest.fixture
def agent(tmp_path: Path) -> AgentFolder:
    """An agent that is not enrolled."""
    return AgentFolder(tmp_path / "agent")
