"""`doctor` on a collector that is well, and on ones that are not."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.postgresql import Server
from tests.programs import AgentFolder, CollectorFolder

pytestmark = pytest.mark.e2e
WORSE = ("ok", "warning", "failed")


def verdicts(collector: CollectorFolder, port: int = 1) -> tuple[int, dict[str, str]]:
    """Its exit status, and each check's verdict; of several of one name, the worst."""
    collector.set("enrolment", f'"127.0.0.1:{port}"')
    answer = collector.run("doctor", "--format", "json")
    found: dict[str, str] = {}
    for each in json.loads(answer.out):
        worse = max(
            found.get(each["check"], "ok"), each["verdict"], key=("ok", "warning", "failed").index
        )
        found[each["check"]] = worse
    return answer.status, found


def statement(text: str) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        with sqlite3.connect(home / "quitus.db") as connection:
            connection.execute(text)

    return run


def damage(home: Path) -> None:
    file = home / "quitus.db"
    content = bytearray(file.read_bytes())
    content[8192:12288] = bytes(4096)
    file.write_bytes(content)


def test_a_collector_that_is_well_says_so(collector: CollectorFolder, agent: AgentFolder) -> None:
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
        assert agent.run("report").status == 0
        phrase = collector.home.parent / "passphrase"
        phrase.touch(0o600)
        phrase.write_text("correct horse")
        file = str(collector.home.parent / "backup.zip")
        collector.ok("backup", file, "--passphrase-file", str(phrase))

        status, found = verdicts(collector, port)
        said = collector.ok("doctor")

    assert status == 0
    assert set(found.values()) == {"ok"}
    assert set(found) == {
        *("schema", "integrity", "counts", "products", "audit", "backup"),
        *("certificate", "disk", "permissions"),
    }
    assert said.count("bon ") == 11
    assert "le certificat server expire le" in said


@pytest.mark.parametrize(
    ("harm", "check"),
    [
        (statement("UPDATE device SET installs = installs + 1"), "counts"),
        (statement("UPDATE audit SET actor = 'nobody' WHERE number = 1"), "audit"),
        (statement("UPDATE alembic_version SET version_num = '0003'"), "schema"),
        (damage, "integrity"),
        (lambda home: (home / "quitus.db").unlink(), "database"),
        (lambda home: (home / "authority" / "issuing.pem").unlink(), "keys"),
        (lambda home: (home / "authority" / "issuing.pem").write_text("?"), "certificate"),
        (lambda home: (home / "authority" / "root.key").chmod(0o644), "permissions"),
    ],
)
def test_what_is_wrong_is_found(
    collector: CollectorFolder,
    agent: AgentFolder,
    harm: Callable[[Path], None],
    check: str,
) -> None:
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
    harm(collector.home)

    status, found = verdicts(collector)

    assert status == 1
    assert found[check] == "failed"
    assert found["serving"] == "warning"


def test_a_postgresql_is_examined_too(
    postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = CollectorFolder(tmp_path / "collector")
    collector.ok("init")
    # As on a machine without PostgreSQL's client programs, and then with them.
    monkeypatch.setenv("PATH", str(tmp_path))
    without = collector.run("doctor").out
    monkeypatch.setenv("PATH", str(postgresql.commands))

    status, found = verdicts(collector)
    postgresql.stop()
    away = verdicts(collector)

    assert status == 0
    assert (found.pop("serving"), found.pop("backup")) == ("warning", "warning")
    assert set(found.values()) == {"ok"}
    assert {"clock", "programs"} <= found.keys()
    assert "les sauvegardes en ont besoin : pg_dump, pg_restore" in without
    assert away[0] == 1
    assert away[1]["database"] == "failed"
