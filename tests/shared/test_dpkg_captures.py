"""dpkg status files of real machines, with what a parser must find in them."""

import json

import pytest

from quitus_agent.sources import dpkg
from tests.capabilities import SHARED

pytestmark = pytest.mark.needs("shared")


@pytest.mark.parametrize("name", ["dpkg-status-debian12", "dpkg-postgresql.status"])
def test_every_stated_package_is_found_by_name_and_version(name: str) -> None:
    file = SHARED / "inventory/linux" / name
    stated = json.loads(file.with_name(f"{name}.expected.json").read_text(encoding="utf-8"))

    found = list(dpkg.parse(file.read_text(encoding="utf-8")))

    assert [(each.name, each.version, each.architecture, each.publisher) for each in found] == [
        (each["name"], each["version"], each["arch"], each["publisher"])
        for each in stated["packages"]
    ]
    assert len(found) == stated["count"]
