"""Names made to do harm: shown on every page and in every export as what they are, words."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from openpyxl import load_workbook
from selectolax.lexbor import LexborHTMLParser, LexborNode

from quitus_collector.adapters.catalogue.own_rules import Ruling
from quitus_collector.adapters.sheets.csv_text import FORMULA
from quitus_collector.domain.account import Permission
from quitus_collector.domain.holding import Act
from quitus_collector.domain.install import DeviceFacts
from quitus_collector.domain.recognition import SoftwareClass
from quitus_collector.entrypoints.grpc import translate
from quitus_collector.errors import InvalidRequest
from quitus_collector.services.recognition import refresh
from quitus_collector.services.reporting import accept_report
from quitus_collector.web.app import guards
from quitus_collector.web.routing import routes_of
from quitus_collector.wiring import licensing
from tests.api_programs import Program
from tests.builders import (
    a_certificate,
    a_device,
    a_report,
    an_entitlement,
    an_install,
    an_inventory,
)
from tests.console import MOST_ROLES, Browser, ConsoleHouse

# One house for all of them, on whichever core.
pytestmark = pytest.mark.xdist_group("hostile_inventory")
BIDI = "\u202e"
SCRIPT = "<script>alert(1)</script>"
NAMES = (
    SCRIPT,
    "\"'><img src=x onerror=alert(1)>",
    "</bdi></td></table><svg onload=alert(1)>",
    "javascript:alert(1)//",
    "{{ 7*7 }}{% include 'base.html' %}",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-1+1",
    "@SUM(1+1)",
    "\t=1+1",
    f"invoice{BIDI}fdp.exe",
    "\u2066\u2067\u2068 isolates that nobody ends",
    "A" * 10_000,
    "été \U0001f600 \u0007 bell",
)
HANDLERS = re.compile(r"on[a-z]+")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """All that a device and a file may bring, past the door that would refuse half of it."""
    made = ConsoleHouse(tmp_path_factory.mktemp("hostile") / "collector")
    store, clock, now = made.collector.store, made.collector.clock, made.collector.clock.now()
    device = a_device(
        "d-hostile",
        hostname=SCRIPT,
        enrolled_at=now,
        certificate_expires_at=now.replace(year=now.year + 1),
    )
    installs = [an_install(each, publisher=NAMES[1], version=SCRIPT) for each in NAMES]
    facts = DeviceFacts(hostname=f"{SCRIPT}{BIDI}", primary_user=NAMES[1], system=SCRIPT)
    with store.writing() as work:
        work.devices.add(device)
        line = an_entitlement(
            NAMES[5], product="acme/hostile", proof=SCRIPT, bought_as=f"{NAMES[1]}{BIDI}"
        )
        work.entitlements.add(line, Act(SCRIPT, NAMES[5]))
    peer = replace(a_certificate(device), starts_at=now.replace(year=now.year - 1))
    peer = replace(peer, ends_at=now.replace(year=now.year + 1))
    accept_report(
        store, clock, peer, replace(a_report(an_inventory(*installs, facts=facts)), taken_at=now)
    )
    ruling = Ruling(SCRIPT, NAMES[1], SoftwareClass.COMMERCIAL, "acme/hostile", f"{SCRIPT}{BIDI}")
    licensing.decide(made.collector, ruling)
    made.collector.__dict__.pop("catalogue", None)
    refresh(store, made.collector.catalogue)
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser(office: ConsoleHouse) -> Browser:
    return office.browser(*MOST_ROLES)


def addresses(house: ConsoleHouse) -> Iterator[str]:
    """Every page, about what is hostile where a page is about one thing."""
    known = {"device_id": "d-hostile", "product": "acme/hostile", "entitlement_id": NAMES[5]}
    for route in routes_of(house.app):
        if "GET" not in route.methods or not guards(route):
            continue
        names = list(route.param_convertors)
        yield route.path_format.format(
            **{name: known.get(name, SCRIPT.replace("/", "%2F")) for name in names}
        )


def around(node: LexborNode) -> Iterator[LexborNode]:
    parent: LexborNode | None = node
    while parent is not None:
        yield parent
        parent = parent.parent


def harm_in(text: str) -> list[str]:
    """What in a page would run, or would turn the words around it about."""
    found, tree = [], LexborHTMLParser(text)
    for node in tree.css("*"):
        for name, value in node.attributes.items():
            if HANDLERS.fullmatch(name):
                found.append(f"<{node.tag} {name}>")
            if name in ("href", "src", "action") and re.match(r"\s*javascript:", value or ""):
                found.append(f"<{node.tag} {name}={value}>")
        if node.tag == "script" and not (node.attributes.get("src") or "").startswith("/static/"):
            found.append(node.html or "")
        if node.tag in ("iframe", "object", "embed"):
            found.append(node.html or "")
        own = node.text(deep=False)
        apart = ("bdi", "title", "option", "textarea", "svg")
        if BIDI in own and not any(each.tag in apart for each in around(node)):
            found.append(f"<{node.tag}> turns its line about: {own[:60]!r}")
    return found


def test_every_page_shows_hostile_names_as_words(office: ConsoleHouse, browser: Browser) -> None:
    seen: dict[str, list[str]] = {}
    shown = 0
    for address in addresses(office):
        answer = browser.get(address)
        assert answer.status_code < 500, address
        if answer.headers.get("content-type", "").startswith("text/html"):
            shown += "alert(1)" in answer.text
            seen[address] = harm_in(answer.text)

    assert not {address: harm for address, harm in seen.items() if harm}
    assert shown >= 3


def test_the_search_itself_sees_harm() -> None:
    assert harm_in(f"<p>{SCRIPT}</p>")
    assert harm_in("<p><img src=x onerror=alert(1)></p>")
    assert harm_in('<a href="javascript:alert(1)">x</a>')
    assert harm_in(f"<p>a{BIDI}b</p>")
    assert not harm_in(f"<p><bdi>a{BIDI}b</bdi> &lt;script&gt;</p>")


def test_no_cell_of_an_export_is_a_formula(office: ConsoleHouse) -> None:
    program = Program(office, Permission.READ)
    table = program.get("exports/position", params={"form": "csv"}).text
    workbook = program.get("exports/position", params={"form": "xlsx"}).content

    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert any(SCRIPT in each for each in cells)
    assert not [each for each in cells if each.startswith(FORMULA) and not is_number(each)]
    for sheet in load_workbook(io.BytesIO(workbook)):
        for row in sheet.iter_rows():
            for cell in row:
                is_hostile = any(str(cell.value).startswith(each) for each in NAMES[5:10])
                assert not (cell.data_type == "f" and is_hostile), cell.value


def is_number(text: str) -> bool:
    return re.fullmatch(r"-?\d+([.,]\d+)?", text) is not None


def test_programs_get_names_as_they_are_and_never_as_a_page(office: ConsoleHouse) -> None:
    program = Program(office, Permission.DEVICES, Permission.READ)

    answer = program.get("devices/d-hostile/installs")
    names = {each["name"] for each in answer.json()["items"]}

    assert names == set(NAMES)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    bom = program.get("devices/d-hostile/components").json()
    assert {each["name"] for each in bom["components"]} == set(NAMES)


def test_the_door_takes_no_name_without_end_and_no_null() -> None:
    with pytest.raises(InvalidRequest, match="longer than"):
        translate.text("A" * 10_000, "installs.name")

    assert "\0" not in translate.text("Nul\0name", "installs.name")
