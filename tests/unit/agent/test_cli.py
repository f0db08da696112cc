import json
from pathlib import Path

import pytest

from quitus_agent.cli import main

CAPTURE = Path("tests/captures/dpkg/debian12")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system with the captured packages."""
    status = tmp_path / "root/var/lib/dpkg/status"
    status.parent.mkdir(parents=True)
    status.write_bytes(CAPTURE.read_bytes())
    return tmp_path / "root"


def test_the_inventory_as_json_has_device_sources_and_software(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inventory", "--format", "json", "--root", str(root)]) == 0

    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"device", "sources", "software"}
    read = [source for source in document["sources"] if source["status"] != "absent"]
    assert read == [{"name": "dpkg", "status": "read", "reason": None}]
    assert document["software"][0] == {
        "name": "bash",
        "version": "5.2.15-2+b7",
        "publisher": "Matthias Klose <doko@debian.org>",
        "architecture": "amd64",
        "source": "dpkg",
        "scope": "machine",
        "identifiers": {
            "purl": "pkg:deb/debian/bash@5.2.15-2%2Bb7?arch=amd64",
            "section": "shells",
        },
        "hidden": False,
        "installed_on": None,
        "location": None,
    }


def test_the_inventory_as_a_table_ends_with_the_count(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["inventory", "--root", str(root)]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "5 installs"
    assert any(line.startswith("bash") for line in lines)


def test_what_was_read_gives_a_terminal_no_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listing = tmp_path / "listing"
    listing.write_text("ba\x1b[2Jsh\tamd64\t5.2\n")

    main(["inventory", "--file", str(listing), "--as", "dpkg-query"])

    assert "\nba\ufffd[2Jsh  5.2\n" in capsys.readouterr().out


def test_a_source_that_fails_is_told_in_one_sentence_and_the_inventory_is_still_printed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "var/lib/dpkg/status").write_text("Package: a\nnonsense\n")

    assert main(["inventory", "--format", "json", "--root", str(root)]) == 1

    printed = capsys.readouterr()
    statuses = {each["name"]: each["status"] for each in json.loads(printed.out)["sources"]}
    assert statuses["dpkg"] == "failed"
    assert printed.err == (
        f"quitus-agent: dpkg could not be read: {root}/var/lib/dpkg/status: "
        "line 2 is not 'Field: value'\n"
    )


@pytest.mark.parametrize(
    ("words", "status", "complaint"),
    [
        (["inventory", "--root", "/nowhere"], 2, "/nowhere is not a folder"),
        (["inventory", "--root", "/proc/sys"], 2, "/proc/sys holds no system that is known"),
        (["inventory", "--file", "/nowhere", "--as", "dpkg"], 2, "/nowhere does not exist"),
        (["inventory", "--file", "TOKEN"], 2, "--file and --as go together"),
        (["inventory", "--file", "TOKEN", "--as", "dkpg"], 2, "'dkpg' is not a source; known: "),
        (["report"], 1, "this device is not enrolled"),
        (["status"], 1, "this device is not enrolled"),
        (["enrol", "--token-file", "/nowhere/token", "--collector", "c"], 2, "/nowhere/token"),
        (["enrol", "--token-file", "TOKEN"], 2, "which collector?"),
        (["enrol", "--token-file", "TOKEN", "--collector", "c:x"], 2, "'c:x' is not an address"),
        (["enrol", "--token-file", "TOKEN", "--collector", "c"], 2, "is not a Quitus join token"),
    ],
)
def test_what_cannot_be_done_is_one_sentence_and_a_status(
    words: list[str],
    status: int,
    complaint: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = tmp_path / "token"
    token.write_text("not a token")

    words = [str(token) if word == "TOKEN" else word for word in words]
    assert main(["--state", str(tmp_path / "state"), *words]) == status

    printed = capsys.readouterr()
    assert printed.out == ""
    assert complaint in printed.err
    assert printed.err.count("\n") == 1
    assert not (tmp_path / "state").exists()
