"""What programs get from the API, and what they do not."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from httpx import Response
from starlette.testclient import TestClient

from quitus_collector.cli import main
from quitus_collector.domain.account import Permission, Role
from quitus_collector.domain.entitlement import Entitlement
from quitus_collector.errors import UsageError
from quitus_collector.services import api_tokens, pools
from quitus_collector.web.api.calls import Throttle
from tests.api_programs import Program
from tests.console import ADDRESS, POOLS, ConsoleHouse

# One house for all of them, on whichever core.
pytestmark = pytest.mark.xdist_group("api")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """With licence pools, for tests that change things but not each other's."""
    made = ConsoleHouse(tmp_path_factory.mktemp("office") / "collector")
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(house: ConsoleHouse) -> Program:
    return Program(house, Permission.READ, Permission.DEVICES)


def pages(program: Program, path: str, limit: int) -> Iterator[list[Any]]:
    cursor: str | None = ""
    while cursor is not None:
        answer = program.get(path, params={"limit": limit, "cursor": cursor})
        assert answer.status_code == 200, answer.text
        yield answer.json()["items"]
        cursor = answer.json()["next"]


def refused(answer: Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    return str(problem["detail"])


def test_without_a_good_token_nothing_is_told(house: ConsoleHouse) -> None:
    anonymous = TestClient(house.app, base_url=f"{ADDRESS}/api/v1/")

    for headers in ({}, {"authorization": "Bearer quitus_wrong"}, {"authorization": "Basic YTpi"}):
        answer = anonymous.get("position", headers=headers)
        assert refused(answer, 401) == "a good token is wanted"
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_browser_that_is_signed_in_gets_nothing_from_the_api(house: ConsoleHouse) -> None:
    browser = house.browser(Role.DSI)

    refused(browser.get("/api/v1/position"), 401)
    assert browser.get("/position").status_code == 200


def test_a_token_opens_no_page(house: ConsoleHouse, reader: Program) -> None:
    assert reader.get(f"{ADDRESS}/position").headers["location"].startswith("/sign-in")


def test_a_token_that_was_revoked_opens_nothing_more(office: ConsoleHouse) -> None:
    program = Program(office, Permission.READ)
    assert program.get("catalogue").status_code == 200

    api_tokens.revoke(
        office.collector.store,
        office.collector.clock,
        program.issued.id,
        actor="operator test",
    )

    refused(program.get("catalogue"), 401)


def test_a_token_that_is_over_opens_nothing_more(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(empty_house, Permission.READ)
    later = empty_house.collector.clock.now() + timedelta(days=1)
    monkeypatch.setattr(type(empty_house.collector.clock), "now", lambda _self: later)

    refused(program.get("catalogue"), 401)


def test_no_token_may_do_more_than_one_role(office: ConsoleHouse) -> None:
    with pytest.raises(UsageError, match="no role may do all of approve, edit"):
        Program(office, Permission.EDIT, Permission.APPROVE)
    administrator = Program(office, Permission.ADMINISTER, Permission.READ)
    wanted = {"label": "both", "scopes": ["administer", "edit"]}

    assert "no role may do all" in refused(administrator.post("tokens", json=wanted), 422)


def test_the_secret_is_shown_once_and_kept_nowhere(office: ConsoleHouse) -> None:
    administrator = Program(office, Permission.ADMINISTER, Permission.READ)

    made = administrator.post("tokens", json={"label": "monitoring", "scopes": ["read"]}).json()

    with office.collector.store.reading() as work:
        kept = repr(work.api_tokens.list()) + repr(list(work.audit.list()))
    assert made["secret"] not in kept + administrator.get("tokens").text
    assert "API token made" in kept


def test_the_position_is_that_of_the_page(house: ConsoleHouse, reader: Program) -> None:
    document = reader.get("position").json()

    position = house.console.figures.position().value
    assert document == json.loads(json.dumps(position.document()))
    assert document["lines"]
    of_one = reader.get("position", params={"publisher": "microsoft"}).json()
    assert {each["product"].split("/")[0] for each in of_one["lines"]} == {"microsoft"}


def test_what_is_known_already_is_not_sent_again(reader: Program) -> None:
    first = reader.get("products")

    again = reader.get("products", headers={"If-None-Match": first.headers["etag"]})
    other = reader.get("products?limit=3", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")
    assert other.status_code == 200


def test_pages_together_are_the_whole_list(house: ConsoleHouse, reader: Program) -> None:
    found = [each["id"] for part in pages(reader, "products", 400) for each in part]

    assert found == sorted(house.collector.catalogue.products)


@pytest.mark.parametrize("cursor", ["x", "!!", "MTI", "bnVsbA", "eyJhIjoxfQ", "é"])
def test_a_cursor_of_elsewhere_is_refused(reader: Program, cursor: str) -> None:
    assert "is no cursor of this list" in refused(
        reader.get("products", params={"cursor": cursor}), 422
    )


def test_what_the_token_may_not_is_refused(reader: Program) -> None:
    assert refused(reader.post("imports", content=b""), 403) == "the token has not the scope edit"


def test_what_is_not_there_is_told_as_such(reader: Program) -> None:
    for path in ("nowhere", "devices/d-none", "declarations/none", "jobs/none", "campaigns/none"):
        refused(reader.get(path), 404)
    refused(reader.get("devices/two%0Alines"), 404)
    refused(reader.put("position"), 405)


def test_licences_are_previewed_then_taken_in_edited_and_removed(empty_house: ConsoleHouse) -> None:
    program = Program(empty_house, Permission.READ, Permission.EDIT)
    sent = {"content": POOLS.read_bytes(), "params": {"name": "pools.csv"}}

    preview = program.post("imports/preview", **sent).json()
    assert preview["added"] > 0
    assert not program.get("entitlements").json()["items"]
    taken = program.done(program.post("imports", **sent))
    assert taken["result"]["added"] == str(preview["added"])
    line = program.get("entitlements").json()["items"][0]
    here = f"entitlements/{line['id']}"
    tag = program.get(here).headers["etag"]
    edit = {"values": {"quantity": "7"}, "reason": "a second order"}
    first = program.patch(here, json=edit, headers={"If-Match": tag})
    late = program.patch(here, json=edit, headers={"If-Match": tag})

    assert first.json()["quantity"] == 7
    assert "changed meanwhile" in refused(late, 412)
    assert program.delete(here, params={"reason": "sold"}).status_code == 200
    refused(program.get(here), 404)
    history = program.get(f"{here}/history").json()["items"]
    assert [each["by"] for each in history] == [program.issued.actor] * 3


def test_a_program_adds_a_line_once(empty_house: ConsoleHouse) -> None:
    product = "microsoft/office/standard@2019"
    program = Program(empty_house, Permission.READ, Permission.EDIT)
    sent = {"values": {"product": product, "quantité": "5", "facture": "F-1"}, "reason": "bought"}

    made = program.post("entitlements", json=sent)

    assert made.status_code == 201
    assert made.json()["id"] == f"F-1/{product}"
    assert "owned already" in refused(program.post("entitlements", json=sent), 422)
    assert "colour" in refused(program.post("entitlements", json={"values": {"colour": "b"}}), 422)
    (item,) = program.get("entitlements").json()["items"]
    assert item["quantity"] == 5


def test_a_change_that_comes_between_reading_and_changing_is_noticed(
    empty_house: ConsoleHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = Program(empty_house, Permission.READ, Permission.EDIT)
    program.done(program.post("imports", content=POOLS.read_bytes()))
    here = f"entitlements/{program.get('entitlements').json()['items'][0]['id']}"
    fingerprint = pools.fingerprint

    def late(line: Entitlement) -> str:
        monkeypatch.setattr(pools, "fingerprint", fingerprint)
        other = program.patch(here, json={"values": {"quantity": "70"}, "reason": "first"})
        assert other.json()["quantity"] == 70
        return fingerprint(line)

    for method, sent in (("patch", {"json": {"values": {"quantity": "7"}}}), ("delete", {})):
        program.patch(here, json={"values": {"quantity": "5"}})
        headers = {"If-Match": program.get(here).headers["etag"]}
        monkeypatch.setattr(pools, "fingerprint", late)
        answer = getattr(program, method)(here, headers=headers, **sent)
        assert "changed meanwhile" in refused(answer, 412)
    assert program.get(here).json()["quantity"] == 70


def test_a_licence_whose_id_has_slashes_is_found_with_all_that_is_below_it(
    office: ConsoleHouse,
) -> None:
    program = Program(office, Permission.READ, Permission.EDIT)
    content = b"id;product;quantity\nPO/2026/1;microsoft/visio;3\n"
    program.done(program.post("imports", content=content))
    here = "entitlements/PO%2F2026%2F1"

    assert program.get(here).json()["quantity"] == 3
    assert len(program.get(f"{here}/history").json()["items"]) == 1
    assert program.get(f"{here}/proofs").json() == {"items": []}
    assert program.delete(here).status_code == 200


def test_tokens_are_made_listed_and_revoked_at_the_command_line(
    office: ConsoleHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(office.collector.config.home)]

    assert main([*home, "api-token", "make", "night", "--scope", "read"]) == 0
    secret = capsys.readouterr().out.strip()
    assert main([*home, "api-token", "list"]) == 0
    (line,) = (each for each in capsys.readouterr().out.splitlines() if "night" in each)
    headers = {"authorization": f"Bearer {secret}"}
    anonymous = TestClient(office.app, base_url=f"{ADDRESS}/api/v1/")
    assert anonymous.get("catalogue", headers=headers).status_code == 200
    assert main([*home, "api-token", "revoke", line.split()[0]]) == 0
    assert main([*home, "api-token", "revoke", "none"]) == 2
    assert main([*home, "api-token", "make", "x", "--scope", "edit", "--scope", "approve"]) == 2

    refused(anonymous.get("catalogue", headers=headers), 401)
    assert secret not in line


def test_unknown_software_is_previewed_then_decided(house: ConsoleHouse) -> None:
    program = Program(house, Permission.READ, Permission.EDIT)
    (group,) = program.get("unknown", params={"limit": 1}).json()["items"]
    wanted = {
        "name": group["name"],
        "publisher": group["publisher"],
        "software_class": "free",
        "product": "acme/thing",
    }

    effects = program.post("unknown/preview", json=wanted).json()["items"]
    refused(program.post("unknown/preview", json={**wanted, "name": "nobody has it"}), 404)
    refused(program.post("unknown/decisions", json={**wanted, "product": ""}), 422)

    assert {each["product"] for each in effects} == {"acme/thing"}
    assert program.post("unknown/decisions", json=wanted).status_code == 201
    left = [
        (each["name"], each["publisher"])
        for part in pages(program, "unknown", 1000)
        for each in part
    ]
    assert (group["name"], group["publisher"]) not in left


def test_more_than_a_file_may_hold_is_not_read(reader: Program) -> None:
    headers = {"content-length": str(3 * 1024**3)}

    assert "larger than" in refused(reader.post("imports", content=b"", headers=headers), 413)


def test_a_simulation_changes_nothing(house: ConsoleHouse, reader: Program) -> None:
    before = reader.get("position").json()["lines"]
    gap = next(each for each in before if each["missing"])
    product, missing = gap["product"], gap["missing"]
    content = f"id;product;quantity\nNEW;{product};{missing}\n".encode()
    file = {"name": "devis.csv", "content": base64.b64encode(content).decode()}

    tried = reader.done(
        reader.post("simulations", json={"buy": [{"product": product, "quantity": missing}]})
    )
    by_file = reader.done(reader.post("simulations", json={"licences": file}))
    unknown = reader.done(
        reader.post("simulations", json={"uninstall": [{"product": product, "device": "no"}]})
    )

    for found in (tried, by_file):
        (line,) = [e for e in found["answer"]["lines"] if e["product"] == product]
        assert (line["before"]["missing"], line["after"]["missing"]) == (missing, 0)
    assert "no" in unknown["failure"]
    assert unknown["answer"] is None
    assert reader.get("position").json()["lines"] == before
    wrong = {"name": "devis.csv", "content": base64.b64encode(b"product;quantity\nx;many").decode()}
    refused(reader.post("simulations", json={"licences": wrong}), 422)
    refused(reader.post("simulations", json={"uninstall": [{"product": "no product"}]}), 422)
    mistyped = reader.post("simulations", json={"uninstal": [{"product": product}]})
    refused(mistyped, 422)
    assert "uninstal" in mistyped.text
    listed = reader.get("jobs").json()["items"]
    assert {each["answer"] for each in listed} == {None}
    other = Program(house, Permission.READ)
    refused(other.get(f"jobs/{tried['id']}"), 404)


def test_what_is_behind_a_line_is_the_answer_of_a_job(reader: Program) -> None:
    gap = next(e for e in reader.get("position").json()["lines"] if e["missing"])

    found = reader.done(reader.post("position/reasons", json={"product": gap["product"]}))

    assert found["answer"]["line"] == gap
    assert len(found["answer"]["devices"]) == gap["installed"]
    late = {"product": gap["product"], "as_of": "2999-01-01"}
    refused(reader.post("position/reasons", json=late), 422)


def test_a_file_that_is_none_is_refused_line_by_line(office: ConsoleHouse) -> None:
    program = Program(office, Permission.READ, Permission.EDIT)

    nothing = program.post("imports", content=b"%PDF-1.7", params={"name": "../../x.pdf"})
    wrong = program.post("imports", content=b"product;quantity\nmicrosoft/visio;many\n")

    assert refused(nothing, 422).startswith("x.pdf: is a PDF")
    refused(wrong, 422)
    assert wrong.json()["errors"]


def test_proofs_are_kept_given_back_and_taken_off(office: ConsoleHouse) -> None:
    program = Program(office, Permission.READ, Permission.EDIT)
    program.done(program.post("imports", content=POOLS.read_bytes()))
    line = program.get("entitlements").json()["items"][0]["id"]
    here = f"entitlements/{line}/proofs"

    kept = program.post(here, content=b"an invoice", params={"name": "f.pdf", "kind": "invoice"})
    digest = kept.json()["sha256"]

    assert kept.status_code == 201
    assert program.get(f"{here}/{digest}").content == b"an invoice"
    assert program.delete(f"{here}/{digest}").status_code == 200
    refused(program.get(f"{here}/{digest}"), 404)


def test_a_device_is_shown_with_its_software_as_cyclonedx_too(
    house: ConsoleHouse, reader: Program
) -> None:
    with house.collector.store.reading() as work:
        device = work.devices.list()[0]
    installs = [each for part in pages(reader, f"devices/{device.id}/installs", 7) for each in part]

    bom = reader.get(f"devices/{device.id}/components")

    assert reader.get(f"devices/{device.id}").json()["name"] == device.name
    assert len(installs) == device.installs
    assert bom.headers["content-type"].startswith("application/vnd.cyclonedx+json")
    assert bom.json()["specVersion"] == "1.6"
    named = [each["name"] for each in installs if not each["hidden"]]
    assert [each["name"] for each in bom.json()["components"]] == named


def test_the_audit_log_is_read_page_by_page_newest_first(office: ConsoleHouse) -> None:
    auditor = Program(office, Permission.AUDIT)
    with office.collector.store.reading() as work:
        numbers = [each.number for each in work.audit.list()]

    assert [e["number"] for part in pages(auditor, "audit", 1) for e in part] == numbers[::-1]
    made = auditor.get("audit", params={"event": "API token made"}).json()["items"]
    assert made[0]["subject"] == auditor.issued.actor
    assert {each["event"] for each in made} == {"API token made"}
    assert not auditor.get("audit", params={"actor": "nobody like that"}).json()["items"]


def test_more_calls_than_a_token_may_make_have_to_wait(empty_house: ConsoleHouse) -> None:
    program, other = Program(empty_house, Permission.READ), Program(empty_house, Permission.READ)
    api = next(each for each in empty_house.app.routes if getattr(each, "name", "") == "api")
    api.app.state.throttle = Throttle(2)

    answers = [program.get("catalogue") for _ in range(3)]

    assert answers[0].status_code == 200
    assert refused(answers[-1], 429) == "too many calls"
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert other.get("catalogue").status_code == 200


def test_a_declaration_is_drafted_as_a_job_and_read(office: ConsoleHouse) -> None:
    program = Program(office, Permission.READ, Permission.EDIT)
    program.done(program.post("imports", content=POOLS.read_bytes()))

    job = program.done(program.post("declarations", json={"publisher": "microsoft"}))
    here = f"declarations/{job['result']['declaration']}"
    made = program.get(here).json()
    read = program.post(f"{here}/readings", json={}).json()

    assert (made["state"], made["drafted_by"]) == ("draft", program.issued.actor)
    assert read["unread"] == []
    assert program.get(f"{here}/papers/draft").content.startswith(b"%PDF")
    refused(program.get(f"{here}/papers/sealed"), 404)
    refused(program.post(f"{here}/verification"), 404)
    refused(program.post(f"{here}/seal"), 403)
    approver = Program(office, Permission.READ, Permission.APPROVE)
    # Told at once, not by a job that fails.
    refused(approver.post(f"{here}/seal"), 409)
    # A person approves, on the page: no program does.
    refused(approver.post(f"{here}/approvals", json={"portal": "p", "digest": "0"}), 404)


def test_what_cannot_be_drafted_is_refused_before_it_is_a_job(office: ConsoleHouse) -> None:
    program = Program(office, Permission.READ, Permission.EDIT)

    for wanted in ({"publisher": "nobody"}, {"campaign": "none"}, {"as_of": "2999-01-01"}):
        refused(program.post("declarations", json=wanted), 422)

    assert not [each for each in program.get("jobs").json()["items"]]


def test_two_drafts_are_compared_one_is_counted_again_and_put_aside(office: ConsoleHouse) -> None:
    program = Program(office, Permission.READ, Permission.EDIT)
    one, other = (
        program.done(program.post("declarations", json={"publisher": "microsoft"}))
        for _ in range(2)
    )
    first, second = (each["result"]["declaration"] for each in (one, other))

    differs = program.get(f"declarations/{second}/differences", params={"since": first})
    again = program.done(program.post(f"declarations/{first}/recount"))
    gone = program.post(f"declarations/{first}/discard", json={"reason": "a second one"})

    assert differs.json() == {"items": []}
    assert again["state"] == "done", again
    assert gone.json()["state"] == "withdrawn"
    refused(program.post(f"declarations/{first}/discard", json={"reason": "again"}), 409)
