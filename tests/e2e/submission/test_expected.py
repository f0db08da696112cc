"""Devices that there should be, from a directory, by commands."""

import json
from pathlib import Path

import pytest

from tests.directory import ACCOUNT, BASE, PASSWORD, Computer, serving
from tests.programs import CollectorFolder

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.needs("slapd"),
    pytest.mark.xdist_group("directory"),
]


def test_a_directory_s_computers_are_looked_at_first_and_then_expected(
    collector: CollectorFolder, tmp_path: Path
) -> None:
    computers = [Computer("PC-1", "Windows 11 Pro"), Computer("SRV-1", "Windows Server 2022")]
    unset = collector.run("expected", "fetch")
    listed = tmp_path / "list.csv"
    listed.write_text("name;system\nPC-1;Windows 10 Pro\nPC-9;\n")
    collector.ok("expected", "import", str(listed))
    with serving(tmp_path / "directory", *computers) as server:
        password = collector.home / "directory.password"
        password.touch(0o600)
        password.write_text(PASSWORD)
        for name, value in {
            "url": server.ldaps,
            "base": BASE,
            "account": ACCOUNT,
            "password_file": password.name,
        }.items():
            collector.set(f"directory.{name}", f'"{value}"')
        unvouched = collector.run("expected", "fetch")
        collector.set("directory.authority", f'"{server.authority}"')
        shown = collector.ok("expected", "fetch", "--dry-run")
        before = json.loads(collector.ok("expected", "coverage", "--format", "json"))
        fetched = collector.ok("expected", "fetch")
        after = json.loads(collector.ok("expected", "coverage", "--format", "json"))

    assert (unset.status, "see [directory] in collector.toml" in unset.err) == (2, True)
    assert (unvouched.status, "its certificate is not accepted" in unvouched.err) == (2, True)
    assert "2 devices would be expected; nothing was changed" in shown
    assert "1 new: srv-1.exemple.fr" in shown
    assert "1 no longer expected: PC-9" in shown
    assert "1 told otherwise: pc-1.exemple.fr" in shown
    assert before["never_seen"] == ["PC-1", "PC-9"]
    assert "2 devices are expected" in fetched
    assert [each["system"] for each in after["systems"]] == [
        "windows-workstation",
        "windows-server",
    ]
