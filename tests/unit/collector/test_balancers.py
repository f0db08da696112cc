"""Addresses that many devices share."""

from pathlib import Path

import pytest

from quitus_collector import config
from quitus_collector.entrypoints.grpc.peers import balancers
from quitus_collector.errors import UsageError


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("10.0.0.5", True),
        ("::ffff:10.0.0.5", True),
        ("10.0.1.5", False),
        ("2001:db8::7", True),
        ("unix", False),
    ],
    ids=["inside", "inside, seen by IPv6", "beside", "IPv6", "no address"],
)
def test_an_address_is_a_balancers_by_its_network(address: str, is_one: bool) -> None:
    assert balancers(["10.0.0.0/24", "2001:db8::7"])(address) is is_one


def test_the_environment_names_balancers_where_the_file_does_not(tmp_path: Path) -> None:
    found = config.load(tmp_path, {"QUITUS_COLLECTOR_BALANCERS": "10.0.0.5, 10.1.0.0/16"}, {})

    assert found.limits.balancers == ["10.0.0.5/32", "10.1.0.0/16"]


def test_what_is_no_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither an address nor a network"):
        config.load(tmp_path, {"QUITUS_COLLECTOR_BALANCERS": "haproxy"}, {})
