"""Whoever types what docs/api.md says gets what it promises, and its table is the API's own."""

import json
import re
from pathlib import Path

import pytest

from quitus_collector.adapters.webhooks import signature
from quitus_collector.web.api import application as api
from quitus_collector.web.routing import routes_of
from tests.handbook import ROOT, Reader, blocks

PAGE = ROOT / "docs" / "api.md"
ROW = re.compile(r"^\| `(?P<method>[A-Z]+) (?P<path>/\S*)` \| `(?P<scope>[a-z]+)` \| .+ \|$", re.M)


@pytest.mark.e2e
@pytest.mark.needs("curl")
@pytest.mark.needs("openssl")
def test_its_commands_work_in_order(tmp_path: Path) -> None:
    read = [each for each in blocks(PAGE) if not each.reason]

    said = Reader(tmp_path).follow(read)

    for block, printed in zip(read, said, strict=True):
        assert block.says in printed, f"{block.page}:{block.line}\n{printed}"


def test_every_command_has_a_mark() -> None:
    assert [each.line for each in blocks(PAGE) if not each.mark] == []


def test_its_table_is_that_of_the_routes() -> None:
    told = [each.groups() for each in ROW.finditer(PAGE.read_text(encoding="utf-8"))]

    found = [
        (method, route.path.replace(":path", ""), str(api.scope_of(route)))
        for router in api.ROUTERS
        for route in routes_of(router)
        for method in sorted(route.methods)
    ]
    assert told == found


def test_its_signature_is_one_of_ours() -> None:
    text = PAGE.read_text(encoding="utf-8")
    (body,) = re.findall(r"^printf '%s' '(\{.*\})' > body$", text, re.M)
    (at,) = re.findall(r"^t=(\d+)$", text, re.M)
    (secret,) = re.findall(r"^printf '(.*)' > secret$", text, re.M)

    assert json.loads(body)["event"] == "gap"
    assert signature(secret.encode(), body.encode(), int(at)) in text
