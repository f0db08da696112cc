from itertools import pairwise

import pytest

from quitus_collector.domain.agent_version import by_version, is_older, is_version

OLDEST_FIRST = (
    "",
    "0.1.0.dev1",
    "0.1.0.dev15+g37c561e",
    "0.1.0",
    "0.2.0a1",
    "0.2.0rc1",
    "0.2",
    "0.9.0",
    "0.10.0",
    "1.0.0",
    "1.0.0.1",
)


def test_versions_are_ordered_as_people_read_them() -> None:
    assert all(is_older(one, other) for one, other in pairwise(OLDEST_FIRST))
    assert not any(is_older(other, one) for one, other in pairwise(OLDEST_FIRST))


@pytest.mark.parametrize("same", [("1.2", "1.2.0"), ("v1.2.0", "1.2.0"), ("1.2.0+local", "1.2.0")])
def test_what_is_written_in_two_ways_is_one_version(same: tuple[str, str]) -> None:
    one, other = same

    assert not is_older(one, other)
    assert not is_older(other, one)


def test_a_fleet_is_counted_by_version_the_newest_first() -> None:
    fleet = ["0.9.0", "0.10.0", "", "0.10.0"]

    assert by_version(fleet) == [("0.10.0", 2), ("0.9.0", 1), ("", 1)]


@pytest.mark.parametrize("nonsense", ["", "latest", "\ufffd", "x1.2"])
def test_what_is_no_version_is_older_than_any(nonsense: str) -> None:
    assert is_older(nonsense, "0.0.1")
    assert not is_version(nonsense)
