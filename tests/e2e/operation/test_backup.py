"""A backup while devices report, and a collector that comes out of it; refusals change nothing."""

import hashlib
import json
import os
import sqlite3
import zipfile
from pathlib import Path

import pytest

from quitus_agent.wiring import read_token
from tests.fleet.simulator import Days, enrolled, lost, workstations
from tests.postgresql import Server
from tests.programs import AgentFolder, CollectorFolder
from tests.waiting import until

pytestmark = pytest.mark.e2e
RULES = """
publisher = "maison"
label = "Maison"

[[product]]
id = "maison/x"
label = "X"
class = "free"
names = ["X"]
"""


@pytest.fixture
def passphrase(tmp_path: Path) -> tuple[str, str]:
    file = tmp_path / "passphrase"
    file.touch(0o600)
    file.write_text("correct horse\n")
    return ("--passphrase-file", str(file))


def tree(folder: Path) -> dict[str, str]:
    """Every file by its digest; the lock and SQLite's own files aside."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != ".in-use" and path.suffix not in (".db-wal", ".db-shm")
    }


def test_a_backup_taken_under_load_is_one_moment_and_serves_again(
    collector: CollectorFolder, tmp_path: Path, passphrase: tuple[str, str]
) -> None:
    collector.set("reports_per_hour", "100_000")
    (collector.home / "catalogue").mkdir()
    (collector.home / "catalogue" / "maison.toml").write_text(RULES)
    file = tmp_path / "backup.zip"
    token = read_token(collector.token_file("--uses", "6"))
    with (
        collector.serving("--workers", "2") as (port, _),
        Days(enrolled(workstations(6), "localhost", port, token)) as days,
    ):
        assert until(lambda: days.acknowledged > 12)
        said = collector.ok("backup", str(file), *passphrase)
    other = CollectorFolder(tmp_path / "other")
    other.ok("restore", str(file), *passphrase)
    held = json.loads(other.ok("devices", "list", "--format", "json"))
    with other.serving() as (_, inventory):
        for device in days.devices:
            device.known = device.known._replace(inventory_port=inventory)
        # Every device has reported since: what is held of it is older than what it was answered.
        with Days(days.devices) as later:
            assert until(lambda: later.acknowledged > 12 or bool(later.refusals))

    assert "the keys are in it" in said
    assert [each["installs"] for each in held] == [200] * 6
    assert (other.home / "catalogue" / "maison.toml").read_text() == RULES
    assert file.stat().st_mode & 0o777 == 0o600
    assert later.refusals == []
    assert lost(f"sqlite:///{other.home / 'quitus.db'}", later.devices) == []
    assert "backup restored" in other.ok("audit", "list")


def test_without_a_passphrase_no_key_is_in_it(
    collector: CollectorFolder, agent: AgentFolder, tmp_path: Path
) -> None:
    with collector.serving() as (port, _):
        assert agent.enrol(port, collector.token_file()).status == 0
    file = tmp_path / "backup.zip"

    said = collector.ok("backup", str(file))

    with zipfile.ZipFile(file) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
        names = set(archive.namelist())
    assert names == {"manifest.json", "quitus.db", "collector.toml", "authority/root.pem"}
    assert not any(b"PRIVATE KEY" in each for each in contents)
    key = (collector.home / "pseudonym.key").read_bytes()
    assert not any(key in each for each in contents)
    assert "authority/issuing.pem, authority/root.key, console.key, pseudonym.key" in said

    other = CollectorFolder(tmp_path / "other")
    restored = other.ok("restore", str(file))

    assert "put these back before it serves: authority/issuing.pem, pseudonym.key" in restored
    for name in ("authority/issuing.pem", "pseudonym.key"):
        (other.home / name).write_bytes((collector.home / name).read_bytes())
    with other.serving_on(port, agent_port(agent)):
        assert agent.run("report").status == 0


def agent_port(agent: AgentFolder) -> int:
    said = json.loads(agent.run("status", "--format", "json").out)
    return int(said["collector"].rpartition(":")[2])


def test_letters_scans_and_portals_come_out_of_it_and_credentials_do_not(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    scan, file = tmp_path / "scan.pdf", tmp_path / "backup.zip"
    scan.write_bytes(b"%PDF- scanned")
    words = ["--publisher", "microsoft", "--dated", "2026-11-02", "--received", "2026-11-05"]
    words += ["--nature", "voluntary", "--entity", "999000110", "--scan", str(scan)]
    collector.ok("campaign", "add", "L-1", *words)
    for folder in ("letters", "portals", "credentials"):
        (collector.home / folder).mkdir()
        (collector.home / folder / "own.toml").write_text("x = 1\n")
    collector.ok("backup", str(file))
    other = CollectorFolder(tmp_path / "other")

    other.ok("restore", str(file))

    assert ": whole" in other.ok("campaign", "status", "L-1")
    kept = {path.parent.name for path in other.home.rglob("own.toml")}
    assert kept == {"letters", "portals"}


def test_what_the_settings_name_comes_back_sealed_and_what_lies_elsewhere_is_told(
    collector: CollectorFolder, tmp_path: Path, passphrase: tuple[str, str]
) -> None:
    file, elsewhere = tmp_path / "backup.zip", tmp_path / "roots.pem"
    secrets = ("console.pem.key", "secrets/mail", "credentials/site.toml")
    for name in (*secrets, "console.pem"):
        place = collector.home / name
        place.parent.mkdir(mode=0o700, exist_ok=True)
        place.touch(0o600)
        place.write_text(f"of {name}")
    settings = collector.home / "collector.toml"
    table = f"""[console]
