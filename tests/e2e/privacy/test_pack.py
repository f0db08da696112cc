"""The papers for employees and the DPO say what the agents of this fleet really report."""

import re
from pathlib import Path

import pytest

from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e
PAPERS = {
    "fr": ["analyse-d-impact.md", "conservation.md", "note-d-information.md", "registre.md"],
    "en": ["impact-assessment.md", "information-note.md", "register.md", "retention.md"],
}


def pack(collector: CollectorFolder, folder: Path) -> dict[str, str]:
    """Each paper by its file's name."""
    collector.ok("privacy", "pack", "--out", str(folder))
    return {each.name: each.read_text() for each in folder.rglob("*.md")}


def row(paper: str, name: str) -> list[str]:
    """The cells of one line of a table."""
    (line,) = re.findall(rf"^\| {name} \|.*$", paper, re.MULTILINE)
    return [cell.strip() for cell in line.strip("| ").split("|")]


def test_a_collector_without_devices_gives_drafts_to_complete(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    found = pack(collector, tmp_path / "pack")

    for language, names in PAPERS.items():
        assert sorted(each.name for each in (tmp_path / "pack" / language).iterdir()) == names
    assert "**[à compléter]**" in found["note-d-information.md"]
    assert "Aucune purge n’a encore été faite" in found["conservation.md"]
    for text in found.values():
        assert not re.search(r"\{[a-z_.]+\}", text)


def test_they_say_what_is_read_here_and_that_use_is_not(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        agent.run("report")
    collector.ok("purge", "--older-than", "365")

    found = pack(collector, tmp_path / "pack")

    note, register = found["note-d-information.md"], found["registre.md"]
    assert "où il est en service : 1." in note
    assert "cette possibilité est éteinte sur tous les postes" in note
    assert row(register, "hostname")[2] == "1"
    assert row(register, "last-use")[2] == "0"
    assert "La dernière purge a oublié" in found["conservation.md"]
    assert "this is off on all devices" in found["information-note.md"]


def test_they_say_where_use_is_read(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        agent.run("report", QUITUS_AGENT_LAST_USE="true", HOME=str(tmp_path))

    found = pack(collector, tmp_path / "pack")

    assert row(found["registre.md"], "last-use")[2] == "1"
    assert "(postes où elle est lue : 1)" in found["note-d-information.md"]
    assert "consultez le CSE avant de poursuivre" in found["analyse-d-impact.md"]


def test_the_company_may_write_its_own_texts(collector: CollectorFolder, tmp_path: Path) -> None:
    own = collector.home / "privacy"
    own.mkdir()
    (own / "fr.toml").write_text("draft = 1\n")

    answer = collector.run("privacy", "pack", "--out", str(tmp_path / "pack"))

    assert answer.status == 2
    assert "privacy/fr.toml: draft" in answer.err
    assert not (tmp_path / "pack").exists()
