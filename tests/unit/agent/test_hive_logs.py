"""Hives of a Windows that did not shut down: what their logs hold is read with them."""

from pathlib import Path

import pytest

from quitus_agent.registry import logs, text
from quitus_agent.registry.machine import hive_at
from quitus_agent.sources import windows_uninstall
from tests.makers import regf

EARLIER = regf.hive({"Programs": {"7-Zip": {"DisplayName": "7-Zip 9.20"}}})
LATER = regf.hive(
    {
        "Programs": {"7-Zip": {"DisplayName": "7-Zip 23.01"}},
        # Larger by some bins than the hive that waits.
        "More": {f"Program {number}": {"DisplayName": "x" * 200} for number in range(40)},
    }
)
ONCE_MORE = regf.hive({"Programs": {"7-Zip": {"DisplayName": "7-Zip 24.08"}}})
HEADER = regf.log_header(7, len(LATER) - 4096)


@pytest.fixture
def hive(tmp_path: Path) -> Path:
    """A hive that waits for entry 7 of its logs."""
    file = tmp_path / "SOFTWARE"
    file.write_bytes(EARLIER)
    return regf.left_dirty(file)


def display_name(hive: Path) -> str:
    key = hive_at(hive).subkey(r"Programs\7-Zip")
    assert key
    return text(key, "DisplayName")


def log(hive: Path, suffix: str, *parts: bytes) -> None:
    hive.with_name(hive.name + suffix).write_bytes(b"".join(parts))


def test_a_hive_is_read_with_what_its_log_holds(hive: Path) -> None:
    log(hive, ".LOG1", HEADER, regf.log_entry(7, LATER))

    assert display_name(hive) == "7-Zip 23.01"
    assert len(list(hive_at(hive).subkeys())) == 2


def test_entries_are_applied_in_their_order_wherever_they_lie(hive: Path) -> None:
    log(hive, ".LOG1", HEADER, regf.log_entry(8, ONCE_MORE))
    log(hive, ".LOG2", HEADER, regf.log_entry(6, EARLIER), regf.log_entry(7, LATER))

    assert display_name(hive) == "7-Zip 24.08"


def test_the_logs_of_older_windows_are_applied_too(hive: Path) -> None:
    log(hive, ".LOG1", regf.log_of_sectors(8, EARLIER, LATER))

    assert display_name(hive) == "7-Zip 23.01"


def test_a_hive_that_waits_for_nothing_is_read_as_it_is(tmp_path: Path) -> None:
    clean = tmp_path / "SOFTWARE"
    clean.write_bytes(EARLIER)
    log(clean, ".LOG1", HEADER, regf.log_entry(7, LATER))

    assert logs.replayed(clean) is None
    assert display_name(clean) == "7-Zip 9.20"


@pytest.mark.parametrize(
    "entries",
    [
        b"",
        regf.log_entry(6, LATER),
        regf.log_entry(7, LATER)[:-512],
        regf.log_entry(7, LATER).replace(b"2\x003\x00.", b"9\x009\x00."),
        b"HvLE" + bytes(508),
        b"DIRT" + b"\xff" * 508,
    ],
    ids=["none", "old", "cut", "altered", "empty", "bitmap"],
)
def test_what_a_damaged_log_holds_is_not_believed(hive: Path, entries: bytes) -> None:
    log(hive, ".LOG1", HEADER, entries)

    assert display_name(hive) == "7-Zip 9.20"


def test_nothing_that_comes_after_a_gap_is_applied(hive: Path) -> None:
    log(hive, ".LOG1", HEADER, regf.log_entry(7, LATER), regf.log_entry(9, ONCE_MORE))

    assert display_name(hive) == "7-Zip 23.01"


def test_a_switched_off_windows_is_read_with_its_logs(tmp_path: Path) -> None:
    native = {
        "Microsoft": {"Windows": {"CurrentVersion": {"Uninstall": {"a": {"DisplayName": "A"}}}}}
    }
    hive = regf.write(tmp_path / "Windows/System32/config/SOFTWARE", {})
    log(regf.left_dirty(hive), ".LOG1", HEADER, regf.log_entry(7, regf.hive(native)))

    assert [each.name for each in windows_uninstall.scan(tmp_path)] == ["A"]
    assert sorted(hive.parent.glob("*")) == [hive, hive.with_name("SOFTWARE.LOG1")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", 0x30ED35C100CD3C7D),
        ("af", 0x48E73FC77D75DDC1),
        ("e70f", 0xB5F6E1FC485DBFF8),
        ("37f495", 0xF0B07C789B8CF7E8),
        ("8642dc59", 0x7008F2E87E9CF556),
        ("ab427ea8d10fc7", 0xE11847E4F0678C41),
    ],
)
def test_entries_are_hashed_as_others_hash_them(content: str, expected: int) -> None:
    # Known answers of Marvin32, by their seed.
    assert logs.marvin32(bytes.fromhex(content), 0x004FB61A001BDBCC) == expected
