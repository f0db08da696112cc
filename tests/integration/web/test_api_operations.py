"""What programs do with devices, letters, lists and the house, as people do on the pages."""

import csv
import io
import json
from collections.abc import Iterator

import openpyxl
import pytest
from httpx import Response

from quitus_collector.domain.account import Permission
from quitus_collector.domain.audit import Event, Kind
from quitus_collector.domain.device import EnrolmentRequest
from tests.api_programs import Program
from tests.console import ConsoleHouse

# Where its house is made already.
pytestmark = pytest.mark.xdist_group("api")
LETTER = {
    "id": "L-1",
    "publisher": "microsoft",
    "dated": "2026-03-01",
    "received_on": "2026-03-03",
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    made = ConsoleHouse(tmp_path_factory.mktemp("operations") / "collector", devices=60)
    yield made
    made.close()


@pytest.fixture(scope="module")
def manager(office: ConsoleHouse) -> Program:
    return Program(office, Permission.READ, Permission.DEVICES, Permission.EDIT)


@pytest.fixture(scope="module")
def administrator(office: ConsoleHouse) -> Program:
    return Program(office, Permission.READ, Permission.DEVICES, Permission.ADMINISTER)


def last_event(house: ConsoleHouse, kind: Kind) -> Event:
    with house.collector.store.reading() as work:
        return [each.event for each in work.audit.list() if each.event.kind is kind][-1]


def refused(answer: Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return str(answer.json()["detail"])


def test_a_device_is_placed_and_taken_out_of_what_is_counted_for_a_reason(
    office: ConsoleHouse, manager: Program
) -> None:
    device = manager.get("devices?limit=1").json()["items"][0]["id"]
    here = f"devices/{device}/placement"
    before = manager.get("position").json()["perimeter"]["enrolled"]

    placed = manager.patch(here, json={"site": "Orléans", "entity": "999000110"})
    unsaid = manager.patch(here, json={"scope": "retired"})
    wrong = manager.patch(here, json={"entity": "123"})
    retired = manager.patch(here, json={"scope": "retired", "reason": "recycled, note 12"})

    assert placed.json()["role"] == "production"
    assert "without a reason" in refused(unsaid, 422)
    assert "is not a SIREN" in refused(wrong, 422)
    assert retired.json() == manager.get(here).json()
    assert (retired.json()["site"], retired.json()["scope"]) == ("Orléans", "retired")
    assert manager.get("position").json()["perimeter"]["enrolled"] == before - 1
    assert last_event(office, Kind.PLACED).actor == manager.issued.actor
    refused(manager.patch("devices/d-none/placement", json={}), 404)


def test_a_device_that_waits_is_let_in_or_turned_away(
    office: ConsoleHouse, administrator: Program
) -> None:
    now = office.collector.clock.now()
    with office.collector.store.writing() as work:
        for name in ("r-1", "r-2"):
            work.requests.add(EnrolmentRequest(name, f"{name:a<64}", name, "192.0.2.7", now))

    listed = administrator.get("enrolment-requests").json()["items"]
    let_in = administrator.post(
        "enrolment-requests/r-1/decision", json={"approved": True, "entity": "999 000 110"}
    )
    away = administrator.post("enrolment-requests/r-2/decision", json={"approved": False})

    assert [(each["id"], each["approved"]) for each in listed] == [("r-1", None), ("r-2", None)]
    assert (let_in.json()["approved"], let_in.json()["entity"]) == (True, "999000110")
    assert away.json()["approved"] is False
    assert last_event(office, Kind.DENIED).actor == administrator.issued.actor
    wanted = {"approved": True, "entity": "1"}
    refused(administrator.post("enrolment-requests/r-1/decision", json=wanted), 422)
    refused(administrator.post("enrolment-requests/none/decision", json={"approved": True}), 404)


def test_access_is_decided_for_a_reason(administrator: Program) -> None:
    device = administrator.get("devices?limit=1").json()["items"][0]["id"]

    refused(administrator.post(f"devices/{device}/revoke", json={"reason": " "}), 422)
    shut = administrator.post(f"devices/{device}/revoke", json={"reason": "stolen"})
    back = administrator.post(f"devices/{device}/restore", json={"reason": "found"})

    assert shut.json()["revoked_at"]
    assert not back.json()["revoked_at"]


def test_a_letter_has_its_scan_which_nothing_replaces(
    office: ConsoleHouse, manager: Program
) -> None:
    manager.post("campaigns", json=LETTER)
    here = "campaigns/L-1/files"

    assert manager.get(here).json() == {"items": []}
    kept = manager.post(here, params={"name": "../lettre reçue.pdf"}, content=b"%PDF-1.7 scan")
    again = manager.post(here, params={"name": "l.pdf"}, content=b"%PDF-1.7 scan")
    other = manager.post(here, params={"name": "l.pdf"}, content=b"another")

    digest = kept.json()["sha256"]
    assert kept.json() == {"sha256": digest, "name": "lettre reçue.pdf", "state": "whole"}
    assert again.json() == kept.json()
    assert "has a scan already" in refused(other, 409)
    assert manager.get(here).json()["items"] == [kept.json()]
    assert manager.get(f"{here}/{digest}").content == b"%PDF-1.7 scan"
    assert manager.get("campaigns/L-1").json()["scan_sha256"] == digest
    assert last_event(office, Kind.LETTER_SCANNED).actor == manager.issued.actor
    refused(manager.get(f"{here}/none"), 404)
    refused(manager.post(here, params={"name": "e"}, content=b""), 422)
    refused(manager.post("campaigns/none/files", params={"name": "e"}, content=b"x"), 404)


def test_an_answer_is_drafted_as_a_file(manager: Program) -> None:
    manager.post("campaigns", json={**LETTER, "id": "L-2"})
    here = "campaigns/L-2/drafts"

    letter = manager.post(here, json={"answer": "declare"})
    text = manager.post(here, json={"answer": "clarify", "file": "letter.txt", "language": "en"})
    unsaid = manager.post(here, json={"answer": "decline"})

    assert letter.content.startswith(b"%PDF")
    assert "microsoft" in text.text.casefold()
    assert "reasons" in refused(unsaid, 422)


def test_what_takes_long_is_a_job_that_the_program_looks_at(
    office: ConsoleHouse, administrator: Program, manager: Program
) -> None:
    auditor = Program(office, Permission.READ, Permission.AUDIT)

    purged = administrator.done(administrator.post("retention/purge", json={"days": 400}))
    checked = auditor.done(auditor.post("audit/verification"))
    proofs = manager.done(manager.post("proofs/verification"))

    assert {each["state"] for each in (purged, checked, proofs)} == {"done"}
    assert "The chain holds" in checked["result"]["said"]
    assert administrator.get("retention").json()["history_begins_at"]
    everyone = administrator.get("administration/jobs").json()["items"]
    assert {each["id"] for each in (purged, checked, proofs)} <= {each["id"] for each in everyone}
    assert not any(each["result"] for each in everyone)
    refused(manager.get(f"jobs/{checked['id']}"), 404)
    refused(administrator.post("retention/purge", json={"days": 1}), 422)
    refused(administrator.post("catalogue/updates", content=b"x"), 422)


def test_policies_name_their_settings(administrator: Program) -> None:
    found = {e["setting"]: e["value"] for e in administrator.get("policies").json()["items"]}

    assert found["approval.approvers"] == "1"
    assert administrator.get("catalogue/own-rules").json() == {"items": []}


@pytest.mark.parametrize("name", ["position", "pools", "devices", "products", "unknown"])
def test_a_list_is_the_same_as_csv_workbook_and_json(manager: Program, name: str) -> None:
    files = {form: manager.get(f"exports/{name}", params={"form": form}) for form in FORMS}

    assert {each.status_code for each in files.values()} == {200}
    for form, kind in FORMS.items():
        assert files[form].headers["content-type"].startswith(kind)
        assert f"{name}.{form}" in files[form].headers["content-disposition"]
    found = json.loads(files["json"].text)
    objects = found["lines"] if name == "position" else found
    rows = list(csv.DictReader(io.StringIO(files["csv"].content.decode("utf-8-sig"))))
    page = openpyxl.load_workbook(io.BytesIO(files["xlsx"].content)).worksheets[0]
    assert len(objects) == len(rows) == page.max_row - 1 > 0


FORMS = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}


def test_the_devices_of_a_file_are_those_of_the_list(manager: Program) -> None:
    wanted = {"text": "1", "condition": "reporting"}
    listed = manager.get("devices", params={**wanted, "limit": 1000}).json()["items"]

    found = manager.get("exports/devices", params={**wanted, "form": "json"}).json()

    assert [each["id"] for each in found] == [each["id"] for each in listed]
    nobody = manager.get("exports/devices", params={"text": "nobody has it", "form": "json"})
    assert nobody.json() == []


def test_the_audit_log_as_a_file_is_whole_and_harmless(office: ConsoleHouse) -> None:
    auditor = Program(office, Permission.AUDIT)
    now = office.collector.clock.now()
    with office.collector.store.writing() as work:
        work.audit.add(*(Event(now, Kind.RENEWED, f"device d-{n}") for n in range(1100)))
        work.audit.add(Event(now, Kind.REFUSED, "=cmd|' /C calc'!A0", detail={"reason": "no"}))
    with office.collector.store.reading() as work:
        numbers = [each.number for each in work.audit.list()][::-1]

    objects = auditor.get("exports/audit?form=json").json()
    rows = list(csv.DictReader(io.StringIO(auditor.get("exports/audit").text)))
    book = openpyxl.load_workbook(
        io.BytesIO(auditor.get("exports/audit?form=xlsx&event=refused").content)
    )

    # The file that is taken out is an entry itself.
    assert [each["number"] for each in objects][1:] == numbers
    assert [int(each["number"]) for each in rows][2:] == numbers
    assert rows[2]["actor"] == "'=cmd|' /C calc'!A0"
    cell = next(each for each in book.worksheets[0][2] if "cmd" in str(each.value))
    assert (cell.value, cell.data_type) == ("=cmd|' /C calc'!A0", "s")
    only = auditor.get("exports/audit", params={"form": "json", "actor": "device d-7"}).json()
    assert {each["actor"] for each in only} <= {f"device d-{n}" for n in range(1100)}


def test_remedies_are_counted_at_the_prices_of_a_file(manager: Program) -> None:
    refused(manager.post("advice", content=b"%PDF-1.7"), 422)
    prices = b"id;product;price\nO-1;microsoft/visio;100\n"

    found = manager.done(manager.post("advice", params={"name": "prices.csv"}, content=prices))
    without = manager.done(manager.post("advice", params={"publisher": "microsoft"}))

    assert found["answer"]["gaps"]
    assert without["answer"]["gaps"]
    refused(manager.post("advice", params={"publisher": "nobody"}), 422)
    assert manager.get("measurements").status_code == 200
