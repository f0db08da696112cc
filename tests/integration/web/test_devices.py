"""The devices as people see them in the console."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from quitus_collector.domain.account import Role
from quitus_collector.domain.device import Device, EnrolmentRequest, Standing
from quitus_collector.domain.install import SourceOutcome, SourceStatus
from quitus_collector.services.reporting import list_devices
from tests.console import ConsoleHouse, filled


@pytest.fixture(scope="module")
def own_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleHouse]:
    """With a fleet that tests change: each takes devices of its own."""
    made = ConsoleHouse(tmp_path_factory.mktemp("own") / "collector", devices=6)
    yield made
    made.close()


def change(house: ConsoleHouse, device: Device, **fields: object) -> Device:
    changed = replace(device, **fields)  # type: ignore[arg-type]
    with house.collector.store.writing() as work:
        work.devices.add(changed)
    return changed


def test_the_list_is_turned_page_by_page(house: ConsoleHouse) -> None:
    browser = house.browser(Role.SERVICE_DESK, language="en")

    first = browser.get("/devices").text
    names = re.findall(r"<bdi>([^<]*)</bdi></a></th>", first)
    following = re.findall(r'href="([^"]*)" rel="next"', first)[0].replace("&amp;", "&")
    second = browser.get(following).text
    back = re.findall(r'href="([^"]*)" rel="prev"', second)[0].replace("&amp;", "&")

    assert len(names) == 50
    assert len(re.findall(r"<bdi>[^<]*</bdi></a></th>", second)) == 10
    assert 'rel="next"' not in second
    assert re.findall(r"<bdi>([^<]*)</bdi></a></th>", browser.get(back).text) == names


def test_a_device_is_found_by_a_part_of_its_name_and_by_its_state(house: ConsoleHouse) -> None:
    browser = house.browser(Role.SERVICE_DESK)
    name = list_devices(house.collector.store)[7].name

    assert name in browser.get("/devices", params={"text": name[1:].lower()}).text
    assert "Aucun poste ne correspond" in browser.get("/devices?text=nobody-has-this").text
    assert "Aucun poste ne correspond" in browser.get("/devices?condition=revoked").text


@pytest.mark.parametrize("query", ["condition=broken", "after=nowhere", "before=1%3A%00"])
def test_what_no_list_can_show_is_one_clear_sentence(house: ConsoleHouse, query: str) -> None:
    answer = house.browser(Role.AUDITOR).get(f"/devices?{query}")

    assert answer.status_code == 422
    assert answer.text.count('role="alert"') == 1


def test_an_empty_collector_says_what_to_do(empty_house: ConsoleHouse) -> None:
    browser = empty_house.browser(Role.SERVICE_DESK)

    assert "Créez un jeton" in browser.get("/devices").text
    assert "Aucun poste n’attend" in browser.get("/devices/requests").text


def test_a_device_shows_what_it_is_and_what_each_record_was_recognised_as(
    house: ConsoleHouse,
) -> None:
    device = list_devices(house.collector.store)[0]
    failed = (SourceOutcome("registry", SourceStatus.FAILED, "access denied"),)
    change(house, device, sources=failed)

    shown = house.browser(Role.SERVICE_DESK, language="en").get(f"/devices/{device.id}").text

    assert device.public_key_sha256 in shown
    assert "access denied" in shown
    assert "needs a licence" in shown
    assert "/position/line" not in shown
    assert "Shut it out" not in shown
    assert "Place and use" not in shown


def test_a_device_that_is_not_there_is_not_found(house: ConsoleHouse) -> None:
    browser = house.browser(Role.SERVICE_DESK)

    for path in ("/devices/none", "/devices/none/history", "/devices/none/cyclonedx"):
        assert browser.get(path).status_code == 404


def test_the_history_of_a_device_tells_since_when_a_record_is_there(house: ConsoleHouse) -> None:
    device = list_devices(house.collector.store)[1]

    shown = house.browser(Role.SERVICE_DESK, language="en").get(f"/devices/{device.id}/history")

    assert "still there" in shown.text


def test_the_bill_of_materials_is_the_same_for_the_same_report(house: ConsoleHouse) -> None:
    device = list_devices(house.collector.store)[2]
    browser = house.browser(Role.SERVICE_DESK)

    answer = browser.get(f"/devices/{device.id}/cyclonedx")
    bill = json.loads(answer.content)

    assert bill["bomFormat"] == "CycloneDX"
    assert bill["specVersion"] == "1.6"
    assert {each["type"] for each in bill["components"]} == {"application"}
    assert len({each["bom-ref"] for each in bill["components"]}) == len(bill["components"])
    assert any(
        {"name": "quitus:class", "value": "commercial"} in each["properties"]
        for each in bill["components"]
    )
    assert browser.get(f"/devices/{device.id}/cyclonedx").content == answer.content


def test_a_quarantine_is_settled_by_who_changes_what_is_counted(own_house: ConsoleHouse) -> None:
    first, second, *_ = list_devices(own_house.collector.store)
    change(
        own_house,
        second,
        standing=Standing.QUARANTINED,
        standing_reason=f"its machine is also {first.name}",
        rival=first.id,
    )
    manager = own_house.browser(Role.LICENCE_MANAGER, language="en")

    assert "It replaces the other one" in manager.get(f"/devices/{second.id}").text
    desk = own_house.browser(Role.SERVICE_DESK)
    assert desk.form(f"/devices/{second.id}/settle", decision="separate").status_code == 403
    answer = manager.form(f"/devices/{second.id}/settle", decision="replacement")

    assert answer.status_code == 303
    with own_house.collector.store.reading() as work:
        assert work.devices.get(first.id).standing is Standing.REPLACED
        assert work.devices.get(second.id).standing is Standing.ACTIVE


def test_a_device_is_left_out_with_a_reason_only(own_house: ConsoleHouse) -> None:
    device = list_devices(own_house.collector.store)[2]
    manager = own_house.browser(Role.LICENCE_MANAGER)
    path = f"/devices/{device.id}/place"

    assert manager.form(path, scope="retired").status_code == 422
    assert manager.form(path, scope="elsewhere", reason="why not").status_code == 422
    answer = manager.form(path, scope="retired", reason="vendu en mars", site="Lyon")

    assert answer.status_code == 303
    assert "vendu en mars" in manager.get(f"/devices/{device.id}").text
    assert device.id in manager.get("/devices?site=Lyon&condition=retired").text


def test_access_is_taken_and_given_back_by_an_administrator_with_a_reason(
    own_house: ConsoleHouse,
) -> None:
    device = list_devices(own_house.collector.store)[3]
    administrator = own_house.browser(Role.ADMINISTRATOR)
    path = f"/devices/{device.id}/access"

    assert administrator.form(path, decision="revoke").status_code == 422
    assert administrator.form(path, decision="revoke", reason="volé").status_code == 303
    assert device.id in administrator.get("/devices?condition=revoked").text
    assert administrator.form(path, decision="restore", reason="retrouvé").status_code == 303
    assert device.id not in administrator.get("/devices?condition=revoked").text
    manager = own_house.browser(Role.LICENCE_MANAGER)
    assert manager.form(path, decision="revoke", reason="volé").status_code == 403


def test_a_device_that_waits_is_let_in_or_turned_away(own_house: ConsoleHouse) -> None:
    asked = datetime.now(UTC) - timedelta(hours=2)
    with own_house.collector.store.writing() as work:
        work.requests.add(EnrolmentRequest("r-1", "key", "pc-<b>new</b>", "192.0.2.1", asked))
    administrator = own_house.browser(Role.ADMINISTRATOR, language="en")

    assert "1 device waits" in administrator.get("/devices").text
    waiting = administrator.get("/devices/requests").text
    assert "2 hours ago" in waiting
    assert "<b>new" not in waiting
    assert administrator.form("/devices/requests/r-1", decision="maybe").status_code == 422
    wrong = administrator.form("/devices/requests/r-1", decision="approve", entity="12")
    assert wrong.status_code == 422
    assert administrator.form("/devices/requests/r-1", decision="approve").status_code == 303
    assert "let in when it asks again" in administrator.get("/devices/requests").text
    desk = own_house.browser(Role.SERVICE_DESK)
    assert desk.form("/devices/requests/r-1", decision="deny").status_code == 403


def test_what_somebody_else_said_of_a_device_meanwhile_is_not_undone_unseen(
    own_house: ConsoleHouse,
) -> None:
    address = f"/devices/{list_devices(own_house.collector.store)[3].id}"
    one, other = (own_house.browser(Role.LICENCE_MANAGER) for _ in range(2))
    shown = filled(one.get(address).text, f"{address}/place")
    first = {**shown, "scope": "excluded", "reason": "au rebut"}
    assert other.form(f"{address}/place", **first).status_code == 303

    answer = one.form(f"{address}/place", **{**shown, "site": "Lyon <1>"})

    assert answer.status_code == 409
    assert "modifié entre-temps" in answer.text
    now = filled(one.get(address).text, f"{address}/place")
    assert (now["scope"], now["site"]) == ("excluded", shown["site"])
    assert one.form(f"{address}/place", **{**now, "site": "Lyon"}).status_code == 303