certificate = "console.pem"
key = "console.pem.key"
[console.mail]
server = "smtp.example"
sender = "quitus@example.fr"
recipients = ["dsi@example.fr"]
password_file = "secrets/mail"
authority = "{elsewhere}"
[backup]
passphrase_file = "{passphrase[1]}"
"""
    text = settings.read_text()
    start, end = text.index("[console]"), text.index("[approval]")
    after = text[end:].replace("[backup]\n", "")
    settings.write_text(text[:start] + table + after)

    said = collector.ok("backup", str(file))
    other = CollectorFolder(tmp_path / "other")
    restored = other.ok("restore", str(file), *passphrase)

    assert f"not in it, since it lies elsewhere: {elsewhere}" in said
    assert f"put these back before it serves: {elsewhere}" in restored
    with zipfile.ZipFile(file) as archive:
        assert "console.pem" in archive.namelist()
        assert not any(b"of secrets/mail" in archive.read(name) for name in archive.namelist())
    for name in secrets:
        assert (other.home / name).read_text() == f"of {name}"
        assert (other.home / name).stat().st_mode & 0o777 == 0o600
    assert "backup made" in collector.ok("audit", "list")


def test_a_passphrase_comes_by_standard_input_and_not_from_a_file_that_others_read(
    collector: CollectorFolder, tmp_path: Path, passphrase: tuple[str, str]
) -> None:
    file, opened = tmp_path / "backup.zip", tmp_path / "opened"
    opened.write_text("correct horse\n")
    opened.chmod(0o644)
    collector.ok("backup", str(file), *passphrase)
    other = CollectorFolder(tmp_path / "other")

    refused = other.run("restore", str(file), "--passphrase-file", str(opened))
    done = other.run("restore", str(file), "--passphrase-file", "-", stdin="correct horse\n")

    assert done.status == 0, done
    assert refused.status == 2
    assert "others may read this secret" in refused.err
    assert (other.home / "authority" / "issuing.pem").exists()


def test_a_collector_that_is_there_is_replaced_only_when_told_and_kept_aside(
    collector: CollectorFolder, tmp_path: Path, passphrase: tuple[str, str]
) -> None:
    file = tmp_path / "backup.zip"
    collector.ok("backup", str(file), *passphrase)
    collector.ok("token", "create", "--label", "after the backup")
    before = tree(collector.home)

    refused = collector.run("restore", str(file), *passphrase)

    assert refused.status == 2
    assert "already holds a collector: --replace puts it aside" in refused.err
    assert tree(collector.home) == before

    collector.ok("restore", str(file), *passphrase, "--replace")

    (aside,) = collector.home.glob("before-restore-*")
    assert "after the backup" not in collector.ok("token", "list")
    with sqlite3.connect(aside / "quitus.db") as kept:
        assert kept.execute("SELECT count(*) FROM join_token").fetchone() == (1,)


def test_what_cannot_be_restored_changes_nothing(
    collector: CollectorFolder, tmp_path: Path, passphrase: tuple[str, str]
) -> None:
    good, other = tmp_path / "good.zip", tmp_path / "wrong"
    other.touch(0o600)
    other.write_text("wrong horse")
    collector.ok("backup", str(good), *passphrase)
    flipped, newer, text = (tmp_path / f"{name}.zip" for name in ("flipped", "newer", "text"))
    content = bytearray(good.read_bytes())
    content[len(content) // 3] ^= 0xFF
    flipped.write_bytes(content)
    text.write_text("not a backup")
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(newer, "w") as target:
        for name in source.namelist():
            kept = source.read(name)
            if name == "manifest.json":
                kept = json.dumps(json.loads(kept) | {"schema": "9999"}).encode()
            target.writestr(name, kept)
    before = tree(collector.home)

    answers = {
        "is not a backup": collector.run("restore", str(text), "--replace"),
        "damaged": collector.run("restore", str(flipped), "--replace"),
        "made by a newer version": collector.run("restore", str(newer), "--replace"),
        "another passphrase": collector.run(
            "restore", str(good), "--replace", "--passphrase-file", str(other)
        ),
        "No such file": collector.run("restore", str(tmp_path / "none"), "--replace"),
    }
    after = tree(collector.home)
    with collector.serving():
        answers["a collector serves in"] = collector.run("restore", str(good), "--replace")
    again = collector.run("backup", str(good))

    for said, answer in answers.items():
        assert answer.status == 2, answer
        assert said in answer.err
        assert answer.err.count("\n") == 1
    assert (again.status, "exists already" in again.err) == (2, True)
    nowhere = collector.run("backup", str(tmp_path / "nowhere" / "x.zip"))
    assert (nowhere.status, f"{tmp_path / 'nowhere'}: is not a folder" in nowhere.err) == (2, True)
    assert after == before


def test_postgresql_is_dumped_and_restored_by_its_own_programs(
    postgresql: Server,
    tmp_path: Path,
    passphrase: tuple[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A program in between notes its arguments: no password may be among them.
    between = tmp_path / "bin"
    between.mkdir()
    for name in ("pg_dump", "pg_restore"):
        script = f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/words\n'
        script += f'exec {postgresql.commands}/{name} "$@"\n'
        (between / name).write_text(script)
        (between / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{between}:{os.environ['PATH']}")
    monkeypatch.setenv(
        "QUITUS_COLLECTOR_DATABASE", postgresql.url.replace("postgres:@", "postgres:s3cret@")
    )
    collector = CollectorFolder(tmp_path / "collector")
    collector.ok("init")
    collector.set("reports_per_hour", "100_000")
    file = tmp_path / "backup.zip"
    token = read_token(collector.token_file("--uses", "4"))
    with (
        collector.serving() as (port, _),
        Days(enrolled(workstations(4), "localhost", port, token)) as days,
    ):
        assert until(lambda: days.acknowledged > 8)
    collector.ok("backup", str(file), *passphrase)
    assert lost(postgresql.url, days.devices) == []
    collector.ok("token", "create", "--label", "after the backup")

    refused = CollectorFolder(tmp_path / "other").run("restore", str(file), *passphrase)
    collector.ok("restore", str(file), *passphrase, "--replace")

    assert refused.status == 2
    assert "the database is not empty: --replace" in refused.err
    assert not (tmp_path / "other" / "authority").exists()
    assert lost(postgresql.url, days.devices) == []
    assert "after the backup" not in collector.ok("token", "list")
    words = (tmp_path / "words").read_text()
    assert "pg_dump" in words
    assert "pg_restore" in words
    assert "s3cret" not in words
